"""The guide to checks: its commands run, its tables are the rules that there are, its example has what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from promptvc.base.config import CheckSettings, load_settings
from promptvc.base.rules import RULES
from promptvc.cli.check import FORMATS
from promptvc.workflows.looking import MOST_IN_A_FOLDER
from tests.readme.shells import ROOT, blocks, dead_links, make_clone, make_shell, run, table, unknown_options

PAGE = "docs/checks.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
TONE = "prompts/support/tone.yaml"


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


@pytest.fixture
def clone(tmp_path: Path, shell: dict[str, str]) -> Path:
    return make_clone(tmp_path / "clone", shell)


def test_looking(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["check"], clone, shell)
    assert printed.count("nothing wrong") == 3
    assert all(rule in printed for rule in RULES)


def test_the_example_has_what_is_said_and_is_mended(clone: Path, shell: dict[str, str]) -> None:
    (clone / TONE).write_text(COMMANDS["prompt"])
    assert run("promptvc check support/tone --format plain", clone, shell) == COMMANDS["findings"]
    run(COMMANDS["formats"], clone, shell)
    assert json.loads((clone / "check.sarif").read_text())["version"] == "2.1.0"
    problems = json.loads((clone / "check.json").read_text())["problems"]
    assert "{problems: [{rule, severity, file, line, column, message, hint, fixable}]}" in TEXT
    keys = {"rule", "severity", "file", "line", "column", "message", "hint", "fixable"}
    assert all(set(one) == keys for one in problems)
    assert "1 finding fixed in 1 file" in run(COMMANDS["fix"], clone, shell)
    assert (clone / TONE).read_text() == COMMANDS["prompt"].replace(
        "  - text: Answer in English.\nowner", "owner"
    )


@pytest.mark.parametrize(("mark", "ignorable"), [("lint", True), ("integrity", False)])
def test_the_tables_are_the_rules_that_there_are(mark: str, ignorable: bool) -> None:
    expected = []
    for rule in RULES.values():
        if rule.ignorable == ignorable:
            usual = "warning" if ignorable else "error"
            marks = "" if rule.severity == usual else f" ({rule.severity})"
            marks += " (fix)" if rule.fixable else ""
            expected.append([f"`{rule.id}`{marks}", rule.summary, rule.reason])
    rows = table(TEXT, mark)
    assert [row[:3] for row in rows] == expected
    assert all(row[3] for row in rows)


def test_the_numbers_and_the_settings_are_the_program_s() -> None:
    assert f"more than {MOST_IN_A_FOLDER:,} in" in TEXT
    asked = load_settings(COMMANDS["settings"].encode(), file=PAGE).check
    assert asked.rules == {"injection-prone": "error", "crowded": "off"}
    assert asked.max_characters == CheckSettings().max_characters
    assert f"{asked.max_characters + 1:,} characters" in TEXT
    assert tuple(re.findall(r"^\| `([a-z]+)` \|", TEXT.split("## Formats", 1)[1], re.MULTILINE)) == FORMATS


def test_a_comment_silences(clone: Path, shell: dict[str, str]) -> None:
    (rules,) = (one["text"] for one in BLOCKS if one["text"].startswith("rules:"))
    (clone / TONE).write_text(COMMANDS["prompt"].split("rules:")[0] + rules)
    said = run("promptvc check support/tone --format plain", clone, shell)
    assert "injection-prone" in said
    assert "contradicting" not in said


def test_the_hooks_are_those_that_there_are() -> None:
    (text,) = (one["text"] for one in BLOCKS if one["text"].startswith("repos:"))
    named = [hook["id"] for hook in yaml.safe_load(text)["repos"][0]["hooks"]]
    assert named == [hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())]


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert set(COMMANDS) == {"check", "prompt", "findings", "fix", "settings", "formats"}
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
