"""The guide to what feedback says: its commands run on the sample, its numbers are the program's."""

from __future__ import annotations

import re
import sys

import pytest

from promptvc.analysis.patterns.mining import LEAST_EFFECT, MOST, RATE
from promptvc.analysis.patterns.pattern import HIGH, LOW
from promptvc.analysis.routing.techniques import KNOWN
from promptvc.base.config import Settings, load_settings
from promptvc.library import Library
from promptvc.workflows.analyze import MOST_SAID
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

PAGE = "docs/insight.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
SAID = " ".join(TEXT.split())
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"] and one["language"] == "sh"}
PYTHON = next(one["text"] for one in BLOCKS if one["language"] == "python")
SETTINGS = "".join(one["text"] for one in BLOCKS if one["language"] == "yaml")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each block prints, in one clone with all settings of the page."""
    folder = tmp_path_factory.mktemp("insight")
    environ = make_shell(folder)
    clone = make_clone(folder / "clone", environ)
    with (clone / "promptvc.yaml").open("a") as settings:
        settings.write(SETTINGS)
    printed = {mark: inside(text, clone, environ) for mark, text in COMMANDS.items()}
    (clone / "page.py").write_text(PYTHON)
    printed["python"] = run(f"'{sys.executable}' page.py", clone, environ)
    for ending in ("md", "html", "json"):
        printed["report"] += (clone / f"week.{ending}").read_text("utf-8")
    return printed


def test_figures_issues_and_tags(ran: dict[str, str]) -> None:
    assert "these events: promptvc feedback list support/triage --since" in ran["analyze"]
    assert ran["analyze"].count("trend of the mean score") == 4
    assert ran["issues"].startswith("support/triage, 2026-10-21 to 2026-11-20: 51 ratings")
    assert "chat" in ran["tags"]


def test_reports_and_statistics(ran: dict[str, str]) -> None:
    for words in ("Weekly report 2026-W46", "Monthly report 2026-10", "# Weekly report", "<!doctype html"):
        assert words.lower() in ran["report"].lower()
    assert "support/triage" in ran["stats"]


def test_recommendations_routes_and_reviews(ran: dict[str, str]) -> None:
    assert ran["recommend"].startswith("1. support/triage@v1")
    assert "no ranker was trained here" in ran["recommend"]
    assert ran["route"].count("model: openai:gpt-4.1-mini") == 2
    assert "enhanced prompt:" in ran["route"]
    assert "01M7895CJQTZSZWXBFZTBJZ6EN approved: open" in ran["annotate"]


def test_python(ran: dict[str, str]) -> None:
    success, period, name, model = ran["python"].splitlines()
    assert "'value': 0.9" in success
    assert "2026-10" in period
    assert (name, model) == ("support/triage", "openai:gpt-4.1-mini")
    last = TEXT.split("\nAlso ", 1)[1]
    assert all(hasattr(Library, method) for method in re.findall(r"`([a-z_]+)`", last))


def test_the_numbers_are_the_program_s() -> None:
    assert f"above {HIGH:g} is a success here, one below {LOW:g} a failure" in SAID
    assert f"at most {MOST:,} are kept" in SAID
    assert f"newest {MOST_SAID:,} rated events" in SAID
    assert RATE == 1 / 20
    assert f"beyond {LEAST_EFFECT * 100:g} points" in SAID
    read, usual = load_settings(SETTINGS.encode(), file=PAGE), Settings()
    assert (read.targets, read.learning) == (usual.targets, usual.learning)
    assert read.annotation.overlap == 2
    assert read.routing.good == 0.8
    assert [row[0].strip("` ") for row in table(TEXT, "techniques")] == list(KNOWN)


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
