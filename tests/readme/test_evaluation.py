"""The guide to evaluation: its commands run on the sample, its documents load, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promptvc.base.documents import load_yaml
from promptvc.evaluation.cases.suite import load_suite
from promptvc.evaluation.quarantine import load_quarantine
from tests.readme.shells import ROOT, blocks, make_clone, make_shell, run

PAGE = "docs/evaluation.md"
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


@pytest.fixture
def clone(tmp_path: Path, shell: dict[str, str]) -> Path:
    """The sample, with a bar that its first version reaches."""
    folder = make_clone(tmp_path / "clone", shell)
    run("echo 'evaluation: {success: 0.3}' >> promptvc.yaml && git commit -qam Bar", folder, shell)
    return folder


def test_asking(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["asking"], clone, shell)
    assert printed.count("support/triage v1: score") == 4
    assert "judgements" not in printed  # piped: rows without a header
    assert (clone / "report.html").stat().st_size > 10_000
    assert (clone / "comment.md").read_text().startswith("### `support/triage` v1: score")


def test_choosing(clone: Path, shell: dict[str, str]) -> None:
    run("promptvc evaluate support/triage", clone, shell)
    printed = run(COMMANDS["choosing"], clone, shell)
    whole = run("promptvc evaluate support/triage", clone, shell).splitlines()[0]
    assert "97 of 224 passed" in whole
    assert printed.count(whole) == 1, "the merged shards are one run"
    assert "nothing has changed" in printed


def test_judges(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["judges"], clone, shell)
    assert "lexical" in printed


def test_is_it_better(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["better"], clone, shell)
    assert printed.count("improvement: ") == 3
    assert "saved as evaluation/evidence/support/triage/" in printed


def test_a_baseline(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["baseline"], clone, shell)
    assert "gate open: no new regression against the approved v1" in printed


def test_bisecting(clone: Path, shell: dict[str, str]) -> None:
    script = COMMANDS["better"].splitlines()[:2]
    run("\n".join(script), clone, shell)
    assert "v2" in run(COMMANDS["bisect"], clone, shell)


def test_from_feedback(clone: Path, shell: dict[str, str]) -> None:
    run(COMMANDS["feedback"], clone, shell)
    assert (clone / "evaluation/support/triage.proposed.jsonl").exists()


def test_every_command_is_run_or_waits_for_a_model() -> None:
    known = {"asking", "choosing", "judges", "better", "baseline", "bisect", "feedback"}
    assert set(COMMANDS) == known
    unmarked = [one["text"] for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert len(unmarked) == 1, "what CI runs needs shards and an approved baseline"
    assert all("evaluate" in text for text in unmarked)


def test_the_documents_load() -> None:
    suite, quarantine = (one["text"] for one in BLOCKS if one["language"] == "yaml")
    inline = suite.replace("  - triage.cases.jsonl            # a file, or a glob\n", "")
    assert inline != suite
    assert [case.id for case in load_suite(inline.encode(), file=PAGE).cases] == ["double-charge", "polite"]
    assert load_quarantine(quarantine.encode(), file=PAGE).entries[0].case == "double-charge"
    assert isinstance(load_yaml(suite.encode(), file=PAGE).value, dict)


def test_links_lead_somewhere() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    titles = [line[3:].lower() for line in text.splitlines() if line.startswith("## ")]
    headings = {re.sub(r"[^a-z0-9 -]", "", title).replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        if file:
            assert (ROOT / "docs" / file).exists(), target
        else:
            assert anchor in headings, target
