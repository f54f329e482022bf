"""The guide to feedback: its commands run on the sample, its tables are what the program knows."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from promptvc.base.config import load_settings
from promptvc.base.feedback_settings import AnalyticsSettings, FeedbackSettings
from promptvc.feedback.importing.formats import FORMATS
from promptvc.feedback.query.elsewhere import ELSEWHERE
from promptvc.feedback.query.tables import TABLES, table_name
from promptvc.workflows.gathering import FEW_BYTES
from tests.readme.shells import (
    ROOT,
    blocks,
    dead_links,
    inside,
    make_clone,
    make_shell,
    run,
    table,
    unknown_options,
)

PAGE = "docs/feedback.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
SAID = " ".join(TEXT.split())
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
ANSWERS = [("Where is my box?", "delivery_status", 5), ("I was charged twice", "refunds", 1)]
SCORES = [
    {"id": "s1", "traceId": "t1", "timestamp": "2026-11-01T10:00:00Z", "source": "ANNOTATION", "name": "quality",
     "dataType": "NUMERIC", "value": 0.25}
]  # fmt: skip
TRACES = [{"id": "t1", "timestamp": "2026-11-01T09:59:00Z", "input": "Where is it?", "output": "billing"}]
TICKETS = "message,answer,score\nWhere is my box?,delivery_status,5\nI want to pause,subscription,0.5\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """One clone for the whole page: a reader goes on where they were."""
    folder = tmp_path_factory.mktemp("feedback")
    environ = make_shell(folder)
    clone = make_clone(folder / "clone", environ)
    with sqlite3.connect(clone / "app.sqlite") as database:
        database.execute("CREATE TABLE answers (question TEXT, response TEXT, score INTEGER)")
        database.executemany("INSERT INTO answers VALUES (?, ?, ?)", ANSWERS)
    (clone / "scores.json").write_text(json.dumps(SCORES))
    (clone / "traces.json").write_text(json.dumps(TRACES))
    (clone / "tickets.csv").write_text(TICKETS)
    return clone, environ


def test_feedback_is_recorded_kept_moved_out_and_brought_back(world: tuple[Path, dict[str, str]]) -> None:
    clone, _ = world
    ran = {
        mark: inside(text, *world)
        for mark, text in COMMANDS.items()
        if next(one for one in BLOCKS if one["mark"] == mark)["language"] == "sh"
    }
    assert "committed 2 events" in ran["record"]
    read = [line for line in ran["import"].splitlines() if " read: " in line]
    assert read == [
        "2 read: 2 imported, 0 already there, 0 bad",
        "1 read: 1 imported, 0 already there, 0 bad",
        "2 read: 1 imported, 0 already there, 1 bad",
        "2 read: 0 imported, 1 already there, 1 bad",
    ]
    assert "tickets.csv" in ran["quarantine"]
    assert "1 imported" in ran["quarantine"]
    assert int(ran["look"].splitlines()[-1]) > 10
    assert (clone / "triage.csv").read_text().startswith("id,time,prompt,")
    assert '"Who charged my card?"' in ran["export"]
    assert "0 imported" in ran["export"].splitlines()[-1]
    count = len((clone / "triage.csv").read_text().splitlines()) - 1
    assert count > 100
    assert list((clone.parent / "archive").glob("support--triage-2026-09-*.parquet"))
    assert "228" in ran["archive"].splitlines()
    assert list((clone / "feedback/support/triage/2026/09").glob("*.jsonl")), "restored"
    made = {path.name for path in (clone / "tables").iterdir()}
    assert made == {f"{table_name('events', name)}.parquet" for name in TABLES}


def test_the_recorder_of_the_page(tmp_path: Path) -> None:
    environ = make_shell(tmp_path)
    clone = make_clone(tmp_path / "clone", environ)
    script = COMMANDS["recorder"]
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=clone,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout == "True 4\n"
    assert run("promptvc feedback commit", clone, environ).startswith("committed 4 events")


def test_the_tables_are_what_there_is() -> None:
    named = [word.strip("` ") for row in table(TEXT, "imports") for word in row[0].split(",")]
    assert tuple(named) == FORMATS
    engines = {row[0].strip("` ") for row in table(TEXT, "engines")}
    assert engines == {"auto", "python", "duckdb", *ELSEWHERE}
    assert f"up to {FEW_BYTES // 1_000_000} MB" in SAID
    (settings,) = (one["text"] for one in BLOCKS if one["language"] == "yaml")
    assert load_settings(settings.encode(), file=PAGE).analytics == AnalyticsSettings()
    assert all(f"`{kind}`" in SAID for kind in FeedbackSettings().rollup)


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert [one for one in dead_links(PAGE) if not one.startswith(("privacy", "insight"))] == []
