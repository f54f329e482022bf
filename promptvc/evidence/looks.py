"""One look at a hold-out: reserved in the ledger before the first call, so that a crash counts too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from promptvc.base.clock import format_time
from promptvc.base.jsonl import canonical_json
from promptvc.evidence.fields import FORMAT, Fields


def look_key(candidate: str, baseline: str, holdout: str) -> str:
    """The name of a look: 32 hex digits that depend only on the three digests.

    The same candidate, baseline and hold-out are the same look, and so the same file.
    """
    return hashlib.sha256(canonical_json(["look", candidate, baseline, holdout])).hexdigest()[:32]


def case_key(content: bytes) -> str:
    """A hold-out case as the ledger remembers it: 16 hex digits of a hash of its content, not the content."""
    return hashlib.sha256(b"case\0" + content).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Look:
    """A reserved look.

    A look may be reserved *ahead*, before there is a candidate: by a job that may write, for a training in one that may
    not. The training's id then stands for the candidate that it will find. It counts from then on, unless the
    training's record says that it found none worth a look: then it is given back
    (:func:`promptvc.evidence.ledger.read`).

    Attributes:
        id: ULID of the reservation; it orders looks of one time.
        candidate, baseline: digests of both sides.
        holdout: digest of the hold-out.
        cases: keys (:func:`case_key`) of the hold-out cases looked at, sorted, each once.
        training: id of the training that looks.
        given_back: it was reserved ahead and never taken. Known from the training's record, not written.
    """

    kind: ClassVar[str] = "look"

    id: str
    time: datetime
    prompt: str
    candidate: str
    baseline: str
    holdout: str
    cases: tuple[str, ...]
    training: str | None = None
    given_back: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def reserve(
        cls, training: str, time: datetime, prompt: str, digests: tuple[str, str, str], cases: Iterable[str]
    ) -> Look:
        """A new look of a training; ``digests`` are those of candidate, baseline and hold-out."""
        candidate, baseline, holdout = digests
        return cls(
            id=training,
            time=time,
            prompt=prompt,
            candidate=candidate,
            baseline=baseline,
            holdout=holdout,
            cases=tuple(sorted(set(cases))),
            training=training,
        )

    @classmethod
    def ahead(
        cls, training: str, time: datetime, prompt: str, digests: tuple[str, str], cases: Iterable[str]
    ) -> Look:
        """A look for whatever the training will find; ``digests`` are those of baseline and hold-out."""
        return cls.reserve(training, time, prompt, (training, *digests), cases)

    @property
    def is_ahead(self) -> bool:
        """Whether it was reserved before there was a candidate."""
        return self.candidate == self.training

    @property
    def key(self) -> str:
        """The name of the look's file."""
        return look_key(self.candidate, self.baseline, self.holdout)

    @property
    def order(self) -> tuple[datetime, str, str]:
        """What looks are counted by."""
        return self.time, self.id, self.key

    @property
    def path(self) -> str:
        """Where it is written on the ledger branch."""
        return f"looks/{self.prompt}/{self.key}.json"

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            **self.extra,
            "record": self.kind,
            "format": FORMAT,
            "id": self.id,
            "time": format_time(self.time),
            "prompt": self.prompt,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "holdout": self.holdout,
            "cases": list(self.cases),
            "training": self.training,
        }

    @classmethod
    def read(cls, fields: Fields) -> Look:
        """The record that ``fields`` holds."""
        return cls(
            id=fields.ulid("id"),
            time=fields.time("time"),
            prompt=fields.text("prompt"),
            candidate=fields.text("candidate"),
            baseline=fields.text("baseline"),
            holdout=fields.text("holdout"),
            cases=tuple(sorted(set(fields.texts("cases")))),
            training=fields.optional("training", fields.ulid),
            extra=fields.rest(),
        )
