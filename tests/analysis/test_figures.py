"""Figures of a window, from events through the plain facts."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from promptvc.analysis.figures import USERS, Figure, Material, daily, grouped, trend, whole
from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.facts import MILLION, Tally
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday


def event(number: int, kind: str = "rating", **more: Any) -> Event:
    moment = START + timedelta(hours=8 * number)
    value = {
        "id": derived_ulid(moment, kind.encode(), number),
        "time": format_time(moment),
        "prompt": "desk",
        "kind": kind,
        "source": "human",
        **more,
    }
    return parse_event(value)


def material(events: list[Event]) -> Material:
    facts = PlainFacts(events)

    def tags(*kinds: str) -> Any:
        return facts.labelled("tag", Query(sources=USERS, kinds=kinds))

    return Material(facts.cells(), facts.latencies(), tags(), tags("error"), tags("success"))


EVENTS = [
    event(0, stars=5, version=1, tags=["billing"]),
    event(1, stars=1, version=1, tags=["billing", "eu"]),
    event(2, thumbs="up", version=10, context={"model": "large"}),
    event(3, stars=5, version=2, source="llm_judge"),
    event(
        4, "success", source="code", latency_ms=100, tokens={"input": 10, "output": 4}, version=2, tags=["eu"]
    ),
    event(5, "success", source="code", latency_ms=300, cost=0.25, version=2),
    event(30, "error", source="code", error={"type": "Timeout"}, latency_ms=900, tags=["eu"]),
]


def keyed(figures: tuple[Figure, ...]) -> dict[str, Figure]:
    return {one.key: one for one in figures}


def test_all_events() -> None:
    found = whole(material(EVENTS))
    assert (found.events, found.rated, found.runs, found.priced) == (7, 3, 3, 1)
    assert found.success is not None
    assert found.success.value == pytest.approx(2 / 3)
    assert found.mean is not None
    assert found.mean.value == pytest.approx(2 / 3)
    assert found.error_rate is not None
    assert found.error_rate.value == pytest.approx(1 / 3)
    assert found.p50_ms is not None
    assert found.p50_ms == pytest.approx(300, rel=0.05)
    assert (found.mean_ms, found.tokens_in, found.tokens_out, found.cost) == (433.333, 10.0, 4.0, 0.25)


def test_what_is_not_told_is_unknown() -> None:
    found = whole(material([event(0, "error", error={"message": "no"})]))
    assert (found.events, found.runs, found.error_rate, found.success) == (1, None, None, None)
    assert (found.cost, found.p95_ms, found.tokens_in) == (None, None, None)
    assert all(
        value is None for key, value in found.to_json().items() if key.endswith(("_ms", "cost", "rate"))
    )


def test_by_what_events_share() -> None:
    groups = grouped(material(EVENTS))
    assert [one.key for one in groups["version"]] == ["1", "2", "10", "unknown"]
    assert [one.key for one in groups["model"]] == ["large", "unknown"]
    assert groups["framework"] == groups["technique"] == groups["prompt"] == ()
    assert [one.key for one in groups["week"]] == ["2026-11-02", "2026-11-09"]
    assert keyed(groups["version"])["2"].rated == 0, "a judge is no user"
    tags = keyed(groups["tag"])
    assert (tags["billing"].rated, tags["eu"].rated, tags["eu"].runs) == (2, 1, 2)
    assert tags["eu"].error_rate is not None
    assert tags["eu"].error_rate.value == 0.5
    several = grouped(material([*EVENTS, event(7, stars=3, prompt="shop")]))
    assert [one.key for one in several["prompt"]] == ["desk", "shop"]
    assert several["version"] == ()


def day_tally(scores: list[float]) -> Tally:
    return Tally(
        n=len(scores),
        rated=len(scores),
        score=sum(round(one * MILLION) for one in scores),
        squares=sum(round(one * 1000) ** 2 for one in scores),
    )


def test_a_trend_is_found_and_none_where_there_is_none() -> None:
    first = date(2026, 11, 1)
    falling, flat = {}, []
    draw = random.Random(7)
    for at in range(28):
        share = 0.8 - 0.1 * at / 7
        falling[first + timedelta(days=at)] = day_tally([float(draw.random() < share) for _ in range(60)])
    found = trend(falling)
    assert found is not None
    assert found.low < -0.1 < found.high < 0
    for _ in range(200):
        days = {
            first + timedelta(days=at): day_tally([float(draw.random() < 0.6) for _ in range(12)])
            for at in range(6)
        }
        none = trend(days)
        assert none is not None
        flat.append(none.low <= 0 <= none.high)
    # 95 % by its own word; a third of the days' own variance more would be seen here.
    assert sum(flat) >= 185


def test_three_days_are_no_trend() -> None:
    facts = PlainFacts(EVENTS[:3])
    assert daily(facts.cells()) != {}
    assert trend(daily(facts.cells())) is None


def test_weeks_that_differ_are_no_trend() -> None:
    wrong = right = 0
    for seed in range(40):
        chance = random.Random(seed)
        for slope in (0.0, 0.06):
            days = {}
            for week in range(4):
                level = 0.7 - slope * week + chance.gauss(0, 0.03)
                for weekday in range(7):
                    good = sum(chance.random() < level for _ in range(60))
                    tally = Tally(rated=60, score=good * MILLION, squares=good * MILLION)
                    days[date(2026, 1, 5) + timedelta(days=7 * week + weekday)] = tally
            found = trend(days)
            assert found is not None
            clear = found.low > 0 or found.high < 0
            wrong, right = wrong + (clear and slope == 0), right + (clear and slope > 0)
    assert (wrong <= 4, right >= 20) == (True, True), (wrong, right)
