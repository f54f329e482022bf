"""The guide to conversion: its commands run, its table has the formats that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promptvc.base.documents import load_yaml
from promptvc.prompts.formats.registry import GROUP, READERS, WRITERS
from promptvc.prompts.model import load_prompt
from tests.readme.shells import ROOT, blocks, dead_links, make_clone, make_shell, run, table, unknown_options

PAGE = "docs/conversion.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
KEYS = {
    "description",
    "type",
    "model",
    "parameters",
    "variables",
    "output",
    "tags",
    "metadata",
    "suite",
}
WHOLE = """\
name: support/tone
version: 1
description: Say how it sounds.
type: connector
model: openai:gpt-4.1-mini
parameters: {temperature: 0}
variables:
  message: {description: what a customer wrote, required: true}
messages:
  - {role: system, content: Answer with one word.}
  - {role: user, content: "{{ message }}"}
output: {format: json, schema: {type: object}}
tags: [mood]
metadata: {owner: payments}
"""
SUITE = {"cases": [{"vars": {"message": "x"}, "expected": "happy"}]}


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


def test_import_and_export(tmp_path: Path, shell: dict[str, str]) -> None:
    clone = make_clone(tmp_path / "clone", shell)
    run(COMMANDS["files"], clone, shell)
    printed = run(COMMANDS["import"], clone, shell)
    assert printed.startswith("would create prompts/mood.yaml")
    assert printed.count("  user: u1\n") == 2
    assert "created prompts/translate.yaml" in printed
    assert "role: system" in (clone / "prompts/translate.yaml").read_text()
    printed = run(COMMANDS["export"], clone, shell)
    assert "---\nname: support/triage\n" in printed
    assert (clone / "out/support/triage.prompt").exists()
    assert len(list((clone / "theirs").rglob("*.json"))) == 3


def test_prompt_yml_as_it_lies_and_there_and_back(tmp_path: Path, shell: dict[str, str]) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    run("git init -q -b main", folder, shell)
    printed = run(COMMANDS["lies"], folder, shell)
    assert "greet\tv1\topenai:gpt-4o-mini" in printed
    assert "[user]\nhooray" in printed
    assert "nothing wrong" in printed
    assert "greet v1: score " in printed
    printed = run(COMMANDS["back"], folder, shell)
    written = re.search(r"^name: Greeting\n.*", printed, re.MULTILINE | re.DOTALL)
    assert written is not None
    original = (folder / "prompts/greet.prompt.yml").read_bytes()
    assert load_yaml(written[0].encode(), file=PAGE).value == load_yaml(original, file=PAGE).value


def test_the_table_has_the_formats_that_there_are() -> None:
    assert [row[0].strip("`") for row in table(TEXT, "formats")] == list(WRITERS)
    for name, _, _, lost in table(TEXT, "formats"):
        prompt = load_prompt(WHOLE.encode(), file=PAGE)
        losses = WRITERS[name.strip("`")].write(prompt, SUITE).losses
        found = {one.path.partition(".")[0] for one in losses if "became" not in one.why}
        assert found & KEYS == {"type", "metadata", *re.findall("`([a-z]+)`", lost)}, name
    assert {"promptfoo", *READERS} == set(WRITERS)
    assert f"`{GROUP}`" in TEXT


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert set(COMMANDS) == {"files", "import", "export", "lies", "back"}
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
