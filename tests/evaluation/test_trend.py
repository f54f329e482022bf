"""The trend of a prompt's scores: which record speaks for a version, and what may be compared with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.ids import new_ulid
from promptvc.base.stats import mean_interval, wilson
from promptvc.evaluation.trend import Made, Measured, Point, Rated, sparkline, trend
from promptvc.evidence.approvals import ApprovalRecord
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from promptvc.evidence.values import Score, VersionRef

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def digest(version: int) -> str:
    return f"{version:040x}"


def made(version: int) -> Made:
    return Made(version, digest(version), f"{version:040x}", NOON + timedelta(days=version))


def run(version: int, scores: Sequence[float | None], minute: int = 0, **more: object) -> RunRecord:
    cases = tuple(
        CaseResult(
            f"c{n}", score, None if score is None else score == 1, error="lost" if score is None else None
        )
        for n, score in enumerate(scores)
    )
    moment = NOON + timedelta(minutes=minute)
    values: dict[str, object] = {"suite": "s", "model": "offline"}
    return RunRecord(
        id=new_ulid(moment), prompt="triage", version=version, digest=digest(version), started=moment, ended=moment,
        cases=cases, totals=Totals(None, 0, 0, 0, 0, cost=0.25, latency_p50=12.0), **(values | more),  # type: ignore[arg-type]
    )  # fmt: skip


def comparison(
    candidate: int, baseline: int, verdict: str = "improvement", minute: int = 0, **more: object
) -> ComparisonRecord:
    moment = NOON + timedelta(minutes=minute)
    values: dict[str, object] = {"suite": "s", "model": "offline"}
    return ComparisonRecord(
        id=new_ulid(moment), time=moment, prompt="triage", candidate=VersionRef(candidate, digest(candidate)),
        baseline=VersionRef(baseline, digest(baseline)), verdict=verdict, recommendation=None,
        score=Score(0.5, 1.0, 0.5, 0.1, 0.9, 0.9, 2), p=0.01, alpha=0.05,
        pairs=(Pair("a", 1.0, 1.0, True, True), Pair("b", 0.0, 1.0, False, True)), **(values | more),  # type: ignore[arg-type]
    )  # fmt: skip


def measured(point: Point) -> Measured:
    assert point.measured is not None
    return point.measured


def test_a_run_speaks_for_its_version() -> None:
    (point,) = trend([made(1)], [run(1, [1.0, 1.0, 0.0, 0.5, None])], {1: Rated(0.8, 12)})
    found = measured(point)
    assert (found.score, found.n, found.passed, found.failed, found.errored) == (0.625, 4, 2, 2, 1)
    assert (found.low, found.high) == mean_interval([1.0, 1.0, 0.0, 0.5])
    assert (found.cost, found.latency_p50) == (0.25, 12.0)
    told = point.to_json()
    assert (told["version"], told["time"], told["level"]) == (1, "2026-11-21T12:00:00Z", 0.95)
    assert told["rating"] == {"mean": 0.8, "n": 12}
    assert told["comparison"] is None


def test_the_newest_record_speaks_and_a_baseline_only_where_nothing_else_does() -> None:
    first, again = run(2, [0.0, 0.0]), run(2, [1.0, 0.0], minute=5)
    points = trend([made(1), made(2)], [first, again])
    assert (points[0].measured, measured(points[1]).evidence) == (None, again.id)
    later = comparison(2, 1, minute=9)
    points = trend([made(1), made(2)], [first, again, later])
    assert [measured(point).score for point in points] == [0.5, 1.0]
    assert [measured(point).passed for point in points] == [1, 2]
    assert {measured(point).evidence for point in points} == {later.id}
    own = run(1, [1.0])
    assert measured(trend([made(1), made(2)], [own, later])[0]).evidence == own.id


def test_a_step_is_the_comparison_with_the_version_before() -> None:
    with_first = comparison(3, 1, minute=8)
    step = trend([made(1), made(2), made(3)], [comparison(3, 2, "equivalent", minute=2), with_first])[2].step
    assert step is not None
    assert (step.against, step.verdict) == (2, "equivalent")
    other = trend([made(1), made(2), made(3)], [with_first])[2].step
    assert other is not None
    assert (other.against, other.score) == (1, with_first.score)
    assert trend([made(1), made(2)], [run(1, [1.0]), run(2, [1.0])])[1].step is None


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        ({}, ()),
        ({"suite": "t"}, ("suite",)),
        ({"model": "openai:x"}, ("model",)),
        ({"judge": "2"}, ("judge",)),
        ({"judge": None}, ()),
    ],
)
def test_what_does_not_compare_is_marked(more: dict[str, object], changed: tuple[str, ...]) -> None:
    records = [run(1, [1.0], judge="1"), run(3, [0.0], 0, **({"judge": "1"} | more))]
    points = trend([made(1), made(2), made(3)], records)
    assert [point.changed for point in points] == [(), (), changed]
    assert sparkline(points) == ("█·|▁" if changed == ("suite",) else "█·▁")


def test_quarantined_cases_do_not_count_and_clusters_widen() -> None:
    scores = [1.0] * 10 + [0.0] * 10
    alone = measured(trend([made(1)], [run(1, scores)])[0])
    aside = measured(trend([made(1)], [run(1, scores, quarantined=("c19",))])[0])
    together = run(1, scores, clusters={f"c{n}": str(n // 5) for n in range(20)})
    wide = measured(trend([made(1)], [together])[0])
    assert (aside.n, aside.score) == (19, 10 / 19)
    assert (alone.low, alone.high) == pytest.approx(wilson(10, 20))
    assert wide.low is not None
    assert alone.low is not None
    assert wide.low < alone.low


def test_a_record_from_before_passes_were_kept_does_not_claim_any() -> None:
    record = replace(comparison(1, 9), pairs=(Pair("a", 1.0, 1.0), Pair("b", None, None)))
    found = measured(trend([made(1)], [record])[0])
    assert (found.score, found.passed, found.failed, found.errored) == (1.0, None, None, 1)


def test_what_has_no_score_is_a_point_all_the_same() -> None:
    approval = ApprovalRecord(new_ulid(NOON), NOON, "triage", 1, digest(1), "Ada", "deploy")
    points = trend([made(1), made(2)], [approval, run(2, [None])])
    assert points[0].measured is None
    assert (measured(points[1]).score, measured(points[1]).low) == (None, None)
    assert sparkline(points) == "··"
    assert points[1].to_json()["level"] is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_higher_bar_is_a_higher_score(scores: list[float]) -> None:
    points = trend([made(n) for n in range(len(scores))], [run(n, [score]) for n, score in enumerate(scores)])
    line = sparkline(points)
    assert len(line) == len(scores)
    for (one, bar), (other, higher) in zip(
        zip(scores, line, strict=True), sorted(zip(scores, line, strict=True)), strict=True
    ):
        assert one > other or bar <= higher
