"""One commit of one file, against ``git add`` + ``git commit``: wall time, medians, limit 2x.

``python -m benchmarks.commit [--prompts N] [--versions N] [--rounds N]``. The ways take turns, so that a busy machine
hurts all of them alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.repositories import generate, prompt_name
from promptvc.git.commits import Plan, commit
from promptvc.git.repo import Repository

LIMIT = 2.0
FOLDERS = 20


def measure(repository: Repository, prompts: int, rounds: int) -> dict[str, float]:
    """Way -> median milliseconds for one commit."""
    assert repository.top is not None
    top = repository.top
    repository.run("branch", "side")
    counter = iter(range(1_000_000))
    path = f"deployments/production/{prompt_name(0, FOLDERS)}.yaml"
    touched = f"prompts/{prompt_name(prompts // 2, FOLDERS)}.yaml"

    def by_git() -> None:
        (top / touched).write_text(f"version: {next(counter)}\n")
        for command in (["add", touched], ["commit", "-q", "-m", "commit"]):
            subprocess.run(["git", *command], cwd=top, check=True, stdin=subprocess.DEVNULL)

    def by_us(branch: str | None) -> Callable[[], None]:
        def run() -> None:
            data = f"version: {next(counter)}\n".encode()
            commit(repository, branch, lambda _: Plan({path: data}, "Deploy"))

        return run

    ways = {
        "git add + git commit": by_git,
        "checked-out branch": by_us(None),
        "another branch": by_us("side"),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            begin = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - begin) * 1e3)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="one commit against git add + git commit")
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        repository = generate(Path(folder) / "repo", arguments.prompts, arguments.versions, FOLDERS)
        # What opens the repository is no part of a commit in a process that runs on.
        medians = measure(
            Repository.discover(repository.folder, dict(os.environ)), arguments.prompts, arguments.rounds
        )
    yardstick = medians["git add + git commit"]
    worst = 0.0
    for name, median in medians.items():
        ratio = median / yardstick
        worst = max(worst, ratio)
        print(f"{name:24} {median:7.1f} ms  {ratio:5.2f}x")
    print(f"limit {LIMIT:.1f}x: {'kept' if worst <= LIMIT else 'MISSED'}")
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
