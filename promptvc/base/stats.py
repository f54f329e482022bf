"""Small statistics that several packages print: means, percentiles, a proportion's interval, the spending of alpha."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

ALPHA = 0.05
NORMAL = NormalDist()


def mean(values: Iterable[float]) -> float | None:
    """The arithmetic mean, the same for every order of the values; None of nothing."""
    kept = list(values)
    return math.fsum(kept) / len(kept) if kept else None


def percentile(values: Sequence[float], q: float) -> float | None:
    """The ``q``-th percentile, ``q`` in 0..100, between the two nearest values by distance; None of nothing.

    Type 7 of Hyndman & Fan (1996), "Sample quantiles in statistical packages": what NumPy and Excel do.

    Raises:
        ValueError: ``q`` is outside 0..100.
    """
    if not 0 <= q <= 100:
        raise ValueError(f"a percentile lies in 0..100, not {q}")
    if not values:
        return None
    ordered = sorted(values)
    at = (len(ordered) - 1) * q / 100
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion, two-sided at ``level``; (0, 1) of nothing.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    Raises:
        ValueError: not 0 <= successes <= n, or not 0 < level < 1.
    """
    if not 0 <= successes <= n or not 0 < level < 1:
        raise ValueError(f"{successes} of {n} at level {level} is no proportion")
    if n == 0:
        return 0.0, 1.0
    z = NORMAL.inv_cdf((1 + level) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def alpha_at(look: int, total: float = ALPHA) -> float:
    """What the ``look``-th look (1, 2, ...) at one hold-out may spend, so that all looks together spend ``total``.

    ``total * 6 / (pi^2 look^2)``: the terms of sum 1/i^2 = pi^2/6 add up to at most ``total`` for any number of
    looks, and by Bonferroni's inequality so do the chances of a false claim.

    Raises:
        ValueError: ``look`` is below 1, or ``total`` not in 0..1.
    """
    if look < 1 or not 0 < total < 1:
        raise ValueError(f"look {look} cannot spend of {total}")
    return total * 6 / (math.pi**2 * look**2)
