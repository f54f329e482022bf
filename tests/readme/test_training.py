"""The guide to training: its commands run on the sample, its documents load, its numbers are the program's."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from promptvc.base.config import Settings, load_settings
from promptvc.base.documents import load_yaml
from promptvc.cli.main import COMMANDS as PROGRAM
from promptvc.cli.main import promptvc
from promptvc.training.approaches.adversarial.dataset import path_of
from promptvc.training.reports.formats import FORMATS
from promptvc.training.selector import APPROACHES, TRIGGERS
from tests.evaluation.cases.folders import load
from tests.readme.shells import ROOT, blocks, make_clone, make_shell, run

PAGE = "docs/training.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
DOCUMENTS = [load_yaml(one["text"].encode(), file=PAGE).value for one in BLOCKS if one["language"] == "yaml"]


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


@pytest.fixture
def clone(tmp_path: Path, shell: dict[str, str]) -> Path:
    return make_clone(tmp_path / "clone", shell)


def test_a_training_is_read_merged_traced_and_made_again(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["training"], clone, shell)
    for line in COMMANDS["result"].splitlines():
        assert without_calls(line) in without_calls(printed)
    assert "production runs support/triage v2" in printed
    assert (clone / "report.md").read_text().startswith("### improvement: `support/triage` v2 against v1")
    traced = run(COMMANDS["provenance"], clone, shell)
    assert "because of 1 event:" in traced
    assert "promptvc train support/triage --models offline" in traced
    assert "support/triage v2 comes out again, byte for byte" in traced


def without_calls(text: str) -> str:
    """How many calls a search makes changes with everything that it may try."""
    return re.sub(r"[\d,]+ calls", "# calls", text)


def test_the_approaches(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["approaches"], clone, shell)
    assert "reinforcement brings" in printed
    assert "few_shot, reinforcement, meta_prompt and adversarial raced" in printed
    assert "promptvc/" not in run("git branch -a", clone, shell), "nothing is committed by a dry run"


def test_the_bounds(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["bounds"], clone, shell)
    assert printed.count("dry run, the hold-out was not looked at") == 2
    assert "the search ended at its bound of" in printed.partition("dry run")[0]


def test_the_reports(clone: Path, shell: dict[str, str]) -> None:
    run(COMMANDS["reports"], clone, shell)
    assert (clone / "last.md").read_text().startswith("### improvement: `support/triage` v2 against v1")
    assert json.loads((clone / "training.json").read_text())["name"] == "support/triage"
    assert (clone / "training.svg").read_text().startswith("<svg")
    for one in FORMATS.values():
        assert f"`{one.ending}`" in TEXT


def test_what_is_due(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["due"], clone, shell)
    before, after = printed.split("committed: support/triage v2")
    assert "support/triage\tsuggestions\t" in before
    assert "support/triage is not due" in after


def test_the_suggestions(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["suggest"], clone, shell)
    assert "1. support/triage: " in printed
    assert "points expected" in printed


def test_every_command_is_run() -> None:
    known = {"training", "approaches", "bounds", "result", "reports", "due", "provenance", "suggest"}
    assert set(COMMANDS) == known
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]


def test_what_the_page_names_exists() -> None:
    """Commands with their options, in blocks and in the text."""
    context = click.Context(promptvc)
    known: dict[str, set[str]] = {}
    for name in PROGRAM:
        command = promptvc.get_command(context, name)
        assert command is not None
        known[name] = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    for line in re.findall(r"promptvc ([a-z-]+[^`\n#&]*)", TEXT):
        name, *words = shlex.split(line.replace("'", ""))
        if name in known:
            assert {word for word in words if word.startswith("--")} <= known[name], line
    flags = set(re.findall(r"`(--[a-z-]+)", TEXT)) - {"--push"}
    assert flags <= known["train"] | known["why"] | known["verify"] | known["suggest"]


def test_the_table_of_approaches_has_the_program_s_numbers() -> None:
    lines = TEXT.split("<!-- which -->\n", 1)[1].splitlines()[2:]
    table = {row[1].strip(" `"): row[3] for row in (line.split("|") for line in lines[: lines.index("")])}
    assert list(table) == list(APPROACHES)
    bars = Settings().training.selection
    assert f"below {bars.rating:g}" in table["reinforcement"]
    assert f"{bars.suggestions} suggestions" in table["meta_prompt"]
    assert f"above {bars.error_rate * 100:g} %" in table["adversarial"]
    said = re.sub(r"\s+", " ", TEXT)
    assert ", ".join(f"{trigger} `{name}`" for trigger, name in TRIGGERS.items()) in said


def test_the_defaults_are_the_program_s() -> None:
    said = re.sub(r"\s+", " ", TEXT)
    training = Settings().training
    due, by_itself = training.triggers, training.auto_deploy
    for words in (
        f"the {training.days} days before",
        f"{training.max_calls:,} without it",
        f"at least {due.min_events} new events, and more than {due.error_rate * 100:g} % errors",
        f"or a mean rating below {due.rating:g}; or, with {due.min_events} in all, {due.suggestions} suggestions",
        f"{due.suggestions} suggestions or {due.events} events: the first of these is the trigger",
        f"lie {due.hours:g} hours",
        f"at least {by_itself.improvement * 100:g} points, a measured safety of {by_itself.safety:g}",
        f"examples to {training.max_examples} and {training.max_tokens:,} tokens",
    ):
        assert words in said


def test_the_documents_load() -> None:
    workflow, unattended, cases, settings = DOCUMENTS
    commands = [step["run"] for step in workflow["jobs"]["train"]["steps"] if "run" in step]
    assert "promptvc train --due --push --max-cost 5" in commands
    assert read(unattended).training.auto_deploy.environment == "staging"
    assert read(settings).training.embeddings == "minilm"
    assert set(read(settings).training.approaches) <= set(APPROACHES)
    # The line that takes hard cases in names the file that a training of the sample's prompt writes.
    place = path_of("support/triage")
    assert place == f"evaluation/support/{cases['cases'][1]}"
    plain = '{"id": "plain", "vars": {"message": "lock"}, "expected": "fraud"}\n'
    hard = '{"id": "hard", "vars": {"message": "l\\u043ck"}, "expected": "fraud", "split": "train"}\n'
    suite = load(json.dumps(cases), triage_cases_jsonl=plain, triage_adversarial_jsonl=hard)
    assert [case.id for case in suite.cases] == ["plain", "hard"]


def read(document: Any) -> Settings:
    return load_settings(json.dumps(document).encode(), file=PAGE)


def test_links_lead_somewhere() -> None:
    titles = [line[3:].lower() for line in TEXT.splitlines() if line.startswith("## ")]
    headings = {re.sub(r"[^a-z0-9 -]", "", title).replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, anchor = target.partition("#")
        if file:
            assert (ROOT / "docs" / file).exists(), target
        else:
            assert anchor in headings, target
