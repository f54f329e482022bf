"""The recorder of a repository: versions, pseudonyms, and repositories that are not there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import promptvc
from promptvc.base.jsonl import parse_json
from tests.builders import Repo
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def small_desk(repo: Repo) -> Repo:
    repo.commit({DESK_FILE: DESK_PROMPT}, "Add desk/route")
    return repo


def test_an_event_is_on_the_version_that_lies_there(small_desk: Repo) -> None:
    repo = small_desk
    with promptvc.open(repo.path, environ=repo.environ, clock=lambda: NOW) as library:
        recorder = library.recorder()
        recorder.add(DESK, stars=5, user="Ada", session="a")
        assert recorder.flush()
        (repo.path / DESK_FILE).write_text(DESK_PROMPT.replace("version: 1", "version: 2"))
        recorder.add(DESK, stars=4, session="b")
        recorder.add(f"{DESK}@v1", stars=3, session="c")
        recorder.add(DESK, stars=2, session="d", version=7)
        assert recorder.flush()
        (repo.path / DESK_FILE).write_text("name: [")
        recorder.add(DESK, stars=1, session="e")
        assert recorder.flush()
        (repo.path / DESK_FILE).unlink()
        recorder.add(DESK, stars=1, session="f")
        assert recorder.close()
        library.add_feedback(f"{DESK}@v1", stars=5, user="Ada", session="g")
        found = {event.data["session"]: event for event in library.events(spooled=True)}
    versions = {key: event.version for key, event in found.items()}
    assert versions == {"a": 1, "b": 2, "c": 1, "d": 7, "e": None, "f": 1, "g": 1}
    blob = repo.git("rev-parse", f"HEAD:{DESK_FILE}")
    assert found["a"].digest == found["c"].digest == found["f"].digest == blob
    assert found["d"].digest is None
    assert found["a"].user == found["g"].user
    assert found["a"].user != "Ada"
    assert {event.time for event in found.values()} == {NOW}


def test_what_is_said_of_no_prompt_is_set_aside(small_desk: Repo) -> None:
    repo = small_desk
    with promptvc.Recorder.open(repo.path, environ=repo.environ) as recorder:
        for reference in ("desk/rout", f"{DESK}@v9", "desk/", "desk/rout"):
            assert recorder.add(reference, stars=5)
        assert recorder.flush()
        stats = recorder.stats()
    assert (stats.written, stats.refused) == (0, 4)
    lines = (repo.path / ".git/promptvc/quarantine/recorder.jsonl").read_bytes().splitlines()
    reasons = [parse_json(line, file="rows")["reason"] for line in lines]
    assert "desk/rout" in reasons[0]
    assert "v9" in reasons[1]
    assert reasons[3] == reasons[0]


def test_a_repository_that_is_not_there_yet(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"README": "none"}, "Begin")
    with pytest.raises(promptvc.NotFound):
        promptvc.Recorder.open(repo.path, environ=repo.environ)
    with promptvc.Recorder.open(tmp_path / "nowhere", quiet=True, environ=repo.environ) as lost:
        assert lost.add(DESK, stars=5)
        assert not lost.flush(0.1)
        stats = lost.stats()
        assert (stats.recorded, stats.waiting, stats.failing) == (1, 1, True)
        assert "nowhere" in stats.last_error
        assert not lost.close(0.01)
    with promptvc.Recorder.open(repo.path, quiet=True, environ=repo.environ) as recorder:
        assert recorder.add(DESK, stars=5)
        assert not recorder.flush(0.1)
        assert "no prompts" in recorder.stats().last_error
        repo.commit({DESK_FILE: DESK_PROMPT}, "Add desk/route")
        assert recorder.flush()
        stats = recorder.stats()
        assert (stats.written, stats.waiting, stats.failing) == (1, 0, False)


def test_recorded_events_are_committed_like_any(small_desk: Repo) -> None:
    repo = small_desk
    with promptvc.open(repo.path, environ=repo.environ) as library, library.recorder() as recorder:
        recorder.add_many([{"stars": 1 + number % 5} for number in range(50)], prompt=DESK)
        assert recorder.flush()
        sealed = library.commit_feedback()
        assert sealed.events == 50
        recorder.add(DESK, stars=5)
        assert recorder.flush()
        assert len(library.events()) == 50
        assert len(library.events(spooled=True)) == 51
