"""What a report of a training tells: what was tried, what it cost, how it ended, what it changes and why.

Made from a training that has just ended, or from its record in the ledger, which has all but the comparison's details.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.compare import Comparison
from promptvc.evidence.ledger import Training
from promptvc.evidence.values import Score, Tokens
from promptvc.training.outcome import Change, Tried
from promptvc.training.trained import Trained


@dataclass(frozen=True, slots=True)
class Spent:
    """What a training took.

    Attributes:
        calls: answers and proposals of the search, whether paid now or earlier; None in older records.
        full_calls: what asking every variant on every case would have taken; None where it is not known.
        tokens, cost: of these; cost in US dollars, None when unknown.
        paid, paid_tokens, paid_cost: what was paid for in this run, the comparison on the hold-out included.
    """

    calls: int | None
    full_calls: int | None
    tokens: int | None
    cost: float | None
    paid: int
    paid_tokens: Tokens = field(default_factory=Tokens)
    paid_cost: float | None = None

    @property
    def saved(self) -> float | None:
        """The share of calls that racing did without, 0..1; None when it is not known."""
        if self.calls is None or not self.full_calls or self.calls > self.full_calls:
            return None
        return 1 - self.calls / self.full_calls

    def to_json(self) -> dict[str, Any]:
        """As JSON reports write it."""
        return {
            "calls": self.calls,
            "full_calls": self.full_calls,
            "saved": self.saved,
            "tokens": self.tokens,
            "cost": self.cost,
            "paid": {"calls": self.paid, "tokens": self.paid_tokens.to_json(), "cost": self.paid_cost},
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One training.

    Attributes:
        baseline, candidate: versions; None where there is none, or it was never numbered.
        train_baseline, train_candidate: mean scores on ``cases`` training cases; p: one-sided; None where not known.
        score: on the hold-out; ``comparison`` in full where the training has just ended.
        events: how many events it rests on; ``left_out``: what was not used, by reason.
        words: by id of an event that a change cites, what it says; those that are gone are not there.
    """

    name: str
    training: str | None
    approach: str
    chosen: str
    reason: str
    baseline: int | None
    candidate: int | None
    branch: str | None
    promoted: bool
    spent: Spent
    tried: tuple[Tried, ...]
    changes: tuple[Change, ...]
    words: Mapping[str, str]
    events: int
    train_baseline: float | None = None
    train_candidate: float | None = None
    cases: int | None = None
    p: float | None = None
    verdict: str | None = None
    recommendation: str | None = None
    score: Score | None = None
    look: int | None = None
    alpha: float | None = None
    comparison: Comparison | None = None
    stopped: str | None = None
    blocks: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        for key in ("comparison", "train_baseline", "train_candidate", "cases", "p"):
            del plain[key]
        return plain | {
            "spent": self.spent.to_json(),
            "train": {
                "baseline": self.train_baseline,
                "candidate": self.train_candidate,
                "cases": self.cases,
                "p": self.p,
            },
            "score": self.score.to_json() if self.score else None,
            "guards": [guard.to_json() for guard in self.comparison.guards] if self.comparison else [],
            "tried": [one.to_json() for one in self.tried],
            "changes": [change.to_json() for change in self.changes],
            "words": dict(self.words),
            "left_out": dict(self.left_out),
            "remarks": list(self.remarks),
        }


def report_of(trained: Trained, words: Mapping[str, str]) -> Report:
    """The report of a training that has just ended; ``words`` by id of an event."""
    found, comparison = trained.training, trained.comparison
    return Report(
        name=trained.name,
        training=trained.training_id,
        approach=trained.approach,
        chosen=found.chosen,
        reason=trained.reason,
        baseline=trained.baseline,
        candidate=trained.candidate,
        branch=trained.branch,
        promoted=trained.promoted,
        spent=Spent(
            calls=found.calls,
            full_calls=found.full_calls,
            tokens=found.tokens,
            cost=found.cost,
            paid=trained.calls,
            paid_tokens=trained.tokens,
            paid_cost=trained.cost,
        ),
        tried=found.tried,
        changes=found.changes,
        words=_cited(found.changes, words),
        events=len(found.events),
        train_baseline=found.baseline,
        train_candidate=found.candidate,
        cases=found.cases,
        p=found.p,
        verdict=trained.verdict,
        recommendation=comparison.recommendation if comparison else None,
        score=comparison.score if comparison else None,
        look=trained.look,
        alpha=comparison.alpha if comparison else None,
        comparison=comparison,
        stopped=found.stopped,
        blocks=found.blocks,
        left_out=trained.left_out,
        remarks=tuple(dict.fromkeys((*found.remarks, *trained.remarks))),
    )


def report_of_record(record: Training, words: Mapping[str, str]) -> Report:
    """The report of a training that the ledger holds; ``words`` by id of an event.

    Raises:
        InvalidDocument: what the record says of variants or changes is not what a training writes.
    """
    tried = tuple(_read(Tried, one, record) for one in record.tried)
    changes = tuple(_change(one, record) for one in record.edits)
    left_out = record.extra.get("left_out")
    return Report(
        name=record.prompt,
        training=record.id,
        approach=record.approach,
        chosen=record.chosen or "",
        reason=record.reason,
        baseline=record.baseline.version,
        candidate=record.candidate.version if record.candidate else None,
        branch=record.branch,
        promoted=record.promoted,
        spent=Spent(
            calls=_whole(record.search.get("calls")),
            full_calls=_whole(record.search.get("full_calls")),
            tokens=_whole(record.search.get("tokens")),
            cost=_number(record.search.get("cost")),
            paid=record.calls,
            paid_tokens=record.tokens,
            paid_cost=record.cost,
        ),
        tried=tried,
        changes=changes,
        words=_cited(changes, words),
        events=record.events.count,
        train_baseline=record.train_score.get("baseline"),
        train_candidate=record.train_score.get("candidate"),
        cases=_whole(record.search.get("cases")),
        p=_number(record.search.get("p")),
        verdict=record.verdict,
        recommendation=record.recommendation,
        score=record.score,
        look=record.look,
        alpha=record.alpha,
        stopped=record.stopped,
        blocks=record.blocks,
        left_out=left_out if isinstance(left_out, dict) else {},
        remarks=record.remarks,
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _cited(changes: tuple[Change, ...], words: Mapping[str, str]) -> dict[str, str]:
    cited = sorted({event for change in changes for event in change.because})
    return {event: words[event] for event in cited if event in words}


_T = TypeVar("_T", Tried, Change)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "Kind": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
}


def _change(value: Mapping[str, Any], record: Training) -> Change:
    because = value.get("because")
    ids = because if isinstance(because, list) and all(isinstance(one, str) for one in because) else []
    return _read(Change, {**value, "because": tuple(ids)}, record)


def _read(kind: type[_T], value: Mapping[str, Any], record: Training) -> _T:
    """``value`` as a ``kind``; keys that a newer version wrote are left out."""
    found = {one.name: value[one.name] for one in fields(kind) if one.name in value}
    for one in fields(kind):
        words, _, optional = str(one.type).partition(" | ")
        expected = _TYPES.get(words)
        given = found.get(one.name)
        if expected is not None and given is not None and not isinstance(given, expected):
            raise _damaged(one.name, record)
        if given is None and one.name in found and not optional:
            raise _damaged(one.name, record)
    try:
        return kind(**found)
    except TypeError:
        missing = next(one.name for one in fields(kind) if one.name not in found)
        raise _damaged(missing, record) from None


def _damaged(key: str, record: Training) -> InvalidDocument:
    return InvalidDocument(
        f"`{key}` of a variant or a change is not what a training writes", file=record.path
    )
