"""What changed between two versions that moved the score: each version held against the one before it.

The mean scores of neighbouring versions are compared by the test of Mann and Whitney (1947) with the normal
approximation, corrected for ties and continuity; over all pairs of a run false discoveries are controlled. What was
edited between the two is given from outside: this knows events only, and several edits in one version cannot be
told apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from promptvc.analysis.patterns.mining import RATE
from promptvc.analysis.rates import Estimate, adjusted, mean_difference, optional, significant
from promptvc.feedback.query.facts import MILLION, Said, Tally

_EXAMPLES = 5
Step = tuple[str, int, int]
"""A prompt, a version of it, and the next one that has scores."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a prompt: ``kind`` is added, removed, changed or moved, ``text`` what it says."""

    path: str
    kind: str
    text: str

    def to_json(self) -> dict[str, str]:
        """``{"path", "kind", "text"}``."""
        return {"path": self.path, "kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True)
class Shift:
    """A step from one version to the next.

    Attributes:
        before_n, after_n: scored events of either.
        difference: the mean score after minus before.
        stands: whether the adjusted p-value is at most 0.05.
        edits: what changed; None where the versions are not known.
        ids: the newest events of the later version.
    """

    prompt: str
    before: int
    after: int
    before_n: int
    after_n: int
    difference: Estimate | None
    p: float
    adjusted: float
    stands: bool
    edits: tuple[Edit, ...] | None
    ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `analyze --json` prints it under ``versions``."""
        return {
            "prompt": self.prompt,
            "before": self.before,
            "after": self.after,
            "before_n": self.before_n,
            "after_n": self.after_n,
            "difference": optional(self.difference),
            "p": self.p,
            "adjusted": self.adjusted,
            "stands": self.stands,
            "edits": None if self.edits is None else [edit.to_json() for edit in self.edits],
            "ids": list(self.ids),
        }


def steps(said: Iterable[Said], least: int) -> list[Step]:
    """The steps that can be tested: of versions with at least ``least`` scored events, neighbours by number."""
    found = _by_version(said, least)
    return [
        (prompt, before, after)
        for prompt in sorted({prompt for prompt, _ in found})
        for before, after in _neighbours([version for name, version in found if name == prompt])
    ]


def shifts(
    said: Iterable[Said], least: int, edits: Mapping[Step, Sequence[Edit] | None]
) -> tuple[Shift, ...]:
    """Every step, tested: those that stand first, the largest first."""
    said = list(said)
    found, asked = _by_version(said, least), steps(said, least)
    p_values = [
        rank_p(_scores(found[name, before]), _scores(found[name, after])) for name, before, after in asked
    ]
    result = []
    for step, p, level in zip(asked, p_values, adjusted(p_values), strict=True):
        name, before, after = step
        known = edits.get(step)
        result.append(
            Shift(
                prompt=name,
                before=before,
                after=after,
                before_n=len(found[name, before]),
                after_n=len(found[name, after]),
                difference=mean_difference(_tally(found[name, after]), _tally(found[name, before])),
                p=significant(p),
                adjusted=significant(level),
                stands=level <= RATE,
                edits=None if known is None else tuple(known),
                ids=tuple(one.id for one in found[name, after][:_EXAMPLES]),
            )
        )
    result.sort(key=_order)
    return tuple(result)


def rank_p(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided p-value of Mann and Whitney's test; 1 where a side is empty or all values are the same."""
    n, m = len(one), len(other)
    counts, mine = Counter((*one, *other)), Counter(one)
    whole, below, ranks, ties = n + m, 0, 0.0, 0
    for value in sorted(counts):
        size = counts[value]
        ranks += mine[value] * (below + (size + 1) / 2)
        ties += size**3 - size
        below += size
    if not n or not m or len(counts) == 1:
        return 1.0
    away = abs(ranks - n * (whole + 1) / 2) - 0.5
    variance = n * m / 12 * (whole + 1 - ties / (whole * (whole - 1)))
    return min(1.0, max(math.ulp(0.0), math.erfc(max(0.0, away) / math.sqrt(2 * variance))))


def _by_version(said: Iterable[Said], least: int) -> dict[tuple[str, int], list[Said]]:
    found: dict[tuple[str, int], list[Said]] = {}
    for one in said:
        if one.score is not None and one.version is not None:
            found.setdefault((one.prompt, one.version), []).append(one)
    return {key: found[key] for key in sorted(found) if len(found[key]) >= least}


def _neighbours(versions: Sequence[int]) -> Iterable[tuple[int, int]]:
    return pairwise(versions)


def _scores(said: Iterable[Said]) -> list[float]:
    return [one.score for one in said if one.score is not None]


def _tally(said: Sequence[Said]) -> Tally:
    scores = _scores(said)
    return Tally(
        rated=len(scores),
        score=sum(round(score * MILLION) for score in scores),
        squares=sum(round(score * 1000) ** 2 for score in scores),
    )


def _order(shift: Shift) -> tuple[object, ...]:
    size = 0.0 if shift.difference is None else abs(shift.difference.value)
    return not shift.stands, -size, shift.prompt, shift.before
