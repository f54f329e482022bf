"""The scored events of one prompt with all their candidates: what patterns are looked for in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from promptvc.analysis.patterns.block import Block, Candidate
from promptvc.analysis.patterns.clusters import clusters
from promptvc.analysis.patterns.features import features
from promptvc.analysis.patterns.labels import labels
from promptvc.analysis.patterns.phrases import phrases
from promptvc.analysis.rates import table_p
from promptvc.feedback.query.facts import Said

_FEWEST = 5
_SHARE = 1_000
_WEAK = 1.6
"""Below so many standard deviations a p-value is above 0.1, and taken as 1: it cannot stand, and need not be exact."""


@dataclass(frozen=True, slots=True)
class Tested:
    """One candidate held against one outcome.

    Attributes:
        place: which candidate: the block, and the number in it.
        hits, n: of the events with it, how many have the outcome.
        others, m: the same of the events without it.
        p: two-sided.
    """

    place: tuple[int, int]
    hits: int
    n: int
    others: int
    m: int
    p: float

    @property
    def rises(self) -> bool:
        """Whether the outcome is more frequent with it."""
        return self.hits * self.m > self.others * self.n


@dataclass(frozen=True, slots=True)
class Corpus:
    """Events, newest first, and their candidates.

    Attributes:
        counts: by block, how many events have each candidate, and how many are with or without.
        support: so many events at least are with a candidate that is tested, and so many without.
    """

    said: Sequence[Said] = field(repr=False)
    blocks: tuple[Block, ...] = field(repr=False)
    counts: tuple[tuple[Counter[int], int], ...] = field(repr=False)
    support: int

    @classmethod
    def of(cls, said: Sequence[Said], least: int = _FEWEST, *, phrases_only: bool = False) -> Corpus:
        """The corpus of ``said``; rare candidates, below one in a thousand events, are dropped while counting."""
        support = max(least, -(-len(said) // _SHARE))
        found = [phrases([getattr(one, where) for one in said], where, support) for where in _TEXTS]
        if not phrases_only:
            inputs = [one.input for one in said]
            found.append(clusters(inputs, found[0], support))
            found += [features([getattr(one, where) for one in said], where, support) for where in _TEXTS[:2]]
            found += labels(said, support)
        everything = range(len(said))
        return cls(said, tuple(found), tuple(block.counts(everything) for block in found), support)

    def candidate(self, place: tuple[int, int]) -> Candidate:
        """What was tested."""
        return self.blocks[place[0]].candidates[place[1]]

    def tested(self, outcome: Iterable[int]) -> Iterator[Tested]:
        """Every candidate against ``outcome``, the events that have it, in the order of blocks and candidates."""
        having = list(outcome)
        known: dict[tuple[int, int, int, int], float] = {}
        for at, (block, (counts, whole)) in enumerate(zip(self.blocks, self.counts, strict=True)):
            hits, total = block.counts(having)
            for number in range(len(block.candidates)):
                n = counts[number]
                m = whole - n
                if n < self.support or m < self.support:
                    continue
                table = hits[number], n, total - hits[number], m
                if table not in known:
                    known[table] = _p(*table)
                yield Tested((at, number), *table, known[table])


_TEXTS = ("input", "output", "comment")


def _p(hits: int, n: int, others: int, m: int) -> float:
    whole, having = n + m, hits + others
    variance = n * having * (whole - having) * m
    away = hits * whole - n * having
    if away * away * (whole - 1) < _WEAK * _WEAK * variance or not variance:
        return 1.0
    return table_p(hits, n, others, m)
