"""The page on reports: its tables are what the program knows, its examples are what it writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from promptvc.evaluation.reports.formats import FORMATS
from promptvc.evaluation.reports.junit import junit
from promptvc.evaluation.reports.kinds import KINDS
from promptvc.evaluation.reports.lines import lines
from promptvc.evaluation.reports.markdown import LIMIT, markdown
from promptvc.evaluation.reports.page_cases import MOST_BYTES, MOST_CASES
from promptvc.evaluation.reports.sheet import COLUMNS
from promptvc.evaluation.reports.telemetry import telemetry
from promptvc.evidence.runs import OUTPUT_LIMIT
from tests.builders import Repo
from tests.evaluation.reports.makers import hostile_report, large_report, small_report

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reports.md").read_text("utf-8")
CODE = re.compile(r"`([^`]+)`")


def after(mark: str) -> str:
    """What follows ``<!-- MARK -->``: a fenced block's text, else the paragraph."""
    text = PAGE.split(f"<!-- {mark} -->\n", 1)[1]
    if text.startswith("```"):
        return text.split("\n", 1)[1].split("\n```", 1)[0]
    return text.split("\n\n", 1)[0]


def table(mark: str) -> list[list[str]]:
    """The rows below the head of a table."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in after(mark).splitlines()[2:]]


def test_the_formats_are_those_there_are() -> None:
    listed = {CODE.findall(name)[0]: CODE.findall(ending)[0] for ending, name, _ in table("formats")}
    assert listed == {name: each.ending for name, each in FORMATS.items()}


def test_the_kinds_are_those_there_are_in_their_order() -> None:
    assert [CODE.findall(kind)[0] for kind, _ in table("kinds")] == list(KINDS)


def test_the_columns_are_those_of_the_sheet() -> None:
    assert tuple(CODE.findall(after("columns"))) == COLUMNS


def test_the_attributes_are_those_of_the_events() -> None:
    listed = {name for names, _ in table("otel") for name in CODE.findall(names)}
    written = {
        pair["key"]
        for report in (small_report(), large_report(20), hostile_report(["x"]))
        for line in telemetry(report)
        for pair in json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"]
    }
    assert listed == written


def test_the_examples_are_what_is_written() -> None:
    assert after("markdown") == "".join(markdown(large_report())).split("\n", 1)[0]
    assert after("junit") in "".join(junit(small_report()))
    shown = [json.loads(line) for line in after("jsonl").splitlines()]
    real = [json.loads(line) for line in "".join(lines(small_report())).splitlines()]
    picked = [real[0], *(line for line in real[1:] if line["case"] == "broken")]
    for example, line in zip(shown, picked, strict=True):
        assert example.pop("…") == "…"
        if "suite" in example:
            assert line["suite"].startswith(example.pop("suite").rstrip("…"))
        assert {key: line[key] for key in example} == example


def test_the_bounds_are_those_of_the_program() -> None:
    assert f"{LIMIT:,} bytes" in PAGE
    assert f"{MOST_CASES:,} cases" in PAGE
    assert f"{MOST_BYTES // 2**20} MiB" in PAGE
    assert f"{OUTPUT_LIMIT:,} characters" in PAGE


def test_the_commands_run(sample: Repo, tmp_path: Path) -> None:
    """In the sample; the last one prints what the page says."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "promptvc").write_text(f'#!/bin/sh\nexec {sys.executable} -m promptvc "$@"\n')
    (tools / "promptvc").chmod(0o755)
    environ = sample.environ | {"PATH": f"{tools}:{sample.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    printed = ""
    for script in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for command in script.splitlines():
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=sample.path,
                env=environ,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            # 1: the sample's first version is below the bar, which is an answer too.
            assert done.returncode in {0, 1}, done.stderr
            printed = done.stdout
    assert printed.strip() == after("prints").strip()
    for ending in ("html", "md", "jsonl", "xml", "json"):
        assert [path for path in sample.path.iterdir() if path.name.endswith(f".{ending}")]
