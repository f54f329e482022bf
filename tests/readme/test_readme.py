"""Every example of the README runs, word for word, and does what the README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from promptvc.base.documents import load_yaml
from promptvc.evaluation.cases.suite import load_suite
from promptvc.prompts.model import load_prompt
from tests.readme.shells import ROOT, blocks, hosted, make_clone, make_shell, run

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = blocks("README.md")


def block(mark: str) -> str:
    return next(one["text"] for one in BLOCKS if one["mark"] == mark)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


@pytest.fixture
def clone(tmp_path: Path, shell: dict[str, str]) -> Path:
    return make_clone(tmp_path / "clone", shell)


def test_the_loop(clone: Path, shell: dict[str, str]) -> None:
    script = block("the-loop")
    assert len([line for line in script.splitlines() if line.strip()]) <= 20
    printed = run(script, clone, shell)
    assert "replaced" not in printed  # remarks go to stderr
    assert "improvement:" in printed
    assert "committed: support/triage v2 on promptvc/support/triage/v2" in printed
    assert "production runs support/triage v2 (was v1)" in printed
    assert "production runs support/triage v1 (was v2)" in printed
    assert "nothing wrong" in printed
    committed = run("git grep -h -e 'mail \\[email\\]' -- feedback", clone, shell)
    assert "ada@example.org" not in committed


def test_an_own_repository(tmp_path: Path, shell: dict[str, str]) -> None:
    printed = run(block("your-own"), tmp_path, shell)
    assert "created prompts/support/tone.yaml" in printed
    assert "My box is late again!" in printed
    assert "2 read: 2 imported, 0 already there, 0 bad" in printed
    assert "committed 2 events" in printed


def test_a_forge(clone: Path, shell: dict[str, str]) -> None:
    run("promptvc deploy support/triage", clone, shell)
    with hosted(clone, shell) as (server, environ):
        printed = run(block("forge"), clone, environ)
        assert "created .github/workflows/promptvc-train.yml" in printed
        assert "committed: support/triage v2 on promptvc/support/triage/v2" in printed
        assert "v2 (improvement) waits" in printed
        (pull,) = server.pulls
        assert pull.title == "support/triage v2: +17.4 points (n=224), improvement, hold"


def test_python(clone: Path, shell: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        cwd=clone,
        env=shell,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    first, *examples = done.stdout.splitlines()
    assert first == "Where is my box?"
    assert len(examples) == 8
    assert all(re.search(r" because of [0-9A-Z]{26}", line) for line in examples)


def test_the_documents() -> None:
    prompt, suite = (one["text"].encode() for one in BLOCKS if one["language"] == "yaml")
    assert load_prompt(prompt, file="README.md").name == load_yaml(prompt, file="README.md").value["name"]
    assert load_suite(suite, file="README.md").cases[0].expected == "angry"


def test_every_block_is_executed() -> None:
    known = {"the-loop", "your-own", "forge", "python"}
    for one in BLOCKS:
        assert one["mark"] in known or one["language"] == "yaml" or "make demo" in one["text"]


def test_the_two_commands_exist() -> None:
    for target in ("demo", "test"):
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True, timeout=60)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
