"""A helper process for races: appends numbered lines to one file, a commit for each, on one branch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from promptvc.git.commits import CommitOptions, Plan, commit
from promptvc.git.objects import Objects
from promptvc.git.repo import Repository


def main() -> None:
    folder, branch, worker, count = sys.argv[1:]
    repository = Repository.discover(Path(folder), dict(os.environ))
    with Objects(repository) as objects:
        for number in range(int(count)):
            line = f"{worker} {number}\n".encode()

            def build(tip: str | None, line: bytes = line) -> Plan:
                found = objects.at(str(tip), "log.txt")
                return Plan({"log.txt": (found[1] if found else b"") + line}, "Append")

            commit(repository, branch, build, options=CommitOptions(timeout_s=300.0))


if __name__ == "__main__":
    main()
