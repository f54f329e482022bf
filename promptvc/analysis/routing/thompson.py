"""Thompson sampling: each way is tried as often as it is likely to be the best one.

Thompson (1933), "On the likelihood that one unknown probability exceeds another"; regret and practice in Russo et al.
(2018), "A tutorial on Thompson sampling". A way's success m is drawn from Beta(10 c + s, 10 (1 - c) + f), where c is
the configured confidence, s and f the positive and other ratings. In a class of tasks (a tag) its success is drawn
around m: from Beta(20 m + s', 20 (1 - m) + f'), with the ratings s', f' of the class, which m then leaves out. So a
class without ratings goes by all the others, and one with many by its own. The way with the highest similarity times
drawn success is taken. 10 and 20 are what ranking takes between prompts and between versions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.analysis.routing.rated import Rates

PRIOR = 10.0
"""How many ratings the configured confidence counts for."""
WITHIN = 20.0
"""How many ratings of its own class a way's success in all other classes counts for."""
DRAWS = 1000
"""A propensity is known to within 0.03 then, nineteen times in twenty."""
_EDGE = 0.01


@dataclass(frozen=True, slots=True)
class Arm:
    """One way as it is sampled.

    Attributes:
        similarity: what its success is multiplied by.
        confidence: the configured one.
        whole: all its ratings. ``alike``: those of them on tasks of the same class; None without a class.
    """

    similarity: float
    confidence: float
    whole: Rates
    alike: Rates | None = None


def draw(arms: Sequence[Arm], chance: random.Random) -> list[float]:
    """A success for each arm, drawn from what is believed of it."""
    return [_draw(arm, chance) for arm in arms]


def winner(arms: Sequence[Arm], drawn: Sequence[float]) -> int:
    """Which arm has the highest similarity times success; the first of equals."""
    scores = [arm.similarity * success for arm, success in zip(arms, drawn, strict=True)]
    return scores.index(max(scores))


def propensities(arms: Sequence[Arm], chance: random.Random, draws: int = DRAWS) -> list[float]:
    """How often each arm is taken, estimated by drawing; above 0, as what was taken could be taken.

    A half is added to each count (Jeffreys' prior), so that no weight of an event becomes infinite.
    """
    counts = [0.5] * len(arms)
    for _ in range(draws):
        counts[winner(arms, draw(arms, chance))] += 1
    whole = sum(counts)
    return [count / whole for count in counts]


def _draw(arm: Arm, chance: random.Random) -> float:
    others = arm.whole if arm.alike is None else arm.whole - arm.alike
    mean = _beta(arm.confidence, PRIOR, others, chance)
    return mean if arm.alike is None else _beta(mean, WITHIN, arm.alike, chance)


def _beta(mean: float, weight: float, rates: Rates, chance: random.Random) -> float:
    held = min(1 - _EDGE, max(_EDGE, mean))
    return chance.betavariate(
        weight * held + rates.positive, weight * (1 - held) + rates.rated - rates.positive
    )
