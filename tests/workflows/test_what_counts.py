"""What does not count is told by everything that counts: archived months that are not here, events of a wrong clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.fields import ROLLED
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from promptvc.feedback.segments import seal
from promptvc.workflows.horizon import horizon
from promptvc.workflows.project import open_project
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.worlds import DESK, copy_of, desk_files

START = datetime(2025, 11, 24, 9, tzinfo=UTC)
WRONG = datetime(2612, 1, 13, tzinfo=UTC)
ABSENT = "14 archived events on desk/route of 2025-11 do not count: it is not there"
LATE = "1 event lies after 2026-01-02, on 2612-01-13: it does not count"


def rating(number: int, time: datetime) -> Event:
    """As the recorder writes one: how the call was liked, and how long it took."""
    said: dict[str, Any] = {
        "id": derived_ulid(time, b"%d" % number, 0),
        "time": format_time(time),
        "prompt": DESK,
    }
    said |= {"kind": "rating", "source": "human", "version": 1, "thumbs": "up" if number % 4 else "down"}
    said |= {"latency_ms": 200 + number, "tags": ["eu"], "input": "pick a label"}
    return parse_event(said | ({"issues": ["slow"]} if not number % 4 else {}))


EVENTS = [rating(number, START + timedelta(days=number // 2)) for number in range(54)]


@pytest.fixture(scope="module")
def cli(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Seven weeks of ratings whose first are in an archive that is gone, and one event from the future."""
    folder = tmp_path_factory.mktemp("counted")
    repo = Repo.create(folder / "repo", isolated_environ(home))
    segments = seal([*EVENTS, rating(999, WRONG)], ulid=derived_ulid(START, b"x", 0), rolled=ROLLED)
    settings = {"promptvc.yaml": "evaluation: {success: 0.5}\nfeedback: {retain_days: 36500}\n"}
    repo.commit({**desk_files(), **settings, **{path: data.decode() for path, data in segments.items()}})
    cli = cli_of(repo)
    before = [event for event in EVENTS if event.time.month == 11]
    cli.ok("feedback", "archive", "--before", "2025-12", "--to", str(folder / "archive"))
    for part in (folder / "archive").iterdir():
        part.unlink()
    assert ABSENT.startswith(f"{len(before)} archived")
    return cli


TELLING = {
    "analyze": ("analyze", DESK),
    "issues": ("issues", DESK),
    "tags": ("feedback", "tags"),
    "stats": ("stats",),
    "recommend": ("recommend", "pick a label"),
    "route": ("route", "pick a label"),
    "report": ("report",),
    "count": ("feedback", "list", "--count"),
}


@pytest.mark.parametrize("name", TELLING)
def test_what_does_not_count_is_told_whether_or_not_the_answer_was_kept(cli: Cli, name: str) -> None:
    command = TELLING[name]
    first, again = cli.json(*command), cli.json(*command)
    assert first == again
    windowless = name in {"tags", "count"}
    absent, *late = first["remarks"][:2]
    assert absent.startswith(ABSENT)
    assert late == ([] if windowless else [LATE])
    assert ABSENT in cli(*command).err


def test_a_window_ends_with_the_newest_event_that_can_be_true(cli: Cli) -> None:
    assert cli.json("analyze", DESK)["until"] == "2025-12-21T00:00:00Z"
    assert cli.json("stats")["as_of"] == "2025-12-21T00:00:00Z"
    assert cli.json("stats")["totals"]["rated"] == 40
    assert cli.json("report")["period"]["label"] == "2025-W50"
    assert cli.json("route", "pick a label")["until"] == "2025-12-21T00:00:00Z"


def test_whoever_asks_for_the_future_is_given_it(cli: Cli) -> None:
    found = cli.json("analyze", DESK, "--until", "2613-01-01", "--days", "400", "--min-samples", "1")
    (absent,) = found["remarks"]
    assert (found["rated"], absent.startswith(ABSENT)) == (1, True)


def test_check_names_what_is_of_the_future(cli: Cli) -> None:
    (found,) = [one for one in cli.json("check")["problems"] if one["rule"] == "event-time"]
    assert (found["severity"], found["message"]) == (
        "warning",
        "these events are of 2612-01, which has not begun",
    )
    assert found["file"].startswith(f"feedback/{DESK}/2612/01/")


def test_a_commit_that_most_events_lie_after_had_the_wrong_clock_itself(cli: Cli, tmp_path: Path) -> None:
    repo = Repo(cli.where, dict(cli.environ))
    project = open_project(copy_of(repo, tmp_path / "copy").path, environ=repo.environ, clock=lambda: START)
    after = [rating(number, WRONG + timedelta(days=number)) for number in range(60)]
    found = horizon(project, PlainFacts([*EVENTS, *after]))
    assert (found.newest, found.until, found.remarks) == (after[-1].time, None, ())
    bounded = horizon(project, PlainFacts([*EVENTS, *after[:50]]))
    assert (bounded.newest, bounded.until) == (EVENTS[-1].time, datetime(2026, 1, 3, tzinfo=UTC))
    assert bounded.remarks == ("50 events lie after 2026-01-02, the newest on 2612-03-02: they do not count",)


def test_a_report_tells_it_in_every_format(cli: Cli, tmp_path: Path) -> None:
    files = [tmp_path / f"r.{ending}" for ending in ("md", "html", "json")]
    cli.ok("report", *(f"--output={file}" for file in files))
    for file in files:
        text = file.read_text()
        assert ABSENT in text
        assert LATE in text
    assert json.loads(files[2].read_text())["unread"] == 14


def test_the_latency_of_a_rating_counts(cli: Cli) -> None:
    (row,) = [one for one in cli.json("stats")["prompts"] if one["name"] == DESK]
    assert row["latency_ms"]["p95"] is not None
    assert row["latency_ms"]["mean"] == pytest.approx(sum(range(214, 254)) / 40)
    report = cli.json("report")
    p95 = report["overall"]["figures"]["p95"]
    assert p95["value"] is not None
    (trace,) = p95["counts"]["calls"]["trace"]
    assert trace["query"]["kinds"] == ["rating"]
    assert p95["counts"]["calls"]["count"] == 14
    found = cli.json("analyze", DESK)
    assert found["p95_ms"] is not None
    assert [one["mean_ms"] is not None for one in found["by"]["tag"]] == [True]
    (shown,) = [line.split("\t") for line in cli.ok("analyze", DESK).splitlines() if "tag eu" in line]
    assert "-" in shown
    assert f"{found['by']['tag'][0]['mean_ms']:,.0f}" in shown


def test_the_engines_agree_on_latencies_and_on_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(b"".join(event.line() for event in EVENTS))
    plain = PlainFacts(EVENTS)
    with DuckFacts([file]) as duck:
        assert duck.latencies() == plain.latencies()
        assert sum(one.n for one in plain.latencies()) == len(EVENTS)
        for query in (Query(), Query(until=EVENTS[9].time), Query(since=WRONG)):
            assert duck.witnesses(query, limit=2) == plain.witnesses(query, limit=2)
    assert plain.witnesses(Query(until=EVENTS[9].time)).newest == EVENTS[7].time
