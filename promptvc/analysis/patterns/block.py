"""Candidates for patterns, and which events have them: what every source of candidates makes.

Many events say the same text, so candidates stand by row, and events name their row. Counting is then a pass over
rows, most of it in C.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, TypeVar

Kind = Literal["phrase", "cluster", "feature", "tag", "model", "framework", "technique"]
NOWHERE = -1
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What some events have and others have not.

    Attributes:
        where: the text that it is about (``input``, ``output``, ``comment``); None of what is no text.
        text: the phrase, the feature, the tag, ...; of a cluster the input that it began with, cut.
    """

    kind: Kind
    where: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """The candidates of one source.

    Attributes:
        rows: by row, which candidates it has, each once.
        of: by event, its row; -1 where the event tells nothing about these candidates: it is neither with nor without.
    """

    candidates: Sequence[Candidate]
    rows: Sequence[Sequence[int]] = field(repr=False)
    of: Sequence[int] = field(repr=False)

    def counts(self, events: Iterable[int]) -> tuple[Counter[int], int]:
        """By candidate, how many of ``events`` have it; and how many of them are with or without at all."""
        weights = Counter(map(self.of.__getitem__, events))
        weights.pop(NOWHERE, None)
        single = (self.rows[row] for row, weight in weights.items() if weight == 1)
        found = Counter(chain.from_iterable(single))
        for row, weight in weights.items():
            if weight > 1:
                for candidate in self.rows[row]:
                    found[candidate] += weight
        return found, weights.total()

    def places(self, wanted: set[int]) -> dict[int, array[int]]:
        """Of each wanted candidate the events that have it, ascending."""
        found: dict[int, array[int]] = {candidate: array("I") for candidate in wanted}
        hits = [tuple(wanted.intersection(row)) for row in self.rows]
        for event, row in enumerate(self.of):
            if row != NOWHERE:
                for candidate in hits[row]:
                    found[candidate].append(event)
        return found

    def base(self) -> array[int]:
        """The events that are with or without, ascending."""
        return array("I", (event for event, row in enumerate(self.of) if row != NOWHERE))


def rows_of(values: Iterable[_Row | None]) -> tuple[dict[_Row, int], array[int]]:
    """Different values by the number of their row, in the order met, and each value's row; -1 for None."""
    numbers: dict[_Row, int] = {}
    places = array("i", (NOWHERE if one is None else numbers.setdefault(one, len(numbers)) for one in values))
    return numbers, places
