"""Krippendorff's alpha: how far any number of reviewers agree, beyond chance, on answers that not all of them saw.

``alpha = 1 - D_o / D_e``, by coincidences as in Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability":
1 is full agreement, 0 what chance gives, less is systematic disagreement. An answer with one value tells nothing
about agreement and is left out. Only how often each combination of values was given matters, so an answer is a
pattern: its values, sorted.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations

from promptvc.analysis.annotations.scales import Level, Value
from promptvc.base.stats import percentile

ROUNDS = 1000
FEWEST_ANSWERS = 5
"""With fewer there is no interval: a bootstrap of four answers knows nothing of a fifth."""

_MOST_DRAWS = 2_000_000
_FEWEST_ROUNDS = 200
_SEED = 20111

Pattern = tuple[Value, ...]
_Difference = Callable[[Value, Value], float]


@dataclass(frozen=True, slots=True)
class Alpha:
    """Agreement on one question.

    Attributes:
        value: alpha; None where it is undefined: nothing was answered twice, or everybody always said the same.
        low, high: a 95 % interval; None of too few answers, and where too few samples define alpha.
        answers: how many have two values or more; ``values``: how many values these have.
    """

    value: float | None
    low: float | None
    high: float | None
    answers: int
    values: int


def krippendorff(answers: Iterable[Sequence[Value]], level: Level) -> Alpha:
    """Alpha over ``answers``, each the values that its reviewers gave, with its interval.

    The interval is a percentile bootstrap over answers: 1,000 samples, down to 200 for very many answers, drawn
    with a fixed seed. The order of answers, and of values in them, does not matter.
    """
    patterns = patterns_of(answers)
    value = alpha(patterns, level)
    total = sum(patterns.values())
    low, high = (None, None) if value is None or total < FEWEST_ANSWERS else _interval(patterns, level, total)
    return Alpha(value, low, high, total, sum(len(one) * n for one, n in patterns.items()))


def patterns_of(answers: Iterable[Sequence[Value]]) -> Counter[Pattern]:
    """How often each combination of two values or more was given."""
    return Counter(tuple(sorted(values, key=_place)) for values in answers if len(values) > 1)


def alpha(patterns: Mapping[Pattern, int], level: Level) -> float | None:
    """Alpha of patterns, by how often each came; None where nothing could differ."""
    counts: Counter[Value] = Counter()
    for pattern, times in patterns.items():
        for value in pattern:
            counts[value] += times
    n = sum(counts.values())
    differ = _difference(counts, level)
    expected = 2 * math.fsum(
        counts[one] * counts[other] * differ(one, other)
        for one, other in combinations(sorted(counts, key=_place), 2)
    )
    if not expected:
        return None
    observed = 2 * math.fsum(
        times * differ(one, other) / (len(pattern) - 1)
        for pattern, times in patterns.items()
        for one, other in combinations(pattern, 2)
    )
    return 1 - (n - 1) * observed / expected


def _difference(counts: Mapping[Value, int], level: Level) -> _Difference:
    """The squared difference of two values. Of ordinal ones: how many values lie between, with half of both ends."""
    if level == "nominal":
        return lambda one, other: float(one != other)
    if level == "interval":
        return lambda one, other: (float(one) - float(other)) ** 2
    ordered = sorted(counts, key=_place)
    middles = {
        value: upto - counts[value] / 2
        for value, upto in zip(ordered, accumulate(counts[value] for value in ordered), strict=True)
    }
    return lambda one, other: (middles[one] - middles[other]) ** 2


def _interval(patterns: Mapping[Pattern, int], level: Level, total: int) -> tuple[float | None, float | None]:
    chance = random.Random(_SEED)  # noqa: S311 - a bootstrap, the same every time
    there = sorted(patterns, key=lambda one: [_place(value) for value in one])
    bounds = list(accumulate(patterns[one] for one in there))
    rounds = max(_FEWEST_ROUNDS, min(ROUNDS, _MOST_DRAWS // total))
    drawn = (Counter(chance.choices(there, cum_weights=bounds, k=total)) for _ in range(rounds))
    found = [value for sample in drawn if (value := alpha(sample, level)) is not None]
    if len(found) < rounds / 2:
        return None, None
    return percentile(found, 2.5), percentile(found, 97.5)


def _place(value: Value) -> tuple[bool, Value]:
    return isinstance(value, str), value
