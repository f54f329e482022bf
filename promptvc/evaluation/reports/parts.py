"""One part of a report in Markdown: a heading, a table or a list, and how much of it fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.evaluation.reports.figures import counted

_LEFT_OUT = 80  # bytes that the line about what is left out takes at most


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows under a heading.

    Attributes:
        head: Markdown before the rows: a heading, the head of a table.
        rows: Markdown of each row, a line with its end; made only as far as they are needed.
        total: how many rows there are, also where ``rows`` holds fewer.
        noun: what a row is, for the line about those left out.
        share: of the bytes that are left when it is this part's turn, at most so many are its own.
    """

    head: str
    rows: Iterable[str]
    total: int
    noun: str = "case"
    share: float = 1.0

    def fitted(self, limit: int) -> str:
        """The part in at most ``limit`` bytes: whole rows, then how many are left out. Empty if nothing fits."""
        text = [self.head]
        room = limit - len(self.head.encode()) - _LEFT_OUT
        shown = 0
        for row in self.rows:
            room -= len(row.encode())
            if room < 0:
                break
            text.append(row)
            shown += 1
        left = self.total - shown
        if room < 0 and not shown and limit < len(self.head.encode()) + _LEFT_OUT:
            return ""
        if left:
            text.append(f"\n{counted(left, f'more {self.noun}')} not shown here.\n")
        return "".join(text)
