"""Branches moved by compare-and-swap, here and on the other side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptvc.base.errors import GitError, NotFound, Refused
from promptvc.git.refs import branches, candidate_branches, create_branch, delete_branch, move_branch
from promptvc.git.remotes import Result, fetch, push
from tests.builders import Repo


def test_branches_are_created_moved_and_deleted(any_repo: Repo) -> None:
    first = any_repo.rev("main")
    second = any_repo.commit({"a.txt": "a"})
    repository = any_repo.repository()
    create_branch(repository, "promptvc/a/v2", first)
    assert any_repo.git("reflog", "-1", "--format=%gs", "promptvc/a/v2") == f"promptvc: created from {first}"
    assert branches(repository, "promptvc/") == {"promptvc/a/v2": first}
    assert branches(repository) == {"main": second, "promptvc/a/v2": first}
    with pytest.raises(Refused, match="exists already"):
        create_branch(repository, "promptvc/a/v2", second)
    with pytest.raises(GitError, match="promptvc/a") as caught:
        create_branch(repository, "promptvc/a", second)
    assert caught.value.hint == "a branch cannot be a folder of another"
    move_branch(repository, "promptvc/a/v2", second, first)
    with pytest.raises(Refused, match="is not at"):
        move_branch(repository, "promptvc/a/v2", first, first)
    with pytest.raises(Refused, match="has moved"):
        delete_branch(repository, "promptvc/a/v2", first)
    delete_branch(repository, "promptvc/a/v2", second)
    with pytest.raises(NotFound):
        delete_branch(repository, "promptvc/a/v2", second)
    with pytest.raises(Refused, match="checked out"):
        delete_branch(repository, "main", second)
    with pytest.raises(Refused, match="checked out"):
        move_branch(repository, "main", first, second)
    assert branches(repository) == {"main": second}


@pytest.fixture(params=["sha1", "sha256"])
def pair(request: pytest.FixtureRequest, make_repo: Callable[..., Repo]) -> tuple[Repo, Repo]:
    """A bare server and a clone of it with one pushed commit on ``main``."""
    server = make_repo("server.git", object_format=request.param, bare=True)
    clone = make_repo("clone", object_format=request.param)
    clone.git("remote", "add", "origin", str(server.path))
    clone.commit({"a.txt": "a"})
    clone.git("push", "-q", "-u", "origin", "main")
    return server, clone


def test_push_is_a_compare_and_swap(pair: tuple[Repo, Repo]) -> None:
    server, clone = pair
    first = clone.rev("main")
    second = clone.commit({"a.txt": "b"})
    repository = clone.repository()
    assert push(repository, "origin", "refs/heads/main", first).result is Result.DONE
    assert (server.rev("main"), clone.rev("origin/main")) == (second, second)
    assert push(repository, "origin", "refs/heads/main", second).result is Result.UP_TO_DATE
    clone.git("reset", "-q", "--hard", first)
    clone.commit({"a.txt": "c"})
    lost = push(repository, "origin", "refs/heads/main", first)
    assert (lost.result, lost.ok) == (Result.REJECTED, False)
    assert "stale info" in lost.reason
    assert push(repository, "origin", "refs/heads/main").result is Result.REJECTED
    assert server.rev("main") == second
    assert push(repository, "origin", "refs/heads/main", second).ok
    assert server.rev("main") == clone.rev("main")


def test_push_of_a_new_ref(pair: tuple[Repo, Repo]) -> None:
    server, clone = pair
    clone.git("branch", "promptvc/ledger")
    repository = clone.repository()
    assert push(repository, "origin", "refs/heads/promptvc/ledger", repository.null_id).result is Result.DONE
    assert server.rev("promptvc/ledger") == clone.rev("main")
    clone.commit({"a.txt": "d"})
    clone.git("branch", "-f", "promptvc/ledger", "main")
    refused = push(repository, "origin", "refs/heads/promptvc/ledger", "")
    assert refused.result is Result.REJECTED
    assert candidate_branches(repository, "origin").keys() == {
        "refs/heads/promptvc/ledger",
        "refs/remotes/origin/promptvc/ledger",
    }


def test_a_server_that_refuses(pair: tuple[Repo, Repo]) -> None:
    server, clone = pair
    hook = server.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected; exit 1\n")
    hook.chmod(0o755)
    clone.commit({"a.txt": "e"})
    refused = push(clone.repository(), "origin", "refs/heads/main")
    assert refused.result is Result.REJECTED
    assert "hook declined" in refused.reason


def test_fetch(pair: tuple[Repo, Repo], tmp_path: Path) -> None:
    server, clone = pair
    clone.git("clone", "-q", str(server.path), str(tmp_path / "other"))
    other = Repo(tmp_path / "other", clone.environ)
    second = other.commit({"a.txt": "f"})
    other.git("push", "-q")
    repository = clone.repository()
    spec = "+refs/heads/main:refs/remotes/origin/main"
    assert fetch(repository, "origin", spec).result is Result.DONE
    assert clone.rev("origin/main") == second
    assert fetch(repository, "origin", spec).result is Result.UP_TO_DATE
    absent = fetch(repository, "origin", "+refs/heads/none:refs/remotes/origin/none")
    assert (absent.result, absent.reason) == (Result.ABSENT, "origin has no refs/heads/none")
    clone.commit({"mine.txt": "m"})
    clone.git("branch", "mine")
    assert fetch(repository, "origin", "refs/heads/main:refs/heads/mine").result is Result.REJECTED


def test_a_remote_that_cannot_be_reached(pair: tuple[Repo, Repo], tmp_path: Path) -> None:
    _, clone = pair
    clone.git("remote", "add", "gone", str(tmp_path / "gone.git"))
    repository = clone.repository()
    for answer in (push(repository, "gone", "refs/heads/main"), fetch(repository, "gone", "refs/heads/main")):
        assert (answer.result, answer.ok) == (Result.FAILED, False)
        assert "does not appear to be a git repository" in answer.reason
    assert push(repository, "nowhere", "refs/heads/main").result is Result.FAILED


def test_credentials_are_never_asked_for(pair: tuple[Repo, Repo], tmp_path: Path) -> None:
    _, clone = pair
    ssh = tmp_path / "ssh"
    ssh.write_text(
        '#!/bin/sh\necho "$@" >"$0.args"; echo "git@host: Permission denied (publickey)." >&2; exit 255\n'
    )
    ssh.chmod(0o755)
    clone.environ["PATH"] = f"{tmp_path}:{clone.environ['PATH']}"
    clone.git("remote", "add", "far", "git@host.invalid:a/b.git")
    denied = push(clone.repository(), "far", "refs/heads/main")
    assert denied.result is Result.FAILED
    assert denied.hint == "set up a credential helper or an ssh key for far, then try again"
    assert "-oBatchMode=yes" in (tmp_path / "ssh.args").read_text()


def test_passwords_in_addresses_are_not_repeated(pair: tuple[Repo, Repo]) -> None:
    _, clone = pair
    url = "https://ada:s3cret@127.0.0.1:9/a.git"
    clone.git("remote", "add", "guarded", url)
    for remote in ("guarded", url):
        answer = push(clone.repository(), remote, "refs/heads/main")
        assert answer.result is Result.FAILED
        assert answer.reason
        assert "s3cret" not in answer.reason


def test_a_remote_that_never_answers(pair: tuple[Repo, Repo], tmp_path: Path) -> None:
    _, clone = pair
    ssh = tmp_path / "silent"
    ssh.write_text("#!/bin/sh\nexec cat\n")
    ssh.chmod(0o755)
    clone.environ["GIT_SSH_COMMAND"] = str(ssh)
    clone.git("remote", "add", "silent", "git@host.invalid:a/b.git")
    answer = fetch(clone.repository(), "silent", "refs/heads/main", timeout_s=0.2)
    assert answer.result is Result.FAILED
    assert answer.reason == "no answer within 0.2 seconds"
