"""Small values that several records share: a pinned version, tokens, a measured difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from promptvc.evidence.fields import Fields

MEAN = "mean"
"""How repeats were brought together in records that do not say."""


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version of a prompt, pinned: its number and its digest (git blob id).

    ``version`` is None for content that has no number yet, such as a candidate that was never committed.
    """

    version: int | None
    digest: str

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {"version": self.version, "digest": self.digest}

    @classmethod
    def read(cls, fields: Fields) -> VersionRef:
        """The value that ``fields`` holds."""
        return cls(fields.optional("version", fields.integer), fields.text("digest"))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one call or of many; None where the provider does not say."""

    input: int | None = None
    output: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {"input": self.input, "output": self.output}

    @classmethod
    def read(cls, fields: Fields) -> Tokens:
        """The value that ``fields`` holds."""
        return cls(fields.optional("input", fields.integer), fields.optional("output", fields.integer))


@dataclass(frozen=True, slots=True)
class Score:
    """Mean scores (0..1) of both sides over ``n`` paired cases, with the interval of their difference.

    ``low`` and ``high`` hold at ``level`` (for example 0.95).
    """

    baseline: float
    candidate: float
    difference: float
    low: float
    high: float
    level: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {
            "baseline": self.baseline,
            "candidate": self.candidate,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "n": self.n,
        }

    @classmethod
    def read(cls, fields: Fields) -> Score:
        """The value that ``fields`` holds."""
        return cls(
            baseline=fields.number("baseline"),
            candidate=fields.number("candidate"),
            difference=fields.number("difference"),
            low=fields.number("low"),
            high=fields.number("high"),
            level=fields.number("level"),
            n=fields.integer("n"),
        )


@dataclass(frozen=True, slots=True)
class Expense:
    """What an answer took, the mean over compared cases; None where it is not known of every one.

    ``cost`` is in US dollars.
    """

    latency_ms: float | None = None
    cost: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {"latency_ms": self.latency_ms, "cost": self.cost}

    @classmethod
    def read(cls, fields: Fields) -> Expense:
        """The value that ``fields`` holds."""
        return cls(fields.optional("latency_ms", fields.number), fields.optional("cost", fields.number))


@dataclass(frozen=True, slots=True)
class Took:
    """What an answer of each side of a comparison took."""

    baseline: Expense
    candidate: Expense

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {"baseline": self.baseline.to_json(), "candidate": self.candidate.to_json()}

    @classmethod
    def read(cls, fields: Fields) -> Took:
        """The value that ``fields`` holds."""
        return cls(fields.one("baseline", Expense.read), fields.one("candidate", Expense.read))


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard of a comparison: a metric that must not get worse by more than ``margin``.

    ``low`` is the lower bound of the difference (candidate minus baseline, up is better). Numbers are None
    when the metric was not measured.
    """

    name: str
    holds: bool
    difference: float | None = None
    low: float | None = None
    margin: float | None = None
    baseline: float | None = None
    candidate: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {
            **self.extra,
            "name": self.name,
            "holds": self.holds,
            "difference": self.difference,
            "low": self.low,
            "margin": self.margin,
            "baseline": self.baseline,
            "candidate": self.candidate,
        }

    @classmethod
    def read(cls, fields: Fields) -> Guard:
        """The value that ``fields`` holds."""
        return cls(
            name=fields.text("name"),
            holds=fields.boolean("holds"),
            difference=fields.optional("difference", fields.number),
            low=fields.optional("low", fields.number),
            margin=fields.optional("margin", fields.number),
            baseline=fields.optional("baseline", fields.number),
            candidate=fields.optional("candidate", fields.number),
            extra=fields.rest(),
        )


class Evaluated(Protocol):
    """A record that says in which manner cases were evaluated."""

    @property
    def reducer(self) -> str: ...
    @property
    def judge(self) -> str | None: ...
    @property
    def datasets(self) -> Mapping[str, str]: ...
    @property
    def generated(self) -> bool: ...
    @property
    def quarantined(self) -> tuple[str, ...]: ...
    @property
    def clusters(self) -> Mapping[str, str]: ...


def manner(record: Evaluated) -> dict[str, Any]:
    """Those keys of a record, the usual ones left out: so a record from before them keeps its bytes."""
    value: dict[str, Any] = {
        "reducer": record.reducer if record.reducer != MEAN else None,
        "judge": record.judge,
        "datasets": dict(record.datasets) or None,
        "generated": record.generated or None,
        "quarantined": list(record.quarantined) or None,
        "clusters": dict(record.clusters) or None,
    }
    return {key: each for key, each in value.items() if each is not None}
