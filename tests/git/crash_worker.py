"""A helper process for crash tests: forks, on each line it reads, a process that commits until it is killed.

Forking saves the start of an interpreter for each of some hundred kills. The forked process leads a process group of
its own, so that it dies together with the git processes that work for it.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from promptvc.git.commits import Plan, commit
from promptvc.git.repo import Repository


def work(repository: Repository, log: int, serial: int) -> None:
    """Commit forever, in turn to the checked-out branch and to another; log what has ended."""
    for number in range(1_000_000):
        branch = None if number % 3 else "side"
        data = b"%d %d\n" % (serial, number)

        def build(_: str | None, data: bytes = data) -> Plan:
            return Plan({"prompts/a.yaml": data, f"new/{data.decode().strip()}": data}, "Deploy")

        done = commit(repository, branch, build)
        os.write(log, f"{branch or 'main'} {done.commit}\n".encode())


def main() -> None:
    repository = Repository.discover(Path(sys.argv[1]), dict(os.environ))
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for serial, _ in enumerate(sys.stdin):
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            try:
                work(repository, log, serial)
            except BaseException:  # noqa: BLE001  a fork must not return
                traceback.print_exc()
                os._exit(1)
        os.setpgid(pid, pid)
        print(pid, flush=True)  # noqa: T201
        os.waitpid(pid, 0)
        print("dead", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
