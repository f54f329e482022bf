"""Many processes at once: no commit is lost, and people can work meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.builders import Repo
from tests.git.conftest import assert_nothing_left

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("race_worker.py")


def start(repo: Repo, branch: str, worker: int, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(WORKER), str(repo.path), branch, str(worker), str(count)]
    return subprocess.Popen(command, env=repo.environ | {"PYTHONPATH": str(ROOT)})


def test_eight_processes_lose_none_of_four_hundred_commits(make_repo: Callable[..., Repo]) -> None:
    repo = make_repo()
    repo.commit({"log.txt": "", "other.txt": "x\n"})
    repo.git("branch", "side")
    workers = [start(repo, "side", worker, 50) for worker in range(8)]
    assert [worker.wait() for worker in workers] == [0] * 8
    lines = repo.show("side:log.txt").decode().splitlines()
    assert sorted(lines) == sorted(f"{worker} {number}" for worker in range(8) for number in range(50))
    assert repo.git("rev-list", "--count", "--first-parent", "main..side") == "400"
    assert len(repo.git("reflog", "side").splitlines()) == 401
    assert repo.status() == []
    assert repo.git("fsck") == ""
    assert_nothing_left(repo)


def test_other_tools_may_move_the_branch_meanwhile(make_repo: Callable[..., Repo]) -> None:
    """Plain git does not take our lock: only the compare-and-swap keeps its commits and ours."""
    repo = make_repo()
    repo.commit({"log.txt": ""})
    repo.git("branch", "side")
    workers = [start(repo, "side", worker, 15) for worker in range(2)]
    theirs = 0
    while theirs < 25 and any(worker.poll() is None for worker in workers):
        tip = repo.rev("side")
        commit = repo.git("commit-tree", "-p", tip, "-m", "theirs", f"{tip}^{{tree}}")
        repo.git("update-ref", "refs/heads/side", commit, tip, ok=(0, 128))
        theirs += repo.rev("side") == commit
    assert [worker.wait() for worker in workers] == [0, 0]
    lines = repo.show("side:log.txt").decode().splitlines()
    assert sorted(lines) == sorted(f"{worker} {number}" for worker in range(2) for number in range(15))
    assert theirs
    assert int(repo.git("rev-list", "--count", "main..side")) >= 30 + theirs
    assert_nothing_left(repo)
