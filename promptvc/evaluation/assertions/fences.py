"""Fenced code in an answer, as Markdown writes it: what stands in the blocks, and what stands around them.

A fence is a line that begins with three or more back-ticks or tildes (after at most three blanks), and its block ends
at a line with only such a fence, at least as long, or at the end of the text (CommonMark 0.31, section 4.5). Fences
inside lists and quotes are not looked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Fenced:
    """One block: ``language`` is the first word after the opening fence, in lower case, perhaps empty."""

    language: str
    text: str


def split_fences(text: str) -> tuple[list[Fenced], str]:
    """The blocks of a text in their order, and the rest of it; linear in its length."""
    blocks: list[Fenced] = []
    rest: list[str] = []
    inside: list[str] = []
    fence, language = "", ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        mark, info = (found[1], found[2].strip()) if found else ("", "")
        if fence:
            if mark.startswith(fence) and not info:
                blocks.append(Fenced(language, "".join(inside)))
                fence, inside = "", []
            else:
                inside.append(line)
        elif mark and not ("`" in mark and "`" in info):
            fence, language = mark, info.split(maxsplit=1)[0].lower() if info else ""
        else:
            rest.append(line)
    if fence:
        blocks.append(Fenced(language, "".join(inside)))
    return blocks, "".join(rest)
