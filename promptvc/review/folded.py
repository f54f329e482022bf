"""A part of a report that is folded away, and closed again however much of it fits."""

from __future__ import annotations

from promptvc.evaluation.reports.parts import Part

CLOSE = "\n</details>\n"


class Folded(Part):
    """A part whose head opens a block that is opened with a click."""

    __slots__ = ()

    def fitted(self, limit: int) -> str:
        """As of any part, with the end of the block."""
        text = Part.fitted(self, limit - len(CLOSE))
        return text + CLOSE if text else ""
