"""Whether a learned ranker would have done better: trained on the older choices, tried on the newer.

The newest 30 % of the choices are the test; a choice of a session that began before is in neither part. The learned
ranking must beat two others on the same choices: the shrunken success alone, and what `recommend` does without it, that
times the similarity. The measure is NDCG@5 with one relevant option, 1 / log2(1 + rank) up to rank 5 (Järvelin &
Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"); options with equal scores share their ranks. The
test is one-sided, paired, by sessions (sign flips), at 1 %, since a ranker is trained again and again; and the gain
must be at least 0.01. Both comparisons must hold, so that neither needs a stricter level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from promptvc.analysis.ranking.features import Group, unplaced
from promptvc.analysis.ranking.forest import Forest
from promptvc.base.paired import paired_test

CUT = 5
ALPHA = 0.01
LEAST_GAIN = 0.01
TEST_SHARE = 0.3
FEWEST_TESTED = 30


@dataclass(frozen=True, slots=True)
class Against:
    """The learned ranking against another.

    Attributes:
        other: ``success`` or ``similarity x success``.
        ndcg: of the other, 0..1. ``difference``: the learned one's minus it, with an interval.
        p: one-sided, that the learned one is better.
    """

    other: str
    ndcg: float
    difference: float
    low: float
    high: float
    p: float

    @property
    def won(self) -> bool:
        """Whether the learned one is better by enough, and not by chance."""
        return self.p <= ALPHA and self.difference >= LEAST_GAIN


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it: choices trained on and tried, sessions among these, and the comparisons."""

    trained: int
    tested: int
    sessions: int
    ndcg: float
    against: tuple[Against, ...]

    @property
    def won(self) -> bool:
        """Whether the learned one beats both."""
        return all(one.won for one in self.against)

    @property
    def reason(self) -> str:
        """Why it is used, or not, in a sentence without a full stop."""
        hardest = max(self.against, key=lambda one: (not one.won, one.p, -one.difference))
        figures = (
            f"NDCG@{CUT} {self.ndcg:.3f} against {hardest.ndcg:.3f} of {hardest.other}, p = {hardest.p:.2g}"
        )
        if self.won:
            return f"it is better on {self.tested:,} later choices: {figures}"
        if hardest.p <= ALPHA:
            return f"it is better by less than {LEAST_GAIN} on {self.tested:,} later choices: {figures}"
        return f"it is not shown to be better on {self.tested:,} later choices: {figures}"

    def to_json(self) -> dict[str, Any]:
        """As `rank show --json` prints it."""
        return asdict(self) | {
            "against": [asdict(one) | {"won": one.won} for one in self.against],
            "won": self.won,
        }


def split(groups: Sequence[Group]) -> tuple[list[Group], list[Group]]:
    """The older choices, and the newer ones of sessions that began among them."""
    ordered = sorted(groups, key=lambda group: (group.time, group.key))
    cut = len(ordered) - math.ceil(TEST_SHARE * len(ordered))
    older, newer = ordered[:cut], ordered[cut:]
    known = {group.key for group in older}
    return older, [group for group in newer if group.key not in known]


def backtest(groups: Sequence[Group], learn: Callable[[Sequence[Group]], Forest]) -> Backtest:
    """Try what ``learn`` makes of the older choices on the newer.

    Raises:
        ValueError: none is left to try it on.
    """
    older, newer = split(groups)
    if not older or not newer:
        raise ValueError("no choices to try a ranker on")
    forest = learn(older)
    learned = [ndcg([forest.score(unplaced(row)) for row in one.rows], one.taken) for one in newer]
    others = {
        "success": [ndcg(one.plain, one.taken) for one in newer],
        "similarity x success": [
            ndcg([row[0] * low for row, low in zip(one.rows, one.plain, strict=True)], one.taken)
            for one in newer
        ],
    }
    keys = [one.key for one in newer]
    mean = math.fsum(learned) / len(learned)
    return Backtest(
        trained=len(older),
        tested=len(newer),
        sessions=len(set(keys)),
        ndcg=mean,
        against=tuple(_against(name, learned, found, keys) for name, found in others.items()),
    )


def ndcg(scores: Sequence[float], taken: int) -> float:
    """The gain of the option that was ``taken``, the mean over the ranks that it shares with equals."""
    own = scores[taken]
    above = sum(score > own for score in scores)
    equal = sum(score == own for score in scores)
    return math.fsum(_gain(above + at) for at in range(1, equal + 1)) / equal


def _gain(rank: int) -> float:
    return 1 / math.log2(1 + rank) if rank <= CUT else 0.0


def _against(name: str, learned: Sequence[float], other: Sequence[float], keys: Sequence[str]) -> Against:
    differences = [ours - theirs for ours, theirs in zip(learned, other, strict=True)]
    test = paired_test(differences, clusters=keys, alpha=ALPHA)
    mean = math.fsum(other) / len(other)
    return Against(name, mean, test.mean, test.low, test.high, test.p_greater)
