"""kill -9 at any moment: the next command finds a repository that git and promptvc read, with nobody's work lost."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.errors import Busy, StorageError
from promptvc.git.commits import leftovers, recover
from tests.builders import Repo
from tests.git.conftest import Put, Settled, assert_nothing_left

ROOT = Path(__file__).parents[2]
A = "prompts/a.yaml"
ONE_COMMIT = """
import os, sys
from pathlib import Path
from promptvc.git.commits import Plan, commit
from promptvc.git.repo import Repository
repository = Repository.discover(Path(sys.argv[1]), dict(os.environ))
plan = Plan({"prompts/a.yaml": b"new\\n", "fresh/b.yaml": b"fresh\\n", "gone.txt": None}, "Deploy")
commit(repository, sys.argv[2] or None, lambda _: plan)
"""
KILLER = """#!/bin/sh
n=1
until mkdir {counter}/$n 2>/dev/null; do n=$((n + 1)); done
[ {when} = before ] && [ $n = {number} ] && kill -9 $PPID && exit 1
{git} "$@"
code=$?
[ {when} = after ] && [ $n = {number} ] && kill -9 $PPID
exit $code
"""


def with_work(repo: Repo) -> list[str]:
    """Put work of all kinds into the repository; the status that must never change."""
    repo.write({"other.txt": "edited\n", "staged.txt": "staged\n", "untracked.txt": "u\n"})
    repo.git("add", "staged.txt")
    return repo.status()


def variables(repo: Repo) -> dict[str, str]:
    return repo.environ | {"PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("branch", ["", "side"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_call_of_git(
    make_repo: Callable[..., Repo], tmp_path: Path, branch: str, when: str
) -> None:
    git = shutil.which("git")
    survived = False
    outcomes = set()
    for number in range(2, 40):
        repo = make_repo(f"repo{number}")
        begin = repo.commit({A: "old\n", "other.txt": "other\n", "gone.txt": "gone\n"}, "begin")
        repo.git("branch", "side")
        status = with_work(repo)
        bin_folder = tmp_path / f"bin{number}"
        bin_folder.mkdir()
        counter = tmp_path / f"counter{number}"
        counter.mkdir()
        script = KILLER.format(counter=counter, when=when, number=number, git=git)
        (bin_folder / "git").write_text(script)
        (bin_folder / "git").chmod(0o755)
        env = variables(repo) | {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
        command = [sys.executable, "-c", ONE_COMMIT, str(repo.path), branch]
        result = subprocess.run(command, env=env, check=False, capture_output=True)
        survived = result.returncode == 0
        assert survived or result.returncode == -signal.SIGKILL, result.stderr
        recover(repo.repository())
        ref = branch or "main"
        moved = repo.rev(ref) != begin
        outcomes.add(moved)
        assert repo.show(f"{ref}:{A}") == (b"new\n" if moved else b"old\n")
        assert repo.read(A) == (b"new\n" if moved and not branch else b"old\n")
        assert repo.status() == status
        assert repo.git("fsck", "--no-dangling") == ""
        assert_nothing_left(repo)
        if survived:
            break
    assert survived
    assert outcomes == {False, True}


def test_a_hundred_random_kills(make_repo: Callable[..., Repo], put: Put, tmp_path: Path) -> None:
    repo = make_repo()
    repo.commit({A: "old\n", "other.txt": "other\n"}, "begin")
    repo.git("branch", "side")
    status = with_work(repo)
    log = tmp_path / "log"
    log.touch()
    source = random.Random(7)
    begin = time.perf_counter()
    put(repo, {A: b"first\n"})
    span = 1.5 * (time.perf_counter() - begin)  # over a commit and a half, on any machine
    command = [sys.executable, str(Path(__file__).with_name("crash_worker.py")), str(repo.path), str(log)]
    settled: list[bool] = []
    with subprocess.Popen(
        command, env=variables(repo), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for kill in range(100):
            worker.stdin.write("go\n")
            pid = int(worker.stdout.readline())
            select.select([worker.stdout], [], [], source.uniform(0.001, span))
            os.killpg(pid, signal.SIGKILL)
            assert worker.stdout.readline() == "dead\n"
            settled += [one.forward for one in recover(repo.repository())]
            assert repo.status() == status, kill
            assert repo.read(A) == repo.show(f"main:{A}"), kill
            assert_nothing_left(repo)
        worker.stdin.close()
    assert repo.git("fsck", "--no-dangling", "--strict") == ""
    for line in log.read_text().splitlines():
        branch, commit = line.split()
        assert repo.git("merge-base", "--is-ancestor", commit, branch) == ""
    assert {True, False} <= set(settled)  # the kills met commits before and after their ref had moved


def test_the_next_commit_recovers_by_itself(any_repo: Repo, put: Put, settled: Settled) -> None:
    killed_before_the_swap(any_repo, put)
    done = put(any_repo, {A: b"next\n"})
    assert (any_repo.read(A), any_repo.status()) == (b"next\n", [])
    settled(any_repo, "main", done.commit)


def killed_before_the_swap(repo: Repo, put: Put) -> Path:
    """Leave what a process leaves that dies with the index locked: a journal, its lock, nothing moved."""
    new = repo.git("commit-tree", "-p", "main", "-m", "x", "main^{tree}")
    folder = repo.path / ".git" / "promptvc" / "pending" / "1-dead"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    record = {"ref": "refs/heads/main", "old": repo.rev("main"), "new": new, "worktree": str(repo.path)}
    (folder / "journal.json").write_text(json.dumps(record | {"changes": []}))
    os.link(folder / "lock", repo.path / ".git" / "index.lock")
    return folder


def test_leftovers_are_told_and_only_our_own_are_removed(any_repo: Repo, put: Put) -> None:
    folder = killed_before_the_swap(any_repo, put)
    lock = any_repo.path / ".git" / "index.lock"
    foreign = any_repo.path / ".git" / "refs" / "heads" / "other.lock"
    foreign.write_text("f" * 40 + "\n")
    told = leftovers(any_repo.repository())
    assert [str(path) in " ".join(told) for path in (folder, lock, foreign)] == [True] * 3
    assert [one.forward for one in recover(any_repo.repository())] == [False]
    assert (lock.exists(), folder.exists(), foreign.exists()) == (False, False, True)
    foreign.unlink()
    assert_nothing_left(any_repo)


def test_a_foreign_index_lock_is_not_taken_for_ours(any_repo: Repo, put: Put) -> None:
    folder = killed_before_the_swap(any_repo, put)
    lock = any_repo.path / ".git" / "index.lock"
    lock.unlink()
    lock.touch()
    recover(any_repo.repository())
    assert (lock.exists(), folder.exists()) == (True, False)
    with pytest.raises(Busy):
        put(any_repo, {A: b"new\n"})


def test_a_ref_lock_with_our_new_id_is_removed(any_repo: Repo, put: Put, settled: Settled) -> None:
    folder = killed_before_the_swap(any_repo, put)
    record = json.loads((folder / "journal.json").read_text())
    heads = any_repo.path / ".git" / "refs" / "heads"
    (heads / "main.lock").write_text(record["new"] + "\n")
    (any_repo.path / ".git" / "HEAD.lock").touch()
    done = put(any_repo, {A: b"next\n"})
    settled(any_repo, "main", done.commit)


def test_moved_but_not_brought_forward(any_repo: Repo, put: Put, settled: Settled) -> None:
    """The ref moved, the process died. Meanwhile the user edited one of the files: that one is kept."""
    any_repo.commit({"b.yaml": "old\n"})
    folder = killed_before_the_swap(any_repo, put)
    record = json.loads((folder / "journal.json").read_text())
    entries: dict[str, dict[str, Any]] = {}
    for path in (A, "b.yaml"):
        old = any_repo.git("rev-parse", f"main:{path}")
        new = any_repo.git("hash-object", "-w", "--stdin", input="new\n")
        entries[path] = {
            "path": path,
            "old": {"mode": "100644", "oid": old},
            "new": {"mode": "100644", "oid": new},
        }
    index = {"GIT_INDEX_FILE": str(any_repo.path.parent / "scratch")}
    scratch = Repo(any_repo.path, any_repo.environ | index)
    scratch.git("read-tree", "main")
    for path, entry in entries.items():
        scratch.git("update-index", "--cacheinfo", f"100644,{entry['new']['oid']},{path}")
    new = any_repo.git("commit-tree", "-p", "main", "-m", "Deploy", scratch.git("write-tree"))
    record |= {"new": new, "changes": list(entries.values())}
    (folder / "journal.json").write_text(json.dumps(record))
    any_repo.git("update-ref", "-m", "promptvc: Deploy", "refs/heads/main", new)
    any_repo.write({"b.yaml": "mine\n"})
    assert [one.forward for one in recover(any_repo.repository())] == [True]
    assert (any_repo.read(A), any_repo.read("b.yaml")) == (b"new\n", b"mine\n")
    assert any_repo.status() == [" M b.yaml"]
    settled(any_repo, "main", new)


def test_a_full_disk_moves_nothing(make_repo: Callable[..., Repo]) -> None:
    """A limit on the size of files stands in for the disk: whatever write meets it, nothing has moved."""
    outcomes = set()
    for kilobytes in (0, 1, 4, 8, 16, 64):
        repo = make_repo(f"repo{kilobytes}")
        begin = repo.commit(
            {A: "old\n", "other.txt": "x\n"} | {f"f{i:03}.txt": f"{i}" for i in range(60)}, "begin"
        )
        repo.git("update-index", "--really-refresh")
        status = with_work(repo)
        data = "os.urandom(40_000).hex().encode()"
        program = ONE_COMMIT.replace('b"new\\n"', data).replace('"gone.txt": None', '"x": b""')
        limit = f'ulimit -f {kilobytes * 1024 // 512}; exec "$0" -c "$1" "$2" ""'
        command = ["sh", "-c", limit, sys.executable, program, str(repo.path)]
        result = subprocess.run(command, env=variables(repo), check=False, capture_output=True, text=True)
        outcomes.add(result.returncode)
        assert result.returncode == 1, result.stderr
        last = result.stderr.strip().splitlines()[-1]
        assert last.startswith("promptvc.base.errors."), result.stderr
        assert (repo.rev("main"), repo.status(), repo.read(A)) == (begin, status, b"old\n")
        assert repo.git("fsck", "--no-dangling") == ""
        assert_nothing_left(repo)
    assert outcomes == {1}


def test_a_repository_that_cannot_be_written(any_repo: Repo, put: Put) -> None:
    (any_repo.path / ".git" / "promptvc").write_text("in the way")
    with pytest.raises(StorageError, match="promptvc"):
        put(any_repo, {A: b"new\n"})
    (any_repo.path / ".git" / "promptvc").unlink()
    assert any_repo.status() == []
    assert_nothing_left(any_repo)
