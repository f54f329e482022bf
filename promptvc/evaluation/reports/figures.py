"""Numbers as people read them, the same in every report: points, levels, money, times."""

from __future__ import annotations

import math

from promptvc.evidence.values import Tokens

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
