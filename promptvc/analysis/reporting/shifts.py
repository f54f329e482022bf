"""When a series got worse: a change point, or the start of a slow drift, in its weeks.

Every stretch of weeks is held against all weeks before it. It is worse when its mean lies above theirs by what matters
(:class:`Scale`), and clearly above theirs plus what is ordinary: traffic and users change, so that a level some
points beside last quarter's is no news. Weeks differ by more than chance between events has it: the variance of a week
with ``n`` events is ``phi * v * (rho + 1 / n)``, with ``v`` that of one event (quasi-likelihood: McCullagh & Nelder
1989, "Generalized linear models", chapter 9), where ``phi`` is estimated from the weeks themselves and from
:data:`PRIOR` imagined ones of an ordinary series. The test is a moderated t; its p-value is multiplied by the number of
stretches looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.analysis.reporting.slices import DAYS, Measure, Point, Rates, Series
from promptvc.analysis.reporting.tails import at_least, t_tail

PAST = 4
"""Weeks that must lie before."""
LEAST_PAST, LEAST = 100, 30
"""Events that there must be before, and in the stretch."""
EXCESS = 10
"""How many more bad events than expected there must be."""
PRIOR = 10
SLOW = 6
"""A drift takes at least so many weeks; what goes faster is a change."""
CLEARLY = 0.8
"""A drift must leave at most this share of what a step leaves unexplained."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What counts as worse, on the scale of a series.

    Attributes:
        material: the least rise to speak of.
        ordinary: a rise that needs no reason.
        variance: of one event; None: that of the share.
        between: ``rho``, the variance between weeks in terms of that.
    """

    material: float
    ordinary: float
    variance: float | None
    between: float


@dataclass(frozen=True, slots=True)
class Shift:
    """A series was worse from day ``start`` to before day ``end`` of the year.

    Attributes:
        slow: it went down by and by from ``start`` on.
        open: it is so at the end of the year.
        p: how often chance shows as much in a series that did not get worse.
        rise: by how much, on the series' scale.
    """

    start: int
    end: int
    slow: bool
    open: bool
    p: float
    rise: float


def scale_of(measure: Measure, past: float) -> Scale:
    """What matters: 5 points of the success rate, a quarter of the latency; of what is rare, as much again."""
    if measure == "latency":
        material = math.log(1.25)
        return Scale(material, 0.7 * material, 1.8, 0.0015)
    material = 0.05 if measure == "success" else min(0.05, max(0.01, past))
    return Scale(material, 0.8 * material, None, 0.001)


def find_shifts(series: Series, limit: float, *, most: int = 3) -> list[Shift]:
    """The stretches of ``series`` that are worse with a p-value of at most ``limit``, most telling first.

    Args:
        most: how many to look for. What one explains is left out when the next is looked for.
    """
    weeks = list(series.weeks())
    found: list[Shift] = []
    while len(found) < most:
        best = _best(weeks, series.measure, limit)
        if best is None:
            break
        a, b, p, rise = best
        b = _recovered(weeks, a, b)
        found.append(_described(series, weeks, a, b, p, rise))
        weeks = [Point(0.0, 0) if a <= at < b else point for at, point in enumerate(weeks)]
    return found


class _Sums:
    """Running sums of weights, weighted values and their squares; ``n`` and the bad ones among them."""

    def __init__(self, weeks: Sequence[Point], between: float) -> None:
        self.rows = [(0.0, 0.0, 0.0, 0, 0.0, 0)]
        for value, n in weeks:
            u, y, yy, m, k, w = self.rows[-1]
            weight = 1 / (between + 1 / n) if n else 0.0
            self.rows.append(
                (u + weight, y + weight * value, yy + weight * value**2, m + n, k + n * value, w + (n > 0))
            )

    def of(self, a: int, b: int) -> tuple[float, float, float, int, float, int]:
        """Weight, mean, squares around it, events, bad events and weeks from week ``a`` to before ``b``."""
        u, y, yy, n, k, w = (end - start for start, end in zip(self.rows[a], self.rows[b], strict=True))
        mean = y / u if u > 0 else 0.0
        return u, mean, max(0.0, yy - y * mean), int(n), k, int(w)


def _best(weeks: Sequence[Point], measure: Measure, limit: float) -> tuple[int, int, float, float] | None:
    """The stretch that stands out most among those that pass: its weeks, its p-value, its rise."""
    count = len(weeks)
    rates = measure != "latency"
    sums = _Sums(weeks, scale_of(measure, 0.0).between)
    looked = 0
    passing: list[tuple[float, int, int, float, float]] = []
    for a in range(PAST, count):
        u0, m0, squares0, n0, k0, w0 = sums.of(0, a)
        if w0 < PAST or n0 < LEAST_PAST or not weeks[a].n:
            continue
        past = (k0 + 0.5) / (n0 + 1) if rates else m0
        scale = scale_of(measure, past)
        bar = past + scale.ordinary
        for b in range(a + 1, count + 1):
            u1, m1, squares1, n1, k1, w1 = sums.of(a, b)
            if not weeks[b - 1].n or n1 < LEAST:
                continue
            looked += 1
            rise = m1 - m0
            if rise < scale.material or (rates and k1 - n1 * past < EXCESS):
                continue
            v0, v1, vbar = (_variance(scale, x) for x in (past, (k1 + 0.5) / (n1 + 1), bar))
            df = PRIOR + w0 + w1 - 2
            phi = max(1.0, (PRIOR + squares0 / v0 + squares1 / v1) / df)
            error = math.sqrt(phi * (v0 / u0 + vbar / u1))
            p = t_tail((m1 - max(m0, past) - scale.ordinary) / error, df)
            if rates:
                p = max(p, at_least(round(k1), n1, min(bar, 0.999)))
            passing.append((rise / math.sqrt(v0 / u0 + v0 / u1), a, b, p, rise))
    good = [one for one in passing if one[3] * looked <= limit]
    if not good:
        return None
    _, a, b, p, rise = max(good)
    return a, b, min(1.0, p * looked), rise


def _variance(scale: Scale, share: float) -> float:
    if scale.variance is not None:
        return scale.variance
    share = min(max(share, 0.0005), 0.9995)
    return share * (1 - share)


def _mean(weeks: Sequence[Point]) -> float | None:
    total = sum(n for _, n in weeks)
    return math.fsum(value * n for value, n in weeks) / total if total else None


def _recovered(weeks: Sequence[Point], a: int, b: int) -> int:
    """The end of a stretch: the year's, unless what follows is nearer to what was before."""
    before, during, after = _mean(weeks[:a]), _mean(weeks[a:b]), _mean(weeks[b:])
    if before is None or during is None:
        return b
    if after is not None and after < (before + during) / 2:
        return b
    if after is None:  # nothing came after it: over where there has been no traffic for two weeks
        return len(weeks) if len(weeks) - b < 2 else b
    return len(weeks)


def _described(series: Series, weeks: Sequence[Point], a: int, b: int, p: float, rise: float) -> Shift:
    open_ = b == len(weeks)
    slope = _drift(weeks, a, b)
    if slope is not None:
        return Shift(slope * DAYS, b * DAYS, slow=True, open=open_, p=p, rise=rise)
    start, end = a * DAYS, b * DAYS
    if isinstance(series, Rates):
        start = _edge(series, start, max(0, start - 8 * DAYS), min(end, start + 8 * DAYS))
        if not open_:
            end = _edge(series, end, max(start + 1, end - 8 * DAYS), min(len(series.whole), end + 8 * DAYS))
    return Shift(start, end, slow=False, open=open_, p=p, rise=rise)


def _drift(weeks: Sequence[Point], a: int, b: int) -> int | None:
    """The week a slow decline began, if a level that goes up by and by fits the weeks much better than a step.

    It goes up for :data:`SLOW` weeks or more, and may stay up then.
    """
    used = [(at, value, n) for at, (value, n) in enumerate(weeks[:b]) if n]
    if b - a < SLOW // 2 or len(used) < SLOW:
        return None
    step = _left(used, [1.0 if at >= a else 0.0 for at, _, _ in used])
    found = [
        (_left(used, [min(1.0, max(0.0, (at - start + 1) / (top - start))) for at, _, _ in used]), start)
        for start in range(1, b - SLOW + 1)
        for top in range(start + SLOW, b + 1)
    ]
    least, start = min(found, default=(math.inf, 0))
    return start if least < CLEARLY * step else None


def _left(used: Sequence[tuple[int, float, int]], shape: Sequence[float]) -> float:
    """What a level plus so much of ``shape`` leaves unexplained; weeks weigh by their precision."""
    weights = [1 / (0.001 + 1 / n) for _, _, n in used]
    total = math.fsum(weights)
    x0 = math.fsum(w * x for w, x in zip(weights, shape, strict=True)) / total
    y0 = math.fsum(w * y for w, (_, y, _) in zip(weights, used, strict=True)) / total
    rows = [(w, x - x0, y - y0) for w, x, (_, y, _) in zip(weights, shape, used, strict=True)]
    xx = math.fsum(w * x * x for w, x, _ in rows)
    xy = math.fsum(w * x * y for w, x, y in rows)
    slope = max(0.0, xy / xx) if xx > 0 else 0.0
    return math.fsum(w * (y - slope * x) ** 2 for w, x, y in rows)


def _edge(series: Rates, at: int, first: int, last: int) -> int:
    """The day within a week of ``at`` that divides ``first`` to ``last`` best into two shares."""
    days = range(max(first + 1, at - DAYS), min(last - 1, at + DAYS) + 1)
    scored = [
        (_likelihood(series, first, day) + _likelihood(series, day, last), -abs(day - at), day)
        for day in days
    ]
    return max(scored)[2] if scored else at


def _likelihood(series: Rates, first: int, last: int) -> float:
    n, k = series.n(first, last), sum(series.part[first:last])
    return sum(x * math.log(x / n) for x in (k, n - k) if x) if n else 0.0
