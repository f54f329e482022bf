"""What shows in a file's bytes, before anything is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.marks import conflict_markers

MOST_BYTES = 2**20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Zero-width spaces, soft hyphens, invisible operators; the marks and overrides that turn text round (Trojan Source,
# Boucher and Anderson 2021); tag characters, which spell out ASCII unseen. Joiners shape words in many scripts and
# emoji, one variation selector picks the look of a sign: they stay. Flags of regions are a black flag and tags.
_HIDDEN = re.compile(
    "\u00ad|\u034f|\u061c|\u180e|[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{2,6}\U000e007f"
    "|[\U000e0000-\U000e007f]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}"
)
_MOST = 5


def raw_remarks(data: bytes) -> Iterator[Remark]:
    """Marks of a merge, byte order marks, CR LF, characters that nobody sees, too many bytes."""
    yield from conflict_remarks(data)
    if data.startswith(BYTE_ORDER_MARK):
        message = "the file begins with a byte order mark"
        yield Remark("byte-order-mark", (), message, "promptvc check --fix", line=1, column=1, fixable=True)
    if b"\r\n" in data:
        count = data.count(b"\r\n")
        line = data.count(b"\n", 0, data.index(b"\r\n")) + 1
        message = f"{count} {'line ends' if count == 1 else 'lines end'} with CR LF"
        yield Remark("line-ends", (), message, "promptvc check --fix", line=line, fixable=True)
    if len(data) > MOST_BYTES:
        message = f"the file has {len(data) / 2**20:.1f} MiB, more than 1 MiB"
        yield Remark("oversize", (), message, "keep data out of the prompt: variables bring it in")
    if not data.isascii():
        yield from _hidden(data.removeprefix(BYTE_ORDER_MARK))


def conflict_remarks(data: bytes) -> Iterator[Remark]:
    """The line where each conflict begins that was not resolved; inside a text of the prompt marks are words."""
    text = data.decode("utf-8", "replace")
    marks = conflict_markers(text)
    lines = text.split("\n") if marks else []
    starts = [line for line in marks if lines[line - 1].lstrip(" \t#").startswith("<")] or marks
    for line in starts[:_MOST]:
        message = "marks of a merge that was not resolved"
        yield Remark("conflict-markers", (), message, "choose a side, and remove the marks", line=line)


def _hidden(data: bytes) -> Iterator[Remark]:
    text = data.decode("utf-8", "replace")
    found = [match for match in _HIDDEN.finditer(text) if not match[0].startswith("\U0001f3f4")]
    for match in found[:_MOST]:
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        code = ord(match[0][0])
        more = f" and {len(match[0]) - 1} more" if len(match[0]) > 1 else ""
        message = f"a character that no reader sees: U+{code:04X}{more}"
        hint = f'remove it; where it is meant, write it as an escape in double quotes: "\\{_escape(code)}"'
        yield Remark("hidden-characters", (), message, hint, line=line, column=column)
    if len(found) > _MOST:
        message = f"{len(found) - _MOST} more characters that no reader sees"
        yield Remark("hidden-characters", (), message)


def _escape(code: int) -> str:
    return f"u{code:04x}" if code < 0x10000 else f"U{code:08x}"
