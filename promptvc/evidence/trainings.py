"""The record of one training, promoted or not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from promptvc.base.clock import format_time
from promptvc.base.jsonl import canonical_json
from promptvc.evidence.fields import FORMAT, Fields
from promptvc.evidence.values import Score, Tokens, VersionRef


@dataclass(frozen=True, slots=True)
class Events:
    """The events that a training used: how many, and a digest of the sorted set of their ids."""

    count: int
    digest: str

    @classmethod
    def of(cls, ids: Iterable[str]) -> Events:
        """The value for a set of event ids."""
        distinct = sorted(set(ids))
        return cls(len(distinct), hashlib.sha256(canonical_json(distinct)).hexdigest())

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {"count": self.count, "digest": self.digest}

    @classmethod
    def read(cls, fields: Fields) -> Events:
        """The value that ``fields`` holds."""
        return cls(fields.integer("count"), fields.text("digest"))


@dataclass(frozen=True, slots=True)
class Training:
    """What one training did and how it ended.

    Attributes:
        id: ULID; with ``prompt`` it makes the path.
        candidate: None when no candidate came out.
        look_key, look, epoch, alpha: the look at the hold-out, as counted then; None without one.
        score: on the hold-out; None without a look.
        train_score: baseline and candidate on the training cases, by these names.
        calls, tokens, cost: what it took; cost in US dollars, None when unknown.
        reason: why it ended this way, one sentence.
        branch: where the candidate was committed, None when it was not.
        changes: counts by kind, such as ``rules`` and ``examples``.
        main: the commit that it read; None in records older than the key.
        options: what it was asked for, by the names of `train`; ``edits``: the items that it changes, with their
            evidence; ``tried``: the variants of its races. As JSON values.
        chosen: why this approach; ``trigger``: what made it due, None when it was asked for.
        stopped: which bound ended the search, ``blocks``: over how many it raced until then.
        search: ``calls``, ``tokens``, ``cost`` and ``full_calls`` of the search, ``cases`` and ``p`` of its result, as
            :class:`promptvc.training.outcome.TrainingOutcome` has them; ``remarks``: what a reader has to know.
    """

    kind: ClassVar[str] = "training"

    id: str
    time: datetime
    prompt: str
    approach: str
    seed: int
    model: str
    baseline: VersionRef
    candidate: VersionRef | None
    events: Events
    promoted: bool
    reason: str
    calls: int
    look_key: str | None = None
    look: int | None = None
    epoch: int | None = None
    alpha: float | None = None
    verdict: str | None = None
    recommendation: str | None = None
    score: Score | None = None
    train_score: Mapping[str, float] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None
    branch: str | None = None
    changes: Mapping[str, float] = field(default_factory=dict)
    main: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    edits: Sequence[Mapping[str, Any]] = ()
    tried: Sequence[Mapping[str, Any]] = ()
    chosen: str | None = None
    trigger: str | None = None
    stopped: str | None = None
    blocks: int | None = None
    search: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it is written on the ledger branch."""
        return f"trainings/{self.prompt}/{self.id}.json"

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values; ``train --history`` prints the same."""
        return {
            **self.extra,
            "record": self.kind,
            "format": FORMAT,
            "id": self.id,
            "time": format_time(self.time),
            "prompt": self.prompt,
            "approach": self.approach,
            "seed": self.seed,
            "model": self.model,
            "baseline": self.baseline.to_json(),
            "candidate": self.candidate.to_json() if self.candidate is not None else None,
            "events": self.events.to_json(),
            "promoted": self.promoted,
            "reason": self.reason,
            "calls": self.calls,
            "look_key": self.look_key,
            "look": self.look,
            "epoch": self.epoch,
            "alpha": self.alpha,
            "verdict": self.verdict,
            "recommendation": self.recommendation,
            "score": self.score.to_json() if self.score is not None else None,
            "train_score": dict(self.train_score),
            "tokens": self.tokens.to_json(),
            "cost": self.cost,
            "branch": self.branch,
            "changes": dict(self.changes),
            "main": self.main,
            "options": dict(self.options),
            "edits": [dict(one) for one in self.edits],
            "tried": [dict(one) for one in self.tried],
            "chosen": self.chosen,
            "trigger": self.trigger,
            "stopped": self.stopped,
            "blocks": self.blocks,
            "search": dict(self.search),
            "remarks": list(self.remarks),
        }

    @classmethod
    def read(cls, fields: Fields) -> Training:
        """The record that ``fields`` holds."""
        return cls(
            id=fields.ulid("id"),
            time=fields.time("time"),
            prompt=fields.text("prompt"),
            approach=fields.text("approach"),
            seed=fields.integer("seed"),
            model=fields.text("model"),
            baseline=fields.one("baseline", VersionRef.read),
            candidate=fields.optional_one("candidate", VersionRef.read),
            events=fields.one("events", Events.read),
            promoted=fields.boolean("promoted"),
            reason=fields.text("reason"),
            calls=fields.integer("calls"),
            look_key=fields.optional("look_key", fields.text),
            look=fields.optional("look", fields.integer),
            epoch=fields.optional("epoch", fields.integer),
            alpha=fields.optional("alpha", fields.number),
            verdict=fields.optional("verdict", fields.text),
            recommendation=fields.optional("recommendation", fields.text),
            score=fields.optional_one("score", Score.read),
            train_score=fields.optional("train_score", fields.numbers) or {},
            tokens=fields.optional_one("tokens", Tokens.read) or Tokens(),
            cost=fields.optional("cost", fields.number),
            branch=fields.optional("branch", fields.text),
            changes=fields.optional("changes", fields.numbers) or {},
            main=fields.optional("main", fields.text),
            options=fields.optional("options", fields.mapping) or {},
            edits=fields.optional("edits", fields.mappings) or (),
            tried=fields.optional("tried", fields.mappings) or (),
            chosen=fields.optional("chosen", fields.text),
            trigger=fields.optional("trigger", fields.text),
            stopped=fields.optional("stopped", fields.text),
            blocks=fields.optional("blocks", fields.integer),
            search=fields.optional("search", fields.mapping) or {},
            remarks=fields.optional("remarks", fields.texts) or (),
            extra=fields.rest(),
        )
