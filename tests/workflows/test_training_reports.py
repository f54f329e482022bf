"""`train --report`: files beside a training, and from the ledger afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from promptvc.cli.training_reports import write_reports
from tests.builders import Repo
from tests.commands import cli_of
from tests.training.reports.test_reports import REPORT
from tests.worlds import DESK


def test_a_training_writes_its_reports_and_the_ledger_tells_it_again(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    files = {kind: tmp_path / f"report.{kind}" for kind in ("md", "json", "svg")}
    options = [part for path in files.values() for part in ("--report", str(path))]
    done = cli.json("train", DESK, *options)
    assert done["verdict"] == "improvement"
    now = json.loads(files["json"].read_text())
    assert (now["name"], now["verdict"], now["candidate"]) == (DESK, "improvement", 2)
    assert now["changes"]
    cited = {event for change in now["changes"] for event in change["because"]}
    assert set(now["words"]) == cited, "every change tells what its users said"
    assert files["md"].read_text().startswith(f"### improvement: `{DESK}` v2 against v1")
    assert ET.parse(files["svg"]).getroot().tag.endswith("svg")

    again = tmp_path / "again.json"
    assert cli.json("train", DESK, "--history", "--report", str(again))[0]["promoted"] is True
    then = json.loads(again.read_text())
    for key in ("changes", "tried", "words", "reason", "score", "verdict", "approach", "chosen", "events"):
        assert then[key] == now[key], key


def test_a_report_that_cannot_be_written_is_found_before_anything_is_asked(
    desk: Repo, tmp_path: Path
) -> None:
    cli = cli_of(desk)
    assert "report.pdf" in cli.fails(2, "train", DESK, "--report", str(tmp_path / "report.pdf"))
    cli.fails(2, "train", DESK, "--report", str(tmp_path / "no" / "report.md"))
    assert "goes with one training" in cli.fails(2, "train", "--due", "--report", str(tmp_path / "x.md"))
    assert cli.json("train", DESK, "--history") == []
    assert "no training" in cli.fails(2, "train", DESK, "--history", "--report", str(tmp_path / "x.md"))


def test_two_trainings_have_files_of_their_own(tmp_path: Path) -> None:
    reports = [("openai:gpt/x", REPORT), ("offline", REPORT)]
    write_reports([tmp_path / "r.json"], reports)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r-offline.json", "r-openai-gpt-x.json"]
