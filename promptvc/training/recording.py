"""From a training that ended to its record in the ledger, and whether its candidate is committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from promptvc.evaluation.compare import Comparison
from promptvc.evidence.ledger import Events, LedgerState, Training
from promptvc.evidence.records import Tokens, VersionRef
from promptvc.feedback.segments import Reading
from promptvc.training.data.items import Dataset
from promptvc.training.data.split import Split
from promptvc.training.outcome import TrainingOutcome

SEARCH = ("calls", "tokens", "cost", "full_calls", "cases", "p", "failed_after")
"""What of an outcome a record keeps about its search."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a training began with; ``model`` is a spec, or several with commas between them.

    ``main`` is the commit that it reads, ``options`` what was asked for, ``trigger`` what made it due. ``left_out``
    counts what is not used of the feedback, by reason.
    """

    id: str
    time: datetime
    prompt: str
    baseline: VersionRef
    seed: int
    model: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    main: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took; ``cost`` in US dollars, None when unknown."""

    calls: int
    tokens: Tokens
    cost: float | None


@dataclass(frozen=True, slots=True)
class Met:
    """A look at the hold-out: where it stands in the ledger, and what was found."""

    state: LedgerState
    comparison: Comparison

    @property
    def number(self) -> int:
        """The number of the look in its epoch."""
        same = self.state.same_look
        return same.number if same is not None else self.state.look


def decide(comparison: Comparison, split: Split, *, draft: bool) -> tuple[bool, str]:
    """Whether the candidate is committed, and why, in one sentence.

    An improvement is, unless a guard got worse or the hold-out is too small for more than a draft; what is
    inconclusive is only with ``draft``; anything else never.
    """
    if comparison.verdict == "improvement":
        if comparison.recommendation == "reject":
            return False, f"not committed: {comparison.reason}"
        if split.promotable:
            return True, comparison.reason
        few = (
            f"better, but {split.holdout_groups} independent hold-out cases are too few for more than a draft"
        )
        return draft, few if draft else f"{few}; --draft commits it"
    if comparison.verdict == "inconclusive":
        if draft:
            return True, f"a draft: {comparison.reason}"
        return False, f"no improvement found: {comparison.reason}; --draft commits it all the same"
    return False, f"no improvement found: {comparison.reason}"


def training_record(
    start: Start,
    found: TrainingOutcome,
    cost: Cost,
    *,
    reason: str,
    met: Met | None = None,
    promoted: bool = False,
) -> Training:
    """The record of one training, whatever came out; a candidate is named in it once it is committed."""
    same = met.state.same_look if met else None
    comparison = met.comparison if met else None
    scores = {"baseline": found.baseline, "candidate": found.candidate}
    return Training(
        id=start.id,
        time=start.time,
        prompt=start.prompt,
        approach=found.approach,
        seed=start.seed,
        model=start.model,
        baseline=start.baseline,
        candidate=None,
        events=Events.of(found.events),
        promoted=promoted,
        reason=reason,
        calls=cost.calls,
        look_key=same.look.key if same else None,
        look=met.number if met else None,
        epoch=same.epoch if same else None,
        alpha=comparison.alpha if comparison else None,
        verdict=comparison.verdict if comparison else None,
        recommendation=comparison.recommendation if comparison else None,
        score=comparison.score if comparison else None,
        train_score={key: value for key, value in scores.items() if value is not None},
        tokens=cost.tokens,
        cost=cost.cost,
        changes={kind: found.count(kind) for kind in ("rules", "examples", "messages")},
        main=start.main,
        options=start.options,
        edits=tuple(change.to_json() for change in found.changes),
        tried=tuple(one.to_json() for one in found.tried),
        chosen=found.chosen or None,
        trigger=start.trigger,
        stopped=found.stopped,
        blocks=found.blocks,
        search={name: getattr(found, name) for name in SEARCH},
        remarks=found.remarks,
        extra={"left_out": dict(start.left_out)},
    )


def with_look(record: Training, state: LedgerState | None) -> Training:
    """The record with the look that was reserved, also when the training failed before its end."""
    same = state.same_look if state is not None else None
    if same is None:
        return record
    return replace(record, look_key=same.look.key, look=same.number, epoch=same.epoch, alpha=same.alpha)


def left_out(dataset: Dataset, split: Split, reading: Reading) -> dict[str, int]:
    """What is not used, by reason: events, inputs that meet the hold-out, lines that are no events."""
    counts = Counter(dataset.left_out) + Counter(split.dropped)
    counts += Counter({"cannot be read": len(reading.problems)})
    counts += Counter({"have an id with two contents": len(reading.conflicts)})
    return dict(sorted(counts.items()))
