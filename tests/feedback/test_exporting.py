"""Cells and keys that no cell can hold: together they are the very same event."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.feedback.columns import REST, to_event
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.exporting import cells_of, columns_of, csv_lines
from promptvc.feedback.rows import Row, read_rows

ALWAYS = {
    "id": "01JD3M8Z6VQW4N9T2X5KAB7CDE", "time": "2026-01-05T10:00:00Z", "prompt": "a/b", "kind": "rating",
    "source": "human", "stars": 4,
}  # fmt: skip
TEXT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["=1+1", "-1", "@x", '{"a": 1}', "[1]", '"{"', " a ", "a\r\nb", "1", "true", "\ud800", '"', "a;b"]
    ),
)
NUMBER = st.one_of(st.integers(0, 9), st.floats(0, 1), st.just(1.0), st.just(1e-7))
INPUT = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.just({"b": "c"})), max_size=3)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "input": st.one_of(TEXT, INPUT),
        "output": TEXT,
        "comment": TEXT,
        "notes": TEXT,
        "tags": st.lists(TEXT.filter(bool), max_size=3),
        "rating": st.one_of(st.integers(0, 1), st.floats(0, 1)),
        "latency_ms": NUMBER,
        "tokens": st.fixed_dictionaries({}, optional={"input": st.integers(0, 9), "output": st.just(3.0)}),
        "context": st.one_of(TEXT, st.dictionaries(st.sampled_from(["model", "confidence", "Of.It"]), TEXT)),
        "error": st.just({"message": "it broke"}),
        "scores": st.dictionaries(st.sampled_from(["tone", "Tone"]), st.floats(0, 1)),
        "derived_from": st.one_of(TEXT.filter(bool), st.lists(TEXT.filter(bool))),
        "mine": st.one_of(TEXT, st.integers(), st.booleans(), st.none()),
        "Odd key": TEXT,
        REST: TEXT,
    },
)  # fmt: skip


def event(more: dict[str, Any]) -> Event:
    return parse_event(ALWAYS | more)


@settings(max_examples=80)
@given(VALUES)
def test_cells_and_the_rest_are_the_event(more: dict[str, Any]) -> None:
    known = event(more)
    cells, rest = cells_of(known.data)
    assert cells.keys().isdisjoint(rest)
    back = to_event(cells, {}, typed=False) | rest
    assert parse_event(back).content_digest() == known.content_digest()


def read(lines: bytes, folder: Path) -> list[Event]:
    file = folder / "events.csv"
    file.write_bytes(lines)
    rows = list(read_rows(file))
    assert all(isinstance(row, Row) for row in rows), rows
    return [parse_event(to_event(row.values, {}, typed=row.typed)) for row in rows if isinstance(row, Row)]


@settings(max_examples=15)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_file_is_the_events(tmp_path_factory: pytest.TempPathFactory, many: list[dict[str, Any]]) -> None:
    known = [event(more) for more in many]
    written = b"".join(csv_lines(known, columns_of(known)))
    back = read(written, tmp_path_factory.getbasetemp())
    assert [one.content_digest() for one in back] == [one.content_digest() for one in known]


def test_columns_are_for_people() -> None:
    known = event(
        {"input": {"message": "=SUM(A1)"}, "tokens": {"output": 3}, "tags": ["a", "b"], "comment": ""}
    )
    assert columns_of([known]) == [
        "id", "time", "prompt", "kind", "source", "stars", "input.message", "tokens.output", "tags", REST,
    ]  # fmt: skip
    header, row = csv.reader(io.StringIO(b"".join(csv_lines([known], columns_of([known]))).decode()))
    cells = dict(zip(header, row, strict=True))
    assert (cells["input.message"], cells["tags"]) == ("=SUM(A1)", '["a", "b"]')
    assert columns_of([]) == ["id", "time", "prompt", "kind", "source"]
