"""The record of one run: a version answered the cases of a suite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar

from promptvc.base.clock import format_time
from promptvc.evidence.fields import FORMAT, Fields
from promptvc.evidence.values import MEAN, Tokens, manner

OUTPUTS_KEPT = 2000
"""Cases up to which a record keeps every output; of more cases only those that tell something, see :func:`evident`."""

OUTPUT_LIMIT = 4000
"""Characters of an output that a record keeps; of a longer one the beginning, and the digest of all of it."""


@dataclass(frozen=True, slots=True)
class GradeLine:
    """How one assertion went.

    Attributes:
        name: the assertion's type, with ``not-`` where negated.
        score: 0..1; None when errored.
        passed: None when errored.
        weight: in the case's score; 0 for a metric only.
        metric: the name under which it is reported, None without one.
        reason: why it does not hold, or a judge's words; empty when there is nothing to say.
        error: why there is no grade.
        measure: how it was graded where there are several ways: ``lexical``, or the judge's model.
    """

    name: str
    score: float | None
    passed: bool | None
    weight: float = 1.0
    metric: str | None = None
    reason: str = ""
    error: str | None = None
    measure: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object written into results; defaults left out."""
        value: dict[str, Any] = {"name": self.name, "score": self.score, "passed": self.passed}
        if self.weight != 1:
            value["weight"] = self.weight
        for key in ("metric", "reason", "error", "measure"):
            if getattr(self, key):
                value[key] = getattr(self, key)
        return value

    @classmethod
    def read(cls, fields: Fields) -> GradeLine:
        """The value that ``fields`` holds."""
        weight = fields.optional("weight", fields.number)
        return cls(
            name=fields.text("name"),
            score=fields.optional("score", fields.number),
            passed=fields.optional("passed", fields.boolean),
            weight=1.0 if weight is None else weight,
            metric=fields.optional("metric", fields.text),
            reason=fields.optional("reason", fields.text) or "",
            error=fields.optional("error", fields.text),
            measure=fields.optional("measure", fields.text),
        )


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went in one repeat.

    Attributes:
        case: id of the case, stable between runs.
        repeat: 0 for the first.
        score: 0..1, None when errored.
        passed: None when errored.
        error: why there is no score, else None.
        output: the answer, cut at :data:`OUTPUT_LIMIT` characters; None when errored or not kept.
        output_digest: SHA-256 of the whole answer in UTF-8, as hex; None when there was none.
        latency_ms: milliseconds of the call; None when unknown.
        cost: US dollars; None when unknown.
        metrics: further scores by name, 0..1, up is better.
        grades: how each assertion went; empty in evidence, which keeps what they add up to.
        case_digest: the first 16 hexadecimal digits of the case's digest; None in records older than the key.
    """

    case: str
    score: float | None
    passed: bool | None
    repeat: int = 0
    error: str | None = None
    output: str | None = None
    output_digest: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None
    latency_ms: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    grades: tuple[GradeLine, ...] = ()
    case_digest: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        grades = {"grades": [grade.to_json() for grade in self.grades]} if self.grades else {}
        digest = {"case_digest": self.case_digest} if self.case_digest is not None else {}
        return {
            **self.extra,
            **grades,
            **digest,
            "case": self.case,
            "repeat": self.repeat,
            "score": self.score,
            "passed": self.passed,
            "error": self.error,
            "output": self.output[:OUTPUT_LIMIT] if self.output is not None else None,
            "output_digest": self.output_digest,
            "tokens": self.tokens.to_json(),
            "cost": self.cost,
            "latency_ms": self.latency_ms,
            "metrics": dict(self.metrics),
        }

    @classmethod
    def read(cls, fields: Fields) -> CaseResult:
        """The value that ``fields`` holds."""
        return cls(
            case=fields.text("case"),
            repeat=fields.integer("repeat"),
            score=fields.optional("score", fields.number),
            passed=fields.optional("passed", fields.boolean),
            error=fields.optional("error", fields.text),
            output=fields.optional("output", fields.text),
            output_digest=fields.optional("output_digest", fields.text),
            tokens=fields.optional_one("tokens", Tokens.read) or Tokens(),
            cost=fields.optional("cost", fields.number),
            latency_ms=fields.optional("latency_ms", fields.number),
            metrics=fields.optional("metrics", fields.numbers) or {},
            grades=fields.optional("grades", lambda name: fields.many(name, GradeLine.read)) or (),
            case_digest=fields.optional("case_digest", fields.text),
            extra=fields.rest(),
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """A run in a few numbers. Latencies are milliseconds; cost is US dollars, None when unknown."""

    score: float | None
    cases: int
    passed: int
    failed: int
    errored: int
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object written into records."""
        return {
            **self.extra,
            "score": self.score,
            "cases": self.cases,
            "passed": self.passed,
            "failed": self.failed,
            "errored": self.errored,
            "tokens": self.tokens.to_json(),
            "cost": self.cost,
            "latency": {"p50": self.latency_p50, "p95": self.latency_p95},
        }

    @classmethod
    def read(cls, fields: Fields) -> Totals:
        """The value that ``fields`` holds."""
        latency = fields.optional_one("latency", _percentiles) or (None, None)
        return cls(
            score=fields.optional("score", fields.number),
            cases=fields.integer("cases"),
            passed=fields.integer("passed"),
            failed=fields.integer("failed"),
            errored=fields.integer("errored"),
            tokens=fields.optional_one("tokens", Tokens.read) or Tokens(),
            cost=fields.optional("cost", fields.number),
            latency_p50=latency[0],
            latency_p95=latency[1],
            extra=fields.rest(),
        )


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What ran, on what, with what, and how each case went.

    Attributes:
        id: ULID; with ``prompt`` it makes the path.
        suite: digest of the suite.
        model: the model spec, ``offline`` or ``provider:model``.
        cases: results by case, then by repeat; read as often as needed.
        reducer: how repeats became one score.
        judge: digest of the judge, its prompts and its model; None where no assertion asked one.
        datasets: digests (SHA-256) of the files that the suite takes cases from, by path.
        generated: the cases were made up from the prompt and its feedback, nobody wrote a suite.
        quarantined: ids of cases that were asked and do not count.
        clusters: by case id, the key of its cluster; cases by themselves are not in it.
    """

    kind: ClassVar[str] = "run"

    id: str
    prompt: str
    version: int | None
    digest: str
    suite: str
    model: str
    started: datetime
    ended: datetime
    cases: Collection[CaseResult]
    totals: Totals
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 1
    seed: int | None = None
    reducer: str = MEAN
    judge: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    generated: bool = False
    quarantined: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return self.head() | {"cases": [case.to_json() for case in self.cases]}

    def head(self) -> dict[str, Any]:
        """The same without ``cases``, which are many."""
        return {
            **self.extra,
            **manner(self),
            "record": self.kind,
            "format": FORMAT,
            "id": self.id,
            "prompt": self.prompt,
            "version": self.version,
            "digest": self.digest,
            "suite": self.suite,
            "model": self.model,
            "parameters": dict(self.parameters),
            "repeats": self.repeats,
            "seed": self.seed,
            "started": format_time(self.started),
            "ended": format_time(self.ended),
            "totals": self.totals.to_json(),
        }

    @classmethod
    def read(cls, fields: Fields) -> RunRecord:
        """The record that ``fields`` holds."""
        return cls(
            id=fields.ulid("id"),
            prompt=fields.text("prompt"),
            version=fields.optional("version", fields.integer),
            digest=fields.text("digest"),
            suite=fields.text("suite"),
            model=fields.text("model"),
            parameters=fields.optional("parameters", fields.mapping) or {},
            repeats=fields.integer("repeats"),
            seed=fields.optional("seed", fields.integer),
            started=fields.time("started"),
            ended=fields.time("ended"),
            cases=fields.many("cases", CaseResult.read),
            totals=fields.one("totals", Totals.read),
            reducer=fields.optional("reducer", fields.text) or MEAN,
            judge=fields.optional("judge", fields.text),
            datasets=fields.optional("datasets", fields.named_texts) or {},
            generated=fields.optional("generated", fields.boolean) or False,
            quarantined=fields.optional("quarantined", fields.texts) or (),
            clusters=fields.optional("clusters", fields.named_texts) or {},
            extra=fields.rest(),
        )


def evident(results: Iterable[CaseResult], cases: int) -> Iterator[CaseResult]:
    """Results as a record keeps them: of each what its assertions add up to, not each of them.

    In a record of more than :data:`OUTPUTS_KEPT` cases only those of which a repeat failed or is errored (so also the
    flaky ones) keep their outputs; the digests of all outputs stay.

    Args:
        results: those of one case follow one another.
    """
    for _, of_case in groupby(results, key=lambda result: result.case):
        repeats = tuple(of_case)
        telling = cases <= OUTPUTS_KEPT or not all(result.passed for result in repeats)
        for result in repeats:
            yield replace(result, grades=(), output=result.output if telling else None)


def _percentiles(fields: Fields) -> tuple[float | None, float | None]:
    return fields.optional("p50", fields.number), fields.optional("p95", fields.number)
