"""What an import does with rows that it met before in another way, and what it says about files that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.library.repository import Library
from tests.builders import Repo, isolated_environ
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, desk_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = "Answer with one label only: alpha, beta or gamma."
QUOTED = f"{SYSTEM}\n\nWhere?"


@pytest.fixture
def desk(repo: Repo) -> Repo:
    repo.commit(desk_files())
    return repo


@pytest.fixture(scope="module")
def shared(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Where nothing is imported: what is refused leaves no trace."""
    repo = Repo.create(tmp_path_factory.mktemp("intake") / "repo", isolated_environ(home))
    repo.commit(desk_files())
    return repo


@pytest.fixture
def library(desk: Repo) -> Iterator[Library]:
    with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as opened:
        yield opened


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def spooled(repo: Repo) -> list[Any]:
    place = repo.path / ".git/promptvc/spool/imported.jsonl"
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def score(number: int, **more: object) -> dict[str, object]:
    return {
        "id": f's"{number}', "traceId": f"t{number}", "name": "quality", "value": 0.5, "source": "ANNOTATION",
        "timestamp": f"2026-02-01T10:0{number}:00Z", **more,
    }  # fmt: skip


def test_what_a_tool_exported_is_not_imported_in_two_ways(
    library: Library, desk: Repo, tmp_path: Path
) -> None:
    file = write(tmp_path / "scores.jsonl", score(1), score(2))
    traces = write(tmp_path / "traces.jsonl", {"id": "t1", "input": QUOTED, "output": "beta"})
    first = library.import_feedback(file, prompt=DESK, format="langfuse")
    assert first.report.imported == 2
    (remark,) = first.remarks
    assert remark == (
        "2 scores have no input and output: --with FILE brings their traces; import them so from the beginning"
    )
    write(file, score(1), score(2), score(3))
    again = library.import_feedback(file, prompt=DESK, format="langfuse")
    assert (again.report.imported, again.report.duplicates, again.report.rejected) == (1, 2, ())
    library.commit_feedback()
    desk.commit({"prompts/desk/other.yaml": desk.read(DESK_FILE).replace(b"desk/route", b"desk/other")})

    joined = library.import_feedback(file, prompt=DESK, format="langfuse", beside=traces)
    assert not joined.accepted
    assert [bad.line for bad in joined.report.rejected] == [1], "its trace gives it another content"
    assert joined.report.rejected[0].reason.startswith("known under another mapping")
    assert joined.remarks == ("2 scores have no input and output: traces.jsonl does not have their traces",)
    mapped = library.import_feedback(
        file, prompt=DESK, format="langfuse", columns={"quality": "effectiveness"}, skip_bad=True
    )
    assert (mapped.report.imported, len(mapped.report.rejected)) == (0, 3)
    tried = library.retry_feedback()
    assert (tried.read, tried.imported) == (3, 0), "they are as known as before"
    other = library.import_feedback(file, prompt="desk/other", format="langfuse")
    assert other.report.imported == 3, "the same scores, of another prompt"


def test_an_id_in_a_table_may_come_again(library: Library, tmp_path: Path) -> None:
    row = {"id": "7", "prompt": DESK, "time": "2026-02-01T10:00:00Z"}
    assert library.import_feedback(write(tmp_path / "a.jsonl", {**row, "stars": 4})).report.imported == 1
    assert library.import_feedback(write(tmp_path / "b.jsonl", {**row, "stars": 5})).report.imported == 1


def test_what_several_prompts_give_is_of_the_one_that_was_named(desk: Repo, tmp_path: Path) -> None:
    twin = desk.read(DESK_FILE).replace(b"desk/route", b"desk/twin")
    desk.commit({"prompts/desk/twin.yaml": twin, "prompts/desk/odd.yaml": twin.replace(b"alpha", b"omega")})
    with promptvc.open(desk.path, environ=desk.environ) as library:
        for stars, name in enumerate(("desk/twin", "desk/odd"), 1):
            path = write(tmp_path / "rows.jsonl", {"stars": stars, "rendered": QUOTED})
            assert library.import_feedback(path, prompt=name).report.imported == 1
    found = [(one["prompt"], one.get("version"), one["input"]) for one in spooled(desk)]
    assert found == [("desk/twin", 1, {"question": "Where?"}), ("desk/odd", None, QUOTED)]


def test_a_retry_takes_nothing_that_the_recorder_refused_rightly(library: Library, desk: Repo) -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    with promptvc.Recorder.open(desk.path, environ=desk.environ, clock=lambda: NOW) as recorder:
        recorder.add("shop/nope", stars=4)
        recorder.add(DESK, stars=4, comment="x" * 1_100_000)
        recorder.add(DESK, stars=4, x=deep)
        recorder.add(DESK, stars=4, x=object())
        recorder.add(DESK, stars=4, time="2612-01-13T00:00:00Z")
        recorder.add(f"{DESK}@v1", latency_ms=7, sterne=1, stars=9)
        assert recorder.flush()
    before = [one.reason for one in library.quarantined_feedback()]
    assert len(before) == 6
    assert before[4] == "its time lies in the future: 2612-01-13"
    tried = library.retry_feedback()
    assert (tried.read, tried.imported, [one.reason for one in tried.left]) == (6, 0, before)
    tried = library.retry_feedback(columns={"stars": ""})
    assert tried.imported == 1, "what is whole can be mended"
    (mended,) = spooled(desk)
    assert (mended["prompt"], mended["version"], mended["source"]) == (DESK, 1, "code")


def test_times_ahead_are_refused(library: Library, desk: Repo, tmp_path: Path) -> None:
    times = ["2612-01-13", "2026-03-02T13:00:00Z", "2026-03-02T11:00:00Z", "20260201103000", "20260201"]
    rows = ({"prompt": DESK, "stars": 4, "time": time} for time in times)
    done = library.import_feedback(write(tmp_path / "rows.jsonl", *rows), skip_bad=True)
    assert [(bad.line, bad.reason) for bad in done.report.rejected] == [
        (1, "its time lies in the future: 2612-01-13"),
        (2, "its time lies in the future: 2026-03-02"),
    ]
    assert [one["time"] for one in spooled(desk)] == [
        "2026-03-02T11:00:00Z", "2026-02-01T10:30:00Z", "2026-02-01T00:00:00Z"
    ]  # fmt: skip


def test_reviews_come_back_without_a_word(library: Library, tmp_path: Path) -> None:
    review = {
        "time": "2026-02-01T10:00:00Z", "prompt": DESK, "kind": "annotation", "source": "human", "reviewer": "ann",
        "target": "01KDZ000000000000000000000", "approved": True, "labels": {"tone": "kind"},
    }  # fmt: skip
    rating = {"prompt": DESK, "stars": 4, "labels": ["a"]}
    done = library.import_feedback(write(tmp_path / "rows.jsonl", review))
    assert (done.report.imported, done.report.extra) == (1, ())
    assert library.import_feedback(write(tmp_path / "rows.jsonl", rating)).report.extra == ("labels",)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (".", "is a folder"),
        ("-", "standard input is not read"),
        ("/dev/null", "is a device or a pipe"),
        ("nope.jsonl", "no such file"),
    ],
)
def test_what_is_no_file_is_said(shared: Repo, file: str, said: str) -> None:
    cli = cli_of(shared)
    for more in ([], ["--format", "langfuse"]):
        failed = cli("feedback", "import", file, *more, "--json")
        assert (failed.code, said in failed.error["message"], bool(failed.error["hint"])) == (2, True, True)
    rows = write(shared.path / ".git/rows.jsonl", score(1))
    failed = cli("feedback", "import", str(rows), "--format", "langfuse", "--with", file, "--json")
    assert (failed.code, said in failed.error["message"], bool(failed.error["hint"])) == (2, True, True)


def test_a_line_that_breaks_off_is_told_in_words(shared: Repo, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"stars": 4, "comment": "fi')
    (bad,) = cli_of(shared).json("feedback", "import", str(path), codes=(2,))["rejected"]
    assert bad["reason"] == "not JSON: Unterminated string starting at column 25"


def test_a_review_is_one_answer(shared: Repo) -> None:
    said = cli_of(shared).fails(2, "annotate", "--target", "x", "--approve", "--reject")
    assert "two answers" in said
