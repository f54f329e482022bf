"""The log of a CI runner obeys what it reads: GitHub Actions takes ``::command::`` and ``##[command]`` for its own.

Prompts and feedback are written by strangers. What is printed of them must not annotate files, hide lines or end what
the runner hides: a joiner that nobody sees breaks such words. Source: the runner's ``ActionCommand``, which trims a
line and looks for ``::`` at its start, and for ``##[`` anywhere in it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import IO, Any

_JOINER = "\u2060"
_AT_START = re.compile(r"(^|[\r\n])([^\S\r\n]*)::", re.MULTILINE)


def is_log(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Whether what is written to ``stream`` is read by a runner: not where it goes to a file."""
    if environ.get("GITHUB_ACTIONS") != "true" and environ.get("GITEA_ACTIONS") != "true":
        return False
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # a stream without a file behind it
        return True


def inert(text: str) -> str:
    """``text`` with no command in it."""
    broken = _AT_START.sub(rf"\1\2:{_JOINER}:", text)
    return broken.replace("##[", f"##{_JOINER}[")


class RunnerLog:
    """A text stream whose lines command nothing."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write ``text``, inert. Each call is taken for whole lines, or for the start of one."""
        return self.stream.write(inert(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
