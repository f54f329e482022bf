"""Fetching and pushing one ref, by GitPython. What the other side says is a value, not an exception.

Credentials are never asked for: whoever runs promptvc has set up an agent, a helper or a token, or is told so.
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from dataclasses import dataclass
from enum import Enum

from promptvc.git.repo import Repository

_CREDENTIALS = re.compile(
    r"could not read (Username|Password)|Authentication failed|Permission denied \(|terminal prompts disabled",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"://[^/@\s]+@")
_NO_REF = re.compile(r"couldn't find remote ref", re.IGNORECASE)


class Result(Enum):
    """How a fetch or a push ended."""

    DONE = "done"  # fetched or pushed: something moved
    UP_TO_DATE = "up to date"
    REJECTED = "rejected"  # the other side is not where we expected it, or its rules refuse
    ABSENT = "absent"  # fetch only: the remote has no such ref
    FAILED = "failed"  # no connection, no credentials, no such remote, timeout


@dataclass(frozen=True, slots=True)
class Transfer:
    """A result with git's reason for it (empty when done) and what to do next, if we know."""

    result: Result
    reason: str = ""
    hint: str | None = None

    @property
    def ok(self) -> bool:
        """Whether both sides now agree."""
        return self.result in {Result.DONE, Result.UP_TO_DATE}


def push(
    repository: Repository, remote: str, refspec: str, expect: str | None = None, *, timeout_s: float = 60.0
) -> Transfer:
    """Push one ref (``refs/heads/a`` or ``local:refs/heads/a``) to ``remote``.

    ``expect`` is the id that the remote ref must still have: 40 or 64 zeroes, or ``""``, when it must not exist. With
    it the push is a compare-and-swap and may rewind; without it only a fast-forward is taken.
    """
    if repository.remote_url(remote) is None:
        return _unknown(remote)
    source, _, target = refspec.partition(":")
    target = target or source
    options = ["--porcelain"]
    if expect is not None:
        options.append(f"--force-with-lease={target}:{'' if set(expect) <= {'0'} else expect}")
    code, stdout, stderr = _run(repository, timeout_s, "push", *options, "--", remote, f"{source}:{target}")
    for line in stdout.splitlines():
        flag, _, rest = line.partition("\t")
        if flag == "!":
            summary = rest.split("\t")[-1]
            return Transfer(
                Result.REJECTED, summary.strip() or "rejected", f"git fetch {remote}, then try again"
            )
        if flag == "=":
            return Transfer(Result.UP_TO_DATE)
    return Transfer(Result.DONE) if code == 0 else _failure(remote, stderr)


def fetch(repository: Repository, remote: str, refspec: str, *, timeout_s: float = 60.0) -> Transfer:
    """Fetch one ref, for instance ``+refs/heads/a:refs/remotes/origin/a``. No tags, nothing else."""
    if repository.remote_url(remote) is None:
        return _unknown(remote)
    before = repository.refs(refspec.rpartition(":")[2]) if ":" in refspec else {}
    code, _, stderr = _run(
        repository, timeout_s, "fetch", "--no-tags", "--no-auto-maintenance", "--", remote, refspec
    )
    if code == 0:
        after = repository.refs(refspec.rpartition(":")[2]) if ":" in refspec else None
        return Transfer(Result.UP_TO_DATE if before == after else Result.DONE)
    if _NO_REF.search(stderr):
        return Transfer(Result.ABSENT, f"{remote} has no {refspec.partition(':')[0].lstrip('+')}")
    if "rejected" in stderr:
        return Transfer(Result.REJECTED, _reason(stderr))
    return _failure(remote, stderr)


def _run(repository: Repository, timeout_s: float, *args: str) -> tuple[int, str, str]:
    with closing(repository.gitpython()) as repo:
        if not (
            {"GIT_SSH", "GIT_SSH_COMMAND"} & repository.environ.keys() or repository.config("core.sshCommand")
        ):
            repo.git.update_environment(GIT_SSH_COMMAND="ssh -oBatchMode=yes")
        begin = time.monotonic()
        code, stdout, stderr = repo.git.execute(
            ["git", *args],
            with_extended_output=True,
            with_exceptions=False,
            kill_after_timeout=timeout_s,
        )
    if code and time.monotonic() - begin >= timeout_s:
        stderr = f"fatal: no answer within {timeout_s:g} seconds"
    return int(code), str(stdout), _PASSWORD.sub("://", str(stderr))


def _unknown(remote: str) -> Transfer:
    """Only what the clone's own configuration names: settings that say where else to push come with a checkout.

    A path would be one into it, too, and pushing there would run the hooks that lie there.
    """
    name = _PASSWORD.sub("://", remote)
    return Transfer(Result.FAILED, f"there is no remote {name}", "name one that `git remote` lists")


def _failure(remote: str, stderr: str) -> Transfer:
    hint = None
    if _CREDENTIALS.search(stderr):
        hint = f"set up a credential helper or an ssh key for {remote}, then try again"
    return Transfer(Result.FAILED, _reason(stderr) or f"{remote} cannot be reached", hint)


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "!", "ssh:"))] or lines[-1:]
    return telling[0].removeprefix("fatal: ").removeprefix("error: ") if telling else ""
