"""When a prompt is due: each trigger at its bar, what counts, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.clock import format_time
from promptvc.base.config import TriggerSettings
from promptvc.evidence.trainings import Events, Training
from promptvc.evidence.values import VersionRef
from promptvc.feedback.events import Event, parse_event
from promptvc.training.triggers import Due, assess, count, counting, fresh, last_ended, used_by_time
from tests.training.makers import START, an_id, event

NOW = START + timedelta(days=20)
SETTINGS = TriggerSettings()


def events(*kinds: tuple[int, str, dict[str, Any]]) -> list[Event]:
    """So many events of each kind with these values."""
    rows = [(kind, values) for many, kind, values in kinds for _ in range(many)]
    return [event(number, kind, **values) for number, (kind, values) in enumerate(rows)]


def errors(many: int) -> tuple[int, str, dict[str, Any]]:
    return many, "error", {"error": {"message": "boom"}}


def successes(many: int) -> tuple[int, str, dict[str, Any]]:
    return many, "success", {}


def ratings(many: int, value: float) -> tuple[int, str, dict[str, Any]]:
    return many, "rating", {"rating": value}


def suggestions(many: int) -> tuple[int, str, dict[str, Any]]:
    return many, "suggestion", {"comment": "be brief"}


def corrections(many: int) -> tuple[int, str, dict[str, Any]]:
    return many, "correction", {"input": "a", "corrected": "b"}


def training(hours: float, **values: Any) -> Training:
    """A training that began so many hours before NOW."""
    time = NOW - timedelta(hours=hours)
    made = Training(
        id=an_id(1),
        time=time,
        prompt="support/triage",
        approach="few_shot",
        seed=0,
        model="offline",
        baseline=VersionRef(1, "a" * 40),
        candidate=None,
        events=Events.of(()),
        promoted=False,
        reason="no improvement found",
        calls=9,
    )
    return replace(made, **values)


def due(new: Sequence[Event], last: Training | None = None, there: int | None = None, **settings: Any) -> Due:
    return assess(new, last, replace(SETTINGS, **settings), NOW, there=there)


@pytest.mark.parametrize(
    ("rows", "trigger"),
    [
        ([errors(3), successes(7)], "errors"),
        ([errors(2), successes(8)], None),
        ([ratings(10, 0.59)], "ratings"),
        ([ratings(10, 0.6)], None),
        ([suggestions(3), corrections(7)], "suggestions"),
        ([suggestions(2), corrections(8)], None),
        ([corrections(50)], "volume"),
        ([corrections(49)], None),
        ([errors(20), ratings(10, 0.1), suggestions(9), corrections(50)], "errors"),
        ([ratings(10, 0.1), suggestions(9), corrections(50)], "ratings"),
        ([suggestions(9), corrections(50)], "suggestions"),
        ([errors(10)], "errors"),
    ],
)
def test_each_trigger_at_its_bar(rows: list[tuple[int, str, dict[str, Any]]], trigger: str | None) -> None:
    found = due(events(*rows))
    assert (found.due, found.trigger) == (trigger is not None, trigger)
    assert found.reasons


def test_with_fewer_than_ten_events_nothing_is_due() -> None:
    nine = due(events(errors(9)))
    assert (nine.due, nine.trigger) == (False, None)
    assert nine.reasons == ("9 events in all, 10 are the least",)
    assert due(events(errors(9)), min_events=9).trigger == "errors"
    assert due([], there=60).reasons == ("no new events",)


@pytest.mark.parametrize(
    ("rows", "there", "trigger"),
    [
        ([suggestions(3)], 65, "suggestions"),
        ([suggestions(3)], 10, "suggestions"),
        ([suggestions(3)], 9, None),
        ([suggestions(2)], 65, None),
        ([errors(9)], 65, None),
        ([ratings(9, 0.1)], 65, None),
        ([errors(6), suggestions(3)], 65, "suggestions"),
        ([errors(7), suggestions(3)], 65, "errors"),
    ],
)
def test_rates_take_ten_new_events_and_what_is_counted_ten_in_all(
    rows: list[tuple[int, str, dict[str, Any]]], there: int, trigger: str | None
) -> None:
    assert due(events(*rows), there=there).trigger == trigger


def test_with_few_new_events_the_reasons_speak_of_no_rate() -> None:
    assert due(events(errors(4), suggestions(1)), there=65).reasons == (
        "5 new events, a rate takes 10",
        "1 new suggestion of 3",
        "5 new events of 50",
    )
    assert due(events(corrections(5)), there=65, events=5).trigger == "volume"


def test_the_reasons_give_the_numbers() -> None:
    loud = due(events(errors(4), successes(6), ratings(2, 0.5), suggestions(3)))
    assert loud.reasons == (
        "error rate 0.333 (4 of 12 runs), more than 0.2",
        "mean rating 0.500 (2 rated), below 0.6",
        "3 new suggestions, 3 are enough",
    )
    quiet = due(events(successes(9), ratings(1, 0.9), suggestions(1)))
    assert quiet.reasons == (
        "error rate 0.000 (0 of 10 runs), not more than 0.2",
        "mean rating 0.900 (1 rated), not below 0.6",
        "1 new suggestion of 3",
        "11 new events of 50",
    )


def test_at_most_once_in_a_day() -> None:
    new = events(corrections(50))
    soon = due(new, training(23.9))
    assert (soon.due, soon.trigger) == (False, None)
    assert "not before 2026-09-21T08:06:00Z" in soon.reasons[0]
    assert soon.reasons[1:] == ("50 new events, 50 are enough",)
    assert due(new, training(24)).due
    assert due(new, training(1), hours=1).due
    assert not due(new, training(-5)).due  # a clock that went back


def test_an_execution_is_one_run_however_many_speak_of_it() -> None:
    rows = events(errors(1), ratings(1, 0.1), successes(2), corrections(1))
    same = [parse_event({**one.data, "execution": "x"}) for one in rows]
    assert (count(rows).runs, count(rows).errors) == (5, 1)
    assert (count(same).runs, count(same).errors) == (1, 1)


def test_a_judge_rates_for_no_user() -> None:
    judged = [event(number, "rating", rating=0.1, source="llm_judge") for number in range(10)]
    found = due(judged)
    assert (found.due, found.counts.rated, found.counts.rating) == (False, 0, None)
    assert "nothing new is rated" in found.reasons


def test_annotations_and_what_training_never_hears_are_no_events() -> None:
    unheard = [
        event(0, "usage"),
        event(1, "metric", name="cost", value=1),
        event(2, "annotation", target=an_id(3), approved=True),
    ]
    heard = [event(3, "rating", rating=0.5), event(4, "success")]
    assert counting([*unheard, *heard], None, NOW) == heard


def test_what_a_person_rejected_is_not_looked_at() -> None:
    rows = [
        event(0, "rating", rating=0.1),
        event(1, "rating", rating=0.2),
        event(2, "annotation", target=an_id(0), approved=False),
        event(3, "annotation", target=an_id(1), approved=False, source="llm_judge"),
    ]
    assert counting(rows, None, NOW) == rows[1:2]


def test_only_the_window_before_the_newest_event_counts() -> None:
    rows = [event(24 * day, "rating", rating=0.5) for day in (0, 1, 2, 31)]
    now = rows[-1].time
    assert counting(rows, 30, now) == rows[1:]
    assert fresh(counting(rows, 30, now), (an_id(24),)) == rows[2:]
    assert counting(rows, None, now) == rows


def test_what_is_dated_in_the_future_neither_counts_nor_moves_the_window() -> None:
    rows = [event(number, "rating", rating=0.5) for number in range(10)]
    wrong = event(10, "rating", rating=0.5, time="2108-01-01T00:00:00Z")
    ahead = event(11, "rating", rating=0.5, time=format_time(NOW + timedelta(hours=23)))
    assert counting([*rows, wrong], 30, NOW) == rows
    assert counting([*rows, wrong], None, NOW) == rows
    assert counting([*rows, ahead], 30, NOW) == [*rows, ahead], "clocks differ a little"


def test_without_the_commit_what_came_later_is_new() -> None:
    last = training(0, time=START + timedelta(hours=2))
    rows = [event(number, "rating", rating=0.5) for number in range(5)]
    late = event(9, "rating", rating=0.5, time="2026-09-01T08:00:00Z")
    used = used_by_time([*rows, late], last)
    assert fresh(counting([*rows, late], None, NOW), used) == [*rows[3:], late]


def test_what_a_failed_training_read_stays_new() -> None:
    failed, ended = training(1, reason="failed: no answer"), training(30)
    assert last_ended([failed, ended]) is ended
    assert last_ended([failed]) is None


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ({}, False),
        ({"search": {"calls": 0}}, False),
        ({"search": {"calls": None}}, False),
        ({"search": {"calls": 1}}, True),  # every answer came from the cache
        ({"look_key": "a" * 64}, True),
        ({"calls": 1}, True),
        ({"calls": 1, "look_key": "a" * 64, "reason": "failed: no answer"}, False),
    ],
)
def test_one_that_asked_nothing_uses_up_nothing(values: dict[str, Any], counts: bool) -> None:
    last = training(1, **{"calls": 0} | values)
    assert last_ended([last]) is (last if counts else None)


kinds = st.sampled_from([errors(1), successes(1), ratings(1, 0.4), ratings(1, 0.9), suggestions(1)])


@given(st.lists(kinds, max_size=60), st.randoms())
def test_the_order_of_events_tells_nothing(rows: list[tuple[int, str, dict[str, Any]]], draw: Any) -> None:
    new = events(*rows)
    mixed = list(new)
    draw.shuffle(mixed)
    assert due(mixed) == due(new)
    assert counting(mixed, None, NOW) == new


@given(st.lists(kinds, min_size=10, max_size=60), st.integers(0, 20))
def test_more_errors_never_make_it_less_due(rows: list[tuple[int, str, dict[str, Any]]], more: int) -> None:
    if due(events(*rows)).due:
        assert due(events(*rows, errors(more))).due
