"""The table of formats: found by ending, all of them UTF-8 for any text, none of them held in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import Usage
from promptvc.evaluation.reports.formats import FORMATS, format_of
from tests.evaluation.reports.makers import hostile_report, wide_report


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("out.json", "json"),
        ("out/results.jsonl", "jsonl"),
        ("out/results.otel.jsonl", "otel"),
        ("RESULTS.CSV", "csv"),
        ("comment.md", "markdown"),
        ("junit.xml", "junit"),
        ("report.html", "html"),
    ],
)
def test_a_format_is_found_by_the_end_of_the_name(path: str, name: str) -> None:
    assert format_of(path) is FORMATS[name]
    assert format_of(Path(path)) is FORMATS[name]


@pytest.mark.parametrize("path", ["report", "report.pdf", "json", "out.html/x", ""])
def test_another_ending_is_told_which_there_are(path: str) -> None:
    with pytest.raises(Usage) as error:
        format_of(path)
    assert error.value.hint is not None
    for each in FORMATS.values():
        assert each.ending in error.value.hint


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(), max_size=30), min_size=1, max_size=5))
def test_every_format_can_be_written_as_utf_8(texts: list[str]) -> None:
    report = hostile_report(texts)
    for each in FORMATS.values():
        "".join(each.write(report)).encode()


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"markdown", "html"}])
def test_a_report_passes_through_and_is_not_kept(name: str) -> None:
    """Six megabytes of answers, written with a fraction of that in memory."""
    report = wide_report(800, "no " * 1300)
    written = 0
    tracemalloc.start()
    for piece in FORMATS[name].write(report):
        written += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > (0 if name == "otel" else 3_000_000)
    assert peak < 1_000_000
