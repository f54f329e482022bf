"""`feedback archive`: months leave git for Parquet files, count as before, and come back as they were."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import format_time
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import derived_ulid
from promptvc.feedback.archive import MANIFEST, Part, dump_manifest, load_manifest
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.fields import ROLLED
from promptvc.feedback.segments import read_segments, seal
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.worlds import DESK, copy_of, desk_files

duckdb = pytest.importorskip("duckdb")
START = datetime(2025, 11, 3, 9, tzinfo=UTC)
ODD = 'he said "no" \\ \u2028 😀 \x07 € ' + "x" * 300


def event(number: int, days: float, **values: Any) -> Event:
    time = START + timedelta(days=days, seconds=number)
    about = {"id": derived_ulid(time, b"%d" % number, 0), "time": format_time(time), "prompt": DESK}
    said = {} if "kind" in values else {"kind": "rating", "stars": 4}
    return parse_event({**about, "source": "human", "version": 1, **said, **values})


EVENTS = [
    *(event(number, 0, comment=f"{ODD}{number}") for number in range(4)),
    *(event(number, 1, kind="success", latency_ms=number, tags=["a"]) for number in range(10, 40)),
    *(event(number, 31, stars=1) for number in range(50, 53)),
    *(event(number, 62) for number in range(60, 62)),
]


def contents() -> dict[str, str]:
    ulid = derived_ulid(START, b"batch", 0)
    return {path: data.decode() for path, data in seal(EVENTS, ulid=ulid, rolled=ROLLED).items()}


@pytest.fixture(scope="module")
def template(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Two months in an archive beside the repository, the third in git."""
    folder = tmp_path_factory.mktemp("archived")
    repo = Repo.create(folder / "repo", isolated_environ(home))
    repo.commit({**desk_files(), "promptvc.yaml": "feedback: {retain_days: 36500}\n", **contents()})
    cli = cli_of(repo)
    before = cli.json("feedback", "list", DESK)
    done = cli.json("feedback", "archive", "--before", "2026-01", "--to", str(folder / "archive"))
    assert {part["month"]: part["events"] for part in done["parts"]} == {"2025-11": 34, "2025-12": 3}
    assert (done["events"], done["segments"], done["commit"]) == (37, 2, repo.rev("HEAD"))
    assert cli.json("feedback", "list", DESK) == before
    return repo


@pytest.fixture
def repo(template: Repo, tmp_path: Path) -> Repo:
    shutil.copytree(template.path.parent / "archive", tmp_path / "archive")
    return copy_of(template, tmp_path / "repo")


def files(repo: Repo) -> list[Path]:
    return sorted((repo.path.parent / "archive").iterdir())


def total(cli: Cli, **more: str) -> int:
    found = cli.json("feedback", "list", DESK, more=more)
    return sum(parse_event(one).count for one in found)


def test_the_parts_are_listed_by_digest_and_can_be_read_by_other_tools(repo: Repo) -> None:
    parts = load_manifest(repo.show(f"HEAD:{MANIFEST}"))
    assert [part.location for part in parts] == [f"../archive/{one.name}" for one in files(repo)]
    assert dump_manifest(reversed(parts)) == repo.show(f"HEAD:{MANIFEST}")
    assert (parts[0].lines, parts[0].start, parts[0].folder) == (
        5,
        "2025-11-03T09:00:00Z",
        f"feedback/{DESK}/2025/11",
    )
    left = repo.git("ls-tree", "-r", "--name-only", "HEAD", "feedback").splitlines()
    assert [path for path in left if "/2025/" in path] == []
    query = "SELECT prompt, SUM(n), COUNT(line), MIN(kind) FROM read_parquet(?) GROUP BY 1"
    rows = duckdb.execute(query, [str(files(repo)[0])]).fetchall()
    assert rows == [(DESK, 34, 5, "rating")]


def test_a_part_that_is_not_here_is_named_and_not_passed_over(repo: Repo, tmp_path: Path) -> None:
    cli = cli_of(repo)
    assert total(cli) == 39
    assert cli("check").code == 0
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(files(repo)[0], moved)
    done = cli("feedback", "list", DESK)
    assert "34 archived events on desk/route of 2025-11 do not count: it is not there" in done.err + done.out
    assert total(cli) == 5
    problems = cli.json("check")["problems"]
    assert [(one["rule"], one["severity"]) for one in problems] == [("archive-absent", "warning")]
    assert cli("feedback", "archive", "--verify").code == 1
    assert cli("feedback", "archive", "--restore", "2025-11").code == 2
    there = {"PROMPTVC_ARCHIVE": str(moved)}
    assert cli("feedback", "archive", "--verify", **there).code == 0
    assert total(cli, **there) == 39


def test_a_part_with_another_content_does_not_count(repo: Repo) -> None:
    cli = cli_of(repo)
    assert cli("feedback", "archive", "--verify").code == 0
    place = files(repo)[1]
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)
    told = cli.json("feedback", "archive", "--verify", codes=(1,))["parts"]
    assert [one["problem"] for one in told] == [None, "its content is not what was archived"]
    assert total(cli) == 36
    place.write_bytes(data[:-1])
    told = cli.json("feedback", "archive", "--verify", codes=(1,))["parts"]
    assert "bytes instead of" in told[1]["problem"]


def test_a_month_comes_back_as_it_was(repo: Repo) -> None:
    cli = cli_of(repo)
    done = cli.json("feedback", "archive", "--restore", "2025-11")
    assert (done["events"], done["segments"]) == (34, 1)
    back = {
        path: repo.show(f"HEAD:{path}")
        for path in repo.git("ls-tree", "-r", "--name-only", "HEAD", "feedback").splitlines()
        if "/2025/11/" in path
    }
    was = {path: data.encode() for path, data in contents().items() if "/2025/11/" in path}
    assert list(back.values()) == list(was.values())
    assert read_segments(back).events == read_segments(was).events
    assert [part.month for part in load_manifest(repo.show(f"HEAD:{MANIFEST}"))] == ["2025-12"]
    assert total(cli) == 39
    again = cli.json("feedback", "archive", "--before", "2025-12", "--to", str(files(repo)[0].parent))
    assert [part["location"] for part in again["parts"]] == [f"../archive/{files(repo)[0].name}"]
    assert len(files(repo)) == 2
    cli.ok("feedback", "archive", "--restore", "2025-11")
    cli.ok("feedback", "archive", "--restore", "2025-12")
    assert MANIFEST not in repo.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()


def test_an_old_segment_that_comes_back_counts_once(repo: Repo) -> None:
    repo.commit({path: data for path, data in contents().items() if "/2025/" in path})
    assert total(cli_of(repo)) == 39


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--before", "2026-01"),
        ("--before", "2026-13", "--to", "x"),
        ("--before", "2026-01", "--to", ".git/archive"),
        ("--verify", "--restore", "2025-11"),
        ("--restore", "2024-01"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_refused(repo: Repo, arguments: tuple[str, ...]) -> None:
    head = repo.rev("HEAD")
    place = [str(repo.path / one) if one.startswith(".git") else one for one in arguments]
    assert cli_of(repo)("feedback", "archive", *place).code == 2
    assert repo.rev("HEAD") == head


def test_a_folder_that_git_could_take_up_is_refused(repo: Repo) -> None:
    cli = cli_of(repo)
    again = ("feedback", "archive", "--before", "2026-02", "--to")
    place = repo.path / "parts"
    for to in (place, place / "inner", repo.path):
        assert "is in the working tree" in cli.fails(2, *again, str(to))
    assert not place.exists()
    repo.commit({".gitignore": ".promptvc/\n/parts/\n"})
    (part,) = cli.json(*again, str(place))["parts"]
    assert part["location"].startswith("parts/")
    assert repo.status() == []
    assert total(cli) == 39


def test_texts_whose_term_has_passed_go_first(repo: Repo, tmp_path: Path) -> None:
    cli = cli_of(repo)
    cli.ok("feedback", "archive", "--restore", "2025-11")
    repo.commit({"promptvc.yaml": "feedback: {retain_days: 30}\n"})
    again = ("feedback", "archive", "--before", "2025-12", "--to", str(tmp_path / "more"))
    said = cli.fails(2, *again)
    assert f"4 events have texts on {DESK} of 2025-11 that are older than feedback.retain_days (30)" in said
    assert "promptvc feedback retain" in said
    assert not (tmp_path / "more").exists()
    assert "archive --restore MONTH" in cli("feedback", "retain").err
    assert cli.json(*again)["events"] == 34
    assert total(cli) == 39


def test_a_segment_that_would_lose_something_is_not_archived(repo: Repo, tmp_path: Path) -> None:
    path = next(path for path in contents() if "/2026/" in path)
    head = repo.commit({path: contents()[path] + "{torn\n"})
    to = tmp_path / "more"
    done = cli_of(repo)("feedback", "archive", "--before", "2026-02", "--to", str(to))
    assert (done.code, repo.rev("HEAD"), to.exists()) == (2, head, False)


PART = Part("a/b", "2025-01", "2025-01-01T00:00:00Z", "2025-01-31T00:00:00Z", 1, 2, 3, "0" * 64, "x.parquet")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a/b", "../b"),
        ('"2025-01"', '"2025-00"'),
        ("lines: 1", "lines: 0"),
        ("0" * 64, "0" * 63),
        ("location: x.parquet", "place: x"),
    ],
)
def test_a_manifest_is_held_against_its_schema(repo: Repo, old: str, new: str) -> None:
    text = dump_manifest([PART]).decode()
    assert load_manifest(text.encode()) == (PART,)
    with pytest.raises(InvalidDocument):
        load_manifest(text.replace(old, new).encode())
    if old == "lines: 1":
        repo.write({MANIFEST: text.replace(old, new)})
        problems = cli_of(repo).json("check", codes=(1,))["problems"]
        assert [one["rule"] for one in problems] == ["archive"]


def test_a_part_of_elsewhere_is_never_fetched(repo: Repo) -> None:
    for location in ("https://example.org/x.parquet", "s3://bucket/x.parquet", "file://host/x.parquet"):
        part = Part(**{name: getattr(PART, name) for name in Part.__slots__} | {"location": location})
        assert part.name == "x.parquet"
        repo.commit({MANIFEST: dump_manifest([part]).decode()})
        (told,) = cli_of(repo).json("feedback", "archive", "--verify", codes=(1,))["parts"]
        assert told["problem"].startswith(f"it is at {location}")
