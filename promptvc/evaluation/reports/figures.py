"""Numbers as people read them, the same in every report: points, levels, money, times."""

from __future__ import annotations

import math

from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.guards import RELATIVE
from promptvc.evidence.values import Guard, Tokens

UNKNOWN = "unknown"


def share(value: float | None) -> str:
    """A score or a share, 0..1, with three decimals; ``-`` where there is none."""
    return "-" if value is None else f"{value:.3f}"


def points(difference: float) -> str:
    """A difference of scores in points of a hundred: ``+9.5``. What rounds to nothing has no sign."""
    text = f"{difference * 100:+.1f}"
    return "0.0" if float(text) == 0 else text


def level(value: float) -> str:
    """A level with enough decimals to tell 99.94 % from 100 %."""
    if value >= 1:
        return "100 %"
    decimals = max(1, -math.floor(math.log10((1 - value) * 100)))
    return f"{value * 100:.{decimals}f} %"


def dollars(cost: float | None) -> str:
    """US dollars, four decimals for small sums."""
    if cost is None:
        return UNKNOWN
    return f"${cost:,.2f}" if cost >= 100 else f"${cost:.4f}"


def milliseconds(time: float | None) -> str:
    """``1,234 ms``."""
    return UNKNOWN if time is None else f"{time:,.0f} ms"


def tokens(count: Tokens) -> str:
    """``1,200 in, 34 out``."""
    if count.input is None or count.output is None:
        return UNKNOWN
    return f"{count.input:,} in, {count.output:,} out"


def counted(number: int, noun: str) -> str:
    """``1 case``, ``1,200 cases``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def chance(p: float) -> str:
    """A p-value: ``p=0.012``; two more decimals below a hundredth."""
    return "p<0.0001" if p < 0.0001 else f"p={p:.4f}" if p < 0.01 else f"p={p:.3f}"


def interval(comparison: Comparison) -> str | None:
    """``+9.5 points, 90.0 % interval +3.1 .. +15.9, n=200, p=0.004``; None when incomparable."""
    score = comparison.score
    p = comparison.p_worse if comparison.verdict == "regression" else comparison.p
    if score is None or p is None:
        return None
    clustered = comparison.clusters != score.n
    size = f"n={score.n} in {comparison.clusters} clusters" if clustered else f"n={score.n}"
    return (
        f"{points(score.difference)} points, {level(score.level)} interval "
        f"{points(score.low)} .. {points(score.high)}, {size}, {chance(p)}"
    )


def guard_words(guard: Guard) -> str:
    """How one guard went: ``holds: -0.5 points, lower bound -1.2, allowed -2.0``."""
    word = "holds" if guard.holds else "does not hold"
    if guard.difference is None or guard.margin is None:
        return f"{word}: not known of every case"
    unit = "%" if guard.name in RELATIVE else "points"
    measured = f"{word}: {points(guard.difference)} {unit}"
    if guard.extra.get("untouched"):
        return f"{measured}, no case got worse"
    low = "" if guard.low is None else f", lower bound {points(guard.low)}"
    return f"{measured}{low}, allowed {points(-guard.margin)}"


def guard_mean(guard: Guard, value: float | None) -> str:
    """A mean that a guard compares, in its unit: milliseconds, dollars, or a score."""
    if guard.name == "latency":
        return milliseconds(value)
    return dollars(value) if guard.name == "cost" else share(value)
