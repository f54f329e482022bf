"""How improbable an outcome is: tails of the t distribution, of a binomial count, of a difference between days."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median, median_low
from typing import NamedTuple

from promptvc.analysis.rates import table_p

IMAGINED = 6
"""Imagined weeks behind what is believed of how weeks differ before there are any."""
ORDINARY = 0.003
"""The variance between those, in terms of that of one event: 2.4 points where three of four are good."""


class Between(NamedTuple):
    """The variance between weeks of a share or mean, and how many degrees of freedom it is known with."""

    variance: float
    degrees: float


ALIKE = Between(0.0, math.inf)
"""Weeks do not differ."""


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


def unevenness(weeks: Sequence[tuple[float, int]], variance: float | None = None) -> Between:
    """How weeks differ beyond the chance between independent events, from (part, whole) of each.

    From the middle of the squared differences of neighbours, so that neither a trend nor one jump counts; the median of
    a square of a normal deviate is 0.4549 of its variance. Neighbours that have a week in common say less: a step
    counts as two thirds (the efficiency of successive differences, von Neumann 1941). :data:`IMAGINED` weeks of an
    ordinary series are put to them (as a moderated t does, Smyth 2004): few weeks leave open how much weeks differ.

    Args:
        variance: of one event; None: that of a share.
    """
    used = [(part / whole, whole) for part, whole in weeks if whole]
    if variance is None:
        pooled = math.fsum(part for part, _ in weeks) / max(1, sum(whole for _, whole in weeks))
        variance = pooled * (1 - pooled)
    ordinary = ORDINARY * variance
    if len(used) < 3:  # the only step there is would be the difference in question
        return Between(ordinary, IMAGINED)
    steps = [(b - a) ** 2 for (a, _), (b, _) in itertools.pairwise(used)]
    chance = [variance * (1 / n + 1 / m) for (_, n), (_, m) in itertools.pairwise(used)]
    seen = max(0.0, (median_low(steps) / 0.4549 - median(chance)) / 2)
    known = 2 / 3 * len(steps)
    return Between((IMAGINED * ordinary + known * seen) / (IMAGINED + known), IMAGINED + known)


def days_differ(
    before: Sequence[tuple[float, int]],
    after: Sequence[tuple[float, int]],
    between: Between = ALIKE,
    variance: float | None = None,
) -> float | None:
    """The two-sided p-value of a difference between two shares or means, given as (part, whole) of each day.

    The spread is that between days, by the ratio estimator of cluster samples (Cochran 1977, "Sampling techniques",
    section 3.12), since days differ by more than chance would have it; and never less than that of independent
    events: of shares by :func:`promptvc.analysis.rates.table_p`, of means by the normal distribution with the
    ``variance`` of one event. None where a side has nothing.
    """
    sides = [[(part, whole) for part, whole in days if whole] for days in (before, after)]
    if not all(sides):
        return None
    totals = [(math.fsum(part for part, _ in days), sum(whole for _, whole in days)) for days in sides]
    shares = [part / whole for part, whole in totals]
    clustered = math.fsum(
        _spread(days, share, whole) for days, share, (_, whole) in zip(sides, shares, totals, strict=True)
    )
    clustered += sum(between.variance / max(1.0, len(days) / 7) for days in sides)
    difference = abs(shares[1] - shares[0])
    degrees = max(1.0, min(between.degrees, sum(len(days) for days in sides) - 2))
    found = 1.0
    if clustered > 0:
        found = min(1.0, 2 * t_tail(difference / math.sqrt(clustered), degrees))
    elif difference > 0:
        found = 0.0  # one day each, or all days alike: only chance between events is left to speak
    (a, n), (b, m) = totals
    if variance is None:
        return max(found, table_p(round(a), n, round(b), m))
    return max(found, t_tail(difference / math.sqrt(max(variance, 1e-12) * (1 / n + 1 / m)), n + m - 2) * 2)


def _spread(days: Sequence[tuple[float, int]], share: float, whole: int) -> float:
    """The variance of a share, from how its days differ."""
    if len(days) < 2:
        return 0.0
    squares = math.fsum((part - share * n) ** 2 for part, n in days)
    return squares / whole**2 * len(days) / (len(days) - 1)
