"""Cohen's kappa of two reviewers, for any number of values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from promptvc.analysis.annotations.scales import Level, Value


def cohen(pairs: Iterable[tuple[Value, Value]], level: Level = "nominal") -> float | None:
    """Agreement of two reviewers beyond what their own shares give by chance, up to 1.

    ``1 - sum(w o) / sum(w e)``: Cohen (1960), "A coefficient of agreement for nominal scales"; for values with an order
    ``w`` is the squared distance of both, Cohen (1968), "Weighted kappa", of stars as of per cent. None where one of
    the two always said the same: as in :mod:`promptvc.analysis.agreement`, nothing is then known.
    """
    counted = Counter(pairs)
    left: Counter[Value] = Counter()
    right: Counter[Value] = Counter()
    for (one, other), times in counted.items():
        left[one] += times
        right[other] += times
    if len(left) < 2 or len(right) < 2:
        return None
    n = counted.total()
    observed = math.fsum(times * _weight(one, other, level) for (one, other), times in counted.items())
    chance = math.fsum(
        left[one] * right[other] * _weight(one, other, level) for one in left for other in right
    )
    return 1 - n * observed / chance


def _weight(one: Value, other: Value, level: Level) -> float:
    return float(one != other) if level == "nominal" else (float(one) - float(other)) ** 2
