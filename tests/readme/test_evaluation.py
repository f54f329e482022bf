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


SECOND = """\
name: support/second
version: 1
description: Say which letter it is.
type: user
variables:
  question: {required: true}
messages:
  - role: user
    content: "a or b: {{ question }}"
"""


def in_ci(clone: Path, shell: dict[str, str]) -> list[str]:
    """The recipe: four jobs, and one after them. The files of the jobs, and what the last one prints."""
    run("rm -f results-* comment* junit*", clone, shell)
    for shard in range(1, 5):
        run(COMMANDS["shard"], clone, shell | {"SHARD": str(shard)})
    return run(COMMANDS["merge"], clone, shell).splitlines()


def test_in_ci(clone: Path, shell: dict[str, str]) -> None:
    (clone / "prompts/support/second.yaml").write_text(SECOND)
    (clone / "evaluation/support/second.yaml").write_text(
        "cases: [{id: only, vars: {question: which}, assert: [{type: regex, value: '(?s).*'}]}]\n"
    )
    run("git add -A && git commit -qm Second", clone, shell)
    for name in ("support/triage", "support/second"):
        run(f"promptvc evaluate {name} --save || true; promptvc baseline approve {name}", clone, shell)
    run("git update-ref refs/remotes/origin/main HEAD", clone, shell)
    run("git switch -q -c proposed", clone, shell)
    assert in_ci(clone, shell) == ["nothing has changed"]
    assert len(list(clone.glob("results-*"))) == 4
    assert not list(clone.glob("comment*"))
    # Two prompts change; the suite of one has a single case, so that three of its shards have none.
    script = (
        "for f in second triage; do sed -i.bak 's/^version: 1$/version: 2/' prompts/support/$f.yaml; done"
    )
    run(f"{script}; rm prompts/support/*.bak; git commit -qam Change", clone, shell)
    printed = "\n".join(in_ci(clone, shell))
    assert printed.count("gate open: no new regression") == 2
    assert len(list(clone.glob("results-*"))) == 8
    assert len(list(clone.glob("comment-*.md"))) == len(list(clone.glob("junit-*.xml"))) == 2
    # One prompt: one file a job, and one report.
    run("git checkout -q origin/main -- prompts/support/triage.yaml && git commit -qm Back", clone, shell)
    assert "gate open" in "\n".join(in_ci(clone, shell))
    assert (clone / "comment.md").exists()
    assert (clone / "junit.xml").exists()


def test_from_feedback(clone: Path, shell: dict[str, str]) -> None:
    run(COMMANDS["feedback"], clone, shell)
    assert (clone / "evaluation/support/triage.proposed.jsonl").exists()


def test_every_command_is_run_or_waits_for_a_model() -> None:
    known = {"asking", "choosing", "judges", "better", "baseline", "bisect", "shard", "merge", "feedback"}
    assert set(COMMANDS) == known
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]


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
