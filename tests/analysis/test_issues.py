"""Issues: counted, held against the period before, and explained by words."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from promptvc.analysis.figures import USERS
from promptvc.analysis.issues import Issue, Period, rank
from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import parse_event
from promptvc.feedback.query.facts import Cell, Labelled, Tally
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query

DAY = date(2026, 1, 1)
START = datetime(2026, 11, 1, tzinfo=UTC)
MIDDLE = START + timedelta(days=10)


def events() -> list[Any]:
    """300 ratings, then 300: `slow` grows from one in ten to one in four, `rude` stays at one in twenty."""
    found = []
    for number in range(600):
        moment = START + timedelta(days=20) * (number / 600)
        slow = number % 4 == 0 if number >= 300 else number % 10 == 0
        issues = ["slow"] * slow + ["rude"] * (number % 20 == 7)
        text = "the answer took very long" if slow else "a usual question"
        value = {
            "id": derived_ulid(moment, b"rating", number),
            "time": format_time(moment),
            "prompt": "desk",
            "kind": "rating",
            "source": "human",
            "stars": 1 if issues else 5,
            "comment": f"{text} {number}",
        }
        found.append(parse_event(value | ({"issues": issues} if issues else {})))
    return found


def ranking(given: list[Any]) -> dict[str, Issue]:
    facts = PlainFacts(given)

    def period(**when: Any) -> Period:
        query = Query(kinds=("rating",), sources=USERS, **when)
        return Period(facts.cells(query), facts.labelled("issue", query))

    now: dict[str, Any] = {"since": MIDDLE, "until": MIDDLE + timedelta(days=10)}
    found = rank(period(**now), period(since=START, until=MIDDLE), facts.said(Query(**now)))
    return {one.issue: one for one in found}


def test_issues_are_ranked() -> None:
    found = ranking(events())
    assert list(found) == ["slow", "rude"]
    slow, rude = found.values()
    assert (slow.count, slow.before, slow.rated) == (75, 30, 75)
    assert slow.share is not None
    assert slow.share.value == 0.25
    assert slow.difference is not None
    assert slow.difference.high < -0.8
    assert (slow.rising, rude.rising) == (True, None)
    assert slow.change is not None
    assert slow.change.value == pytest.approx(0.15)
    assert any("took" in word.text or "long" in word.text for word in slow.words)
    # None is both, so that the words of the others go with `rude`, and those of `slow` do not.
    assert {word.text for word in rude.words} <= {"a usual question"}
    assert len(slow.ids) == 5


def test_without_a_period_before_nothing_rises() -> None:
    found = ranking([one for one in events() if one.time >= MIDDLE])
    assert [(one.change, one.adjusted, one.rising, one.before) for one in found.values()] == [
        (None, None, None, 0)
    ] * 2


def test_no_issues() -> None:
    assert ranking([one for one in events() if "issues" not in one.data]) == {}
    assert ranking([]) == {}


def told_as_changed(shares: tuple[float, float], seed: int) -> bool:
    """Whether a share is told to change between four weeks and the next, whose weeks differ by two points."""
    chance = random.Random(seed)
    periods = []
    for half, share in enumerate(shares):
        cells, labelled = [], []
        for week in range(4):
            level = max(0.01, share + chance.gauss(0, 0.02))
            for weekday in range(7):
                day = DAY + timedelta(days=28 * half + 7 * week + weekday)
                hits = sum(chance.random() < level for _ in range(100))
                about = (day, "a/b", 1)
                cells.append(Cell(*about, "rating", "human", None, None, None, Tally(n=100, rated=100)))
                labelled.append(Labelled(*about, "tone", Tally(n=hits, rated=hits)))
        periods.append(Period(cells, labelled))
    return rank(periods[1], periods[0], [])[0].rising is not None


def test_weeks_that_differ_are_no_change() -> None:
    assert sum(told_as_changed((0.10, 0.10), seed) for seed in range(20)) <= 3
    assert sum(told_as_changed((0.10, 0.18), seed) for seed in range(10)) >= 9
