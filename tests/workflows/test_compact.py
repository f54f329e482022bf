"""`feedback compact`: the same events in fewer files, whatever else is committed meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.compaction import compact, small_segments
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.segments import read_segments, seal
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, desk_files

MONTH = datetime(2026, 1, 31, 23, 50, tzinfo=UTC)


def rating(number: int, **values: Any) -> Event:
    time = MONTH + timedelta(minutes=number)
    about = {"id": derived_ulid(time, b"%d" % number, 0), "time": format_time(time), "prompt": DESK}
    return parse_event({**about, "kind": "rating", "source": "human", "version": 1, "stars": 4, **values})


def segment(number: int, *events: Event) -> dict[str, str]:
    ulid = derived_ulid(MONTH + timedelta(minutes=number), b"segment %d" % number, 0)
    return {path: data.decode() for path, data in seal(events, ulid=ulid).items()}


EVENTS = [rating(number) for number in range(20)]
SMALL = {path: data for number, one in enumerate(EVENTS) for path, data in segment(number, one).items()}


@pytest.fixture
def cli(repo: Repo) -> Cli:
    repo.commit({**desk_files(), **SMALL})
    return cli_of(repo)


def listed(cli: Cli) -> list[Any]:
    found: list[Any] = cli.json("feedback", "list", DESK)
    return found


def segments(repo: Repo, revision: str = "HEAD") -> list[str]:
    return repo.git("ls-tree", "-r", "--name-only", revision, "feedback").splitlines()


def test_small_segments_of_a_month_become_one(cli: Cli, repo: Repo) -> None:
    before = listed(cli)
    repo.write({"notes.txt": "mine"})
    assert cli.json("feedback", "compact", DESK, "--below", "10") == {
        "segments": {"before": 0, "after": 0},
        "events": 0,
        "commit": None,
        "branch": None,
    }
    done = cli.json("feedback", "compact")
    assert done == {
        "segments": {"before": 20, "after": 2},
        "events": 20,
        "commit": repo.rev("HEAD"),
        "branch": "main",
    }
    assert [path.rpartition("/")[0] for path in segments(repo)] == [
        f"feedback/{DESK}/2026/01",
        f"feedback/{DESK}/2026/02",
    ]
    assert listed(cli) == before
    assert len(before) == 20
    assert repo.status() == ["?? notes.txt"]
    assert cli.json("feedback", "compact")["commit"] is None
    assert cli("check").code == 0


def test_an_old_segment_that_comes_back_counts_once(cli: Cli, repo: Repo) -> None:
    """Two branches compact what they have, and one of them gets an event more: both are merged."""
    repo.git("switch", "-q", "-c", "side")
    late = rating(5, stars=1, id=derived_ulid(MONTH, b"late", 0))
    repo.commit(segment(99, late))
    side = cli.json("feedback", "compact", "--branch", "side")
    repo.git("switch", "-q", "main")
    main = cli.json("feedback", "compact")
    assert (side["events"], main["events"]) == (21, 20)
    repo.git("merge", "-q", "--no-edit", "side")
    expected = sorted(event.id for event in (*EVENTS, late))
    assert sorted(one["id"] for one in listed(cli)) == expected
    brought = dict(list(SMALL.items())[:3])
    repo.commit(brought)
    assert sorted(one["id"] for one in listed(cli)) == expected
    again = cli.json("feedback", "compact")
    assert again["events"] == 11  # of February both made the same
    assert len(segments(repo)) == 2
    assert sorted(one["id"] for one in listed(cli)) == expected


def test_what_a_person_has_to_look_at_is_left_alone() -> None:
    folder = f"feedback/{DESK}/2026/01"
    edited = {**EVENTS[0].to_json(), "stars": 1}
    lines = {name: rating(number).line() for number, name in enumerate("abcd")}
    files = {f"{folder}/{name}.jsonl": data for name, data in lines.items()}
    torn = {f"{folder}/e.jsonl": rating(5).line() + b"{torn\n"}
    conflict = {f"{folder}/f.jsonl": json.dumps(edited).encode() + b"\n"}
    done = compact({**files, **torn, **conflict})
    assert done is not None
    assert done.removed == tuple(f"{folder}/{name}.jsonl" for name in "bcd")
    assert b"".join(done.written.values()) == b"".join(lines[name] for name in "bcd")
    assert compact(torn | conflict) is None


def test_the_same_segments_make_the_same_files_within_the_limit() -> None:
    data = {path: text.encode() for path, text in SMALL.items() if "/01/" in path}
    done, again = (compact(dict(files), limit=1000) for files in (data.items(), reversed(data.items())))
    assert done is not None
    assert again == done
    assert len(done.written) > 1
    assert max(map(len, done.written.values())) <= 1000
    assert read_segments(done.written).events == read_segments(data).events
    other = compact(dict(list(data.items())[1:]))
    assert other is not None
    assert not set(other.written) & set(done.written)


def test_what_does_not_fit_into_memory_at_once_comes_in_several_commits(
    cli: Cli, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {
        path.replace(DESK, "desk/other"): text.replace(DESK, "desk/other") for path, text in SMALL.items()
    }
    torn = {path: text + "{torn\n" for path, text in list(other.items())[10:]}
    repo.commit(other | torn)
    before = listed(cli)
    start = repo.rev("HEAD")
    monkeypatch.setattr("promptvc.workflows.compact.MOST_BYTES", 1)
    done = cli.json("feedback", "compact")
    assert (done["segments"], done["events"]) == ({"before": 30, "after": 3}, 30)
    assert repo.git("rev-list", "--count", f"{start}..HEAD").strip() == "3"
    assert done["commit"] == repo.rev("HEAD")
    assert listed(cli) == before
    assert len(segments(repo)) == 13
    assert cli.json("feedback", "compact")["commit"] is None


def test_no_more_of_a_folder_is_merged_at_a_time_than_one_segment_takes() -> None:
    folder, inner = f"feedback/{DESK}/2026/01", f"feedback/{DESK}/2026/01/2026/02"
    sizes = {f"{folder}/{name}.jsonl": 4 for name in "1234589"} | {
        f"{inner}/{name}.jsonl": 4 for name in "12"
    }
    groups = small_segments({**sizes, f"{folder}/0.jsonl": 9, "feedback/archive.yaml": 1}, 9, limit=12)
    assert groups == [
        tuple(f"{folder}/{name}.jsonl" for name in "123"),
        tuple(f"{folder}/{name}.jsonl" for name in "458"),
        tuple(f"{inner}/{name}.jsonl" for name in "12"),
    ]
    assert small_segments(sizes, 9, limit=4) == []


def test_methods(repo: Repo, tmp_path: Path) -> None:
    repo.commit({**desk_files(), **SMALL})
    with promptvc.open(repo.path, environ=repo.environ, clock=lambda: MONTH) as library:
        assert library.compact_feedback(DESK).events == 20
        assert library.archive_feedback("2026-02", tmp_path / "archive").events == 10
        assert library.verify_archive().whole
        assert len(library.events()) == 20
        assert library.restore_feedback("2026-01").segments == 1
        assert library.verify_archive().parts == ()
        assert len(library.events()) == 20


@pytest.mark.parametrize("below", ["0", "much", "1GiB", "99MiB"])
def test_a_size_that_is_none_is_refused(cli: Cli, below: str) -> None:
    assert cli("feedback", "compact", "--below", below).code == 2
