"""What a reviewer is told of a candidate, as frozen values: how it was measured, what changes, and because of whom.

Nothing here is computed: the facts come from evidence, the ledger and events, and what none of them says is None.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.clock import format_time
from promptvc.evidence.comparisons import RECOMMENDATIONS, VERDICTS, ComparisonRecord
from promptvc.evidence.trainings import Training
from promptvc.evidence.values import Score
from promptvc.store.diff import Change

_PSEUDONYM_SHOWN = 19
"""Characters of a pseudonym that tell two people apart: ``u-``, the key's id, and the first digits of the rest."""


@dataclass(frozen=True, slots=True)
class Voice:
    """An event that a change cites; of one that is gone (forgotten, or archived) only the id is known.

    Attributes:
        user: the pseudonym, cut to what tells people apart; None where the event names nobody.
        words: what it says, as given.
    """

    id: str
    kind: str | None = None
    user: str | None = None
    time: datetime | None = None
    words: str | None = None

    @property
    def gone(self) -> bool:
        """Whether it is in no segment any more."""
        return self.words is None

    def to_json(self) -> dict[str, Any]:
        """As `review --json` prints it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "user": self.user,
            "time": format_time(self.time) if self.time is not None else None,
            "words": self.words,
        }


def shortened(user: str | None) -> str | None:
    """A pseudonym as a report shows it."""
    return user if user is None or len(user) <= _PSEUDONYM_SHOWN else user[:_PSEUDONYM_SHOWN]


@dataclass(frozen=True, slots=True)
class Cited:
    """One change and the events that it cites, those that say something first."""

    change: Change
    voices: tuple[Voice, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `review --json` prints it: the change as `diff --json` prints it, and its events."""
        return {**self.change.to_json(), "events": [voice.to_json() for voice in self.voices]}


@dataclass(frozen=True, slots=True)
class CaseFact:
    """A case that only one side passes.

    Attributes:
        baseline, candidate: scores, 0..1; None where that side has none.
        question: what was asked; ``before`` and ``after``: the two answers. None where no evidence has them.
    """

    case: str
    baseline: float | None = None
    candidate: float | None = None
    question: str | None = None
    before: str | None = None
    after: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `review --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Side:
    """One side, as far as it was measured.

    Attributes:
        score: 0..1; ``cost`` (US dollars), ``latency_ms`` and ``tokens``: of one answer. None when unknown.
    """

    version: int | None
    digest: str
    score: float | None = None
    cost: float | None = None
    latency_ms: float | None = None
    tokens: float | None = None

    @property
    def label(self) -> str:
        """``v3``."""
        return "no version" if self.version is None else f"v{self.version}"

    def to_json(self) -> dict[str, Any]:
        """As `review --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """All that is told of one candidate.

    Attributes:
        baseline: None where there is nothing to compare with: a first version.
        branch: where it waits; None where it is on no candidate branch. ``on_main``: it was merged.
        commit, author, subject: that brought it; None while it is not committed.
        models: that answered, or are to answer; empty where none is named.
        comparison: the record that counts; None: it was never compared.
        training: that made it, from the ledger; None: a person did, or the ledger here does not know it.
        cases: how many answers one score is made of, without a comparison; 0: it was never run.
        latency: what ``latency_ms`` is: ``median`` or ``mean``.
        fixed, broken: of the comparison, in its order.
        current: whether main still has the baseline; None where there is none.
        remarks: what a reviewer has to know, a sentence each.
    """

    name: str
    candidate: Side
    baseline: Side | None = None
    branch: str | None = None
    on_main: bool = False
    commit: str | None = None
    author: str | None = None
    subject: str | None = None
    models: tuple[str, ...] = ()
    comparison: ComparisonRecord | None = None
    training: Training | None = None
    cases: int = 0
    latency: str = "median"
    changes: tuple[Cited, ...] = ()
    fixed: tuple[CaseFact, ...] = ()
    broken: tuple[CaseFact, ...] = ()
    current: bool | None = None
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str | None:
        """Of the comparison, else of the training; None when nothing was compared."""
        return _known(self.comparison or self.training, "verdict", VERDICTS)

    @property
    def recommendation(self) -> str | None:
        """``deploy``, ``test_more``, ``hold``, ``reject``; None without one."""
        return _known(self.comparison or self.training, "recommendation", RECOMMENDATIONS)

    @property
    def score(self) -> Score | None:
        """Of both sides, with the interval of the difference."""
        if self.comparison is not None:
            return self.comparison.score
        return self.training.score if self.training is not None else None

    @property
    def approach(self) -> str | None:
        """That made it; None: a person did."""
        if self.training is not None:
            return self.training.approach
        return self.comparison.approach if self.comparison is not None else None

    @property
    def provisional(self) -> bool:
        """Whether the look was not pushed when this was written down."""
        return self.comparison is not None and self.comparison.provisional

    @property
    def draft(self) -> bool:
        """Whether it is to be shown, and not to be merged as it is."""
        if self.training is not None:
            return not self.training.promoted
        return self.verdict in {"inconclusive", "incomparable"}

    def to_json(self) -> dict[str, Any]:
        """As `review --json` prints it: everything but the single pairs and the variants that were tried."""
        return {
            "name": self.name,
            "version": self.candidate.version,
            "verdict": self.verdict,
            "recommendation": self.recommendation,
            "draft": self.draft,
            "provisional": self.provisional,
            "baseline": self.baseline.to_json() if self.baseline is not None else None,
            "candidate": self.candidate.to_json(),
            "score": self.score.to_json() if self.score is not None else None,
            "cases": self.cases,
            "branch": self.branch,
            "on_main": self.on_main,
            "current": self.current,
            "commit": self.commit,
            "author": self.author,
            "subject": self.subject,
            "approach": self.approach,
            "models": list(self.models),
            "latency": self.latency,
            "changes": [one.to_json() for one in self.changes],
            "fixed": [one.to_json() for one in self.fixed],
            "broken": [one.to_json() for one in self.broken],
            "comparison": _without(self.comparison, "pairs"),
            "training": _without(self.training, "tried"),
            "remarks": list(self.remarks),
        }


def _known(record: ComparisonRecord | Training | None, key: str, words: Collection[str]) -> str | None:
    """A word of promptvc's own: a record is a file, in which anybody could have written anything."""
    found = getattr(record, key, None)
    return found if found in words else None


def _without(record: ComparisonRecord | Training | None, *keys: str) -> Mapping[str, Any] | None:
    if record is None:
        return None
    return {key: value for key, value in record.to_json().items() if key not in keys}
