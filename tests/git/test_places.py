"""Commits wherever a repository can be: detached, linked, bare, unborn, a submodule, in the middle of a merge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptvc.base.errors import GitError, InputError
from promptvc.git.commits import CommitOptions, Plan, commit
from tests.builders import Repo
from tests.git.conftest import Put, Settled, assert_nothing_left, index_bytes

A = "prompts/a.yaml"


def test_detached_head_commit_to_head(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.git("checkout", "-q", "--detach")
    main = any_repo.rev("main")
    any_repo.write({"other.txt": "work\n"})
    done = put(any_repo, {A: b"new\n"})
    assert (done.branch, done.previous, any_repo.rev("main")) == (None, main, main)
    assert (any_repo.read(A), any_repo.status()) == (b"new\n", [" M other.txt"])
    assert any_repo.git("symbolic-ref", "-q", "HEAD", ok=(1,)) == ""
    settled(any_repo, "HEAD", done.commit)


def test_detached_head_commit_to_a_branch(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.git("checkout", "-q", "--detach")
    before = (any_repo.rev("HEAD"), index_bytes(any_repo))
    done = put(any_repo, {A: b"new\n"}, "main")
    assert (any_repo.rev("HEAD"), index_bytes(any_repo)) == before
    assert (any_repo.status(), any_repo.read(A)) == ([], b"old\n")
    settled(any_repo, "main", done.commit)


def linked(repo: Repo, branch: str) -> Repo:
    path = repo.path.parent / "linked"
    repo.git("worktree", "add", "-q", "-b", branch, str(path))
    return Repo(path, repo.environ)


def test_the_branch_is_checked_out_in_a_linked_worktree(any_repo: Repo, put: Put, settled: Settled) -> None:
    other = linked(any_repo, "side")
    other.write({"other.txt": "work\n"})
    before = index_bytes(any_repo)
    done = put(any_repo, {A: b"new\n"}, "side")
    assert (other.read(A), other.status()) == (b"new\n", [" M other.txt"])
    assert (any_repo.read(A), any_repo.status(), index_bytes(any_repo)) == (b"old\n", [], before)
    settled(any_repo, "side", done.commit)
    assert_nothing_left(other)


def test_run_inside_a_linked_worktree(any_repo: Repo, put: Put, settled: Settled) -> None:
    other = linked(any_repo, "side")
    done = put(other, {A: b"new\n"}, start="prompts")
    assert (done.branch, other.read(A), other.status()) == ("side", b"new\n", [])
    settled(other, "side", done.commit)
    assert other.rev("HEAD") == done.commit
    onto_main = put(other, {A: b"main\n"}, "main")
    assert (any_repo.read(A), any_repo.status(), other.status()) == (b"main\n", [], [])
    settled(any_repo, "main", onto_main.commit)


def test_a_linked_worktree_whose_folder_is_gone(any_repo: Repo, put: Put, settled: Settled) -> None:
    other = linked(any_repo, "side")
    other.path.rename(other.path.with_name("moved"))
    done = put(any_repo, {A: b"new\n"}, "side")
    settled(any_repo, "side", done.commit)


def test_an_unborn_branch_of_a_linked_worktree(any_repo: Repo, put: Put, settled: Settled) -> None:
    other = linked(any_repo, "side")
    other.git("symbolic-ref", "HEAD", "refs/heads/fresh")
    other.git("rm", "-q", "-r", "--cached", ".")
    done = put(any_repo, {"new.yaml": b"new\n"}, "fresh")
    assert other.read("new.yaml") == b"new\n"
    assert "new.yaml" not in " ".join(other.status())
    settled(any_repo, "fresh", done.commit)


def test_variables_of_a_surrounding_hook_do_not_mislead(
    any_repo: Repo, make_repo: Callable[..., Repo], put: Put, settled: Settled
) -> None:
    decoy = make_repo("decoy")
    decoy.commit({"decoy.txt": "x"})
    before = (decoy.rev("main"), index_bytes(decoy))
    hooked = {
        "GIT_DIR": str(decoy.path / ".git"),
        "GIT_INDEX_FILE": str(decoy.path / ".git" / "index"),
        "GIT_WORK_TREE": str(decoy.path),
        "GIT_OBJECT_DIRECTORY": str(decoy.path / ".git" / "objects"),
        "GIT_PREFIX": "prompts/",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_DEFAULT_HASH": "sha1",
    }
    done = put(Repo(any_repo.path, any_repo.environ | hooked), {A: b"new\n"})
    assert (any_repo.read(A), any_repo.status()) == (b"new\n", [])
    assert (decoy.rev("main"), index_bytes(decoy)) == before
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick", "revert"])
@pytest.mark.parametrize("branch", [None, "main"])
def test_refused_while_an_operation_is_in_progress(
    any_repo: Repo, put: Put, operation: str, branch: str | None
) -> None:
    any_repo.git("branch", "side")
    any_repo.commit({"other.txt": "main\n"})
    any_repo.commit({"other.txt": "main again\n"})
    any_repo.git("checkout", "-q", "side")
    any_repo.commit({"other.txt": "side\n"})
    any_repo.git("checkout", "-q", "main")
    what = {"merge": "side", "rebase": "side", "cherry-pick": "side", "revert": "main~1"}[operation]
    any_repo.git(operation, what, ok=(1,))
    before = (any_repo.rev("HEAD"), any_repo.rev("main"), index_bytes(any_repo), any_repo.status())
    with pytest.raises(GitError, match=f"a {operation} is in progress"):
        put(any_repo, {A: b"new\n"}, branch)
    assert (any_repo.rev("HEAD"), any_repo.rev("main"), index_bytes(any_repo), any_repo.status()) == before
    assert_nothing_left(any_repo)


def test_another_branch_can_be_committed_to_during_a_merge(
    any_repo: Repo, put: Put, settled: Settled
) -> None:
    any_repo.git("branch", "side")
    any_repo.commit({"other.txt": "main\n"})
    any_repo.git("checkout", "-q", "side")
    any_repo.commit({"other.txt": "side\n"})
    any_repo.git("merge", "main", ok=(1,))
    before = any_repo.status()
    done = put(any_repo, {A: b"new\n"}, "main")
    assert any_repo.status() == before
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_bare_repository(
    make_repo: Callable[..., Repo], put: Put, settled: Settled, object_format: str
) -> None:
    bare = make_repo("bare.git", object_format=object_format, bare=True)
    first = put(bare, {A: b"old\n"}, options=CommitOptions(author="Bea <bea@example.org>"))
    assert (first.branch, first.previous) == ("main", None)
    settled(bare, "main", first.commit)
    second = put(bare, {A: b"new\n"}, "main")
    assert bare.show(f"main:{A}") == b"new\n"
    settled(bare, "main", second.commit)
    other = linked(bare, "side")
    third = put(bare, {A: b"side\n"}, "side")
    assert (other.read(A), other.status()) == (b"side\n", [])
    settled(bare, "side", third.commit)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_unborn_branch_first_commit(
    make_repo: Callable[..., Repo], put: Put, settled: Settled, object_format: str
) -> None:
    repo = make_repo(object_format=object_format)
    repo.write({"staged.txt": "s", "untracked.txt": "u", "here.yaml": "here\n"})
    repo.git("add", "staged.txt")
    done = put(repo, {A: b"first\n", "here.yaml": b"here\n"})
    assert (done.branch, done.previous) == ("main", None)
    assert (repo.read(A), repo.status()) == (b"first\n", ["?? untracked.txt", "A  staged.txt"])
    settled(repo, "main", done.commit)


def add_submodule(repo: Repo, make_repo: Callable[..., Repo]) -> Repo:
    kind = repo.git("rev-parse", "--show-object-format")
    inner = make_repo("inner", object_format=kind)
    inner.commit({A: "old\n", "other.txt": "x\n"})
    repo.git("submodule", "--quiet", "add", str(inner.path), "sub")
    repo.commit({}, "add a submodule")
    repo.git("commit", "-q", "-m", "submodule", "--allow-empty", "-a")
    return Repo(repo.path / "sub", repo.environ)


def test_a_dirty_submodule_inside(
    any_repo: Repo, make_repo: Callable[..., Repo], put: Put, settled: Settled
) -> None:
    sub = add_submodule(any_repo, make_repo)
    sub.write({"other.txt": "dirty\n", "new.txt": "new"})
    before = any_repo.status()
    done = put(any_repo, {A: b"new\n"})
    assert (any_repo.status(), before) == ([" M sub"], [" M sub"])
    assert sub.read("other.txt") == b"dirty\n"
    settled(any_repo, "main", done.commit)
    for path in ("sub", "sub/a.yaml"):
        with pytest.raises(GitError, match="sub is"):
            put(any_repo, {path: b"x"})


def test_the_repository_is_a_submodule(
    any_repo: Repo, make_repo: Callable[..., Repo], put: Put, settled: Settled
) -> None:
    sub = add_submodule(any_repo, make_repo)
    sub.write({"other.txt": "work\n"})
    done = put(sub, {A: b"new\n"}, start="prompts")
    assert (sub.read(A), sub.status()) == (b"new\n", [" M other.txt"])
    settled(sub, "main", done.commit)
    assert any_repo.status() == [" M sub"]
    assert any_repo.read(A) == b"old\n"
    other = linked(sub, "side")
    onto_main = put(other, {A: b"from the linked one\n"}, "main")
    assert (sub.read(A), sub.status()) == (b"from the linked one\n", [" M other.txt"])
    settled(sub, "main", onto_main.commit)


def test_run_from_a_sub_folder(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.commit({"services/triage/prompts/a.yaml": "old\n"})
    done = put(any_repo, {"services/triage/prompts/a.yaml": b"new\n"}, start="services/triage")
    assert any_repo.read("services/triage/prompts/a.yaml") == b"new\n"
    assert any_repo.status() == []
    settled(any_repo, "main", done.commit)


ODD = [
    "with space.yaml",
    "new space.yaml",
    ' "quoted" .yaml',
    "back\\slash.yaml",
    "line\nbreak.yaml",
    "tab\there.yaml",
    "ünïcode/日本.yaml",
    "-dash.yaml",
    "--force",
    ":(glob)*.yaml",
    "star*[a]?.yaml",
    "100644 blob",
    "not-utf8-\udcff.yaml",
    "a/b/c/d/e/f.yaml",
    "#hash",
    "!bang",
    "HEAD",
    "main",
]


def test_odd_file_names(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.commit(dict.fromkeys(ODD[::3], "old\n"))
    any_repo.write(dict.fromkeys(ODD[3:4], "mine\n"))
    done = put(any_repo, dict.fromkeys(ODD, b"new\n"))
    expected = {name: b"mine\n" if name in ODD[3:4] else b"new\n" for name in ODD}
    assert {name: any_repo.read(name) for name in ODD} == expected
    assert all(any_repo.show(f"main:{name}") == b"new\n" for name in ODD)
    assert sorted(done.kept) == sorted(ODD[3:4])
    assert any_repo.status() == sorted(f" M {name}" for name in ODD[3:4])
    settled(any_repo, "main", done.commit)
    deleted = put(any_repo, dict.fromkeys(ODD))
    assert sorted(deleted.kept) == sorted(ODD[3:4])
    assert any_repo.git("ls-tree", "-r", "--name-only", "main") == f"gone.txt\nother.txt\n{A}"
    assert not (any_repo.path / "a").exists()


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../b", "a//b", ".git/config", "a/.GIT/x", "", ".", "a/", "a\0b"]
)
def test_paths_that_no_tree_can_hold(repo: Repo, put: Put, path: str) -> None:
    repo.commit({"a.txt": "a"})
    with pytest.raises(InputError, match="cannot be a path"):
        put(repo, {path: b"x"})
    assert_nothing_left(repo)


@pytest.mark.parametrize(
    "files",
    [
        {"other.txt/x": b"1"},
        {"prompts": b"1"},
        {"x": b"1", "x/y": b"1"},
        {"other.txt": None, "other.txt/x": b"1"},
    ],
)
def test_a_file_in_the_place_of_a_folder_is_refused(
    any_repo: Repo, put: Put, files: dict[str, bytes | None]
) -> None:
    before = any_repo.rev("main")
    with pytest.raises(GitError, match=r"is (a|no) folder"):
        put(any_repo, files)
    assert (any_repo.rev("main"), any_repo.status()) == (before, [])
    assert_nothing_left(any_repo)


def test_a_symbolic_link_is_refused(any_repo: Repo, put: Put) -> None:
    (any_repo.path / "link").symlink_to("other.txt")
    any_repo.git("add", "link")
    any_repo.git("commit", "-q", "-m", "link")
    with pytest.raises(GitError, match="link is a symbolic link"):
        put(any_repo, {"link": b"x"})
    assert any_repo.status() == []


def test_other_line_ends_elsewhere_in_the_tree(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.commit({".gitattributes": "*.txt text eol=crlf\n*.yaml -text\n"})
    any_repo.commit({"dos.txt": "one\r\ntwo\r\n"})
    assert any_repo.show("main:dos.txt") == b"one\ntwo\n"
    done = put(any_repo, {A: b"kept\r\nas it is\n"})
    assert any_repo.show(f"main:{A}") == any_repo.read(A) == b"kept\r\nas it is\n"
    assert (any_repo.read("dos.txt"), any_repo.status()) == (b"one\r\ntwo\r\n", [])
    settled(any_repo, "main", done.commit)
    converted = put(any_repo, {"dos.txt": b"three\r\n"})
    assert any_repo.show("main:dos.txt") == b"three\n"
    assert (any_repo.read("dos.txt"), any_repo.status(), converted.kept) == (b"three\r\n", [], ())
    settled(any_repo, "main", converted.commit)


def test_a_start_that_does_not_exist(repo: Repo) -> None:
    repo.commit({"a.txt": "a"})
    with pytest.raises(InputError, match="no revision nowhere"):
        commit(
            repo.repository(), "new", lambda _: Plan({"a": b""}, "m"), options=CommitOptions(start="nowhere")
        )
    assert_nothing_left(repo)


@pytest.mark.parametrize(
    "name", ["", "-x", "a..b", "a b", "a.lock", "a/", "/a", "a//b", "@", "a@{b", ".a", "a:b"]
)
def test_names_that_no_branch_can_have(repo: Repo, put: Put, name: str) -> None:
    assert repo.git("check-ref-format", f"refs/heads/{name}", ok=(0, 1)) == ""
    with pytest.raises(InputError, match="cannot be the name of a branch"):
        put(repo, {"a.txt": b"a"}, name)


def test_a_branch_that_is_a_folder_of_others(any_repo: Repo, put: Put) -> None:
    any_repo.git("branch", "promptvc/a/v2")
    with pytest.raises(GitError, match="promptvc"):
        put(any_repo, {A: b"new\n"}, "promptvc")
    assert_nothing_left(any_repo)


def test_git_directory_elsewhere(tmp_path: Path, any_repo: Repo, put: Put, settled: Settled) -> None:
    moved = tmp_path / "elsewhere.git"
    any_repo.git("init", "-q", f"--separate-git-dir={moved}")
    done = put(any_repo, {A: b"new\n"})
    assert (any_repo.read(A), any_repo.status()) == (b"new\n", [])
    settled(any_repo, "main", done.commit)
