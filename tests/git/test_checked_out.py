"""Commits to a branch that is checked out, with people's work in its index and working tree."""

from __future__ import annotations

import threading

import pytest

from promptvc.base.errors import Busy, GitError
from promptvc.git.commits import CommitOptions, Committed, Plan, commit
from tests.builders import Repo
from tests.git.conftest import Put, Settled, assert_nothing_left, index_bytes

A = "prompts/a.yaml"


def test_a_branch_that_is_not_checked_out_leaves_the_index_byte_for_byte(
    any_repo: Repo, put: Put, settled: Settled
) -> None:
    any_repo.git("branch", "side")
    before = index_bytes(any_repo)
    done = put(any_repo, {A: b"new\n", "gone.txt": None}, "side")
    assert any_repo.show(f"side:{A}") == b"new\n"
    assert any_repo.git("ls-tree", "-r", "--name-only", "side") == f"other.txt\n{A}"
    assert (index_bytes(any_repo), any_repo.status(), any_repo.read(A)) == (before, [], b"old\n")
    assert done == Committed(any_repo.rev("side"), "side", any_repo.rev("main"))
    settled(any_repo, "side", done.commit)


def test_a_new_branch_without_history(any_repo: Repo, put: Put, settled: Settled) -> None:
    before = index_bytes(any_repo)
    done = put(any_repo, {"looks/1.json": b"{}"}, "promptvc/ledger")
    assert any_repo.git("rev-list", "--parents", "promptvc/ledger") == done.commit
    assert any_repo.git("ls-tree", "-r", "--name-only", "promptvc/ledger") == "looks/1.json"
    assert (done.previous, index_bytes(any_repo), any_repo.status()) == (None, before, [])
    settled(any_repo, "promptvc/ledger", done.commit)


def test_a_new_branch_from_a_start(any_repo: Repo, put: Put, settled: Settled) -> None:
    done = put(any_repo, {A: b"new\n"}, "promptvc/a/v2", options=CommitOptions(start="main"))
    assert any_repo.rev("promptvc/a/v2^") == any_repo.rev("main")
    assert any_repo.show("promptvc/a/v2:other.txt") == b"other\n"
    settled(any_repo, "promptvc/a/v2", done.commit)


def test_unrelated_work_stays_exactly_as_it_is(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.commit(
        {"staged.txt": "1", "unstaged.txt": "1", "deleted.txt": "1", "rm.txt": "1", "both.txt": "1"}
    )
    any_repo.write(
        {"staged.txt": "2", "unstaged.txt": "2", "deleted.txt": None, "both.txt": "2", "new/un.txt": "u"}
    )
    any_repo.git("add", "staged.txt", "both.txt")
    any_repo.git("rm", "-q", "rm.txt")
    any_repo.write({"both.txt": "3", "added.txt": "a"})
    any_repo.git("add", "added.txt")
    before = any_repo.status()
    done = put(any_repo, {A: b"new\n", "deploy/b.yaml": b"b\n", "gone.txt": None})
    assert any_repo.status() == before
    assert len(before) == 7
    assert (any_repo.read(A), any_repo.read("deploy/b.yaml")) == (b"new\n", b"b\n")
    assert not (any_repo.path / "gone.txt").exists()
    assert any_repo.git("show", "--format=", "--name-status", "HEAD").split("\n") == [
        "A\tdeploy/b.yaml",
        "D\tgone.txt",
        f"M\t{A}",
    ]
    assert any_repo.git("diff-files", "--name-only", "--", A, "deploy/b.yaml") == ""
    assert done.kept == ()
    settled(any_repo, "main", done.commit)


def test_a_working_tree_that_has_the_new_content_already(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.write({A: "new\n", "added.yaml": "added\n", "gone.txt": None})
    done = put(any_repo, {A: b"new\n", "added.yaml": b"added\n", "gone.txt": None})
    assert (any_repo.status(), done.kept) == ([], ())
    assert any_repo.git("diff-files") == ""
    settled(any_repo, "main", done.commit)


def test_the_same_content_staged_already(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.write({A: "new\n", "added.yaml": "added\n"})
    any_repo.git("add", "-A")
    any_repo.git("rm", "-q", "gone.txt")
    done = put(any_repo, {A: b"new\n", "added.yaml": b"added\n", "gone.txt": None})
    assert (any_repo.status(), done.kept) == ([], ())
    settled(any_repo, "main", done.commit)


def test_other_edits_in_the_working_tree_are_kept_and_shown(
    any_repo: Repo, put: Put, settled: Settled
) -> None:
    any_repo.write({A: "mine\n", "gone.txt": "mine too\n"})
    done = put(any_repo, {A: b"new\n", "gone.txt": None})
    assert (any_repo.read(A), any_repo.read("gone.txt")) == (b"mine\n", b"mine too\n")
    assert any_repo.status() == [f" M {A}", "?? gone.txt"]
    assert done.kept == ("gone.txt", A)
    settled(any_repo, "main", done.commit)


def test_a_file_deleted_by_the_user_stays_deleted(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.write({A: None})
    done = put(any_repo, {A: b"new\n"})
    assert any_repo.status() == [f" D {A}"]
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("change", ["edited", "removed", "mode", "added"])
def test_other_content_staged_is_refused_and_nothing_moves(any_repo: Repo, put: Put, change: str) -> None:
    path = "fresh.yaml" if change == "added" else A
    if change == "removed":
        any_repo.git("rm", "-q", "--cached", A)
    elif change == "mode":
        any_repo.git("update-index", "--chmod=+x", A)
    else:
        any_repo.write({path: "staged\n"})
        any_repo.git("add", path)
    before = (any_repo.rev("main"), index_bytes(any_repo), any_repo.status())
    with pytest.raises(GitError, match="has other changes staged"):
        put(any_repo, {path: b"new\n", "gone.txt": None})
    assert (any_repo.rev("main"), index_bytes(any_repo), any_repo.status()) == before
    assert_nothing_left(any_repo)


def test_an_announced_file_is_not_staged_content(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.write({"added.yaml": "added\n"})
    any_repo.git("add", "-N", "added.yaml")
    done = put(any_repo, {"added.yaml": b"added\n"})
    assert any_repo.status() == []
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("kind", ["file", "folder", "link", "parent-file", "parent-link"])
def test_something_untracked_in_the_way_is_kept(
    any_repo: Repo, put: Put, settled: Settled, kind: str
) -> None:
    path = "way/new.yaml"
    outside = any_repo.path.parent / "outside"
    outside.mkdir()
    if kind == "folder":
        any_repo.write({f"{path}/inside.txt": "mine"})
    elif kind == "link":
        (any_repo.path / "way").mkdir()
        (any_repo.path / path).symlink_to(outside / "target")
    elif kind == "parent-link":
        (any_repo.path / "way").symlink_to(outside, target_is_directory=True)
    else:
        any_repo.write({path if kind == "file" else "way": "mine"})
    done = put(any_repo, {path: b"new\n"})
    assert done.kept == (path,)
    assert list(outside.iterdir()) == []
    if kind == "file":
        assert (any_repo.read(path), any_repo.status()) == (b"mine", [f" M {path}"])
    if kind == "parent-file":
        assert any_repo.read("way") == b"mine"
    if kind == "folder":
        assert any_repo.read(f"{path}/inside.txt") == b"mine"
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("theirs", ["other.txt", A])
def test_a_lost_swap_builds_again_on_the_new_tip(any_repo: Repo, settled: Settled, theirs: str) -> None:
    seen: list[str | None] = []

    def build(tip: str | None) -> Plan:
        seen.append(tip)
        if len(seen) == 1:
            any_repo.commit({theirs: "by somebody else\n"}, "meanwhile")
        return Plan({A: b"new %d\n" % len(seen)}, "Deploy")

    done = commit(any_repo.repository(), None, build)
    assert seen == [any_repo.rev("main~2"), any_repo.rev("main~1")]
    assert any_repo.show(f"main:{A}") == b"new 2\n"
    assert any_repo.show(f"main~1:{theirs}") == b"by somebody else\n"
    assert any_repo.status() == []
    settled(any_repo, "main", done.commit)


def test_a_swap_that_is_lost_for_good_leaves_the_index_untouched(any_repo: Repo) -> None:
    def build(tip: str | None) -> Plan:
        moved = any_repo.git("commit-tree", "-p", str(tip), "-m", "meanwhile", f"{tip}^{{tree}}")
        any_repo.git("update-ref", "refs/heads/main", moved)
        return Plan({A: b"new\n"}, "Deploy")

    any_repo.write({"other.txt": "work\n"})
    before = index_bytes(any_repo)
    with pytest.raises(Busy, match="moved by other tools 3 times"):
        commit(any_repo.repository(), None, build, options=CommitOptions(attempts=3))
    assert index_bytes(any_repo) == before
    assert (any_repo.status(), any_repo.read(A)) == ([" M other.txt"], b"old\n")
    assert_nothing_left(any_repo)


def test_a_concurrent_git_add_is_refused_during_and_fine_after(
    any_repo: Repo, put: Put, settled: Settled
) -> None:
    # The hook runs inside `update-ref`, that is in the middle of the commit, with the index locked.
    answer = any_repo.path.parent / "answer"
    hook = any_repo.path / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(
        f'#!/bin/sh\n[ "$1" = prepared ] && grep -q refs/heads/main || exit 0\nunset GIT_DIR GIT_INDEX_FILE\n'
        f'cd "{any_repo.path}" && git add mine.txt 2>"{answer}"; exit 0\n'
    )
    hook.chmod(0o755)
    any_repo.write({"mine.txt": "mine"})
    done = put(any_repo, {A: b"new\n"})
    assert "index.lock': File exists" in answer.read_text()
    hook.unlink()
    assert any_repo.status() == ["?? mine.txt"]
    any_repo.git("add", "mine.txt")
    assert any_repo.status() == ["A  mine.txt"]
    settled(any_repo, "main", done.commit)


def test_a_lock_of_a_living_git_add_is_respected(any_repo: Repo, put: Put) -> None:
    lock = any_repo.path / ".git" / "index.lock"
    lock.touch()
    before = any_repo.rev("main")
    with pytest.raises(Busy, match=r"index\.lock"):
        put(any_repo, {A: b"new\n"})
    assert (any_repo.rev("main"), lock.exists()) == (before, True)
    lock.unlink()
    assert_nothing_left(any_repo)


def test_a_lock_that_is_given_back_soon_is_waited_for(any_repo: Repo, put: Put, settled: Settled) -> None:
    """Editors run `git status` all the time, and that locks the index for some milliseconds."""
    lock = any_repo.path / ".git" / "index.lock"
    lock.touch()
    pending = any_repo.path / ".git" / "promptvc" / "pending"
    met = threading.Event()

    def give_back() -> None:
        while not list(pending.glob("*/journal.json")):
            pass
        met.set()
        lock.unlink()

    editor = threading.Thread(target=give_back)
    editor.start()
    done = put(any_repo, {A: b"new\n"})
    editor.join()
    assert met.is_set()
    assert any_repo.status() == []
    settled(any_repo, "main", done.commit)


def test_what_a_naive_update_ref_would_do(any_repo: Repo, put: Put) -> None:
    """The reason for all this: moved without its index, a branch is set back by the user's next `commit -a`."""
    any_repo.git("branch", "twin")
    done = put(any_repo, {A: b"new\n"}, "twin")
    any_repo.git("update-ref", "refs/heads/main", done.commit)
    any_repo.commit({"other.txt": "work\n"})
    any_repo.git("commit", "-q", "-a", "--allow-empty", "-m", "naive")
    assert any_repo.show(f"main:{A}") == b"old\n"

    any_repo.git("reset", "-q", "--hard", "twin^")
    put(any_repo, {A: b"new\n"})
    any_repo.write({"other.txt": "work\n"})
    any_repo.git("commit", "-q", "-a", "-m", "the user's next commit")
    assert any_repo.show(f"main:{A}") == b"new\n"
    assert any_repo.git("show", "--format=", "--name-only", "HEAD") == "other.txt"


def test_an_executable_stays_executable_and_permissions_stay(
    any_repo: Repo, put: Put, settled: Settled
) -> None:
    any_repo.write({"run.sh": "old\n"})
    (any_repo.path / "run.sh").chmod(0o755)
    any_repo.commit({"run.sh": "old\n"})
    (any_repo.path / A).chmod(0o600)
    done = put(any_repo, {"run.sh": b"new\n", A: b"new\n", "fresh.yaml": b"f\n"})
    assert any_repo.git("ls-tree", "HEAD", "run.sh").startswith("100755")
    assert [(any_repo.path / name).stat().st_mode & 0o777 for name in ("run.sh", A)] == [0o755, 0o600]
    assert any_repo.status() == []
    settled(any_repo, "main", done.commit)


def test_nothing_to_commit(any_repo: Repo, put: Put) -> None:
    before = (any_repo.rev("main"), index_bytes(any_repo))
    same = put(any_repo, {A: b"old\n", "never.txt": None})
    assert (same.changed, same.commit, same.previous) == (False, before[0], before[0])
    assert commit(any_repo.repository(), None, lambda _: None) is None
    assert (any_repo.rev("main"), index_bytes(any_repo)) == before
    assert_nothing_left(any_repo)


def test_an_error_in_build_moves_nothing_and_leaves_nothing(any_repo: Repo) -> None:
    def build(_: str | None) -> Plan:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit(any_repo.repository(), None, build)
    assert any_repo.git("rev-list", "--count", "main") == "1"
    assert_nothing_left(any_repo)
