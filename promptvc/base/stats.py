"""Small statistics that several packages need: means, percentiles, intervals, tables of four, many tests at once."""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
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


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion, both ends in 0..1: Wilson (1927), "Probable inference".

    Raises:
        ValueError: ``n`` is not above 0, or ``successes`` not in 0..``n``.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion")
    z2 = NORMAL.inv_cdf((1 + confidence) / 2) ** 2
    centre = (successes + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (successes * (n - successes) / n + z2 / 4)) / (n + z2)
    # At the ends the formula gives exactly 0 and 1, and floating point a little beside them.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def mean_interval(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """An interval of the mean of ``values`` in 0..1, one a case; both ends in 0..1.

    Wilson's interval with the number of cases that the spread of the values is worth (Kish 1965, "Survey sampling";
    for Wilson's interval Franco et al. 2019, "Comparative study of confidence intervals for proportions in complex
    sample surveys"): n / d, where d is the variance of the mean, by clusters, over that of as many independent zeros
    and ones with the same mean. For zeros and ones without clusters d is 1. Four imagined clusters, two of zeros and
    two of ones, enter d (not the mean): values that are all equal leave something open.

    Args:
        clusters: one key a value; values with equal keys are not independent. None: each by itself.

    Raises:
        ValueError: no values, or one outside 0..1.
    """
    if not values or not all(0 <= value <= 1 for value in values):
        raise ValueError("an interval needs values, each in 0..1")
    groups: defaultdict[Hashable, list[float]] = defaultdict(list)
    for position, value in enumerate(values):
        groups[position if clusters is None else clusters[position]].append(value)
    sums = [(math.fsum(members), float(len(members))) for members in groups.values()]
    n = len(values)
    typical = math.fsum(size * size for _, size in sums) / n
    sums += [(0.0, typical), (0.0, typical), (typical, typical), (typical, typical)]
    weight = math.fsum(size for _, size in sums)
    centre = math.fsum(total for total, _ in sums) / weight
    spread = math.fsum((total - size * centre) ** 2 for total, size in sums)
    worth = n * weight * centre * (1 - centre) / spread
    share = math.fsum(values) / n
    return wilson(min(share, 1.0) * worth, worth, confidence)


def fisher_exact(a: int, b: int, c: int, d: int) -> float:
    """The two-sided p-value of the table ``a b / c d``: how often chance alone spreads its counts as unevenly.

    Fisher's exact test (1935, The Design of Experiments, chapter 2): of all tables with the same sums of rows and
    columns, the share of those that are as improbable as this one or more so. Products of neighbours' ratios in a fixed
    order, and no logarithms, so that every machine has the same bytes. At least the smallest positive number.

    Raises:
        ValueError: a count is negative.
    """
    if min(a, b, c, d) < 0:
        raise ValueError(f"a table of counts has no negative ones: {a} {b} {c} {d}")
    row, column, n = a + b, a + c, a + b + c + d
    low, high = max(0, row + column - n), min(row, column)
    mode = min(high, max(low, (row + 1) * (column + 1) // (n + 2)))
    weights = {mode: 1.0}
    for step, end in ((1, high), (-1, low)):
        weight, at = 1.0, mode
        while at != end and weight > 0:
            if step > 0:
                weight *= (row - at) * (column - at) / ((at + 1) * (n - row - column + at + 1))
            else:
                weight *= at * (n - row - column + at) / ((row - at + 1) * (column - at + 1))
            at += step
            weights[at] = weight
    # Tables that are equally probable differ in the last digits, as in R's fisher.test.
    limit = weights.get(a, 0.0) * (1 + 1e-7)
    unlikely = math.fsum(weight for weight in weights.values() if weight <= limit)
    return min(1.0, max(sys.float_info.min, unlikely / math.fsum(weights.values())))


def discoveries(p_values: Sequence[float], q: float) -> tuple[bool, ...]:
    """Which of many tests stand when at most a share ``q`` of those that stand may be false, on average.

    The step-up procedure of Benjamini & Hochberg (1995), "Controlling the false discovery rate": the k smallest of m
    p-values stand, for the largest k whose k-th is at most k q / m.

    Raises:
        ValueError: ``q`` is not in 0..1.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"a rate of false discoveries lies in 0..1, not at {q}")
    m = len(p_values)
    standing = [p for k, p in enumerate(sorted(p_values), 1) if p <= k * q / m]
    return tuple(bool(standing) and p <= standing[-1] for p in p_values)
