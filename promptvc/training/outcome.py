"""What came out of a training on training cases: what was tried, what is best, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.prompts.edit import Edit

Kind = str
"""``added``, ``removed`` or ``changed``."""


@dataclass(frozen=True, slots=True)
class Change:
    """One item that differs between the baseline and a candidate.

    Attributes:
        path: ``rules[2]``, ``examples[0]`` or ``messages[0]``; the place in the candidate, of what is removed in the
            baseline.
        kind: ``added``, ``removed`` or ``changed``.
        before, after: its words; None where there is none. An example is ``input -> output``.
        because: the events that it cites; of what is removed, those it cited.
    """

    path: str
    kind: Kind
    before: str | None
    after: str | None
    because: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {
            "path": self.path,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "because": list(self.because),
        }


@dataclass(frozen=True, slots=True)
class Tried:
    """One variant of a race.

    Attributes:
        approach: what proposed it; ``merge`` where two were brought together.
        round: from 1.
        score, parent, baseline: means over the ``cases`` that it was scored on; it was raced against the parent.
        low, high: of the difference, at the level of the race; None with too few cases.
        examples, rules: how many its prompt has; the mean over folds.
        length: characters of all instructions, rules and examples; the mean over folds.
        tokens, cost: mean of an answer; None when unknown. ``latency_ms`` also.
        blocks: after how many blocks the race was over for it.
        ended: ``won``, ``behind``, ``equal``, ``refused`` or ``stopped``; ``reason`` says more, one sentence or empty.
        calls: answers asked so far in the training when it was done.
        front: whether it is on the Pareto front of score, cost, latency and length in the end.
    """

    name: str
    score: float
    parent: float
    cases: int
    examples: float
    baseline: float = 0.0
    approach: str = ""
    round: int = 1
    low: float | None = None
    high: float | None = None
    rules: float = 0.0
    length: float = 0.0
    tokens: float | None = None
    cost: float | None = None
    latency_ms: float | None = None
    blocks: int = 0
    ended: str = ""
    reason: str = ""
    calls: int = 0
    front: bool = False

    def to_json(self) -> dict[str, Any]:
        """The object written into records and reports."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a training ended.

    Attributes:
        approach: the one that was used, or that made the best variant of several; ``auto`` or ``all`` when none could.
        chosen: why this approach, half a sentence.
        reason: why it ended this way, one sentence.
        edits: what turns the baseline into the candidate; None when nothing better was found.
        changes: the same as items with their evidence.
        baseline, candidate: mean scores on training cases; the candidate's is cross-fitted: every case was
            judged with a prompt that did not learn from it. None where not measured.
        cases: how many cases these are means of.
        p: one-sided, paired, by group: the chance of such a gain where there is none, for one variant; None where not
            measured.
        calls, tokens, cost: of answers and proposals, whether paid now or earlier; None when unknown.
        full_calls: what asking every variant on every case would have taken.
        events: ids of the events that the training rests on.
        tried: all variants, in the order in which they were raced.
        stopped: which bound ended the search before its end, as a clause; None: none did.
        blocks: how many blocks were raced.
        failed_after: after how many answers the optimizer failed; None: it did not.
        remarks: what a reader has to know, each one sentence.
        families: ways of making a case harder in which the baseline fails; the comparison asks in these ways as well.
        files: what is proposed beside the prompt, by path in the repository; also where there is no candidate.
    """

    approach: str
    reason: str
    chosen: str = ""
    edits: tuple[Edit, ...] | None = None
    changes: tuple[Change, ...] = ()
    baseline: float | None = None
    candidate: float | None = None
    cases: int = 0
    p: float | None = None
    calls: int = 0
    tokens: int | None = None
    cost: float | None = None
    full_calls: int = 0
    events: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()
    stopped: str | None = None
    blocks: int = 0
    failed_after: int | None = None
    remarks: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def gain(self) -> float | None:
        """Candidate minus baseline on training cases."""
        return None if self.baseline is None or self.candidate is None else self.candidate - self.baseline

    def count(self, kind: str) -> int:
        """How many items of ``rules``, ``examples`` or ``messages`` change."""
        return sum(1 for change in self.changes if change.path.startswith(kind))
