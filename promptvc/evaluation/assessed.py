"""One evaluation as it is asked for, and what came out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.evaluation.reports.report import Report
from promptvc.evaluation.reports.summary import summary_json
from promptvc.evaluation.running.budget import Limits


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What to run, and how.

    Attributes:
        references: ``NAME[@REV]``, several of them; empty with ``changed_since``.
        models: instead of the prompts' own.
        repeat: 3 with a provider and 1 offline when None, unless the suite says.
        reduce: a reducer in words, such as ``pass_at_k:2``; the suite's, else ``mean``, when None.
        fresh: pass by the cache.
        max_calls, max_tokens, max_cost, max_time: bounds of everything that is asked; US dollars, seconds.
        tags, cases, failed, shard: which cases; everything that is given must hold.
        changed_since: all prompts that differ, with their suites, from this revision's merge base. One that
            ``baseline`` has not is new: it is evaluated alone.
        offline: leave out prompts whose evaluation takes a key or runs code without leave.
        qualities: have the judge grade coherence, relevance and safety, too.
        gate: hold it against the approved baseline.
    """

    references: tuple[str, ...] = ()
    baseline: str | None = None
    models: tuple[str, ...] = ()
    repeat: int | None = None
    reduce: str | None = None
    concurrency: int | None = None
    judge: str | None = None
    fresh: bool = False
    allow_code: bool = False
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_time: float | None = None
    tags: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    failed: bool = False
    shard: str | None = None
    changed_since: str | None = None
    offline: bool = False
    qualities: bool = False
    gate: bool = False
    save: bool = False

    @property
    def limits(self) -> Limits:
        """The bounds."""
        return Limits(self.max_calls, self.max_tokens, self.max_cost, self.max_time)


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be evaluated of one prompt.

    Attributes:
        models: that answer; ``providers`` are all that it asks outside of this process, judges and embeddings too.
        cases: of the suite, or of the part that was asked for; ``answers`` of all sides, models and repeats.
        baseline: whether there is a version to compare with.
        code: whether its suite runs code.
        left: why it is left out, with ``offline``; None where it is not.
    """

    name: str
    models: tuple[str, ...]
    providers: tuple[str, ...]
    cases: int
    answers: int
    baseline: bool
    code: bool
    left: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``evaluate --plan --json`` prints it."""
        return {
            "name": self.name,
            "models": list(self.models),
            "providers": list(self.providers),
            "cases": self.cases,
            "answers": self.answers,
            "baseline": self.baseline,
            "code": self.code,
            "left_out": self.left,
        }


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came out of one version on one model.

    Attributes:
        errors: for each side with errored cases how many there are, and the first error.
        evidence, commit: of the saved record; None when nothing was saved.
        missing: why other models of the same evaluation gave no result at all.
        good: the answer of the exit code. ``bar`` is the score that a run alone has to reach.
    """

    report: Report
    errors: tuple[str, ...]
    evidence: str | None
    commit: str | None
    good: bool
    bar: float
    missing: tuple[str, ...] = ()

    @property
    def dead(self) -> str | None:
        """Why nothing is known of this version on this model, as an error says it; None where something is."""
        reason = self.report.unscored
        if reason is None:
            return None
        return (
            f"no case of {self.report.name} has a score on {self.report.candidate.model}; the first: {reason}"
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know."""
        return self.report.remarks

    @property
    def failing(self) -> tuple[str, ...]:
        """Ids of all cases that it does not pass, errored ones too."""
        return tuple(score.case for score in self.report.candidate.scores if not score.passed)

    def to_json(self) -> dict[str, Any]:
        """As `evaluate --json` prints it."""
        return summary_json(self.report) | {
            "failing": list(self.failing),
            "evidence": self.evidence,
            "commit": self.commit,
        }
