"""The simple rule: a way that does well gains a step of confidence, one that does badly loses one.

Above ``routing.good`` (0.8) the configured confidence is multiplied by 1 + step (0.10), below ``routing.bad`` (0.5) by
1 - step, and held within 0..1. It is applied once, to what is configured: a confidence is a function of the window's
ratings, and does not hang on how often somebody asked. Fewer ratings than asked for change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from promptvc.analysis.routing.rated import Rates
from promptvc.base.feedback_settings import RoutingSettings

Change = Literal["raised", "lowered", "kept", "too_few"]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A confidence, 0..1, and what became of the configured one."""

    confidence: float
    change: Change


def adjusted(configured: float, rates: Rates, routing: RoutingSettings, min_samples: int) -> Adjusted:
    """The confidence after ``rates``."""
    success = rates.success
    if success is None or rates.rated < min_samples:
        return Adjusted(_held(configured), "too_few")
    if success > routing.good:
        return Adjusted(_held(configured * (1 + routing.step)), "raised")
    if success < routing.bad:
        return Adjusted(_held(configured * (1 - routing.step)), "lowered")
    return Adjusted(_held(configured), "kept")


def _held(confidence: float) -> float:
    return round(min(1.0, max(0.0, confidence)), 6)
