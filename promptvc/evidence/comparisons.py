"""The record of one comparison: a candidate against its baseline, on the same cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from promptvc.base.clock import format_time
from promptvc.evidence.fields import FORMAT, Fields
from promptvc.evidence.values import MEAN, Guard, Score, Took, VersionRef, manner

VERDICTS = ("improvement", "regression", "equivalent", "inconclusive", "incomparable")
RECOMMENDATIONS = ("deploy", "test_more", "hold", "reject")


@dataclass(frozen=True, slots=True)
class Pair:
    """The scores (0..1, repeats brought together) of one case on both sides; None where that side errored.

    Attributes:
        baseline_passed, candidate_passed: whether that side passes; None in records older than the key.
        case_digest: the first 16 hexadecimal digits of the case's digest; None in records older than the key.
    """

    case: str
    baseline: float | None
    candidate: float | None
    baseline_passed: bool | None = None
    candidate_passed: bool | None = None
    case_digest: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object written into records; what is not known of older ones is left out."""
        value: dict[str, Any] = {"case": self.case, "baseline": self.baseline, "candidate": self.candidate}
        for key in ("baseline_passed", "candidate_passed", "case_digest"):
            if getattr(self, key) is not None:
                value[key] = getattr(self, key)
        return value

    @classmethod
    def read(cls, fields: Fields) -> Pair:
        """The value that ``fields`` holds."""
        return cls(
            case=fields.text("case"),
            baseline=fields.optional("baseline", fields.number),
            candidate=fields.optional("candidate", fields.number),
            baseline_passed=fields.optional("baseline_passed", fields.boolean),
            candidate_passed=fields.optional("candidate_passed", fields.boolean),
            case_digest=fields.optional("case_digest", fields.text),
        )


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """What a comparison found.

    Attributes:
        id: ULID; with ``prompt`` it makes the path.
        suite: digest of the suite, the candidate's.
        holdout: digest of the hold-out cases; None when the comparison was not on a hold-out.
        verdict: one of :data:`VERDICTS`.
        recommendation: one of :data:`RECOMMENDATIONS`, None when there is none.
        score: None when the sides are incomparable.
        p: p-value of the test towards improvement; None when incomparable.
        alpha: what this look could spend.
        look: number of the look in its epoch; None when nothing was reserved in the ledger.
        fixed, broken: ids of cases that only the candidate passes, that only the baseline passes.
        removed: ids of cases that the baseline's suite had and the candidate's has not.
        provisional: the look was not pushed when this was written.
        training: id of the training that made the candidate; None for a person's edit.
        reducer: how repeats became one score.
        judge: digest of the judge, its prompts and its model; None where no assertion asked one.
        datasets: digests (SHA-256) of the files that the suite takes cases from, by path.
        generated: the cases were made up from the prompt and its feedback, nobody wrote a suite.
        quarantined: ids of cases that were asked and do not count.
        clusters: by case id, the key of its cluster; cases by themselves are not in it.
        took: what an answer took on both sides; None where nothing is known, and in records older than the key.
    """

    kind: ClassVar[str] = "comparison"

    id: str
    time: datetime
    prompt: str
    candidate: VersionRef
    baseline: VersionRef
    suite: str
    model: str
    verdict: str
    recommendation: str | None
    score: Score | None
    p: float | None
    alpha: float
    pairs: tuple[Pair, ...] = ()
    guards: tuple[Guard, ...] = ()
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    holdout: str | None = None
    look: int | None = None
    provisional: bool = False
    approach: str | None = None
    training: str | None = None
    reason: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 1
    seed: int | None = None
    reducer: str = MEAN
    judge: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    generated: bool = False
    quarantined: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)
    took: Took | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            **self.extra,
            **manner(self),
            **({"took": self.took.to_json()} if self.took is not None else {}),
            "record": self.kind,
            "format": FORMAT,
            "id": self.id,
            "time": format_time(self.time),
            "prompt": self.prompt,
            "candidate": self.candidate.to_json(),
            "baseline": self.baseline.to_json(),
            "suite": self.suite,
            "holdout": self.holdout,
            "model": self.model,
            "parameters": dict(self.parameters),
            "repeats": self.repeats,
            "seed": self.seed,
            "verdict": self.verdict,
            "recommendation": self.recommendation,
            "reason": self.reason,
            "score": self.score.to_json() if self.score is not None else None,
            "p": self.p,
            "alpha": self.alpha,
            "look": self.look,
            "provisional": self.provisional,
            "approach": self.approach,
            "training": self.training,
            "guards": [guard.to_json() for guard in self.guards],
            "fixed": list(self.fixed),
            "broken": list(self.broken),
            "removed": list(self.removed),
            "pairs": [pair.to_json() for pair in self.pairs],
        }

    @classmethod
    def read(cls, fields: Fields) -> ComparisonRecord:
        """The record that ``fields`` holds."""
        verdict = fields.text("verdict")
        if verdict not in VERDICTS:
            raise fields.wrong("verdict", f"is {verdict!r}, not one of {', '.join(VERDICTS)}")
        return cls(
            id=fields.ulid("id"),
            time=fields.time("time"),
            prompt=fields.text("prompt"),
            candidate=fields.one("candidate", VersionRef.read),
            baseline=fields.one("baseline", VersionRef.read),
            suite=fields.text("suite"),
            holdout=fields.optional("holdout", fields.text),
            model=fields.text("model"),
            parameters=fields.optional("parameters", fields.mapping) or {},
            repeats=fields.integer("repeats"),
            seed=fields.optional("seed", fields.integer),
            verdict=verdict,
            recommendation=fields.optional("recommendation", fields.text),
            reason=fields.optional("reason", fields.text),
            score=fields.optional_one("score", Score.read),
            p=fields.optional("p", fields.number),
            alpha=fields.number("alpha"),
            look=fields.optional("look", fields.integer),
            provisional=fields.boolean("provisional"),
            approach=fields.optional("approach", fields.text),
            training=fields.optional("training", fields.ulid),
            guards=fields.many("guards", Guard.read),
            fixed=fields.texts("fixed"),
            broken=fields.texts("broken"),
            removed=fields.texts("removed"),
            pairs=fields.many("pairs", Pair.read),
            reducer=fields.optional("reducer", fields.text) or MEAN,
            judge=fields.optional("judge", fields.text),
            datasets=fields.optional("datasets", fields.named_texts) or {},
            generated=fields.optional("generated", fields.boolean) or False,
            quarantined=fields.optional("quarantined", fields.texts) or (),
            clusters=fields.optional("clusters", fields.named_texts) or {},
            took=fields.optional_one("took", Took.read),
            extra=fields.rest(),
        )
