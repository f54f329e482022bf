"""Runs that have begun and not ended."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.running.journal import Journal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)


def test_a_run_that_did_not_end_is_resumed_from_its_beginning(tmp_path: Path) -> None:
    first = Journal(tmp_path / "runs").begin("openai:x fresh triage@v3", now=NOON)
    assert (first.resumed, first.started, first.warning) == (False, NOON, None)
    again = Journal(tmp_path / "runs").begin("openai:x fresh triage@v3", now=LATER)
    assert (again.resumed, again.started) == (True, NOON)
    other = Journal(tmp_path / "runs").begin("openai:y fresh triage@v3", now=LATER)
    assert (other.resumed, other.started) == (False, LATER)


def test_a_run_that_ended_begins_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.end(journal.begin("a", now=NOON))
    assert list(tmp_path.iterdir()) == []
    assert not journal.begin("a", now=LATER).resumed
    journal.end(journal.begin("a", now=LATER))
    journal.end(journal.begin("a", now=LATER))


@given(st.binary(max_size=80))
def test_a_damaged_mark_is_no_mark(damage: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        journal.begin("a", now=NOON)
        (mark,) = Path(folder).iterdir()
        mark.write_bytes(damage)
        again = journal.begin("a", now=LATER)
        assert (again.resumed, again.started) == (False, LATER)
        assert journal.begin("a", now=LATER).resumed


def test_a_disk_that_cannot_be_written_costs_only_the_resumption(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    journal = Journal(tmp_path / "runs")
    mark = journal.begin("a", now=NOON)
    assert not mark.resumed
    assert mark.warning is not None
    assert "cannot be resumed" in mark.warning
    journal.end(mark)
