"""The Pareto front: the variants of which none other is as good in everything and better in something."""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.training.outcome import Tried

LATENCY_STEP_MS = 10.0

_Point = tuple[float, float | None, float | None, float]


def front(tried: Sequence[Tried]) -> frozenset[int]:
    """Positions of the front by gain over the baseline (up), cost and latency of an answer, and length (down).

    What is unknown of one of two is not held against either. Variants that were not scored are on no front.
    """
    points = {at: _point(one) for at, one in enumerate(tried) if one.cases}
    return frozenset(
        at for at, point in points.items() if not any(_beats(other, point) for other in points.values())
    )


def _point(one: Tried) -> _Point:
    # Latency differs from run to run: below a hundredth of a second nothing is said by it.
    latency = None if one.latency_ms is None else round(one.latency_ms / LATENCY_STEP_MS)
    return (one.baseline - one.score, one.cost, latency, one.length)


def _beats(one: _Point, other: _Point) -> bool:
    better = False
    for mine, theirs in zip(one, other, strict=True):
        if mine is None or theirs is None:
            continue
        if mine > theirs:
            return False
        better = better or mine < theirs
    return better
