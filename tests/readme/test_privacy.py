"""The guide to privacy: its commands run on the sample, its categories are those that are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptvc.base.config import load_settings
from promptvc.base.feedback_settings import FeedbackSettings
from promptvc.feedback.redact import CATEGORIES, Redactor
from tests.readme.shells import ROOT, blocks, dead_links, inside, make_clone, make_shell, run, unknown_options
from tests.readme.shells import table as rows

PAGE = "docs/privacy.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
SAID = " ".join(TEXT.split())
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
OLD = {"time": "2020-01-01T10:00:00Z", "kind": "correction", "prompt": "support/triage", "user": "ada@example.org",
       "input": "My neighbour Bob took it in", "output": "billing", "corrected": "delivery_status"}  # fmt: skip
NEW = OLD | {"time": "2026-11-19T10:00:00Z", "input": "An odd charge of a wine shop on my card"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """One clone for the whole page, with two events of one person, one of them old."""
    folder = tmp_path_factory.mktemp("privacy")
    environ = make_shell(folder)
    clone = make_clone(folder / "clone", environ)
    for row in (OLD, NEW):
        (folder / "rows.jsonl").write_text(json.dumps(row))
        inside("promptvc feedback import ../rows.jsonl\npromptvc feedback commit", clone, environ)
    return clone, environ


def test_a_person_is_known_under_several_keys_retained_and_forgotten(
    world: tuple[Path, dict[str, str]],
) -> None:
    clone, environ = world
    keys = inside(COMMANDS["keys"], *world)
    assert len({line.split()[0] for line in keys.splitlines()}) >= 3
    assert "neighbour Bob" in feedback(clone, environ)
    inside(COMMANDS["retain"], *world)
    kept = feedback(clone, environ)
    assert "neighbour Bob" not in kept
    assert '"expired"' in kept
    inside(COMMANDS["own"], *world)
    hers = [json.loads(line) for line in (clone / "hers.jsonl").read_text().splitlines()]
    assert sorted(one["time"][:4] for one in hers) == ["2020", "2026"]
    said = inside(COMMANDS["forget"], *world)
    assert all(one["id"] not in feedback(clone, environ) for one in hers)
    assert said.count("2 events") >= 1
    assert run("git status --porcelain --untracked-files=no", clone, environ) == ""


def feedback(clone: Path, environ: dict[str, str]) -> str:
    return run("git grep -h -e . HEAD -- feedback", clone, environ)


def test_the_settings_are_read_and_their_patterns_replace() -> None:
    settings = load_settings(COMMANDS["settings"].encode(), file=PAGE).feedback.redaction
    text = "ORD-123456 of help@example.org, who is at ext. 123, not eve@example.org"
    clean, found = Redactor(None, settings).event({"comment": text})
    assert clean == {"comment": "[order_number] of help@example.org, who is at [phone], not [email]"}
    assert found == {"order_number": 1, "phone": 1, "email": 1}


def test_the_tables_and_the_numbers_are_the_program_s() -> None:
    assert tuple(row[0].strip("`[] ") for row in rows(TEXT, "categories")) == CATEGORIES
    assert f"`feedback.retain_days` ({FeedbackSettings().retain_days})" in SAID


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert {one["mark"] for one in BLOCKS} == {"settings", "keys", "retain", "own", "forget"}
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert [one for one in dead_links(PAGE) if not one.startswith("insight")] == []
