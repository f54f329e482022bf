"""One evaluation as a value: what ran, how it compares, and every case, row by row. All formats are made from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.gate import Gate
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.running.results import Results
from promptvc.evidence.runs import CaseResult, Totals
from promptvc.evidence.values import Tokens

Change = Literal["fixed", "broken", "same"]


@dataclass(frozen=True, slots=True)
class Side:
    """One version on one model, with its answers.

    Attributes:
        version: None for content without a number.
        digest: git blob id of the prompt's file.
        scores: one a case, in the order of the cases.
        results: one a case and repeat.
    """

    version: int | None
    digest: str
    model: str
    totals: Totals
    scores: Sequence[CaseScore]
    results: Results

    @property
    def label(self) -> str:
        """``v3``, or ``unnumbered``."""
        return "unnumbered" if self.version is None else f"v{self.version}"


@dataclass(frozen=True, slots=True)
class Quality:
    """Coherence, relevance or safety: the mean over ``n`` answers, 0..1.

    ``measure`` says how: ``lexical`` (docs/design/qualities.md), or the judge's model.
    """

    name: str
    score: float
    measure: str
    n: int

    def to_json(self) -> dict[str, Any]:
        """As reports print it."""
        return {"score": self.score, "measure": self.measure, "n": self.n}


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a judge agrees with people, over ``n`` answers that both have judged.

    Attributes:
        judge: the judge's model, or ``lexical``.
        metric: what was judged.
        agreement: share of equal verdicts, with ``low`` and ``high`` of its 95 % interval.
        kappa: Cohen's; None where one side always says the same.
        mcc: Matthews correlation coefficient; None where it has no value.
        confusion: counts by (people said, judge said): ``tp``, ``fp``, ``fn``, ``tn``.
    """

    judge: str
    metric: str
    n: int
    agreement: float
    low: float
    high: float
    kappa: float | None
    mcc: float | None
    confusion: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As reports print it."""
        return {key: getattr(self, key) for key in self.__slots__} | {"confusion": dict(self.confusion)}


@dataclass(frozen=True, slots=True)
class Rating:
    """The mean rating (0..1) that users gave a version, over ``n`` events; to be read beside the scores."""

    version: int | None
    mean: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """As reports print it."""
        return {"version": self.version, "mean": self.mean, "n": self.n}


@dataclass(frozen=True, slots=True)
class Judging:
    """What grading by a model took, apart from the answers.

    Attributes:
        model: the judge, None where only code or embeddings were asked.
        digest: over the judge prompts that were used and the model; "" where none was.
        prompts: by name, the version of each judge prompt used.
        cost: US dollars, None when unknown.
    """

    model: str | None
    digest: str
    prompts: Mapping[str, int]
    calls: int
    cached: int
    tokens: Tokens
    cost: float | None

    def to_json(self) -> dict[str, Any]:
        """As reports print it."""
        return {
            "model": self.model,
            "digest": self.digest,
            "prompts": dict(self.prompts),
            "calls": self.calls,
            "cached": self.cached,
            "tokens": self.tokens.to_json(),
            "cost": self.cost,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One case: what was asked, how it went, and how it went on the baseline (empty without one).

    Attributes:
        change: whether only one side passes.
        flaky: repeats of one side disagree whether it passes.
        differs: the first answers of the two sides are different texts.
        quarantined: why the case does not count; None where it does.
    """

    case: Case
    score: CaseScore
    results: tuple[CaseResult, ...]
    before: CaseScore | None = None
    results_before: tuple[CaseResult, ...] = ()
    change: Change = "same"
    flaky: bool = False
    differs: bool = False
    quarantined: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One version's evaluation, and its comparison where there is a baseline.

    Attributes:
        suite: digest of the suite.
        cases: those that were asked, in the suite's order; ``of`` is how many the suite has to ask.
        repeats, reducer: how often each was asked, and how repeats became one score.
        flaky: ids of the cases whose repeats disagree.
        quarantined: by id, why a case does not count.
        judge_digest: of the judge that the suite may ask, asked or not (:mod:`promptvc.evaluation.judges.digest`).
        pure: no grading took a model, a network or a key.
        remarks: what a reader should know, a sentence each.
        gate: how it holds against the approved baseline; None unless asked for.
    """

    name: str
    suite: str
    candidate: Side
    cases: Sequence[Case]
    started: datetime
    ended: datetime
    of: int = 0
    repeats: int = 1
    reducer: str = "mean"
    baseline: Side | None = None
    comparison: Comparison | None = None
    flaky: tuple[str, ...] = ()
    quarantined: Mapping[str, str] = field(default_factory=dict)
    qualities: tuple[Quality, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    ratings: tuple[Rating, ...] = ()
    judging: Judging | None = None
    judge_digest: str = ""
    pure: bool = True
    remarks: tuple[str, ...] = ()
    gate: Gate | None = None

    @property
    def version(self) -> int | None:
        """Of the candidate."""
        return self.candidate.version

    @property
    def totals(self) -> Totals:
        """Of the candidate."""
        return self.candidate.totals

    @property
    def unscored(self) -> str | None:
        """Why nothing is known: cases were asked and none has a score. None where one has, or none was asked."""
        scores = self.candidate.scores
        if not scores or any(score.score is not None for score in scores):
            return None
        return next((score.error for score in scores if score.error), "no answer")

    @property
    def detail(self) -> str:
        """What came out, in a few words: the verdict where there is a baseline, else the score."""
        if self.comparison is not None and self.baseline is not None:
            return f"{self.comparison.verdict} against {self.baseline.label}"
        return "no score" if self.totals.score is None else f"score {self.totals.score:.3f}"

    def good(self, success: float) -> bool:
        """The answer of the exit code.

        With a gate whether that is open, with a baseline whether this is no regression, else whether it reaches
        ``success`` with no case errored.
        """
        if not self.totals.cases:
            return True  # a shard may have none, and all of them may be in quarantine
        if self.gate is not None:
            return self.gate.open
        if self.comparison is not None:
            return self.comparison.verdict not in {"regression", "incomparable"}
        return self.totals.score is not None and self.totals.score >= success and not self.totals.errored

    def rows(self) -> Iterator[Row]:
        """Every case in the suite's order. Reads the answers from where they are kept: one pass, little memory."""
        flaky = frozenset(self.flaky)
        return (self._row(position, flaky) for position in range(len(self.cases)))

    def row(self, position: int) -> Row:
        """One case, by its place in the suite's order."""
        return self._row(position, self.flaky)

    def _row(self, position: int, flaky: Collection[str]) -> Row:
        case = self.cases[position]
        score = self.candidate.scores[position]
        results = self.candidate.results.of(position)
        before = self.baseline
        other = before.scores[position] if before is not None else None
        other_results = before.results.of(position) if before is not None else ()
        change: Change = "same"
        known = other is not None and other.score is not None and score.score is not None
        if known and other is not None and score.passed != other.passed:
            change = "fixed" if score.passed else "broken"
        return Row(
            case=case,
            score=score,
            results=results,
            before=other,
            results_before=other_results,
            change=change,
            flaky=case.id in flaky,
            differs=_differ(results, other_results),
            quarantined=self.quarantined.get(case.id),
        )


def _differ(results: Sequence[CaseResult], others: Sequence[CaseResult]) -> bool:
    if not results or not others:
        return False
    return results[0].output_digest != others[0].output_digest
