"""The guide to datasets: its commands run on the sample, its tables are what the program knows."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from promptvc.training.exporting.curation import load_curation
from promptvc.training.exporting.formats import FORMATS
from promptvc.training.exporting.query import KINDS
from tests.readme.shells import ROOT, blocks, make_clone, make_shell, run

PAGE = "docs/datasets.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
CODE = re.compile(r"`([^`]+)`")


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


@pytest.fixture
def clone(tmp_path: Path, shell: dict[str, str]) -> Path:
    return make_clone(tmp_path / "clone", shell)


def table(mark: str) -> list[list[str]]:
    """The cells of a table's first two columns that are code."""
    part = TEXT.split(f"<!-- {mark} -->\n", 1)[1].split("\n\n", 1)[0]
    rows = [line.strip("|").split("|")[:2] for line in part.splitlines()[2:]]
    return [[name for cell in row for name in CODE.findall(cell)] for row in rows]


def test_the_commands_run_in_order(clone: Path, shell: dict[str, str]) -> None:
    created = run(COMMANDS["create"], clone, shell)
    assert "routing: " in created
    assert " 0 left out" not in created
    exported = run(COMMANDS["export"], clone, shell)
    assert exported.count("as the manifest promises") == 3
    row = json.loads((clone / "train.jsonl").read_text().splitlines()[0])
    assert tuple(row) == FORMATS["sft"].columns
    curated = run(COMMANDS["curation"], clone, shell)
    assert "proposed in datasets/routing.curation.yaml" in curated
    assert " left out: dropped by the curation" in curated
    python = next(one["text"] for one in BLOCKS if one["language"] == "python")
    (clone / "weights.py").write_text(python)
    weights = json.loads(run(f"{sys.executable} weights.py", clone, shell))
    assert set(weights) == {"desirable", "undesirable"}
    assert "nothing wrong" in run("promptvc check", clone, shell)


def test_the_tables_are_what_there_is() -> None:
    assert tuple(row[0] for row in table("kinds")) == KINDS
    assert {row[0]: tuple(row[1:]) for row in table("formats")} == {
        name: one.columns for name, one in FORMATS.items()
    }


def test_the_curation_loads() -> None:
    (text,) = (one["text"] for one in BLOCKS if one["language"] == "yaml")
    assert [entry.action for entry in load_curation(text.encode(), file=PAGE).entries] == ["drop", "review"]


def test_every_command_is_run() -> None:
    assert set(COMMANDS) == {"create", "export", "curation"}
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
