"""Inputs that a prompt failed are not lost where no candidate carries them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from promptvc.models.messages import ChatMessage
from tests.builders import Repo
from tests.servers import Server
from tests.training.approaches.adversarial.readers import obeys
from tests.workflows.triage import TRIAGE, reader, triage, triage_rows

HARD = ("train", TRIAGE, "--approach", "adversarial")


def stubborn(told: str, text: str, turns: Sequence[ChatMessage]) -> str | None:
    """Obeys whatever an input says; no rule helps."""
    return obeys("", text, turns)


def test_they_are_told_of_and_written_where_nothing_helps(repo: Repo, tmp_path: Path) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    file = tmp_path / "hard.jsonl"
    with Server(reader(stubborn)) as server:
        environ = server.environ()
        told = cli.json(*HARD, more=environ)
        assert told["candidate"] is None
        (remark,) = [one for one in told["remarks"] if "--cases" in one]
        count = int(remark.split()[0])
        assert remark == f"{count} hard cases failed: --cases FILE writes them"
        dry = cli.json(*HARD, "--dry-run", "--cases", str(file), more=environ)
        first = file.read_bytes()
        again = cli.json(*HARD, "--dry-run", "--cases", str(file), more=environ)
    assert f"{count} hard cases written into {file}" in dry["remarks"]
    rows = [json.loads(line) for line in first.splitlines()]
    assert len(rows) == count
    assert {row["split"] for row in rows} == {"train"}
    assert file.read_bytes() == first
    assert f"0 hard cases written into {file}; {count} of {count} were there already" in again["remarks"]
    assert repo.status() == []


def test_they_join_what_the_file_has(repo: Repo, tmp_path: Path) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    file = tmp_path / "hard.jsonl"
    mine = b'{"id": "mine", "vars": {"message": "hello"}}'
    file.write_bytes(mine)
    with Server(reader(obeys)) as server:
        done = cli.json(*HARD, "--dry-run", "--cases", str(file), more=server.environ())
    assert not any("--cases" in one for one in done["remarks"])
    lines = file.read_bytes().splitlines()
    assert lines[0] == mine
    assert len(lines) > 5


def test_a_candidate_that_carries_them_says_nothing_of_a_file(repo: Repo, tmp_path: Path) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    with Server(reader(obeys)) as server:
        done = cli.json(*HARD, more=server.environ())
    assert done["candidate"] == 2
    assert not any("hard case" in one for one in done["remarks"])


def test_no_hard_case_is_no_error_and_writes_nothing(repo: Repo, tmp_path: Path) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    file = tmp_path / "hard.jsonl"
    with Server(reader()) as server:
        done = cli.json(*HARD, "--dry-run", "--cases", str(file), more=server.environ())
    assert f"no hard case failed that a suite could hold: nothing is written to {file}" in done["remarks"]
    assert not file.exists()


@pytest.mark.parametrize(
    ("content", "given", "said"),
    [
        (None, "missing/hard.jsonl", "there is no folder"),
        (None, ".", "folder"),
        (b"no json\n", "hard.jsonl", "hard.jsonl"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_asked(
    repo: Repo, tmp_path: Path, content: bytes | None, given: str, said: str
) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    if content is not None:
        (tmp_path / given).write_bytes(content)
    with Server(reader()) as server:
        error = cli.fails(2, *HARD, "--cases", str(tmp_path / given), **server.environ())
        assert not server.requests
    assert said in error


@pytest.mark.parametrize("other", ["--due", "--status", "--history"])
def test_it_goes_with_one_training(repo: Repo, tmp_path: Path, other: str) -> None:
    cli = triage(repo, tmp_path, triage_rows(3))
    assert "--cases" in cli.fails(2, "train", TRIAGE, other, "--cases", str(tmp_path / "hard.jsonl"))
