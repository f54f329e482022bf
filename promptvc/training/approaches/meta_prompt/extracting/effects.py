"""What an edit may gain: the score that the answers behind it lost."""

from __future__ import annotations

import math
from collections.abc import Iterable

from promptvc.training.data.signals import Signal

SHRINK = 10
"""As many judged answers without fault are added before a share is taken of them."""


def loss(signal: Signal) -> float | None:
    """What an answer lost of its score, 0..1; None where no person judged it."""
    if signal.score is not None and not signal.judged:
        return 1.0 - signal.score
    if signal.kind == "correction" and signal.output is not None:
        return float(signal.output != signal.corrected)
    return float(signal.kind == "error") if signal.kind in {"error", "success"} else None


def lost(signals: Iterable[Signal]) -> float:
    """What answers lost together; those that nobody judged lost nothing."""
    return math.fsum(found for signal in signals if (found := loss(signal)) is not None)


def expected(mine: Iterable[Signal], everything: Iterable[Signal]) -> tuple[float | None, str]:
    """The gain in score if nothing of what ``mine`` lost were lost any more, and in words what that is taken of.

    It is a share of all judged answers, shrunk by :data:`SHRINK`; None and no words where ``mine`` has no judged one.
    """
    judged = [signal for signal in mine if loss(signal) is not None]
    if not judged:
        return None, ""
    n = sum(signal.count for signal in everything if loss(signal) is not None)
    basis = f"what {len(judged):,} of {n:,} judged answers lost, shrunk as by {SHRINK} without fault"
    return round(lost(judged) / (n + SHRINK), 4), basis
