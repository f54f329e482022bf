"""Finding a repository and asking it questions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from promptvc.base.errors import Busy, GitError, NotFound, StorageError
from promptvc.git.failures import explain
from promptvc.git.repo import Head, Repository
from tests.builders import Repo

A = "prompts/a.yaml"


def wrapper(repo: Repo, folder: Path, script: str) -> Repo:
    """The repository seen through a ``git`` that runs ``script`` first; ``$GIT`` is the real one."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{script}\n")
    (folder / "git").chmod(0o755)
    return Repo(repo.path, repo.environ | {"PATH": f"{folder}:{repo.environ['PATH']}"})


def test_discovered_from_anywhere_inside(any_repo: Repo) -> None:
    top = any_repo.path.resolve()
    for start in (".", "prompts"):
        found = any_repo.repository(start)
        assert (found.top, found.git_dir, found.common_dir) == (top, top / ".git", top / ".git")
        assert (found.bare, found.object_format) == (False, any_repo.git("rev-parse", "--show-object-format"))
        assert found.null_id == "0" * len(any_repo.rev("main"))
    inside = any_repo.repository(".git")
    assert (inside.top, inside.head()) == (None, Head("main", any_repo.rev("main")))


def test_discovery_costs_one_process(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.txt": "a"})
    counter = tmp_path / "counter"
    counted = wrapper(repo, tmp_path / "bin", f'echo "$1" >>{counter}\nexec $GIT "$@"')
    found = counted.repository()
    assert counter.read_text() == "rev-parse\n"
    # The questions that every command asks are answered from files.
    assert (found.head().branch, found.default_branch("origin"), found.is_shallow) == ("main", "main", False)
    assert found.in_progress() is None
    assert counter.read_text() == "rev-parse\n"


def test_bare_linked_and_submodule(any_repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path) -> None:
    any_repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", any_repo.environ).repository("prompts")
    assert (linked.top, linked.common_dir) == (tmp_path / "linked", any_repo.path / ".git")
    assert linked.git_dir == any_repo.path / ".git" / "worktrees" / "linked"
    assert linked.head().branch == "side"
    any_repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    bare = Repo(tmp_path / "bare.git", any_repo.environ).repository()
    assert (bare.bare, bare.top, bare.folder) == (True, None, tmp_path / "bare.git")
    assert bare.head() == Head("main", any_repo.rev("main"))
    outer = make_repo("outer", object_format=bare.object_format)
    outer.git("submodule", "--quiet", "add", str(any_repo.path), "sub")
    sub = outer.repository("sub/prompts")
    assert (sub.top, sub.git_dir) == (outer.path / "sub", outer.path / ".git" / "modules" / "sub")


def test_no_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(NotFound, match="no git repository") as caught:
        Repository.discover(tmp_path, environ)
    assert caught.value.hint == "run `git init` first"
    with pytest.raises(GitError, match="is not a folder"):
        Repository.discover(tmp_path / "absent", environ)
    with pytest.raises(GitError, match="git is not installed"):
        Repository.discover(tmp_path, environ | {"PATH": str(tmp_path)})


def test_variables_of_a_surrounding_hook(any_repo: Repo, make_repo: Callable[..., Repo]) -> None:
    decoy = make_repo("decoy")
    hooked = {
        "GIT_DIR": str(decoy.path / ".git"),
        "GIT_WORK_TREE": str(decoy.path),
        "GIT_INDEX_FILE": "/nowhere",
    }
    found = Repository.discover(any_repo.path, any_repo.environ | hooked | {"GIT_SSH_COMMAND": "ssh -v"})
    assert found.top == any_repo.path.resolve()
    assert found.head().commit == found.resolve("HEAD") == any_repo.rev("main")
    assert found.env["GIT_SSH_COMMAND"] == "ssh -v"
    assert not hooked.keys() & found.env.keys()


def test_a_repository_of_somebody_else(repo: Repo, tmp_path: Path) -> None:
    script = 'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec $GIT "$@"'
    with pytest.raises(GitError, match="does not trust the repository") as caught:
        wrapper(repo, tmp_path / "bin", script).repository()
    assert caught.value.hint == f"git config --global --add safe.directory {repo.path}"


def test_a_bare_repository_that_is_not_allowed(make_repo: Callable[..., Repo]) -> None:
    bare = make_repo("bare.git", bare=True)
    bare.environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.bareRepository",
        "GIT_CONFIG_VALUE_0": "explicit",
    }
    with pytest.raises(GitError, match="refuses the bare repository"):
        bare.repository()


@pytest.mark.parametrize(
    "script",
    [
        # What git 2.30 answers: it does not know `--path-format`, and prints it back.
        '[ "$1" = version ] && echo git version 2.30.2 && exit\nfor arg; do echo "$arg"; done; exit 0',
        # A git that knows every option, and tells its version in the trace.
        """echo '{"event":"version","sid":"x","exe":"2.37.4"}' >&2; exec $GIT "$@" """,
    ],
)
def test_a_git_that_is_too_old(repo: Repo, tmp_path: Path, script: str) -> None:
    with pytest.raises(GitError, match=r"git 2\.3\d is too old: 2\.38 is needed"):
        wrapper(repo, tmp_path / "bin", script).repository()


def test_head_in_every_state(any_repo: Repo, make_repo: Callable[..., Repo]) -> None:
    commit = any_repo.rev("main")
    assert any_repo.repository().head() == Head("main", commit)
    any_repo.git("pack-refs", "--all")
    assert any_repo.repository().head() == Head("main", commit)
    any_repo.git("checkout", "-q", "-b", "promptvc/a/v2")
    assert any_repo.repository().head() == Head("promptvc/a/v2", commit)
    any_repo.git("checkout", "-q", "--detach")
    assert any_repo.repository().head() == Head(None, commit)
    assert any_repo.repository().default_branch(None) is None
    any_repo.git("checkout", "-q", "--orphan", "fresh")
    assert any_repo.repository().head() == Head("fresh", None)
    assert any_repo.repository().default_branch(None) == "fresh"
    head = any_repo.path / ".git" / "HEAD"
    head.unlink()
    head.symlink_to("refs/heads/main")  # what core.preferSymlinkRefs writes
    assert any_repo.repository().head() == Head("main", commit)


def test_revisions(any_repo: Repo) -> None:
    first = any_repo.rev("main")
    second = any_repo.commit({A: "new\n"})
    any_repo.git("tag", "-a", "-m", "tag", "release", first)
    any_repo.git("update-ref", "refs/heads/--force", first)
    repository = any_repo.repository()
    known = {"HEAD": second, "main~1": first, "release": first, first[:12]: first, "--force": first}
    assert {name: repository.resolve(name) for name in known} == known
    unknown = [
        "",
        "nothing",
        "--help",
        "-h",
        "--all",
        "HEAD:other.txt",
        "a\nb",
        "a\0b",
        "HEAD^5",
        "..",
        "main..main",
    ]
    assert [repository.resolve(name) for name in unknown] == [None] * len(unknown)
    assert (repository.is_ancestor(first, second), repository.is_ancestor(second, first)) == (True, False)
    with pytest.raises(GitError):
        repository.is_ancestor("f" * len(first), second)


def test_refs_and_configuration(any_repo: Repo) -> None:
    commit = any_repo.rev("main")
    any_repo.git("branch", "promptvc/a/v2")
    any_repo.git("config", "promptvc.note", "two\nlines")
    repository = any_repo.repository()
    assert repository.refs("refs/heads/promptvc/") == {"refs/heads/promptvc/a/v2": commit}
    assert repository.refs("refs/heads/prompt") == {}
    assert (repository.config("promptvc.note"), repository.config("promptvc.none")) == ("two\nlines", None)


def test_the_default_branch_of_a_remote(any_repo: Repo, tmp_path: Path) -> None:
    any_repo.git("branch", "-m", "main", "trunk/main")
    any_repo.git("clone", "-q", ".", str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", any_repo.environ)
    clone.git("checkout", "-q", "-b", "work")
    assert clone.repository().default_branch("origin") == "trunk/main"
    assert clone.repository().default_branch("elsewhere") == "work"
    assert clone.repository().default_branch(None) == "work"


def test_shallow(any_repo: Repo, tmp_path: Path) -> None:
    any_repo.commit({A: "new\n"})
    any_repo.git("clone", "-q", "--depth", "1", f"file://{any_repo.path}", str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", any_repo.environ)
    repository = clone.repository()
    assert (repository.is_shallow, any_repo.repository().is_shallow) == (True, False)
    clone.git("fetch", "-q", "--unshallow")
    assert repository.is_shallow is False


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        ("fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process", Busy),
        ("error: unable to write file: No space left on device", StorageError),
        ("error: insufficient permission for adding an object", StorageError),
        ("warning: something\nfatal: bad object", GitError),
        ("", GitError),
    ],
)
def test_gits_words_become_our_errors(stderr: str, kind: type[Exception]) -> None:
    error = explain(("update-ref", "-m", "x"), 128, stderr)
    assert type(error) is kind
    assert error.message.startswith("git update-ref: ")
    assert "warning" not in error.message


def test_a_failing_command_speaks_in_gits_words(repo: Repo) -> None:
    with pytest.raises(GitError, match="git cat-file: Not a valid object name nothing"):
        repo.repository().run("cat-file", "blob", "nothing")
    assert repo.repository().run("cat-file", "-e", "nothing", ok=(128,)) == b""


def test_gitpython_sees_this_repository_only(any_repo: Repo, make_repo: Callable[..., Repo]) -> None:
    decoy = make_repo("decoy")
    hooked = Repo(any_repo.path, any_repo.environ | {"GIT_DIR": str(decoy.path / ".git")})
    python = hooked.repository().gitpython()
    assert python.git.rev_parse("HEAD") == any_repo.rev("main")
    python.close()


def test_the_process_environment_is_left_alone(any_repo: Repo) -> None:
    before = dict(os.environ)
    any_repo.repository().gitpython().close()
    assert dict(os.environ) == before
