"""Moving averages, evidence and features: folds that do not depend on order, and never know what comes later."""

from __future__ import annotations

import math
import random
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from promptvc.analysis.ranking.averages import Averages, courses, days_of
from promptvc.analysis.ranking.evidence import Question, evidence, read_evidence
from promptvc.analysis.ranking.features import FEATURES, NOWHERE, POSITION, groups_of, unplaced
from promptvc.base.feedback_settings import LearningSettings
from promptvc.feedback.query.facts import Choice
from tests.analysis.ranking.worlds import START, World, by_success, cell

LEARNING = LearningSettings(learning_rate=0.25, decay_rate=0.01, min_samples=1)


def choice(day: int, selected: str, *options: str, session: str | None = None) -> Choice:
    time = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(day)
    offered = tuple((name, None) for name in options)
    return Choice(f"{day}{selected}", time, "router", session, "task", offered, selected)


def test_moving_averages_go_by_days_with_events() -> None:
    cells = [
        cell(START, "a", 1, 2, score=1_200_000),
        cell(START, "a", 1, 2, version=2, score=1_600_000),
        cell(START + timedelta(9), "a", 4, 4, score=4_000_000),
        cell(START + timedelta(9), "a", 0, 50, source="llm_judge"),
        cell(START, "a", 0, 0, kind="success", source="code", n=4, timed=4, latency=400_000),
        cell(START + timedelta(2), "a", 0, 0, kind="error", source="code", n=1, timed=1, latency=300_000),
    ]
    choices = [choice(1, "a", "a", "b"), choice(1, "b", "b", "a"), choice(4, "a", "a", "b")]
    found = courses(days_of(cells, choices), LEARNING)["a"]
    assert asdict(found.averages) == {
        "success": pytest.approx(0.75 * 0.5 + 0.25 * 1),
        "satisfaction": pytest.approx(0.75 * 0.7 + 0.25 * 1),
        "latency": pytest.approx(0.75 * 100 + 0.25 * 300),
        "context_match": pytest.approx(0.75 * 0.5 + 0.25 * 1),
    }
    assert courses(days_of(cells[::-1], choices[::-1]), LEARNING)["a"] == found
    assert found.good == pytest.approx(2 * 0.99**9 + 4)
    assert found.uses == pytest.approx(4 * 0.99**9 + 0.99**7)


def test_what_is_no_choice_does_not_count() -> None:
    odd = [choice(1, "c", "a", "b"), choice(1, "a", "a"), choice(1, "a", "a", "a", "b")]
    assert courses(days_of([], odd), LEARNING) == {}
    assert groups_of([], odd, lambda *_: 0.0, LEARNING) == []


def test_evidence_of_each_prompt() -> None:
    cells = [
        cell(START, "a", 40, 50, version=1),
        cell(START, "b", 40, 50),
        cell(START, "gone", 1, 1),
        cell(START, "a", 0, 0, kind="usage", source="code", n=1000),
        cell(START, "a", 0, 0, kind="success", source="code", n=30),
        cell(START + timedelta(3), "a", 0, 0, kind="suggestion", n=2),
    ]
    day = START + timedelta(3)
    _, found = evidence(cells, [], Question({"a": 2, "b": 1, "new": 1}, day, LEARNING))
    a, b, gone, new = found
    assert [one.name for one in found] == ["a", "b", "gone", "new"]
    assert (a.uses, a.events, a.last_used) == (1000, 1082, day)
    assert (a.success.rated, a.whole.rated) == (0, 50)
    assert (new.events, new.last_used, new.success.rated) == (0, None, 0)
    assert gone.version is None
    # Of two with the same ratings, use decides, by a tenth at most.
    assert a.relevance == pytest.approx(a.success.low)
    assert b.relevance == pytest.approx(b.success.low * 0.9)
    for one in found:
        assert read_evidence(one.to_json()).to_json() == one.to_json()
    off = replace(LEARNING, enabled=False)
    _, still = evidence(cells, [], Question({"a": 1, "b": 1, "new": 1}, day, off))
    assert [one.relevance for one in still] == [None] * 4
    assert still[0].averages == Averages()
    assert (still[0].uses, still[0].success.mean) == (1000, 0.8)


def test_a_choice_is_told_of_with_what_was_known_the_day_before() -> None:
    """The features of a choice are the same whether or not anything of its day and later ever happened."""
    world = World(by_success, choices=120)
    whole = groups_of(world.cells, world.choices, world.similar, LEARNING)
    assert len(whole) == 120
    for at in (0, 1, 57, 119):
        day = whole[at].time.date()
        before = [one for one in world.cells if one.day < day]
        earlier = [one for one in world.choices if one.time.date() < day]
        alone = groups_of(before, [*earlier, world.choices[at]], world.similar, LEARNING)[-1]
        assert alone == whole[at]
    shuffled = [*world.choices]
    random.Random(1).shuffle(shuffled)
    assert groups_of(world.cells[::-1], shuffled, world.similar, LEARNING) == whole


def test_the_features_of_a_choice() -> None:
    cells = [
        cell(START, "a", 8, 8, score=6_000_000),
        cell(START, "a", 0, 0, kind="usage", source="code", n=5),
        cell(START + timedelta(2), "a", 0, 90),
    ]
    choices = [choice(1, "b", "a", "b"), choice(2, "a", "b", "a", session="s")]
    first, second = groups_of(cells, choices, lambda task, name, _: len(task) + (name == "a"), LEARNING)
    assert (first.key, second.key) == ("choice 1b", "session s")
    assert (second.names, second.taken) == (("b", "a"), 1)
    told = dict(zip(FEATURES, second.rows[1], strict=True))
    prior = (8 * 0.99**2 + 1) / (8 * 0.99**2 + 2)
    assert told == {
        "similarity": 5,
        "success": pytest.approx((10 * prior + 8 * 0.99**2) / (10 + 8 * 0.99**2)),
        "ratings": pytest.approx(math.log1p(8 * 0.99**2)),
        "recent_success": 1.0,
        "satisfaction": 0.75,
        "latency": -1.0,
        "context_match": 0.0,
        "uses": pytest.approx(math.log1p(5 * 0.99**2)),
        "days_unused": 2.0,
        "position": 2.0,
    }
    assert unplaced(second.rows[1])[POSITION] == NOWHERE
    assert dict(zip(FEATURES, second.rows[0], strict=True))["days_unused"] == 365.0
    assert second.plain[1] > second.plain[0]
