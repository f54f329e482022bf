"""How a training is asked for, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from promptvc.base.config import FeedbackSettings, TrainingSettings
from promptvc.base.errors import PromptvcError
from promptvc.evaluation.compare import Comparison
from promptvc.evidence.values import Tokens
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.reservations import Reserved


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """How to train; None takes what `promptvc.yaml` says. ``models`` are trained for together.

    Attributes:
        max_tokens, max_cost, max_time: bounds of the training with its look; US dollars and seconds.
        trigger: what made it due; None: it was asked for.
        settings, feedback: instead of what `promptvc.yaml` says of training and of feedback; ``as_of``: instead of now,
            for what expires. Those of a training that is repeated.
        blocks: stop the search after so many blocks: where the training that is repeated ran out of time.
        proposals: let the optimizer fail after so many answers: where it did in the training that is repeated.
        propose: a pull request is opened for a candidate; whoever trains does it.
        reserved: the training that was allowed for: its id, its commit, its look.
        parcels: commit nothing, and leave what was made in this folder.
    """

    approach: str = "auto"
    seed: int = 0
    max_examples: int | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_time: float | None = None
    days: int | None = None
    models: tuple[str, ...] = ()
    optimizer: str | None = None
    reviewed_only: bool = False
    draft: bool = False
    dry_run: bool = False
    push: bool = False
    trigger: str | None = None
    blocks: int | None = None
    proposals: int | None = None
    settings: TrainingSettings | None = None
    feedback: FeedbackSettings | None = None
    as_of: datetime | None = None
    propose: bool = False
    reserved: Reserved | None = None
    parcels: Path | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended.

    Attributes:
        baseline: version of main; ``candidate`` the version that was made, None when there is none.
        models: what it was trained for.
        comparison: on the hold-out; None without a look.
        training: what it found on training cases, with the examples it adds and removes.
        look: its number in the epoch, None without a look.
        reason: why it ended this way, in one sentence.
        tokens, cost: what was paid for, the look included; None when unknown.
        left_out: how many events, inputs and training cases were not used, by reason.
        training_id: the id of its record on the ledger; None for a dry run.
        parcel: the file that waits to be published; None where everything was committed here.
        deployed: what was deployed because of it, as `deploy --json` prints it; None for nothing.
        pull: the pull request that proposes the candidate, as `pr --json` prints it; None without one.
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
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None
    models: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    training_id: str | None = None
    parcel: Path | None = None
    deployed: Mapping[str, Any] | None = None
    pull: Mapping[str, Any] | None = None
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
            "models": list(self.models),
            "baseline": self.baseline,
            "candidate": self.candidate,
            "branch": self.branch,
            "commit": self.commit,
            "promoted": self.promoted,
            "verdict": self.verdict,
            "recommendation": self.comparison.recommendation if self.comparison else None,
            "score": {key: getattr(score, key) for key in keys} if score else None,
            "changes": {kind: self.training.count(kind) for kind in ("rules", "examples", "messages")},
            "calls": self.calls,
            "tokens": self.tokens.to_json(),
            "cost": self.cost,
            "look": self.look,
            "reason": self.reason,
            "chosen": self.training.chosen,
            "stopped": self.training.stopped,
            "left_out": dict(self.left_out),
            "parcel": None if self.parcel is None else str(self.parcel),
            "deployed": None if self.deployed is None else dict(self.deployed),
            "pull": None if self.pull is None else dict(self.pull),
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True)
class Failed:
    """A training that could not finish.

    Attributes:
        trigger: what made it due; None: it was asked for.
        models: those asked for, none where none were.
    """

    name: str
    trigger: str | None
    error: PromptvcError
    models: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The error as ``--json`` prints errors, with the prompt."""
        error = self.error
        value = {"kind": error.kind, "message": str(error), "hint": error.hint}
        return {"name": self.name, "models": list(self.models), "trigger": self.trigger, "error": value}
