"""Plain Python and DuckDB give the same answers, whatever the events."""

from __future__ import annotations

import gc
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from promptvc.feedback.segments import read_segments
from tests.feedback.query.strange_events import QUERIES, events

STEADY = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def everything(facts: Facts, query: Query) -> list[Any]:
    """Every answer to one query."""
    return [
        facts.counts(query),
        *(facts.cells(query), facts.latencies(query), facts.choices(query)),
        *(facts.labelled("tag", query), facts.labelled("issue", query)),
        *(facts.labelled("error", query), facts.labelled("dimension", query)),
        *(facts.said(query, limit=3), facts.said(query), facts.witnesses(query, limit=2), facts.unread),
    ]


def duck(folder: Path, parts: Sequence[Sequence[Event]]) -> DuckFacts:
    """DuckDB over one file for each part."""
    files = []
    for number, part in enumerate(parts):
        files.append(folder / f"part-{number}.jsonl")
        files[-1].write_bytes(b"".join(event.line() for event in part))
    return DuckFacts(files)


@STEADY
@given(found=events(), query=QUERIES)
def test_duckdb_answers_as_plain_python(tmp_path: Path, found: list[Event], query: Query) -> None:
    with duck(tmp_path, [found[::2], found[1::2]]) as facts:
        assert everything(facts, query) == everything(PlainFacts(found), query)


@settings(STEADY, max_examples=10)
@given(found=events(), ordinal=st.integers(0, 11))
def test_an_event_that_comes_twice_counts_once(tmp_path: Path, found: list[Event], ordinal: int) -> None:
    again = found[ordinal : ordinal + 1]
    other = [parse_event({**event.to_json(), "notes": "edited"}) for event in again]
    with duck(tmp_path, [found, again, other]) as facts:
        reading = read_segments({"x": b"".join(event.line() for event in [*found, *other])})
        assert everything(facts, Query()) == everything(PlainFacts(reading.events), Query())


@pytest.mark.parametrize(
    "bad", [b"not json\n", b"[1, 2]\n", b'{"id":"torn', b'{"id":"01","kind":"rating"}\n', b"\xff\xfe\n"]
)
def test_a_line_that_is_no_event_costs_no_other(tmp_path: Path, bad: bytes) -> None:
    good = read_segments({"x": _lines("01KDVDNA00WKV0T2N6TZSX7DN6")}).events
    file = tmp_path / "segment.jsonl"
    file.write_bytes(_lines("01KDVDNA00WKV0T2N6TZSX7DN6") + bad)
    other = tmp_path / "other.jsonl"
    other.write_bytes(_lines("01KDVDNXH0WYF433J8C8TPKNTY"))
    with DuckFacts([file, other]) as facts:
        assert facts.unread == 1
        assert facts.witnesses().n == len(good) + 1


def test_a_review_is_no_rating_by_a_user(tmp_path: Path) -> None:
    about = {"id": "01KDVDNA00WKV0T2N6TZSX7DN6", "time": "2026-01-01T00:00:00Z", "prompt": "a/b", "stars": 1}
    note = parse_event(
        {
            **about,
            "kind": "annotation",
            "source": "human",
            "target": "01KDVDNXH0WYF433J8C8TPKNTY",
            "label": "x",
        }
    )
    with duck(tmp_path, [[note]]) as facts:
        for each in (facts, PlainFacts([note])):
            assert [cell.tally.rated for cell in each.cells()] == [0]
            assert [one.tally.rated for one in each.counts()] == [0]
            assert [each.witnesses(Query(outcome=one)).n for one in ("rated", "bad")] == [0, 0]
            assert each.said() == []


def test_no_files_are_no_events() -> None:
    with DuckFacts([]) as facts:
        assert everything(facts, Query()) == everything(PlainFacts([]), Query())


def test_what_nobody_closes_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tempfile.TemporaryDirectory(dir=tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = DuckFacts([], scratch=scratch)
        facts.counts()
        del facts, scratch
        gc.collect()
    assert list(tmp_path.iterdir()) == []


def _lines(key: str) -> bytes:
    value = {"id": key, "time": "2026-01-01T00:00:00Z", "prompt": "desk", "kind": "rating", "source": "human"}
    return parse_event({**value, "stars": 4}).line()
