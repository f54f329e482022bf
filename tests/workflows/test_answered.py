"""Answers kept by commit: found again, never when they are of something else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvc.base.clock import utc_now
from promptvc.workflows.answered import KEPT, answered
from promptvc.workflows.project import Project, open_project
from tests.builders import Repo

QUESTION = {"of": "test", "name": "a"}


class Counting:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> dict[str, object]:
        self.asked += 1
        return {"text": "\ud83d é", "n": self.asked}


@pytest.fixture
def project(desk: Repo) -> Iterator[Project]:
    with open_project(desk.path, environ=desk.environ, clock=utc_now) as opened:
        yield opened


def files(project: Project) -> list[Path]:
    return sorted((project.state / "analysis").glob("*.json"))


def test_the_same_question_is_answered_once(project: Project) -> None:
    ask = Counting()
    assert answered(project, QUESTION, ask) == answered(project, dict(reversed(QUESTION.items())), ask)
    assert ask.asked == 1
    assert answered(project, QUESTION | {"name": "b"}, ask)["n"] == 2


def test_other_events_settings_or_prompts_are_another_question(desk: Repo, project: Project) -> None:
    ask = Counting()
    answered(project, QUESTION, ask)
    desk.write({"promptvc.yaml": "main: main\nfeedback: {positive: 0.8}\n"})
    project.refresh()
    assert answered(project, QUESTION, ask)["n"] == 2
    segment = next((desk.path / "feedback").rglob("*.jsonl"))
    place = str(segment.relative_to(desk.path))
    desk.git("switch", "-q", "-c", "side")  # main stays where it is
    desk.commit({place: segment.read_text() + "\n"})
    project.refresh()
    assert answered(project, QUESTION, ask)["n"] == 3
    assert answered(project, QUESTION, ask)["n"] == 3


def test_what_counts_spooled_events_is_not_kept(project: Project) -> None:
    ask = Counting()
    answered(project, QUESTION, ask)
    assert answered(project, QUESTION, ask, spooled=True)["n"] == 2
    assert answered(project, QUESTION, ask)["n"] == 1


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"question":{},"answer":1}', b"\xff", b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_made_anew(project: Project, data: bytes) -> None:
    ask = Counting()
    answered(project, QUESTION, ask)
    (place,) = files(project)
    place.write_bytes(data)
    assert answered(project, QUESTION, ask)["n"] == 2
    assert json.loads(place.read_bytes())["answer"]["n"] == 2


def test_a_link_is_not_followed(project: Project, tmp_path: Path) -> None:
    ask = Counting()
    answered(project, QUESTION, ask)
    (place,) = files(project)
    elsewhere = tmp_path / "elsewhere.json"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    assert answered(project, QUESTION, ask)["n"] == 2


def test_the_oldest_answers_go(project: Project) -> None:
    ask = Counting()
    answered(project, QUESTION, ask)
    (first,) = files(project)
    os.utime(first, ns=(1, 1))
    for number in range(KEPT):
        answered(project, QUESTION | {"name": number}, ask)
    assert len(files(project)) == KEPT
    assert first not in files(project)


def test_a_disk_that_keeps_nothing_still_gets_an_answer(project: Project) -> None:
    (project.state / "analysis").write_text("no folder")
    ask = Counting()
    assert answered(project, QUESTION, ask)["n"] == 1
    assert answered(project, QUESTION, ask)["n"] == 2
