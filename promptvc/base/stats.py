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
