"""Files of feedback come in once: after a kill, beside what is committed or rolled up, under a new key, on a retry."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.errors import Busy, InvalidDocument, Usage
from promptvc.base.files import FileLock
from promptvc.feedback.events import parse_event
from promptvc.feedback.importing import staging
from promptvc.feedback.importing.staging import Stage
from promptvc.feedback.spool import Spool
from promptvc.library.repository import Library
from promptvc.workflows import intake
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, desk_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = "Answer with one label only: alpha, beta or gamma."


@pytest.fixture
def desk(repo: Repo) -> Repo:
    repo.commit(desk_files())
    return repo


@pytest.fixture
def library(desk: Repo) -> Iterator[Library]:
    with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as opened:
        yield opened


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def private(repo: Repo, *parts: str) -> Path:
    return repo.path.joinpath(".git", "promptvc", *parts)


def spooled(repo: Repo) -> list[str]:
    place = private(repo, "spool", "imported.jsonl")
    return place.read_text().splitlines() if place.exists() else []


ROWS = [
    {
        "time": f"2026-01-02T10:{at:02d}:00Z",
        "prompt": DESK,
        "stars": 1 + at % 5,
        "comment": f"ann{at}@example.org",
    }
    for at in range(9)
]


def kill_at(patch: pytest.MonkeyPatch, owner: type, method: str, call: int, *, after: bool) -> None:
    """End this process by SIGKILL at the ``call``-th call of a method, before or after it did its work."""
    original: Callable[..., Any] = getattr(owner, method)
    count = 0

    def counted(*args: Any, **keys: Any) -> Any:
        nonlocal count
        count += 1
        if count == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **keys)
        if count == call and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    patch.setattr(owner, method, counted)


@pytest.mark.parametrize(
    ("owner", "method", "call", "after", "read_before"),
    [
        (Stage, "keep", 1, False, 0),
        (Stage, "keep", 2, True, 6),
        (Stage, "refuse", 1, True, 3),
        (Stage, "keep", 5, False, 10),
        (Stage, "keep", 5, True, 10),
        (Spool, "append_lines", 1, True, 10),
        (Spool, "append_lines", 3, False, 10),
        (Stage, "discard", 1, False, 10),
    ],
)
def test_a_killed_import_ends_as_if_it_had_not_been(
    desk: Repo, tmp_path: Path, owner: type, method: str, call: int, after: bool, read_before: int
) -> None:
    path = write(tmp_path / "rows.jsonl", *ROWS[:5], {"stars": 9, "prompt": DESK}, *ROWS[5:])
    request = intake.ImportRequest(path, skip_bad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "_EVERY", 3)
        patch.setattr(intake, "_TOGETHER", 3)
        child = os.fork()
        if child == 0:
            kill_at(patch, owner, method, call, after=after)
            with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as opened:
                intake.import_file(opened._fresh(), request)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        (stage,) = private(desk, "imports").glob("*.sqlite")
        staged = Stage(stage)
        assert staged.rows == read_before
        staged.close()
        with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as opened:
            done = opened.import_feedback(path, skip_bad=True)
    report = done.report
    assert (report.read, report.imported, report.duplicates, report.quarantined) == (10, 9, 0, 1)
    assert report.redacted == {"email": 9}
    assert [json.loads(line)["time"] for line in spooled(desk)] == [row["time"] for row in ROWS]
    assert list(private(desk, "imports").glob("*.sqlite*")) == []
    with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as opened:
        assert len(opened.quarantined_feedback()) == 1
        assert opened.import_feedback(path, skip_bad=True).report.duplicates == 9


def test_bad_rows_are_quarantined_redacted_and_tried_again(
    library: Library, desk: Repo, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "rows.csv",
        "Sterne,who,remark",
        "4,Ann Miller,fine",
        "nine,Ann Miller,mail ann@example.org",
        "5,Bob,fine,and more",
        "0.5,Bob,half",
    )
    columns = {"Sterne": "stars", "who": "user", "remark": "comment"}
    refused = library.import_feedback(path, prompt=DESK, columns=columns)
    assert not refused.accepted
    assert (library.quarantined_feedback(), spooled(desk)) == ((), [])
    for _ in range(2):
        done = library.import_feedback(path, prompt=DESK, columns=columns, skip_bad=True)
        assert [bad.line for bad in done.report.rejected] == [3, 4, 5]
        assert done.report.quarantined == len(library.quarantined_feedback()) == 3
    kept = private(desk, "quarantine", "imports.jsonl").read_text()
    assert "ann@example.org" not in kept
    assert "Ann Miller" not in kept
    first = library.quarantined_feedback()[0]
    assert (first.origin, first.line, first.reason) == ("rows.csv", 3, "'stars' is no number: \"nine\"")
    assert first.row["remark"] == "mail [email]"
    tried = library.retry_feedback(columns={"Sterne": "rating"})
    assert (tried.read, tried.imported, [one.line for one in tried.left]) == (3, 1, [3, 4])
    (half,) = [one for one in map(json.loads, spooled(desk)) if "rating" in one]
    assert (half["prompt"], half["rating"], half["comment"]) == (DESK, 0.5, "half")
    assert half["user"].startswith("u-")
    assert [one.reason for one in library.quarantined_feedback()] == [
        "'rating' is no number: \"nine\"",
        "4 fields where the header has 3",
    ]
    whole = library.import_feedback(path, prompt=DESK, columns=columns | {"Sterne": "rating"}, skip_bad=True)
    assert whole.report.imported == 0, "the row of the quarantine is the row of the file"
    assert whole.report.duplicates == 1


def test_the_command(desk: Repo, tmp_path: Path) -> None:
    cli: Cli = cli_of(desk)
    path = write(tmp_path / "rows.jsonl", {"stars": 4}, "{")
    done = cli("feedback", "import", str(path), "--skip-bad")
    assert done.out.splitlines()[-1] == "2 read: 0 imported, 0 already there, 2 bad"
    assert "2 in quarantine" in done.err
    rows = cli.json("feedback", "quarantine")["rows"]
    assert [(row["from"], row["line"], row["row"]) for row in rows] == [
        ("rows.jsonl", 1, {"stars": 4}),
        ("rows.jsonl", 2, {"text": "{"}),
    ]
    assert cli("feedback", "quarantine").out.startswith("rows.jsonl\t1\tno prompt; pass --prompt NAME")
    tried = cli.json("feedback", "quarantine", "--retry", "--prompt", DESK, codes=(1,))
    assert (tried["read"], tried["imported"], tried["duplicates"], len(tried["rows"])) == (2, 1, 0, 1)
    assert cli.json("feedback", "quarantine", "--clear") == {"cleared": 1}
    assert cli.json("feedback", "quarantine") == {"rows": []}
    assert "--retry" in cli.fails(2, "feedback", "quarantine", "--prompt", DESK)
    assert "invalid value for '--format'" in cli.fails(2, "feedback", "import", str(path), "--format", "xml")


def test_events_that_a_rollup_counts_are_known(library: Library, desk: Repo, tmp_path: Path) -> None:
    rows = [
        {"time": f"2026-01-02T10:{at:02d}:00Z", "prompt": DESK, "latency_ms": at, "cost": 0.5}
        for at in range(4)
    ]
    rows = [
        {**row, "id": f"01KDZ{at:021d}", "kind": "success", "source": "code"} for at, row in enumerate(rows)
    ]
    Spool(private(desk, "spool")).append([parse_event(row) for row in rows])
    library.commit_feedback()
    assert [event.count for event in library.events()] == [4], "one line for the hour"
    path = tmp_path / "calls.jsonl"
    again = library.import_feedback(write(path, *rows, rows[0] | {"id": f"01KDZ{9:021d}"}))
    assert (again.report.imported, again.report.duplicates) == (1, 4)


def test_files_that_share_rows_count_once_where_two_branches_meet(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    calls = [
        {"time": f"2026-01-02T10:{at:02d}:00Z", "prompt": DESK, "kind": "success", "latency_ms": at}
        for at in range(5)
    ]
    for branch, rows in (("side", calls[:3]), ("main", calls[1:])):
        cli.ok("feedback", "import", str(write(tmp_path / f"{branch}.jsonl", *rows)))
        cli.ok("feedback", "commit", "--branch", branch)
    desk.git("merge", "-q", "--no-edit", "side")
    assert cli.json("feedback", "list", "--count")["count"] == 5
    again = cli.json("feedback", "import", str(write(tmp_path / "all.jsonl", *calls)))
    assert (again["imported"], again["duplicates"]) == (0, 5)


def test_rows_that_quote_their_prompt(library: Library, desk: Repo, tmp_path: Path) -> None:
    digest = desk.rev(f"main:{DESK_FILE}")
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Where is ann@example.org?"},
    ]
    path = write(
        tmp_path / "rows.jsonl",
        {"stars": 1, "asked": messages},
        {"stars": 2, "prompt": f"{SYSTEM}\n\nWhere?"},
        {"stars": 3, "asked": "Something else"},
    )
    done = library.import_feedback(path, columns={"asked": "rendered"})
    assert [bad.reason for bad in done.report.rejected] == [
        "no prompt; no version on main gives its text; pass --prompt NAME or --map COLUMN=prompt"
    ]
    done = library.import_feedback(path, columns={"asked": "rendered"}, prompt="desk/route")
    assert done.report.redacted == {"email": 1}
    found = [json.loads(line) for line in spooled(desk)]
    assert [(one["prompt"], one.get("version"), one.get("digest"), one["input"]) for one in found] == [
        (DESK, 1, digest, {"question": "Where is [email]?"}),
        (DESK, 1, digest, {"question": "Where?"}),
        (DESK, None, None, "Something else"),
    ]
    assert SYSTEM not in "".join(spooled(desk))


def test_rows_that_quote_their_prompt_are_the_same_whatever_main_holds_later(
    library: Library, desk: Repo, tmp_path: Path
) -> None:
    asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Where?"}]
    own = [{"role": "system", "content": "A text of tomorrow."}, asked[1]]
    path = write(
        tmp_path / "rows.jsonl",
        {"stars": 1, "rendered": asked, "user": "ann"},
        {"stars": 1, "rendered": asked, "user": "ann"},
        {"stars": 2, "prompt": f"{SYSTEM}\n\nWhere?", "id": f"01KDZ{7:021d}"},
        {"stars": 3, "rendered": own},
    )
    first = library.import_feedback(path, prompt=DESK)
    assert (first.report.imported, first.report.duplicates) == (4, 0)
    library.commit_feedback()
    seen = [(one.version, one.data["input"]) for one in library.events()]
    assert sorted(seen, key=str) == [(1, {"question": "Where?"})] * 3 + [(None, "Where?")]
    text = desk.read(DESK_FILE).decode()
    desk.commit({DESK_FILE: text.replace("version: 1", "version: 2")})
    tomorrow = text.replace("desk/route", "desk/later").replace(SYSTEM, "A text of tomorrow.")
    desk.commit({"prompts/desk/later.yaml": tomorrow})
    cli_of(desk).ok("feedback", "keys", "rotate")
    with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as later:
        again = later.import_feedback(path, prompt=DESK)
        assert (again.report.imported, again.report.duplicates, again.report.rejected) == (0, 4, ())
    write(path, {"stars": 1, "rendered": asked, "user": "eve"}, {"stars": 4, "rendered": own})
    with promptvc.open(desk.path, environ=desk.environ, clock=lambda: NOW) as later:
        assert later.import_feedback(path, prompt=DESK).report.imported == 2


def test_what_several_prompts_give_is_ambiguous(desk: Repo, tmp_path: Path) -> None:
    desk.commit({"prompts/desk/twin.yaml": desk.read(DESK_FILE).replace(b"desk/route", b"desk/twin")})
    path = write(tmp_path / "rows.jsonl", {"stars": 1, "rendered": f"{SYSTEM}\n\nWhere?"})
    cli: Cli = cli_of(desk)
    (bad,) = cli.json("feedback", "import", str(path), codes=(2,))["rejected"]
    assert bad["reason"] == "its text is given by several prompts: desk/route, desk/twin; name the prompt"
    write(path, {"stars": 1, "prompt": "desk/twin", "rendered": f"{SYSTEM}\n\nWhere?"})
    assert cli.json("feedback", "import", str(path))["imported"] == 1
    assert json.loads(spooled(desk)[0])["version"] == 1


def test_people_under_a_new_key_are_the_same_events(library: Library, desk: Repo, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", *({**row, "user": "Ann Miller"} for row in ROWS[:2]))
    assert library.import_feedback(path).report.imported == 2
    before = {json.loads(line)["user"] for line in spooled(desk)}
    cli_of(desk).ok("feedback", "keys", "rotate")
    again = library.import_feedback(path)
    assert (again.report.imported, again.report.duplicates) == (0, 2)
    third = library.import_feedback(write(path, {**ROWS[2], "user": "Ann Miller"}))
    assert third.report.imported == 1
    assert json.loads(spooled(desk)[-1])["user"] not in before


def test_one_import_at_a_time_and_a_broken_file_leaves_nothing(
    library: Library, desk: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidDocument, match="not JSON"):
        library.import_feedback(write(tmp_path / "a.json", "[{"), format="langfuse")
    with pytest.raises(Usage, match="no format 'xml'"):
        library.import_feedback(tmp_path / "a.json", format="xml")
    assert list(private(desk, "imports").glob("*.sqlite*")) == []
    waiting = FileLock.__init__
    monkeypatch.setattr(FileLock, "__init__", lambda self, path, **_: waiting(self, path, timeout_s=0))
    with FileLock(private(desk, "imports", "import.lock")), pytest.raises(Busy):
        library.import_feedback(write(tmp_path / "b.jsonl", ROWS[0]))


def test_archived_events_are_known(library: Library, desk: Repo, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", *ROWS[:3])
    library.import_feedback(path)
    library.commit_feedback()
    desk.commit({"promptvc.yaml": "evaluation: {success: 0.5}\nfeedback: {retain_days: 36500}\n"})
    cli: Cli = cli_of(desk)
    cli.ok("feedback", "archive", "--before", "2026-02", "--to", str(tmp_path / "parts"))
    assert list(desk.path.glob("feedback/**/*.jsonl")) == []
    assert cli.json("feedback", "import", str(path))["duplicates"] == 3


def test_no_column_of_a_bad_row_keeps_what_is_personal(desk: Repo, tmp_path: Path) -> None:
    rows = tmp_path / "odd.csv"
    rows.write_text("prompt,id,stars\nwrite to eve@example.org,call eve@example.org,9\n")
    with promptvc.open(desk.path, environ=desk.environ) as opened:
        assert opened.import_feedback(rows, skip_bad=True).report.quarantined == 1
    assert "example.org" not in private(desk, "quarantine", "imports.jsonl").read_text()
