"""Every figure can be traced to its events; the formats; hostile texts; the page in a browser."""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from promptvc.analysis.reporting.charts import Chart, Spot, drawn
from promptvc.analysis.reporting.formats import format_of
from promptvc.analysis.reporting.markdown import markdown
from promptvc.analysis.reporting.page import page
from promptvc.analysis.reporting.periods import midnight
from promptvc.analysis.reporting.problems import Deployment
from promptvc.analysis.reporting.report import Asked, Report, make_report
from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import NotFound, Usage
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from tests.builders import Repo
from tests.commands import Cli, cli_of

HOSTILE = "<img src=x onerror=alert(1)>|`a` @you -x"
START = parse_time("2025-11-03")


def said(days: int = 364, prompt: str = "a/b", fall: int = 200, each: int = 3) -> Iterator[dict[str, Any]]:
    """Ratings, calls, errors and corrections by day; from day ``fall`` on those with a hostile tag are bad."""
    draw = random.Random(prompt)
    for number in range(days * each):
        day = number // each
        moment = format_time(START.replace(hour=1 + number % each) + (midnight_of(day) - START))
        more: dict[str, Any] = {
            "time": moment,
            "prompt": prompt,
            "source": "human",
            "version": 1 + (day >= 100),
            "context": {"model": f"m:{number % 2}"},
        }
        tag = HOSTILE if number % each else "other"
        bad = draw.random() < (0.9 if tag == HOSTILE and day >= fall else 0.08)
        yield more | {"kind": "rating", "thumbs": "down" if bad else "up", "tags": [tag]}
        yield more | {"kind": "success", "source": "code", "latency_ms": 100 + number % 40}
        if number % 25 == 0:
            yield more | {"kind": "error", "source": "code", "error": {"type": HOSTILE, "message": "no"}}
            yield more | {"kind": "correction", "input": "x", "corrected": "y"}
            yield more | {"kind": "rating", "source": "llm_judge", "rating": 0.1}


def midnight_of(day: int) -> Any:
    return midnight(START.date().fromordinal(START.date().toordinal() + day))


def events(*more: Iterator[dict[str, Any]]) -> list[Event]:
    rows = [row for each in more for row in each]
    return [
        parse_event(row | {"id": derived_ulid(parse_time(row["time"]), b"r", at)})
        for at, row in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def heard() -> list[Event]:
    return events(said(), said(days=364, prompt="c", fall=999, each=1))


@pytest.fixture(scope="module")
def report(heard: list[Event]) -> Report:
    return make_report(PlainFacts(heard), Asked("weekly", midnight_of(364)))


def traced(value: Any) -> Iterator[dict[str, Any]]:
    """Every count with its trace, wherever it stands."""
    if isinstance(value, dict):
        if "trace" in value:
            yield value
        for one in value.values():
            yield from traced(one)
    elif isinstance(value, list):
        for one in value:
            yield from traced(one)


def query_of(data: dict[str, Any]) -> Query:
    asked: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }
    asked |= {key: parse_time(data[key]) for key in ("since", "until") if key in data}
    return Query(**asked)


def test_every_figure_is_the_count_of_its_events(report: Report, heard: list[Event]) -> None:
    by_day: dict[Any, list[Event]] = {}
    for event in heard:
        by_day.setdefault(event.time.date().toordinal(), []).append(event)
    known: dict[str, int] = {}
    counts = list(traced(report.to_json()))
    for one in counts:
        total = 0
        for trace in one["trace"]:
            key = json.dumps(trace["query"], sort_keys=True)
            if key not in known:
                query = query_of(trace["query"])
                assert query.since is not None
                assert query.until is not None
                days = range(query.since.toordinal(), query.until.toordinal())
                mine = [event for day in days for event in by_day.get(day, ())]
                known[key] = PlainFacts(mine).witnesses(query).n
            total += known[key]
        assert total == one["count"], one
    assert len(counts) > 500
    assert sum(one["count"] > 0 for one in counts) > 400


def test_the_values_follow_from_the_counts(report: Report) -> None:
    success = report.overall.figures["success"]
    assert success.value == pytest.approx(success.n("good") / success.n("rated"))
    collection = report.overall.figures["collection"]
    assert collection.value == pytest.approx(collection.n("rated") / collection.n("calls"))
    (problem,) = report.problems
    now = problem.sign.now
    assert now.value == pytest.approx(now.n("good") / now.n("rated"))
    assert problem.values == (HOSTILE,)


def test_the_order_of_events_changes_nothing(report: Report, heard: list[Event]) -> None:
    again = make_report(PlainFacts(reversed(heard)), Asked("weekly", midnight_of(364)))
    assert json.dumps(again.to_json()) == json.dumps(report.to_json())


def test_a_judges_ratings_are_no_users(report: Report, heard: list[Event]) -> None:
    judged = [one for one in heard if one.source == "llm_judge"]
    assert judged
    start, end = (midnight(day) for day in (report.period.start, report.period.end))
    rated = [one for one in heard if one.score is not None and start <= one.time < end]
    assert report.overall.figures["rated"].value == sum(one.source != "llm_judge" for one in rated)


def test_what_nothing_counts_is_unknown() -> None:
    rows = [row for row in said(days=28) if row["kind"] == "rating"]
    made = make_report(PlainFacts(events(iter(rows))), Asked("weekly", midnight_of(28)))
    figures = made.overall.figures
    assert [figures[name].value for name in ("calls", "collection", "corrections", "errors", "p95")] == [
        None
    ] * 5
    assert next(one.state for one in made.targets if one.name == "collection") == "unknown"
    assert "unknown" in "".join(markdown(made))


def test_without_events_there_is_no_report() -> None:
    with pytest.raises(NotFound):
        make_report(PlainFacts([]), Asked())


def test_texts_of_others_are_inert(report: Report) -> None:
    text = "".join(markdown(report))
    assert "`<img src=x onerror=alert(1)>│ˋaˋ @you -x`" in text
    assert HOSTILE not in text
    html = "".join(page(report))
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<script" not in html
    assert "style-src 'sha256-" in html
    shown = report.problems[0].to_json()["look"][0]["command"]
    assert f"--tag={HOSTILE}" in shlex.split(shown)


def test_a_chart_is_text_too_and_breaks_where_there_is_nothing() -> None:
    starts = [midnight_of(7 * week).date() for week in range(4)]
    spots = [Spot(0.5, 0.4, 0.6), Spot(0.6, 0.5, 0.7), Spot(None), Spot(0.7)]
    svg = drawn(Chart("<b>", "told", starts, spots), 1)
    assert svg.count("<polyline") == 2
    assert "&lt;b&gt;" in svg
    assert 'role="img"' in svg


def test_other_endings_are_refused() -> None:
    with pytest.raises(Usage):
        format_of("report.pdf")


def test_the_page_in_a_browser(report: Report, tmp_path: Path) -> None:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no Chromium on PATH")
    file = tmp_path / "report.html"
    file.write_text("".join(page(report)), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme="dark")
        trouble: list[str] = []
        opened.on("console", lambda message: trouble.append(message.text))
        opened.on(
            "request", lambda request: trouble.append(request.url) if request.url != file.as_uri() else None
        )
        opened.goto(file.as_uri())
        assert opened.title() == "Weekly report 2026-W44"
        assert opened.locator("h1").inner_text() == "1 open problem."
        assert opened.evaluate("document.documentElement.scrollWidth") == 400
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 23)"
        assert opened.get_by_role("img", name="Success rate by week", exact=True).count() == 1
        assert trouble == []
        browser.close()


@pytest.fixture
def told(repo: Repo, tmp_path: Path) -> Cli:
    """A repository with five weeks of feedback, the last of them bad."""
    prompt = "name: a/b\nversion: 1\nmodel: offline\nmessages: [{role: user, content: Hi}]\n"
    repo.commit({"prompts/a/b.yaml": prompt, "promptvc.yaml": "{}\n", ".gitignore": ".promptvc/\n"})
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in said(days=36, fall=28, each=9)))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    return cli


def test_the_command(told: Cli, tmp_path: Path) -> None:
    cli = told
    cli.ok("deploy", "a/b")
    made = cli.json("report", "--output", str(tmp_path / "r.md"), "--output", str(tmp_path / "r.html"))
    assert made["period"]["label"] == "2025-W49"
    assert made["declined"] is False
    assert re.match("# Weekly report 2025-W49\n", (tmp_path / "r.md").read_text())
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    # The commands that a figure gives count the same events.
    for one in (
        made["overall"]["figures"]["success"]["counts"]["good"],
        made["overall"]["by_kind"]["success"],
    ):
        (trace,) = one["trace"]
        words = shlex.split(trace["command"])
        assert words[0] == "promptvc"
        assert cli.json(*words[1:])["count"] == one["count"]
    # Every action finds something to read.
    assert made["actions"]
    for action in made["actions"]:
        words = shlex.split(action["command"])
        found = cli.json(*words[1:])
        assert found["rated"] if words[1] == "analyze" else found, action
    fell = cli("report", "--fail-below", "-10")
    assert fell.code == 1
    assert "fell by more than 10 %" in fell.out
    assert cli("report", "--fail-below", "-95").code == 0
    assert cli("report", "--fail-below", "-10", "--as-of", "2025-11-24").code == 0
    silent = cli("report", "--as-of", "2026-02-02")
    assert silent.code == 0
    assert "Nobody said anything in 2026-W05; the last events are of 2025-12-08." in silent.out
    assert cli.json("report", "--period", "monthly", "--prompt", "a/b")["period"]["label"] == "2025-11"
    assert "no report is written as" in cli.fails(2, "report", "--output", "x.pdf")
    assert "there is no folder" in cli.fails(2, "report", "--output", "none/x.md")
    cli.fails(2, "report", "--as-of", "soon")


def test_names_of_folders_are_inert_too(heard: list[Event]) -> None:
    hostile = "x|[a](http://b)<i>; rm"
    mark = Deployment(midnight_of(200).date(), hostile, "a/b", 2, "c" * 40, hostile)
    made = make_report(PlainFacts(heard), Asked("weekly", midnight_of(364)), (mark,))
    text = "".join(markdown(made))
    assert text.count("`x│[a](http://b)<i>; rm`") == 3
    assert "x|[" not in text
    assert "<i>" not in "".join(page(made))
