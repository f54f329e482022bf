"""How improbable an outcome is: tails of the t distribution, of a binomial count, of a difference between days."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median

from promptvc.analysis.rates import table_p

FEWEST_WEEKS = 8


def t_tail(t: float, df: float) -> float:
    """How often Student's t with ``df`` degrees of freedom is above ``t``.

    By the normal distribution, of a ``t`` brought onto its scale as Wallace (1959, "Bounds on normal approximations
    to Student's and the chi-square distributions") does, within some per cent far into the tail.
    """
    if t <= 0:
        return 1.0 if t < 0 else 0.5
    z = (8 * df + 1) / (8 * df + 3) * math.sqrt(df * math.log1p(t * t / df))
    return 0.5 * math.erfc(z / math.sqrt(2))


def at_least(k: int, n: int, p: float) -> float:
    """No less than the chance that ``n`` tries with chance ``p`` each give ``k`` or more.

    Chernoff's bound (1952) in the form of Hoeffding (1963), theorem 1.
    """
    if n == 0 or k <= n * p:
        return 1.0
    share = k / n
    divergence = share * math.log(share / p)
    if k < n:
        divergence += (1 - share) * math.log((1 - share) / (1 - p))
    return math.exp(-n * divergence)


def unevenness(weeks: Sequence[tuple[int, int]]) -> float:
    """The variance between weeks of a share beyond that of independent events, from (part, whole) of each.

    From the middle of the squared differences of neighbours, so that neither a trend nor one jump counts; the median of
    a square of a normal deviate is 0.4549 of its variance. 0 where there are too few weeks to know.
    """
    used = [(part / whole, whole) for part, whole in weeks if whole]
    if len(used) < FEWEST_WEEKS:
        return 0.0
    pooled = sum(part for part, _ in weeks) / sum(whole for _, whole in weeks)
    steps = [(b - a) ** 2 for (a, _), (b, _) in itertools.pairwise(used)]
    chance = [pooled * (1 - pooled) * (1 / n + 1 / m) for (_, n), (_, m) in itertools.pairwise(used)]
    return max(0.0, (median(steps) / 0.4549 - median(chance)) / 2)


def days_differ(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], between: float = 0.0
) -> float | None:
    """The two-sided p-value of a difference between two shares, given as (part, whole) of each day.

    The spread is that between days, by the ratio estimator of cluster samples (Cochran 1977, "Sampling techniques",
    section 3.12), since days differ by more than chance would have it; and never less than that of independent
    events (:func:`promptvc.analysis.rates.table_p`). None where a side has nothing.
    """
    sides = [[(part, whole) for part, whole in days if whole] for days in (before, after)]
    if not all(sides):
        return None
    totals = [(sum(part for part, _ in days), sum(whole for _, whole in days)) for days in sides]
    shares = [part / whole for part, whole in totals]
    clustered = math.fsum(
        _spread(days, share, whole) for days, share, (_, whole) in zip(sides, shares, totals, strict=True)
    )
    clustered += sum(between / max(1.0, len(days) / 7) for days in sides)
    difference = abs(shares[1] - shares[0])
    degrees = max(1, sum(len(days) for days in sides) - 2)
    found = 1.0
    if clustered > 0:
        found = min(1.0, 2 * t_tail(difference / math.sqrt(clustered), degrees))
    elif difference > 0:
        found = 0.0  # one day each, or all days alike: only chance between events is left to speak
    (a, n), (b, m) = totals
    return max(found, table_p(a, n, b, m))


def _spread(days: Sequence[tuple[int, int]], share: float, whole: int) -> float:
    """The variance of a share, from how its days differ."""
    if len(days) < 2:
        return 0.0
    squares = math.fsum((part - share * n) ** 2 for part, n in days)
    return squares / whole**2 * len(days) / (len(days) - 1)
