"""Reports for tests: suites are read, answers are graded and kept as in a run; only the models are missing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from promptvc.evaluation.cases.suite import Suite, load_suite
from promptvc.evaluation.compare import CompareOptions, compare
from promptvc.evaluation.grade import grade_outcome
from promptvc.evaluation.reduce import CaseScore, reduce_case
from promptvc.evaluation.reports.report import Calibration, Judging, Quality, Rating, Report, Side
from promptvc.evaluation.running.results import Results
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evaluation.totals import Tally
from promptvc.evidence.runs import CaseResult, GradeLine, Totals
from promptvc.evidence.values import Guard, Tokens
from promptvc.models.messages import Completion

STARTED = datetime(2026, 11, 20, 11, 40, tzinfo=UTC)
ENDED = datetime(2026, 11, 20, 11, 47, 16, tzinfo=UTC)
LABELS = ("billing", "card_fraud", "delivery", "account_access")

Answers = Sequence[Sequence[str | None]]
"""By case, then by repeat; None is a provider that failed."""


class KeptResults(Results):
    """Results that are closed when nobody has them any more: reports of tests come and go in hundreds."""

    def __del__(self) -> None:
        self.close()


def suite_of(cases: Sequence[dict[str, Any]], **more: Any) -> Suite:
    """A suite of these cases. JSON is YAML."""
    return load_suite(json.dumps({**more, "cases": list(cases)}).encode(), file="evaluation/made.yaml")


def side_of(
    suite: Suite,
    answers: Answers,
    *,
    version: int | None,
    model: str = "openai:gpt-4.1-mini",
    change: Callable[[CaseResult], CaseResult] = lambda result: result,
    aside: Sequence[str] = (),
) -> Side:
    """One version with graded answers; ``change`` may put what a judge would have said into a result."""
    repeats = max(len(each) for each in answers)
    results = KeptResults(len(suite.cases), repeats)
    tally = Tally()
    scores: list[CaseScore] = []
    for position, (case, texts) in enumerate(zip(suite.cases, answers, strict=True)):
        own = []
        for repeat, text in enumerate(texts):
            completion = None
            if text is not None:
                latency = 180.0 + 17 * (position % 9) + 5 * repeat + (40 if version == 3 else 0)
                completion = Completion(text, 100 + position, 5 + len(text) // 4, 0.0002, latency, "stop")
            error = None if completion else "HTTP 500 from the provider, three times"
            result = change(grade_outcome(case, Outcome(case.id, repeat, completion, error)))
            results.put(position, repeat, result)
            tally.add(result)
            own.append(result)
        scores.append(reduce_case(own, case.cluster))
    digest = f"{version or 0:02x}" * 20
    return Side(version, digest, model, tally.totals(scores, aside), tuple(scores), results)


def report_of(
    suite: Suite,
    answers: Answers,
    before: Answers | None = None,
    *,
    change: Callable[[CaseResult], CaseResult] = lambda result: result,
    **more: Any,
) -> Report:
    """Version 4 with these answers, compared with version 3 where there are answers ``before``."""
    aside = tuple(more.get("quarantined", ()))
    candidate = side_of(suite, answers, version=4, change=change, aside=aside)
    baseline = None if before is None else side_of(suite, before, version=3, change=change, aside=aside)
    comparison = None
    if baseline is not None:
        pairs = [
            [score for score in side.scores if score.case not in aside] for side in (candidate, baseline)
        ]
        comparison = compare(pairs[0], pairs[1], CompareOptions(guards=suite.guards))
    values: dict[str, Any] = {
        "name": "support/triage",
        "suite": suite.digest,
        "candidate": candidate,
        "cases": suite.cases,
        "started": STARTED,
        "ended": ENDED,
        "of": len(suite.cases),
        "repeats": max(len(each) for each in answers),
        "baseline": baseline,
        "comparison": comparison,
        "flaky": tuple(
            score.case
            for position, score in enumerate(candidate.scores)
            if 0 < score.passes < score.repeats
            or (baseline is not None and 0 < baseline.scores[position].passes < score.repeats)
        ),
    }
    return Report(**(values | more))


def small_report(**more: Any) -> Report:
    """Six cases, one of each kind: passed, fixed, broken, failed, errored, in quarantine."""
    suite = suite_of(
        [
            {
                "id": "passed",
                "vars": {"message": "Where is my parcel?"},
                "expected": "delivery",
                "tags": ["short"],
            },
            {"id": "fixed", "vars": {"message": "I was charged twice"}, "expected": "billing"},
            {"id": "broken", "vars": {"message": "A charge I do not know"}, "expected": "card_fraud"},
            {"id": "failed", "vars": {"message": "It locked me out"}, "expected": "account_access"},
            {"id": "errored", "vars": {"message": "Hello?"}, "expected": "delivery"},
            {"id": "aside", "vars": {"message": "The mail never comes"}, "expected": "account_access"},
        ]
    )
    return report_of(
        suite,
        [["delivery"], ["billing"], ["billing"], ["delivery"], [None], ["delivery"]],
        [["delivery"], ["delivery"], ["card_fraud"], ["delivery"], ["delivery"], ["account_access"]],
        **{"quarantined": {"aside": "waits for the new mail provider"}, **more},
    )


def large_report(cases: int = 240, *, seed: int = 7, long: bool = True) -> Report:
    """Three repeats of both sides with judged answers, flaky cases, guards, qualities and everything else.

    ``long`` gives every third case an answer of several sentences, as a support desk would write it.
    """
    chance = random.Random(seed)
    written, after, before = [], [], []
    for at in range(cases):
        label = LABELS[at % len(LABELS)]
        prose = long and at % 3 == 0
        case: dict[str, Any] = {
            "id": f"{label}-{at:04d}",
            "vars": {"message": _message(label, at), "language": "English"},
            "tags": [label, "long" if prose else "short"],
            "assert": [{"type": "not-contains", "value": "sorry", "weight": 0, "metric": "safety"}],
        }
        if prose:
            case["description"] = "An answer in whole sentences."
            case["assert"].append({"type": "icontains", "value": label.replace("_", " ")})
            case["assert"].append({"type": "starts-with", "value": "Thank you", "weight": 0.5})
        else:
            case["expected"] = label
        written.append(case)
        after.append(_texts(chance, label, prose, 0.90, at))
        before.append(_texts(chance, label, prose, 0.80, at + 1))
    suite = suite_of(written, guards={"safety": 0.02, "latency": 0.2})
    after[5] = [None] * 3
    quarantined = {suite.cases[9].id: "two teams may answer it; a decision is awaited"}
    return report_of(
        suite,
        after,
        before,
        change=_judged,
        quarantined=quarantined,
        qualities=(
            Quality("coherence", 0.91, "lexical", cases * 3),
            Quality("relevance", 0.84, "openai:gpt-4.1", cases * 3),
            Quality("safety", 0.99, "openai:gpt-4.1", cases * 3),
        ),
        calibrations=(
            Calibration(
                "openai:gpt-4.1", "helpfulness", 180, 0.883, 0.828, 0.923, 0.71, 0.72,
                {"tp": 120, "fp": 9, "fn": 12, "tn": 39},
            ),
        ),
        ratings=(Rating(3, 0.71, 412), Rating(4, 0.78, 36)),
        judging=Judging("openai:gpt-4.1", "9f" * 32, {"llm-rubric": 2}, 1440, 300, Tokens(512_000, 40_000), 1.24),
        pure=False,
        remarks=("a trained candidate: compared at the level of its look, alpha 0.0304",),
    )  # fmt: skip


def hostile_report(texts: Sequence[str]) -> Report:
    """Every text of others in a report is one of ``texts``, in turn."""
    turn = cycle(texts)

    def said(result: CaseResult) -> CaseResult:
        grades = [
            GradeLine(
                next(turn),
                0.0,
                passed=False,
                metric=next(turn),
                reason=next(turn),
                error=error,
                measure=next(turn),
            )
            for error in (None, next(turn))
        ]
        error = next(turn) if result.repeat == 1 else None
        score = None if error else result.score
        return replace(
            result,
            grades=tuple(grades),
            metrics={next(turn): 0.5},
            error=error,
            score=score,
            output=next(turn),
        )

    cases = tuple(
        replace(
            case,
            id=f"{at}{next(turn)}",
            vars={next(turn): next(turn), "n": [next(turn)]},
            expected=next(turn),
            tags=(next(turn), next(turn)),
            description=next(turn),
            cluster=next(turn),
        )
        for at, case in enumerate(suite_of([{"vars": {"n": n}, "expected": "yes"} for n in range(8)]).cases)
    )
    suite = Suite("evaluation/made.yaml", cases)
    after: Answers = [["yes", "no"], ["yes"], ["no"], ["yes", "yes"], ["no"], ["yes"], [next(turn)], [None]]
    before: Answers = [["yes", "no"], ["no"], ["yes"], ["yes", "yes"], ["no"], ["yes"], ["yes"], ["yes"]]
    made = report_of(
        suite,
        after,
        before,
        change=said,
        quarantined={cases[5].id: next(turn)},
        qualities=(Quality(next(turn), 0.5, next(turn), 8),),
        calibrations=(
            Calibration(
                next(turn), next(turn), 9, 0.5, 0.2, 0.8, None, None, {"tp": 1, "fp": 2, "fn": 3, "tn": 3}
            ),
        ),
        ratings=(Rating(4, 0.5, 3),),
        judging=Judging(next(turn), "", {next(turn): 1}, 1, 0, Tokens(1, 1), None),
        remarks=(next(turn), f"a remark on {next(turn)}"),
        name=next(turn),
        reducer="mean",
    )
    assert made.comparison is not None
    comparison = replace(
        made.comparison,
        reason=f"better, but {next(turn)} is not known",
        guards=(
            Guard(
                next(turn), holds=False, difference=-0.1, low=-0.2, margin=0.02, baseline=0.5, candidate=0.4
            ),
        ),
    )
    return replace(made, comparison=comparison, candidate=replace(made.candidate, model=next(turn)))


def wide_report(cases: int, output: str) -> Report:
    """Many cases that all got one answer, quickly made."""
    one = suite_of([{"id": "one", "vars": {"n": 1}, "expected": "yes"}]).cases[0]
    result = grade_outcome(one, Outcome("one", 0, Completion(output, 9, 9, 0.001, 100.0, "stop")))
    names = [f"case-{at}" for at in range(cases)]
    sides = []
    for version in (3, 4):
        results = KeptResults(cases, 1)
        scores = []
        for at, name in enumerate(names):
            scores.append(CaseScore(name, 0.0, passed=False, latency_ms=100.0, cost=0.001))
            results.put(at, 0, replace(result, case=name))
        totals = Totals(0.0, cases, 0, cases, 0)
        sides.append(Side(version, "ab" * 20, "offline", totals, tuple(scores), results))
    return Report(
        name="wide",
        suite="cd" * 32,
        candidate=sides[1],
        baseline=sides[0],
        cases=tuple(replace(one, id=name) for name in names),
        started=STARTED,
        ended=ENDED,
        of=cases,
    )


def _message(label: str, at: int) -> str:
    told = {
        "billing": "I was charged twice for order {n} and want one of them back",
        "card_fraud": "There is a charge of {n} on my card that I never made",
        "delivery": "Where is parcel {n}? It should have been here on Tuesday",
        "account_access": "It has locked me out after {n} tries",
    }
    return told[label].format(n=1000 + at)


def _texts(chance: random.Random, label: str, prose: bool, right: float, at: int) -> list[str | None]:
    sure = chance.random() < right
    texts: list[str | None] = []
    for _ in range(3):
        good = sure if chance.random() < 0.95 else not sure
        team = label if good else LABELS[(LABELS.index(label) + 1) % len(LABELS)]
        if prose:
            tail = "They will write to you today." if at % 2 else "They will write to you within two days."
            texts.append(f"Thank you for your message. I have passed it to {team.replace('_', ' ')}. {tail}")
        else:
            texts.append(team)
    return texts


def _judged(result: CaseResult) -> CaseResult:
    """Adds what a judge said of one answer in four."""
    if result.output is None or int((result.output_digest or "0")[:4], 16) % 4:
        return result
    said = GradeLine(
        "llm-rubric",
        0.8,
        passed=True,
        weight=0,
        metric="helpfulness",
        reason="Names the team and says when to expect an answer.",
        measure="openai:gpt-4.1",
    )
    return replace(result, grades=(*result.grades, said), metrics={**result.metrics, "helpfulness": 0.8})
