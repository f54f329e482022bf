"""What evidence says of one case: only what is certain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.witnesses import witnessed
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.records import Record
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from promptvc.evidence.values import VersionRef

DIGEST = "0123456789abcdef" + "f" * 48
CASE = Case("hello", 1, {}, (), digest=DIGEST)
MODELS = {"a": "offline", "b": "offline"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(
    *passes: bool | None, case: str = "hello", digest: str | None = DIGEST[:16], **more: object
) -> RunRecord:
    results = tuple(
        CaseResult(case, None if one is None else float(one), one, repeat, case_digest=digest)
        for repeat, one in enumerate(passes)
    )
    record = RunRecord(
        id="01JD3M8Z6VQW4N9T2X5KAB7CDE",
        prompt="desk",
        version=1,
        digest="a",
        suite="suite",
        model="offline",
        started=NOW,
        ended=NOW,
        cases=results,
        totals=Totals(None, 1, 0, 0, 0),
    )
    return replace(record, **more)  # type: ignore[arg-type]


def comparison(pair: Pair, **more: object) -> ComparisonRecord:
    record = ComparisonRecord(
        id="01JD3M8Z6VQW4N9T2X5KAB7CDE",
        time=NOW,
        prompt="desk",
        candidate=VersionRef(2, "b"),
        baseline=VersionRef(1, "a"),
        suite="suite",
        model="offline",
        verdict="inconclusive",
        recommendation=None,
        score=None,
        p=None,
        alpha=0.05,
        pairs=(pair,),
    )
    return replace(record, **more)  # type: ignore[arg-type]


def states(*records: Record) -> dict[str, str]:
    return dict(witnessed(records, CASE, "suite", MODELS).states)


def test_a_run_tells_by_its_repeats() -> None:
    assert states(run(True)) == {"a": "good"}
    assert states(run(False, False, False)) == {"a": "bad"}
    assert states() == {}


@pytest.mark.parametrize(
    "record",
    [
        run(True, None),
        run(True, case="other"),
        run(True, digest="f" * 16),
        run(True, model="openai:other"),
        run(True, digest=None, suite="another"),
        comparison(Pair("hello", 1.0, 1.0)),
        comparison(Pair("hello", 1.0, 0.0, True, False, "f" * 16)),
        comparison(Pair("hello", 1.0, 0.0), suite="another", broken=("hello",)),
        comparison(Pair("hello", None, None, False, False, DIGEST[:16])),
        comparison(Pair("hello", 0.5, 0.7, False, False, DIGEST[:16]), repeats=3),
        comparison(Pair("hello", 1.0, 1.0, True, True, DIGEST[:16]), repeats=3, reducer="max"),
    ],
)
def test_what_is_not_certain_says_nothing(record: Record) -> None:
    assert states(record) == {}


def test_repeats_that_disagree_are_flaky_and_decide_nothing() -> None:
    found = witnessed([run(True), run(True, False, True)], CASE, "suite", MODELS)
    assert found.states == {}
    assert found.flaky == {"a"}
    later = witnessed([run(True, False), run(False)], CASE, "suite", MODELS)
    assert (later.states, later.flaky) == ({"a": "bad"}, set())


def test_records_older_than_digests_go_by_their_suite() -> None:
    assert states(run(True, digest=None)) == {"a": "good"}
    assert states(comparison(Pair("hello", 0.2, 0.9), broken=("hello",))) == {"a": "good", "b": "bad"}
    assert states(comparison(Pair("hello", 0.2, 0.9), fixed=("hello",))) == {"a": "bad", "b": "good"}


def test_a_comparison_tells_of_both_sides() -> None:
    pair = Pair("hello", 1.0, 0.0, True, False, DIGEST[:16])
    assert states(comparison(pair)) == {"a": "good", "b": "bad"}
    assert states(comparison(pair, repeats=3)) == {"a": "good", "b": "bad"}
    half = Pair("hello", 1.0, 0.5, True, False, DIGEST[:16])
    assert states(comparison(half, repeats=3)) == {"a": "good"}
    assert states(comparison(half)) == {"a": "good", "b": "bad"}


def test_the_newest_word_counts() -> None:
    assert states(run(True), run(False)) == {"a": "bad"}
    assert states(run(False), comparison(Pair("hello", 1.0, 1.0, True, True, DIGEST[:16]))) == {
        "a": "good",
        "b": "good",
    }
