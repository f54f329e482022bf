"""Hourly rollups: what is counted, what stays as it is, and that nothing else changes."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import MAX_EVENT_BYTES, Event, parse_event
from promptvc.feedback.fields import ROLLED
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from promptvc.feedback.rollups import MOST_MEMBERS, Counted, is_member, is_numbers, members, roll_up
from promptvc.feedback.segments import read_segments, seal

START = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
ULID = "01JD3M8Z6VQW4N9T2X5KAB7CDE"


def event(number: int, minutes: float = 0, **values: Any) -> Event:
    time = START + timedelta(minutes=minutes)
    about = {
        "id": derived_ulid(time, b"%d" % number, 0),
        "time": format_time(time),
        "prompt": "support/triage",
    }
    return parse_event({**about, "kind": "success", "source": "code", "version": 1, **values})


def rolled(events: Iterable[Event]) -> list[Event]:
    return list(roll_up(events, ROLLED))


def call(number: int, **values: Any) -> Event:
    return event(number, number % 60, latency_ms=120.5, **values)


optional: dict[str, st.SearchStrategy[Any]] = {
    "latency_ms": st.integers(0, 5000) | st.floats(0, 1e6),
    "tokens": st.fixed_dictionaries(
        {}, optional={"input": st.integers(0, 999), "output": st.integers(0, 99)}
    ),
    "cost": st.floats(0, 2),
    "tags": st.lists(st.sampled_from(["a", "b"]), max_size=3),
    "context": st.sampled_from(
        [{}, {"model": "m"}, {"model": "n", "framework": "f"}, {"confidence": 1}, "text"]
    ),
    "user": st.just("u-1"),
    "execution": st.just("x-1"),
    "rating": st.just(0.5),
    "org": st.sampled_from(["one", "two"]),
}
kinds: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "success": {},
    "usage": {},
    "rating": {"thumbs": st.just("up")},
    "error": {"error": st.just({"type": "Timeout"})},
    "metric": {"name": st.sampled_from(["csat", "nps"]), "value": st.floats(-1e6, 1e6)},
    "exposure": {"arm": st.sampled_from("ab"), "unit": st.sampled_from("uvw"), "rollout": st.just("r")},
}


@st.composite
def batches(draw: st.DrawFn) -> list[Event]:
    found = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(sorted(kinds)))
        values = draw(st.fixed_dictionaries(kinds[kind], optional=optional))
        version = draw(st.sampled_from([1, 2]))
        found.append(
            event(number, draw(st.sampled_from([0, 1, 59, 60, 61])), kind=kind, version=version, **values)
        )
    return found


def answers(events: Sequence[Event], query: Query) -> list[Any]:
    facts = PlainFacts(events)
    return [
        facts.cells(query),
        facts.latencies(query),
        *(facts.labelled(what, query) for what in ("tag", "issue", "error", "dimension")),
        facts.witnesses(query).n,
    ]


@settings(max_examples=60, deadline=None)
@given(batches(), st.randoms(use_true_random=False), st.integers(0, 12))
def test_every_fact_of_rollups_is_that_of_their_events(
    events: list[Event], order: random.Random, cut: int
) -> None:
    mixed = order.sample(events, len(events))
    once, twice = rolled(mixed), [*rolled(mixed[:cut]), *rolled(mixed[cut:])]
    for query in (
        Query(),
        Query(kinds=("success", "metric"), model="m"),
        Query(tags=("a",), versions=(1,)),
        Query(since=START + timedelta(hours=1), text="SUPPORT"),
    ):
        expected = answers(events, query)
        assert answers(once, query) == expected
        assert answers(twice, query) == expected
    assert sum(one.count for one in once) == len(events)
    assert sorted(one.line() for one in once) == sorted(one.line() for one in rolled(events))
    counted = Counted(once)
    whole = {one.id for one in once}
    assert all((one in counted) != (one.id in whole) for one in events)


def test_a_rollup_says_what_its_events_said_together() -> None:
    events = [
        event(1, 1, latency_ms=340, cost=0.0007, tokens={"input": 10, "output": 2}, user="u-1"),
        event(2, 2.5, latency_ms=1204.9, cost=0.0014, tokens={"input": 4}, session="s"),
        event(3, 59),
    ]
    (one,) = rolled(events)
    assert (one.time, one.count) == (START, 3)
    assert one.id[:10] == derived_ulid(START, b"", 0)[:10]
    sums = dict(one.data["rollup"])
    assert {is_member(known.id, sums) for known in events} == {True}
    assert not is_member(ULID, sums)
    assert len(members(sums)) == 3
    del sums["members"]
    assert sums == {
        "count": 3,
        "latency": {"1200000": 1, "340000": 1},
        "latency_us": 1544900,
        "tokens": {"input": 14, "output": 2, "count": 2},
        "cost": {"micro": 2100, "count": 2},
    }
    assert not {"user", "session", "execution"} & set(one.data)


def test_a_microsecond_that_is_not_whole_is_cut_off_and_tags_have_no_order() -> None:
    times, tags = [0.0019, 0.0125, 7.0008], [["a", "b"], ["b", "a"], ["b", "a", "a"]]
    events = [event(n, latency_ms=times[n], tags=tags[n]) for n in range(3)]
    (one,) = rolled(events)
    assert (one.data["rollup"]["latency_us"], one.tags) == (1 + 12 + 7000, ("a", "b"))
    assert answers([one], Query()) == answers(events, Query())


def test_metrics_and_exposures_keep_what_is_theirs() -> None:
    values = [0.1, 0.2, 0.3, -5.0]
    metrics = [event(n, n, kind="metric", name="csat", value=value) for n, value in enumerate(values)]
    units = [
        event(n, n, kind="exposure", experiment="e", arm="a", unit=unit, propensity=0.5)
        for n, unit in enumerate("uvu")
    ]
    metric, exposure = sorted(rolled([*metrics, *units]), key=lambda one: one.kind, reverse=True)
    assert metric.data["rollup"]["value"] == {
        "sum": math.fsum(values),
        "squares": math.fsum(one * one for one in values),
        "low": -5.0,
        "high": 0.3,
    }
    assert exposure.data["rollup"]["units"] == {"u": 2, "v": 1}
    assert (exposure.data["arm"], exposure.data["propensity"]) == ("a", 0.5)


@pytest.mark.parametrize(
    "values",
    [
        {"output": "billing"},
        {"comment": "slow"},
        {"rating": 0.5},
        {"scores": {"tone": 1}},
        {"issues": ["wrong"]},
        {"derived_from": [ULID]},
        {"temperature": 0},
        {"context": {"model": "m", "confidence": 1}},
        {"context": "text"},
        {"context": {"model": {"name": "m"}}},
        {"tokens": {"input": 1, "cached": 1}},
        {"latency_ms": 1e12},
        {"cost": 1e9},
        {"unit": "u" * 200},
        {"time": "1969-12-31T23:00:00Z"},
        {"kind": "metric", "name": "n", "value": 1, "unit": "u"},
        {"kind": "metric", "name": "n", "value": 1e200},
        {"kind": "usage", "value": 1},
    ],
    ids=str,
)
def test_what_says_more_than_numbers_stays_as_it_is(values: dict[str, Any]) -> None:
    events = [event(1, **values), event(2, **values)]
    assert not is_numbers(events[0])
    assert rolled(events) == events


def test_what_has_no_other_and_what_is_not_asked_for_stay_as_they_are() -> None:
    events = [event(1), event(2, 61), event(3, kind="usage")]
    assert sorted(rolled(events), key=lambda one: one.id) == sorted(events, key=lambda one: one.id)
    assert list(roll_up([event(1), event(2)], ("usage",))) == [event(1), event(2)]


def test_a_segment_of_a_batch_is_the_same_however_it_is_ordered() -> None:
    events = [call(number, tags=["b", "a"]) for number in range(40)] + [event(99, kind="rating", thumbs="up")]
    files = seal(events, ulid=ULID, rolled=ROLLED)
    assert files == seal(reversed(events), ulid=ULID, rolled=ROLLED)
    reading = read_segments(files)
    assert [one.count for one in reading.events] in ([40, 1], [1, 40])
    assert (reading.problems, reading.conflicts) == ((), ())
    # A batch that is committed on two branches counts once where they meet.
    other = {path.replace(ULID, "01JD3M8Z6VQW4N9T2X5KAB7CDF"): data for path, data in files.items()}
    assert read_segments(files | other).events == reading.events


def test_a_line_stays_below_what_an_event_may_have() -> None:
    unit = "ü" * 60
    many = [
        event(n, kind="exposure", rollout="r", arm="a", unit=f"{unit}{n}") for n in range(MOST_MEMBERS + 3)
    ]
    found = rolled(many)
    assert sorted(one.count for one in found) == [3, MOST_MEMBERS]
    assert max(len(one.line()) for one in found) < MAX_EVENT_BYTES
    key = [event(n, tags=["t" * 100_000]) for n in range(2)]
    assert rolled(key) == key


def test_a_rollup_with_broken_members_counts_and_knows_nobody() -> None:
    (one,) = rolled([call(1), call(2)])
    broken = json.loads(one.line())
    broken["rollup"]["members"] = "AAA="
    parsed = parse_event(broken)
    assert parsed.count == 2
    assert call(1) not in Counted([parsed])
