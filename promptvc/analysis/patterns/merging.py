"""Patterns that say the same are one: the strongest stays, and the others are its aliases.

A weaker pattern goes to a stronger one of the same type when both are of nearly the same events (intersection over
union at least a half), when one phrase is inside the other, or when nothing is left of it among the events of no
stronger one, nor among those of the one that it mostly goes along with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from promptvc.analysis.patterns.block import Candidate
from promptvc.analysis.rates import table_p
from promptvc.base.stats import ALPHA

_MOST_COMPARED = 200
"""Leaders that a pattern is compared with one by one, the strongest first."""


@dataclass(slots=True)
class Sighting:
    """A pattern with its events as the bits of a number.

    Attributes:
        events: those that have it; ``base``: those that could.
        outcome: those that have what was measured.
        group: the events of a pattern that stays, with those of its aliases that are of nearly the same events.
    """

    candidate: Candidate
    rises: bool
    events: int = field(repr=False)
    base: int = field(repr=False)
    outcome: int = field(repr=False)
    aliases: list[Candidate] = field(default_factory=list)
    group: int = field(default=0, repr=False)


def merged(sightings: Sequence[Sighting]) -> list[int]:
    """The numbers of those that stay; in their aliases stands what went to them.

    Args:
        sightings: of one prompt and type, strongest first.
    """
    leaders: list[int] = []
    covered = 0
    inside: dict[tuple[str | None, str], int] = {}
    for at, one in enumerate(sightings):
        one.group = one.events
        leader = _leader(at, sightings, leaders, inside)
        if leader is None and leaders:
            nearest = _nearest(one, sightings, leaders)
            rest = one.base & ~covered, one.base & sightings[nearest].group
            if not any(_stands(one, base) for base in rest):
                leader = nearest
        if leader is not None:
            sightings[leader].aliases.append(one.candidate)
            if _alike(one, sightings[leader]):
                sightings[leader].group |= one.events
                covered |= one.events
            continue
        leaders.append(at)
        covered |= one.events
        if one.candidate.kind == "phrase":
            for part in _parts(one.candidate.text):
                inside.setdefault((one.candidate.where, part), at)
    return leaders


def _leader(
    at: int,
    sightings: Sequence[Sighting],
    leaders: Sequence[int],
    inside: dict[tuple[str | None, str], int],
) -> int | None:
    one = sightings[at]
    if one.candidate.kind == "phrase":
        where, text = one.candidate.where, one.candidate.text
        if (where, text) in inside:
            return inside[where, text]
        for part in _parts(text):
            found = inside.get((where, part))
            if found is not None and sightings[found].candidate.text == part:
                return found
    for leader in leaders[:_MOST_COMPARED]:
        if _alike(one, sightings[leader]):
            return leader
    return None


def _alike(one: Sighting, other: Sighting) -> bool:
    """Whether both are of nearly the same events."""
    return 2 * (one.events & other.events).bit_count() >= (one.events | other.events).bit_count()


def _stands(one: Sighting, base: int) -> bool:
    """Whether the pattern is there among the events of ``base``, at half the usual level: it is asked twice."""
    events = one.events & base
    n, m = events.bit_count(), base.bit_count()
    hits, having = (events & one.outcome).bit_count(), (base & one.outcome).bit_count()
    if n in {0, m}:
        return False
    rises = hits * (m - n) > (having - hits) * n
    return rises == one.rises and table_p(hits, n, having - hits, m - n) <= ALPHA / 2


def _nearest(one: Sighting, sightings: Sequence[Sighting], leaders: Sequence[int]) -> int:
    """The leader that most of its events have, too."""
    return max(
        leaders[:_MOST_COMPARED],
        key=lambda leader: ((one.events & sightings[leader].group).bit_count(), -leader),
    )


def _parts(text: str) -> Iterator[str]:
    """A phrase and the phrases inside of it, the longest first."""
    words = text.split(" ")
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def bits(events: Sequence[int], size: int) -> int:
    """The events as the bits of a number; ``size``: how many there are in all."""
    data = bytearray(size // 8 + 1)
    for event in events:
        data[event >> 3] |= 1 << (event & 7)
    return int.from_bytes(data, "little")
