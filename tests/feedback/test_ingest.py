from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import Usage
from promptvc.base.ids import ulid_time
from promptvc.feedback.ingest import ImportOptions, ImportResult, import_file
from promptvc.feedback.pseudonyms import Key
from promptvc.feedback.redact import Redactor

ULID = "01JD3M8Z6VQW4N9T2X5KAB7CDE"
OPTIONS = ImportOptions(prompt="support/triage")


def run(path: Path, options: ImportOptions = OPTIONS, **keys: Any) -> ImportResult:
    return import_file(path, options, **({"redactor": Redactor()} | keys))


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_csv_with_a_map(tmp_path: Path) -> None:
    path = write(
        tmp_path / "export.csv",
        "when,Score,what they said,model,prompt_tokens",
        '2026-11-20 10:30:00,5,"Quick, and right: bob@example.com",gpt,12',
        "2026-11-20 10:31:00,,too slow,gpt,",
    )
    columns = {"when": "time", "Score": "stars", "what they said": "comment", "model": "context.model"}
    result = run(path, ImportOptions("support/triage", columns | {"prompt_tokens": "tokens.input"}))
    assert [event.to_json() for event in result.events] == [
        {
            "id": result.events[0].id,
            "time": "2026-11-20T10:30:00Z",
            "prompt": "support/triage",
            "kind": "rating",
            "source": "human",
            "stars": 5,
            "comment": "Quick, and right: [email]",
            "context": {"model": "gpt"},
            "tokens": {"input": 12},
        },
        {
            "id": result.events[1].id,
            "time": "2026-11-20T10:31:00Z",
            "prompt": "support/triage",
            "kind": "suggestion",
            "source": "human",
            "comment": "too slow",
            "context": {"model": "gpt"},
        },
    ]
    assert ulid_time(result.events[0].id) == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert result.report.to_json() == {
        "read": 2,
        "imported": 2,
        "duplicates": 0,
        "rejected": [],
        "redacted": {"email": 1},
        "extra": [],
        "quarantined": 0,
    }


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    rows = [
        {"time": "2026-11-20", "stars": 4},
        {"time": "2026-11-20", "stars": 4},
        {"time": "2026-11-20", "stars": 5},
        {"stars": 4},
        {"stars": 4},
        {"id": ULID, "time": "2026-11-20", "stars": 1},
        {"id": "their-7", "time": "2026-11-20", "stars": 1},
    ]
    path = write(tmp_path / "a.jsonl", *rows)
    first = run(path)
    ids = [event.id for event in first.events]
    assert len(set(ids)) == first.report.imported == 7, "equal rows are as many events"
    assert first.events[6].data["external_id"] == "their-7"
    again = run(path, known={event.id: event for event in first.events})
    assert (again.events, again.report.duplicates, again.report.imported) == ((), 7, 0)
    copy = write(tmp_path / "copy of a.jsonl", *rows, {"time": "2026-11-21", "stars": 4})
    os.utime(copy, (1, 1))
    grown = run(copy, known={event.id: event for event in first.events})
    assert (grown.report.duplicates, grown.report.imported) == (7, 1)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 5), max_size=12), st.randoms(use_true_random=False))
def test_ids_do_not_depend_on_the_order_of_rows(
    tmp_path_factory: pytest.TempPathFactory, stars: list[int], chance: random.Random
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    rows = [{"time": "2026-11-20", "stars": number} for number in stars]
    first = {event.id for event in run(write(path, *rows)).events}
    chance.shuffle(rows)
    assert {event.id for event in run(write(path, *rows)).events} == first
    assert len(first) == len(rows)


def test_a_row_without_a_time_is_dated_by_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"stars": 4})
    os.utime(path, (1_763_634_600, 1_763_634_600))
    (event,) = run(path).events
    assert event.to_json()["time"] == "2025-11-20T10:30:00Z"
    assert ulid_time(event.id) == datetime(1970, 1, 1, tzinfo=UTC)
    said = datetime(2026, 1, 1, tzinfo=UTC)
    (other,) = run(path, ImportOptions("support/triage", time=said)).events
    assert other.time == said
    assert other.id == event.id


def test_bad_lines_stop_the_import_unless_skipped(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"stars": 4, "comment": "bob@example.com"},
        '{"stars": 4',
        {"stars": 9},
        {"input": "a", "output": "b"},
        {"stars": "many"},
        {"stars": 5},
    )
    result = run(path)
    assert result.stopped
    assert result.events == ()
    rejected = [
        {"line": 2, "reason": "not JSON: Expecting ',' delimiter at column 12"},
        {"line": 3, "reason": "'stars' must be a number from 1 to 5"},
        {"line": 4, "reason": "no kind, and no column that tells it: map columns to keys such as 'rating'"},
        {"line": 5, "reason": "'stars' is no number: \"many\""},
    ]
    report = {"read": 6, "imported": 0, "duplicates": 0, "rejected": rejected, "redacted": {}, "extra": []}
    report["quarantined"] = 0
    assert result.report.to_json() == report
    skipped = run(path, ImportOptions("support/triage", skip_bad=True))
    assert not skipped.stopped
    assert [event.data["stars"] for event in skipped.events] == [4, 5]
    assert skipped.report.to_json() == report | {"imported": 2, "redacted": {"email": 1}}


def test_no_prompt(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"stars": 4}, {"stars": 4, "prompt": "other"})
    result = run(path, ImportOptions(skip_bad=True))
    assert [event.prompt for event in result.events] == ["other"]
    assert "no prompt" in result.report.rejected[0].reason


def test_one_id_twice_in_a_file(tmp_path: Path) -> None:
    row = {"id": ULID, "time": "2026-11-20", "stars": 4}
    result = run(write(tmp_path / "a.jsonl", row, row, row | {"stars": 5}))
    assert result.report.duplicates == 1
    assert [(bad.line, bad.reason) for bad in result.report.rejected] == [
        (3, f"the id {ULID} is on line 1 with other content")
    ]


def test_a_known_id_with_other_content_is_a_bad_line(tmp_path: Path) -> None:
    row = {"id": ULID, "time": "2026-11-20", "stars": 4}
    known = {event.id: event for event in run(write(tmp_path / "a.jsonl", row)).events}
    result = run(write(tmp_path / "b.jsonl", row, row | {"stars": 5}), known=known)
    assert result.stopped
    assert result.report.duplicates == 1
    assert [(bad.line, bad.reason) for bad in result.report.rejected] == [
        (2, f"the id {ULID} is on line 1 with other content")
    ]
    again = run(write(tmp_path / "c.jsonl", row | {"stars": 5}), known=known)
    assert [bad.reason for bad in again.report.rejected] == [f"the id {ULID} is known with other content"]


def test_a_known_row_without_a_time_is_known_when_its_file_was_touched(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": ULID, "stars": 4}, {"stars": 4})
    known = {event.id: event for event in run(path).events}
    os.utime(path, (1, 1))
    again = run(path, known=known)
    assert (again.report.duplicates, again.report.rejected) == (2, ())


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("inptu", "did you mean input?"),
        ("Stars", "did you mean stars?"),
        ("token.input", "did you mean tokens.input?"),
        ("comment.text", "did you mean comment?"),
        ("input.", "did you mean input?"),
    ],
)
def test_a_column_mapped_to_what_is_no_key(tmp_path: Path, target: str, hint: str) -> None:
    path = write(tmp_path / "a.csv", "E-Mail Text,stars", "hello,4")
    with pytest.raises(Usage, match="'E-Mail Text' is mapped to") as caught:
        run(path, ImportOptions("p", {"E-Mail Text": target}))
    assert caught.value.hint == hint


def test_what_a_column_can_be_mapped_to(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b,c,d,stars", "1,2,3,4,5")
    columns = {"a": "input.question", "b": "external_id", "c": "", "d": "context.channel"}
    (event,) = run(path, ImportOptions("p", columns)).events
    assert event.data["input"] == {"question": "1"}
    assert (event.data["external_id"], event.data["context"]) == ("2", {"channel": "4"})


def test_columns_that_no_key_takes_are_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", "Stars,Colour,bob@example.com,Size,tokens.input,Empty,id", "4,red,x,L,3,,their-1"
    )
    result = run(path, ImportOptions("p", {"Size": ""}))
    assert result.report.extra == ("Colour", "[email]")
    assert result.report.to_json()["extra"] == ["Colour", "[email]"]
    assert result.events[0].data["Colour"] == "red"


def test_users_become_pseudonyms_or_stop_the_import(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"stars": 4, "user": "bob@example.com"})
    with pytest.raises(Usage, match="no key"):
        run(path)
    (event,) = run(path, redactor=Redactor(Key(b"k" * 16))).events
    assert event.user is not None
    assert event.user.startswith("u-")


def test_a_mapped_column_that_the_file_does_not_have(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "score,comment", "4,fine")
    with pytest.raises(Usage, match="no column 'Stars'") as caught:
        run(path, ImportOptions("p", {"Stars": "stars"}))
    assert caught.value.hint == "its columns are: score, comment"


def test_template_syntax_stays_text(tmp_path: Path) -> None:
    text = "{{ rules }} {% for x in y %} ${HOME} $(id)"
    (event,) = run(write(tmp_path / "a.jsonl", {"comment": text})).events
    assert event.comment == text


def test_a_line_that_fits_and_its_event_does_not(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", {"comment": "x" * (1024 * 1024 - 20)}, {"comment": "x" * (1024 * 1024 - 500)}
    )
    assert [bad.reason for bad in run(path).report.rejected] == [
        "an event of 1,048,698 bytes; at most 1,048,576 are kept"
    ]
