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

import itertools
import math
from collections.abc import Iterable, Sequence
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
RARE = 0.005
"""Rates below are as good as this: what is ordinary of a rate is a share of it, but not of next to nothing."""
RECOVERED = 0.01
"""How often a bad stretch of weeks that goes on may look as if it were over: the p-value of the weeks since."""
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
    if measure == "success":
        return Scale(0.05, 0.04, None, 0.001)
    ordinary = 0.8 * min(0.05, max(RARE, past))
    return Scale(min(0.05, max(0.01, past)), ordinary, None, 0.001)


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
        b = _recovered(weeks, a, b, series.measure)
        found.append(_described(series, weeks, a, b, p, rise))
        weeks = [Point(0.0, 0) if a <= at < b else point for at, point in enumerate(weeks)]
    return found


def long_enough(series: Series) -> bool:
    """Whether a series has the weeks and the events without which nothing can be found in it."""
    weeks = [n for _, n in series.weeks() if n]
    return len(weeks) > PAST and sum(weeks) >= LEAST_PAST + LEAST


class _Sums:
    """Running sums over weeks: of weights, weighted values and their squares, of events, bad events and weeks."""

    def __init__(self, weeks: Sequence[Point], between: float) -> None:
        weights = [1 / (between + 1 / n) if n else 0.0 for _, n in weeks]
        values = [value for value, _ in weeks]
        self.weight = _running(weights)
        self.total = _running(w * y for w, y in zip(weights, values, strict=True))
        self.square = _running(w * y * y for w, y in zip(weights, values, strict=True))
        self.n = _running(n for _, n in weeks)
        self.bad = _running(n * value for value, n in weeks)
        self.weeks = _running(n > 0 for _, n in weeks)

    def mean(self, a: int, b: int) -> float:
        """The weighted mean from week ``a`` to before ``b``."""
        weight = self.weight[b] - self.weight[a]
        return (self.total[b] - self.total[a]) / weight if weight > 0 else 0.0

    def squares(self, a: int, b: int) -> float:
        """The weighted squares around it."""
        total = self.total[b] - self.total[a]
        return max(0.0, self.square[b] - self.square[a] - total * self.mean(a, b))


def _running(values: Iterable[float]) -> list[float]:
    return list(itertools.accumulate(values, initial=0.0))


def _best(weeks: Sequence[Point], measure: Measure, limit: float) -> tuple[int, int, float, float] | None:
    """The stretch that stands out most among those that pass: its weeks, its p-value, its rise."""
    sums = _Sums(weeks, scale_of(measure, 0.0).between)
    rates = measure != "latency"
    looked = 0
    passing: list[tuple[float, int, int, float, float]] = []
    for a in range(PAST, len(weeks)):
        if sums.weeks[a] < PAST or sums.n[a] < LEAST_PAST or not weeks[a].n:
            continue
        before = sums.mean(0, a)
        past = (sums.bad[a] + 0.5) / (sums.n[a] + 1) if rates else before
        scale = scale_of(measure, past)
        for b in range(a + 1, len(weeks) + 1):
            if not weeks[b - 1].n or sums.n[b] - sums.n[a] < LEAST:
                continue
            looked += 1
            rise = sums.mean(a, b) - before
            if rise >= scale.material:
                p, z = _tested(sums, a, b, past, scale)
                passing.append((z, a, b, p, rise))
    good = [one for one in passing if one[3] * looked <= limit]
    if not good:
        return None
    _, a, b, p, rise = max(good)
    return a, b, min(1.0, p * looked), rise


def _tested(sums: _Sums, a: int, b: int, past: float, scale: Scale) -> tuple[float, float]:
    """The p-value of a stretch, and how far it stands out in terms of the ordinary spread."""
    n, bad = sums.n[b] - sums.n[a], sums.bad[b] - sums.bad[a]
    u0, u1 = sums.weight[a], sums.weight[b] - sums.weight[a]
    before, during = sums.mean(0, a), sums.mean(a, b)
    bar = past + scale.ordinary
    v0, v1, limit = (_variance(scale, share) for share in (past, (bad + 0.5) / (n + 1), bar))
    df = PRIOR + sums.weeks[a] + sums.weeks[b] - sums.weeks[a] - 2
    phi = max(1.0, (PRIOR + sums.squares(0, a) / v0 + sums.squares(a, b) / v1) / df)
    error = math.sqrt(phi * (v0 / u0 + limit / u1))
    p = t_tail((during - max(before, past) - scale.ordinary) / error, df)
    if scale.variance is None:
        p = max(p, at_least(round(bad), round(n), min(bar, 0.999)))
        if bad - n * past < EXCESS:
            p = 1.0
    return p, (during - before) / math.sqrt(v0 / u0 + v0 / u1)


def _variance(scale: Scale, share: float) -> float:
    if scale.variance is not None:
        return scale.variance
    share = min(max(share, 0.0005), 0.9995)
    return share * (1 - share)


def _mean(weeks: Sequence[Point]) -> float | None:
    total = sum(n for _, n in weeks)
    return math.fsum(value * n for value, n in weeks) / total if total else None


def _recovered(weeks: Sequence[Point], a: int, b: int, measure: Measure) -> int:
    """The end of a stretch: the year's, unless what follows is nearer to what was before, and clearly so.

    What follows must be :data:`LEAST` events or more and better than the stretch with a p-value of at most
    :data:`RECOVERED`: the end of a stretch was chosen, and after an unlucky week comes an ordinary one.
    """
    before, during, after = _mean(weeks[:a]), _mean(weeks[a:b]), _mean(weeks[b:])
    if before is None or during is None:
        return b
    if after is not None and after < (before + during) / 2 and _better(weeks, a, b, measure):
        return b
    if after is None:  # nothing came after it: over where there has been no traffic for two weeks
        return len(weeks) if len(weeks) - b < 2 else b
    return len(weeks)


def _better(weeks: Sequence[Point], a: int, b: int, measure: Measure) -> bool:
    """Whether the weeks from ``b`` on are clearly better than those from ``a`` to before it."""
    scale, last = scale_of(measure, 0.0), len(weeks)
    sums = _Sums(weeks, scale.between)
    if sums.n[last] - sums.n[b] < LEAST:
        return False
    shares = [
        (sums.bad[end] - sums.bad[first] + 0.5) / (sums.n[end] - sums.n[first] + 1)
        for first, end in ((0, a), (a, b), (b, last))
    ]
    v0, v1, v2 = (_variance(scale, share) for share in shares)
    left = sums.squares(0, a) / v0 + sums.squares(a, b) / v1 + sums.squares(b, last) / v2
    df = PRIOR + sums.weeks[last] - 3
    phi = max(1.0, (PRIOR + left) / df)
    during, after = sums.weight[b] - sums.weight[a], sums.weight[last] - sums.weight[b]
    # The stretch's own variance for both: that nothing got better is what is tested.
    error = math.sqrt(phi * v1 * (1 / during + 1 / after))
    return t_tail((sums.mean(a, b) - sums.mean(b, last)) / error, df) <= RECOVERED


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

    It goes up for :data:`SLOW` weeks or more, and may stay up then. A step may take a week or two: it need not come on
    the first day of one.
    """
    used = [(at, value, n) for at, (value, n) in enumerate(weeks[:b]) if n]
    if b - a < SLOW // 2 or len(used) < SLOW:
        return None
    step = min(
        _rising(used, start, start + quick)
        for start in range(max(1, a - 2), min(a + 3, b))
        for quick in (1, 2)
    )
    found = [
        (_rising(used, start, top), start)
        for start in range(1, b - SLOW + 1)
        for top in range(start + SLOW, b + 1)
    ]
    least, start = min(found, default=(math.inf, 0))
    return start if least < CLEARLY * step else None


def _rising(used: Sequence[tuple[int, float, int]], start: int, top: int) -> float:
    """What a level that goes up from week ``start`` until ``top`` leaves unexplained."""
    return _left(used, [min(1.0, max(0.0, (at - start + 1) / (top - start))) for at, _, _ in used])


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
    return sum(x * math.log(x / n) for x in (k, n - k) if x > 0) if n else 0.0
