"""Marks that open and close around a place: a pair of tags, two equal lines of marks, brackets, BEGIN and END."""

from __future__ import annotations

import re
from bisect import bisect_right

_OPENING_TAG = re.compile(r"<([A-Za-z][\w.-]*)(?:\s[^<>\n]*)?>")
_MARKS = re.compile(r"^[ \t]*([`~\"'=*#_+|-])\1{2,}+[ \t]*+\w*+[ \t]*$", re.MULTILINE)
_BEGIN = re.compile(r"^.{0,20}\b(?:BEGIN|START)\b", re.MULTILINE)
_END = re.compile(r"^.{0,20}\b(?:END|STOP)\b", re.MULTILINE)
_BRACKETS = (("<<<", ">>>"), ("[[[", "]]]"), ('"""', '"""'), ("```", "```"))
_MOST_TAGS = 20


class Fences:
    """The marks of one message, found once; asked for each of its places."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tags = [(match.end(), match[1]) for match in _OPENING_TAG.finditer(text)]
        self._marks = [(match.start(), match.end(), match[1]) for match in _MARKS.finditer(text)]
        self._counts = self._parities()
        self._last = {mark: start for start, _, mark in self._marks}
        begin = _BEGIN.search(text)
        self._begin = begin.end() if begin else len(text) + 1
        self._end = max((match.start() for match in _END.finditer(text)), default=-1)

    def around(self, start: int, end: int) -> bool:
        """Whether marks stand around what is between ``start`` and ``end``."""
        if self._begin <= start and self._end >= end:
            return True
        return self._tagged(start, end) or self._lined(start, end) or self._bracketed(start, end)

    def _tagged(self, start: int, end: int) -> bool:
        before = bisect_right(self._tags, start, key=lambda tag: tag[0])
        for opened, name in self._tags[max(0, before - _MOST_TAGS) : before]:
            closing = f"</{name}>"
            if self._text.find(closing, end) >= 0 and self._text.find(closing, opened, start) < 0:
                return True
        return False

    def _lined(self, start: int, end: int) -> bool:
        """An odd number of equal lines above, the last of them of the kind that stands below too."""
        before = bisect_right(self._marks, start, key=lambda line: line[1])
        if not before:
            return False
        mark = self._marks[before - 1][2]
        return self._counts[before - 1] % 2 == 1 and self._last[mark] >= end

    def _parities(self) -> list[int]:
        """How many lines of its kind there are up to each line of marks, itself counted."""
        seen: dict[str, int] = {}
        found = []
        for _, _, mark in self._marks:
            seen[mark] = seen.get(mark, 0) + 1
            found.append(seen[mark])
        return found

    def _bracketed(self, start: int, end: int) -> bool:
        text = self._text
        for opening, closing in _BRACKETS:
            opened = text.rfind(opening, 0, start)
            same = opening == closing and text.count(opening, 0, start) % 2 == 0
            inside = opened >= 0 and not same and text.find(closing, opened + 3, start) < 0
            if inside and text.find(closing, end) >= 0:
                return True
        return False
