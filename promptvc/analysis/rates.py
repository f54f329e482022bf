"""What tallies say: rates and means with the intervals that belong to them, and how far two of them differ.

Everything is computed from the exact sums of :class:`Tally`, so that every engine gives the same numbers. Rounded to
nine digits: the last bits of a floating-point number differ between machines, and an answer must not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from promptvc.base.stats import NORMAL, fisher_exact, wilson
from promptvc.feedback.query.facts import MILLION, Tally

Z = NORMAL.inv_cdf(0.975)
_DIGITS = 9
_FEW = 400
"""Up to so many in the smallest margin of a table Fisher's exact test is used; it takes time with their number."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its interval at 95 %."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """``{"value", "low", "high"}``."""
        return {"value": self.value, "low": self.low, "high": self.high}


def share(hits: int, n: int) -> Estimate | None:
    """``hits`` of ``n`` with Wilson's interval; None of nothing."""
    if n == 0:
        return None
    low, high = wilson(hits, n)
    return Estimate(rounded(hits / n), rounded(low), rounded(high))


def mean_of(tally: Tally) -> Estimate | None:
    """The mean score. Its interval is Wilson's for as many zeros and ones as have the variance that the scores have.

    Two imagined scores, a 0 and a 1, enter the variance (not the mean): scores that are all equal leave something
    open. As :func:`promptvc.base.stats.mean_interval`, from sums.
    """
    if tally.rated == 0:
        return None
    mean, variance = _moments(tally)
    centre = (mean * tally.rated + 1) / (tally.rated + 2)
    worth = tally.rated * max(1.0, centre * (1 - centre) / variance)
    low, high = wilson(min(1.0, mean) * worth, worth)
    return Estimate(rounded(mean), rounded(low), rounded(high))


def mean_difference(one: Tally, other: Tally) -> Estimate | None:
    """The mean score of ``one`` minus that of ``other``, by Welch's variance and the normal distribution.

    None where either has no score. With fewer than some ten scores a side the interval is a little too narrow.
    """
    if not one.rated or not other.rated:
        return None
    (first, spread), (second, wide) = _moments(one), _moments(other)
    half = Z * math.sqrt(spread / one.rated + wide / other.rated)
    return _within(first - second, first - second - half, first - second + half)


def share_difference(hits: int, n: int, others: int, m: int) -> Estimate:
    """``hits`` of ``n`` minus ``others`` of ``m``.

    Newcombe (1998), "Interval estimation for the difference between independent proportions", method 10: Wilson's
    intervals of both, combined.

    Raises:
        ValueError: ``n`` or ``m`` is 0.
    """
    low, high = wilson(hits, n)
    least, most = wilson(others, m)
    one, other = hits / n, others / m
    below = math.sqrt((one - low) ** 2 + (most - other) ** 2)
    above = math.sqrt((high - one) ** 2 + (other - least) ** 2)
    return _within(one - other, one - other - below, one - other + above)


def table_p(hits: int, n: int, others: int, m: int) -> float:
    """The two-sided p-value of ``hits`` of ``n`` against ``others`` of ``m``.

    Fisher's exact test where a margin is small; else the normal approximation of the same hypergeometric count with
    Yates's correction (1934), which is never far from it there. At least the smallest positive number.
    """
    a, b, c, d = hits, n - hits, others, m - others
    if min(a + b, c + d, a + c, b + d) <= _FEW:
        return fisher_exact(a, b, c, d)
    whole = n + m
    expected = n * (a + c) / whole
    variance = expected * (b + d) / whole * m / (whole - 1)
    beyond = max(0.0, abs(a - expected) - 0.5) / math.sqrt(variance)
    return max(math.ulp(0.0), math.erfc(beyond / math.sqrt(2)))


def adjusted(p_values: list[float]) -> list[float]:
    """Each p-value as the least rate of false discoveries at which its test stands, in the same order.

    The step-up procedure of Benjamini & Hochberg (1995) read backwards: the smallest p m / k over this rank k and all
    higher ones, at most 1. ``adjusted(p)[i] <= q`` says what ``discoveries(p, q)[i]`` says.
    """
    m = len(p_values)
    order = sorted(range(m), key=p_values.__getitem__, reverse=True)
    result, least = [1.0] * m, 1.0
    for at, place in enumerate(order):
        least = min(least, p_values[place] * (m / (m - at)))
        result[place] = least
    return result


def rounded(value: float, digits: int = _DIGITS) -> float:
    """Rounded to so many decimals, and never minus nothing."""
    return round(value, digits) + 0.0


def significant(value: float, digits: int = 4) -> float:
    """Rounded to so many significant digits, for what may be very small: p-values."""
    return float(f"{value:.{digits}g}")


def percentile_of(counts: dict[float, int], q: float) -> float | None:
    """The smallest value that at least ``q`` per cent of the counted values do not exceed; None of nothing."""
    whole = sum(counts.values())
    wanted, passed = math.ceil(whole * q / 100), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= wanted:
            return rounded(value)
    return None


def optional(estimate: Estimate | None) -> dict[str, Any] | None:
    """The object of an estimate, null where there is none."""
    return None if estimate is None else estimate.to_json()


def _moments(tally: Tally) -> tuple[float, float]:
    """The mean, and the variance with an imagined 0 and 1 among the scores."""
    n, total = tally.rated, tally.score / MILLION
    squares = tally.squares / MILLION
    mean, centre = total / n, (total + 1) / (n + 2)
    return mean, max(0.0, (squares + 1) / (n + 2) - centre * centre)


def _within(value: float, low: float, high: float) -> Estimate:
    return Estimate(rounded(value), rounded(max(-1.0, low)), rounded(min(1.0, high)))
