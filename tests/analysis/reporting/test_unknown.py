"""What a report does not say: shares of calls that are not all counted, praise for what has a problem, empty months."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from promptvc.analysis.reporting.changes import Change
from promptvc.analysis.reporting.charts import Chart, Spot, drawn
from promptvc.analysis.reporting.figures import Figure
from promptvc.analysis.reporting.markdown import markdown
from promptvc.analysis.reporting.page import page
from promptvc.analysis.reporting.periods import midnight
from promptvc.analysis.reporting.problems import Sign
from promptvc.analysis.reporting.report import Asked, Report, make_report
from promptvc.analysis.reporting.slices import Slice
from promptvc.analysis.reporting.targets import targets
from promptvc.analysis.reporting.telling import NO_BEST, target_value
from promptvc.base.clock import format_time, parse_time
from promptvc.base.feedback_settings import TargetSettings
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.plain import PlainFacts

START = parse_time("2026-01-05")
UNSOUND = "more {} than calls: not every call is counted"


def days(
    prompt: str, per_day: dict[str, int], good: float = 0.8, count: int = 14
) -> Iterator[dict[str, Any]]:
    """So many events of each kind a day, for two weeks; of ratings a share is good."""
    draw = random.Random(prompt)
    for day in range(count):
        for kind, n in per_day.items():
            for number in range(n):
                time = format_time(START + timedelta(days=day, minutes=number))
                said: dict[str, Any] = {"time": time, "prompt": prompt, "kind": kind, "source": "human"}
                if kind == "rating":
                    said["thumbs"] = "up" if draw.random() < good else "down"
                if kind == "correction":
                    said |= {"input": "x", "corrected": "y"}
                yield said


def events(*parts: Iterator[dict[str, Any]]) -> list[Event]:
    rows = [row for part in parts for row in part]
    return [parse_event(row | {"id": derived_ulid(START, b"r", at)}) for at, row in enumerate(rows)]


def told(*parts: Iterator[dict[str, Any]], end: int = 14) -> Report:
    return make_report(
        PlainFacts(events(*parts)), Asked("weekly", midnight(START.date()) + timedelta(days=end))
    )


@pytest.fixture(scope="module")
def uncounted() -> Report:
    """One prompt whose calls are counted now and then, one with corrections of calls that nobody counts."""
    return told(days("a", {"rating": 9, "usage": 3}), days("b", {"correction": 4, "usage": 2, "rating": 1}))


def test_more_ratings_than_calls_is_no_share(uncounted: Report) -> None:
    by_name = {one.prompt: one.figures for one in (uncounted.overall, *uncounted.standings)}
    for prompt, what in (("a", "ratings"), ("b", "corrections"), (None, "corrections")):
        for name in ("collection", "corrections"):
            figure = by_name[prompt][name]
            assert (figure.value, figure.reason) == (None, UNSOUND.format(what))
            assert figure.to_json()["reason"] == figure.reason
    states = {one.name: (one.state, one.reason) for one in uncounted.targets}
    assert states["collection"] == states["corrections"] == ("unknown", UNSOUND.format("corrections"))
    assert not [one for one in uncounted.problems if one.sign.measure == "corrections"]
    for text in ("".join(markdown(uncounted)), "".join(page(uncounted))):
        assert UNSOUND.format("corrections") in text
        assert "300.0%" not in text


def test_prompts_whose_calls_are_counted_are_told_without_the_others() -> None:
    made = told(days("a", {"rating": 9, "usage": 3}), days("c", {"rating": 3, "usage": 10}))
    collection = made.overall.figures["collection"]
    assert (collection.value, collection.reason, collection.n("calls")) == (0.3, None, 70)
    assert [one.state for one in made.targets if one.name == "collection"] == ["met"]


def test_calls_are_the_larger_of_two_counts() -> None:
    made = told(days("a", {"usage": 2, "success": 10, "rating": 5}), days("b", {"usage": 20, "success": 1}))
    calls = {one.prompt: one.figures["calls"].value for one in made.standings}
    assert calls == {"a": 70, "b": 140}
    assert next(one.figures["collection"].value for one in made.standings) == 0.5


def test_top_performers_are_clearly_above_all_and_have_no_problem() -> None:
    weak = days("weak", {"rating": 30}, 0.5)
    made = told(weak, days("fine", {"rating": 30}, 0.97), days("good", {"rating": 30}, 0.95))
    assert {one.prompt for one in made.best} == {"fine", "good"}
    alone = told(days("fine", {"rating": 30}, 0.97))
    assert alone.best == ()
    assert NO_BEST in "".join(markdown(alone))
    assert NO_BEST in "".join(page(alone))
    fallen = [days("fell", {"rating": 40}, 1.0, 7)]
    later = [row | {"time": format_time(parse_time(row["time"]) + timedelta(days=7))}
             for row in days("fell", {"rating": 40}, 0.85, 7)]  # fmt: skip
    falling = told(days("weak", {"rating": 60}, 0.3), *fallen, iter(later))
    assert falling.change("success", "fell") is not None
    assert falling.best == ()


def test_a_prompt_with_an_open_problem_is_no_top_performer(troubled: Report) -> None:
    open_ = {prompt for one in troubled.problems if one.until is None for prompt in one.prompts}
    assert open_
    assert not open_ & {one.prompt for one in troubled.best}


def test_a_rise_that_is_not_clear_is_told_as_one() -> None:
    rose = Change(None, "corrections", Figure(0.1, {}), Figure(0.153, {}), p=0.2)
    found = targets(TargetSettings(), {"corrections": rose})
    (corrections,) = [one for one in found if one.name == "corrections"]
    assert (corrections.wanted, corrections.state) == ("the correction rate does not clearly rise", "met")
    assert target_value(corrections).startswith("+5.3 points, not clearly")
    assert target_value(replace(corrections, state="not met")) == "+5.3 points"
    assert target_value(replace(corrections, value=-0.1)) == "-10.0 points"


def test_what_is_said_of_an_issue_says_issue_once() -> None:
    sign = Sign("issue", Slice("a", "issue", "wrong"), Figure(0.1, {}), Figure(0.2, {}))
    assert sign.named(str) == "issue wrong"
    assert replace(sign, measure="success", slice=Slice("a", "tag", "eu")).named(str) == "success tag eu"
    assert replace(sign, slice=Slice("a")).named(str) == "issue"


def test_charts_begin_with_the_first_week_that_has_events() -> None:
    made = told(days("a", {"rating": 3}, count=7 * 20), end=7 * 20)
    assert made.first_week == 32
    html = "".join(page(made))
    assert html.count("week of 2026-01-05") > 0
    assert f"From {START.date()} on" in "".join(markdown(made))
    assert told(days("a", {"rating": 3})).first_week == 44


def test_the_axis_of_a_latency_has_its_unit() -> None:
    starts = [START.date() + timedelta(weeks=week) for week in range(2)]
    svg = drawn(Chart("p95", "told", starts, [Spot(400.0), Spot(1900.0)], "ms", zero=True), 1)
    assert ">500 ms<" in svg
    assert ">2 s<" in svg
