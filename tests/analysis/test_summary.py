from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.analysis.summary import Summary
from promptvc.analysis.summary import summarize as fold
from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS, Event, parse_event, stamped
from promptvc.feedback.query.plain import PlainFacts

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def make(kind: str = "rating", **keys: Any) -> Event:
    value = {"prompt": "p", "kind": kind, "source": "human", "comment": "c"} | keys
    if kind == "error":
        value["error"] = {"type": "T"}
    return parse_event(stamped(value, now=NOW))


def summarize(events: Iterable[Event], thresholds: FeedbackSettings = THRESHOLDS) -> Summary:
    return fold(PlainFacts(events, thresholds).counts())


def test_the_figures() -> None:
    events = [
        make(stars=5, version=2),
        make(rating=0.7, version=2),
        make(thumbs="down", version=1),
        make(version=1),
        make("suggestion"),
        make("error", version=1),
        make("success", version=1, effectiveness=0.2),
        make("success", version=2),
        make("success", version=2),
    ]
    summary = summarize(iter(events)).to_json()
    by_version = summary.pop("by_version")
    assert summary == {
        "total": 9,
        "by_kind": {"error": 1, "rating": 4, "success": 3, "suggestion": 1},
        "rated": 4,
        "rating_mean": pytest.approx(1.9 / 4),
        "success_rate": 0.5,
        "runs": 4,
        "error_rate": 0.25,
    }
    assert list(by_version) == ["1", "2", "unknown"]
    assert by_version["1"] == {
        "total": 4,
        "by_kind": {"error": 1, "rating": 2, "success": 1},
        "rated": 2,
        "rating_mean": pytest.approx(0.1),
        "success_rate": 0.0,
        "runs": 2,
        "error_rate": 0.5,
    }
    assert by_version["2"]["error_rate"] == 0.0
    assert by_version["unknown"] == {
        "total": 1,
        "by_kind": {"suggestion": 1},
        "rated": 0,
        "rating_mean": None,
        "success_rate": None,
        "runs": 0,
        "error_rate": None,
    }


def test_no_events_know_nothing() -> None:
    assert summarize([]).to_json() == {
        "total": 0,
        "by_kind": {},
        "rated": 0,
        "rating_mean": None,
        "success_rate": None,
        "runs": None,
        "error_rate": None,
        "by_version": {},
    }


def test_a_judge_is_no_user() -> None:
    judged = [make(rating=1.0, source="llm_judge"), make("success", effectiveness=0.9, source="llm_judge")]
    noted = make(
        "annotation", source="llm_judge", target="01JD3M8Z6VQW4N9T2X5KAB7CDE", scores={"safety": 1.0}
    )
    figures = summarize([make(stars=1), *judged, noted]).figures
    assert (figures.total, figures.rated, figures.rating_mean, figures.success_rate) == (4, 1, 0.0, 0.0)
    assert figures.by_kind == {"annotation": 1, "rating": 2, "success": 1}


def test_errors_alone_do_not_say_out_of_how_many() -> None:
    assert summarize([make("error"), make("error")]).figures.error_rate is None


def test_a_version_that_only_fails_is_known_to_when_others_report_runs() -> None:
    summary = summarize([make("error", version=2), make("success", version=1)])
    assert summary.by_version[2].error_rate == 1.0
    assert summary.by_version[1].error_rate == 0.0


def test_thresholds_are_the_caller_s() -> None:
    events = [make(rating=0.6), make(rating=0.9)]
    assert summarize(events).figures.success_rate == 0.5
    assert summarize(events, FeedbackSettings(positive=0.6)).figures.success_rate == 1.0
    assert summarize(events, FeedbackSettings(positive=0.95)).figures.success_rate == 0.0


EVENT = st.builds(
    lambda rating, version, kind: make(
        kind, **({"rating": rating} | ({"version": version} if version else {}))
    ),
    st.floats(0, 1),
    st.integers(0, 3),
    st.sampled_from(["rating", "error", "success", "suggestion"]),
)


@given(st.lists(EVENT, max_size=12), st.randoms(use_true_random=False))
def test_the_order_changes_nothing_and_versions_add_up(events: list[Event], chance: random.Random) -> None:
    summary = summarize(events)
    chance.shuffle(events)
    assert summarize(events) == summary
    assert isinstance(summary, Summary)
    parts = summary.by_version.values()
    assert sum(part.total for part in parts) == summary.figures.total == len(events)
    assert sum(part.rated for part in parts) == summary.figures.rated
    mean = summary.figures.rating_mean
    assert mean is None or 0 <= mean <= 1
