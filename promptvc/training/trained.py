"""How a training is asked for, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.evaluation.compare import Comparison
from promptvc.training.task import TrainingOutcome


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """How to train; None takes what `promptvc.yaml` says. ``models`` are trained for together."""

    approach: str = "auto"
    seed: int = 0
    max_examples: int | None = None
    max_calls: int | None = None
    days: int | None = None
    models: tuple[str, ...] = ()
    reviewed_only: bool = False
    draft: bool = False
    dry_run: bool = False
    push: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended.

    Attributes:
        baseline: version of main; ``candidate`` the version that was made, None when there is none.
        comparison: on the hold-out; None without a look.
        training: what it found on training cases, with the examples it adds and removes.
        look: its number in the epoch, None without a look.
        reason: why it ended this way, in one sentence.
        left_out: how many events, inputs and training cases were not used, by reason.
    """

    name: str
    approach: str
    baseline: int
    candidate: int | None
    branch: str | None
    commit: str | None
    promoted: bool
    comparison: Comparison | None
    calls: int
    look: int | None
    reason: str
    training: TrainingOutcome
    left_out: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str | None:
        """The verdict of the comparison, None without one."""
        return self.comparison.verdict if self.comparison else None

    def to_json(self) -> dict[str, Any]:
        """As `train --json` prints it."""
        score = self.comparison.score if self.comparison else None
        keys = ("baseline", "candidate", "difference", "low", "high", "n")
        return {
            "name": self.name,
            "approach": self.approach,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "branch": self.branch,
            "commit": self.commit,
            "promoted": self.promoted,
            "verdict": self.verdict,
            "recommendation": self.comparison.recommendation if self.comparison else None,
            "score": {key: getattr(score, key) for key in keys} if score else None,
            "changes": {"rules": 0, "examples": len(self.training.added) + len(self.training.removed)},
            "calls": self.calls,
            "look": self.look,
            "reason": self.reason,
            "left_out": dict(self.left_out),
        }
