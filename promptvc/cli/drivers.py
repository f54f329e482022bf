"""``python -P -m promptvc.cli.drivers``: what git calls for every prompt, so that nothing is imported in vain.

No click, no schema, no GitPython: a merge of a hundred prompts starts this a hundred times. `promptvc git textconv`
and `promptvc git merge-driver` do the same for people.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from promptvc.base.errors import PromptvcError
from promptvc.workflows.drive import merge_driver, textconv

FAILED = 129
"""Above 128, so that git takes it for a merge that failed, not for one with conflicts (gitattributes(5)).

Older ones (seen with 2.39) take it for conflicts all the same: the file is then ours, and unmerged.
"""


def main(arguments: Sequence[str]) -> int:
    """``textconv FORMAT FILE`` or ``merge-driver BASE OURS THEIRS MARKERSIZE PATH``; the exit code."""
    try:
        match arguments:
            case ["textconv", _, file]:
                sys.stdout.buffer.write(textconv(Path(file)))
                return 0
            case ["merge-driver", base, ours, theirs, size, path] if size.isdecimal():
                return merge(base, ours, theirs, int(size), path)
    except PromptvcError as error:
        sys.stderr.write(f"promptvc: {printable(str(error))}\n")
        return FAILED
    except Exception as error:  # noqa: BLE001 - with a traceback git would take a fault for a conflict
        sys.stderr.write(f"promptvc: {type(error).__name__}: {printable(str(error))}\n")
        return FAILED
    sys.stderr.write("promptvc: this is for git to call; see `promptvc git --help`\n")
    return FAILED


def merge(base: str, ours: str, theirs: str, marker_size: int, path: str) -> int:
    """Merge one file and name its conflicts on stderr: 0 clean, 1 with conflicts."""
    merged = merge_driver(Path(base), Path(ours), Path(theirs), marker_size, path)
    for one in merged.conflicts:
        sys.stderr.write(f"promptvc: {printable(path)}: {printable(one.name)}: {printable(one.reason)}\n")
    return 1 if merged.conflicts else 0


def printable(text: str) -> str:
    """``text`` without anything that a terminal could take for an order."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
