"""`feedback retain` and `feedback keys` on a repository: what goes, what stays, and what happens meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.clock import format_time, utc_now
from promptvc.base.errors import Usage
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.people import People
from promptvc.feedback.retention import Rewritten, rewrite
from promptvc.feedback.segments import read_segments, seal
from promptvc.workflows import retain
from tests.builders import Repo
from tests.commands import ROOT, cli_of
from tests.worlds import DESK, desk_files

START = datetime(2026, 1, 20, tzinfo=UTC)
NOW = START + timedelta(days=100)  # so that the first ten of the events below are due


def event(number: int, **values: Any) -> Event:
    time = START + timedelta(days=number)
    about = {"id": derived_ulid(time, b"%d" % number, 0), "time": format_time(time), "prompt": DESK}
    said = {"kind": "rating", "source": "human", "stars": 4, "comment": f"WORD {number}"}
    return parse_event({**about, **said, **values})


EVENTS = [event(number) for number in range(20)]


def segment(number: int, *events: Event) -> dict[str, str]:
    ulid = derived_ulid(START, b"segment %d" % number, 0)
    return {path: data.decode() for path, data in seal(events, ulid=ulid).items()}


SEGMENTS = segment(0, *EVENTS[:8]) | segment(1, *EVENTS[8:16]) | segment(2, *EVENTS[16:])


@pytest.fixture
def kept(repo: Repo) -> Repo:
    repo.commit({**desk_files(), **SEGMENTS})
    return repo


def opened(repo: Repo, now: datetime = NOW) -> promptvc.Library:
    return promptvc.open(repo.path, environ=repo.environ, clock=lambda: now)


def committed(repo: Repo, revision: str = "HEAD") -> tuple[Event, ...]:
    paths = repo.git("ls-tree", "-r", "--name-only", revision, "feedback").split()
    return read_segments({path: repo.show(f"{revision}:{path}") for path in paths}).events


def without_texts(events: tuple[Event, ...]) -> list[str]:
    return [one.id for one in events if "expired" in one.data]


def test_texts_go_from_old_events_and_nothing_else_changes(kept: Repo) -> None:
    kept.write({"prompts/desk/route.yaml": "mine", "notes.txt": "mine"})
    kept.git("add", "notes.txt")
    status = kept.status()
    before = kept.rev("HEAD")
    with opened(kept) as library:
        told = library.retain_feedback(dry_run=True)
        assert (told.events, told.commit, told.dry_run) == (10, None, True)
        assert kept.rev("HEAD") == before
        done = library.retain_feedback()
        again = library.retain_feedback()
    assert (done.events, done.spooled, done.days, done.branch) == (10, 0, 90, "main")
    assert done.before == "2026-01-30T00:00:00Z"
    assert done.segments == told.segments
    assert "forget --user USER --history" in done.remarks[0]
    assert (again.events, again.commit) == (0, None)
    assert kept.status() == status
    changed = set(kept.git("diff", "--no-renames", "--name-only", before, "HEAD").split())
    assert changed == {*done.segments, *done.segments.values()}
    assert len(done.segments) == 2, "the youngest segment is as it was"
    events = committed(kept)
    assert without_texts(events) == [one.id for one in EVENTS[:10]]
    assert [one.data["stars"] for one in events] == [4] * 20
    assert [one.line() for one in events[10:]] == [one.line() for one in EVENTS[10:]]
    assert b"WORD 3" not in b"".join(kept.show(f"HEAD:{path}") for path in done.segments.values())
    assert all(
        (kept.path / path).read_bytes() == kept.show(f"HEAD:{path}") for path in done.segments.values()
    )


def test_the_term_comes_from_the_settings_and_the_option(kept: Repo) -> None:
    kept.commit({"promptvc.yaml": "feedback: {retain_days: 95}\n"})
    with opened(kept) as library:
        assert library.retain_feedback(dry_run=True).events == 5
        assert library.retain_feedback(days=99, dry_run=True).events == 1
        with pytest.raises(Usage, match="--days takes"):
            library.retain_feedback(days=0)


def test_another_branch_is_served_too(kept: Repo) -> None:
    before = kept.rev("HEAD")
    with opened(kept) as library:
        done = library.retain_feedback(branch="tidy")
    assert (done.branch, kept.rev("HEAD"), kept.rev("tidy~1")) == ("tidy", before, before)
    assert len(without_texts(committed(kept, "tidy"))) == 10


def test_the_spool_forgets_as_well(kept: Repo, tmp_path: Path) -> None:
    rows = [event(number, output=f"WORD {number}").to_json() for number in (30, 3, 60)]
    rows[1]["id"] = derived_ulid(START, b"another", 0)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with opened(kept) as library:
        library.import_feedback(tmp_path / "rows.jsonl")
        assert library.retain_feedback(dry_run=True).spooled == 1
        done = library.retain_feedback()
        assert (done.events, done.spooled) == (10, 1)
        spool = b"".join(path.read_bytes() for path in (kept.path / ".git/promptvc/spool").glob("*.jsonl"))
        assert (b"WORD 3" in spool.replace(b"WORD 30", b""), b"WORD 30" in spool) == (False, True)
        sealed = library.commit_feedback()
        assert sealed.events == 3
        assert rows[1]["id"] in without_texts(committed(kept))
        again = library.import_feedback(tmp_path / "rows.jsonl")
        assert (again.report.imported, again.report.duplicates, again.accepted) == (0, 3, True), (
            "they are known"
        )


def test_what_a_merge_brings_back_counts_once_and_goes_again(kept: Repo) -> None:
    old = kept.rev("HEAD")
    with opened(kept) as library:
        done = library.retain_feedback(days=50)
        path = next(iter(done.segments))
        kept.commit({path: kept.show(f"{old}:{path}")}, "An old branch comes in")
        events = committed(kept)
        assert len(events) == 20
        assert len(without_texts(events)) == done.events
        assert [(one.rule, one.file) for one in library.check().problems if one.rule == "expired-event"] == [
            ("expired-event", path)
        ] * 8
        # However long the term is today: what was taken out once goes again.
        again = library.retain_feedback(days=1000)
        assert (again.events, set(again.segments)) == (8, {path})
        assert not [one for one in library.check().problems if one.rule == "expired-event"]
        assert committed(kept) == events


def test_two_branches_that_do_the_same_merge_without_a_word(kept: Repo) -> None:
    kept.git("branch", "other")
    with opened(kept) as library:
        library.retain_feedback()
    kept.git("checkout", "-q", "other")
    kept.commit({"notes.txt": "theirs"})
    with opened(kept, NOW + timedelta(hours=23)) as library:
        library.retain_feedback()
    kept.git("merge", "-q", "--no-edit", "main")
    assert without_texts(committed(kept)) == [one.id for one in EVENTS[:10]]
    assert kept.git("rev-parse", "HEAD:feedback") == kept.git("rev-parse", "main:feedback")


def test_two_branches_with_other_terms_are_joined_by_keeping_both(kept: Repo) -> None:
    kept.git("branch", "other")
    with opened(kept) as library:
        library.retain_feedback(days=99)
    kept.git("checkout", "-q", "other")
    with opened(kept) as library:
        library.retain_feedback(days=98)
        kept.git("merge", "--no-edit", "main", ok=(1,))  # git takes both for renames of one file
        for side in ("HEAD", "MERGE_HEAD"):
            kept.git("checkout", side, "--", "feedback")
        kept.git("add", "--all", "feedback")
        kept.git("commit", "-q", "--no-edit")
        assert without_texts(committed(kept)) == [one.id for one in EVENTS[:2]]
        assert [one.rule for one in library.check().problems if one.rule.startswith("e")] == ["expired-event"]
        assert library.retain_feedback(days=99).events == 1
        assert not [one for one in library.check().problems if one.rule == "expired-event"]


def test_lines_that_are_no_events_stay_and_are_told(kept: Repo) -> None:
    path = min(SEGMENTS)
    kept.commit({path: SEGMENTS[path] + "torn\n"})
    with opened(kept) as library:
        done = library.retain_feedback()
    assert done.unreadable == 1
    assert any("left alone" in remark for remark in done.remarks)
    assert kept.show(f"HEAD:{done.segments[path]}").endswith(b"torn\n")


def test_a_large_repository_takes_several_commits(kept: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retain, "MOST_BYTES", 1)
    rounds: list[list[int]] = [[]]

    def noted(*given: Any) -> Rewritten:
        new = rewrite(*given)
        rounds[-1].append(new.expired)
        return new

    monkeypatch.setattr(retain, "rewrite", noted)
    monkeypatch.setattr(retain, "maintain", lambda _: rounds.append([]))
    before = kept.rev("HEAD")
    with opened(kept) as library:
        counted = library.retain_feedback(days=50, dry_run=True)
        rounds[:] = [[]]
        done = library.retain_feedback(days=50)
    assert (counted.events, counted.segments, counted.commit) == (done.events, done.segments, None)
    assert kept.git("rev-list", "--count", f"{before}..HEAD").strip() == str(len(done.segments)) == "4"
    assert len(without_texts(committed(kept))) == done.events == 20
    # One is held, and the next one shows that it does not fit: before the lock, and under it.
    assert [sum(expired > 0 for expired in each) for each in rounds] == [3, 3, 3, 1, 0]


def test_commits_meanwhile_and_kills_lose_nothing(kept: Repo, tmp_path: Path) -> None:
    cli = cli_of(kept)
    young = format_time(utc_now())
    rows = [event(number, time=young).to_json() for number in range(40, 60)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.ok("feedback", "import", str(tmp_path / "rows.jsonl"))
    retaining = [cli.start("feedback", "retain", "--days", "1") for _ in range(2)]
    committing = cli.start("feedback", "commit")
    retaining[0].send_signal(signal.SIGKILL)
    for process in (*retaining, committing):
        process.communicate()
    assert [retaining[1].returncode, committing.returncode] == [0, 0]
    cli.ok("feedback", "retain", "--days", "1")
    cli.ok("feedback", "commit")
    events = committed(kept)
    assert [one.id for one in events] == sorted([*(one.id for one in EVENTS), *(row["id"] for row in rows)])
    assert without_texts(events) == [one.id for one in EVENTS]
    assert kept.status() == []
    kept.git("fsck", "--strict")


KILLED = """
import os, signal, sys
from promptvc.workflows import retain
setattr(retain, sys.argv[2], lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))
import promptvc
promptvc.open(sys.argv[1]).retain_feedback(days=1)
"""


def test_killed_before_or_after_the_commit_the_next_call_does_the_rest(kept: Repo, tmp_path: Path) -> None:
    row = event(5).to_json() | {"id": derived_ulid(START, b"spooled", 0)}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    cli_of(kept).ok("feedback", "import", str(tmp_path / "rows.jsonl"))
    before = kept.rev("HEAD")
    for moment, commits in (("git_commit", 0), ("maintain", 1)):
        command = [sys.executable, "-c", KILLED, str(kept.path), moment]
        assert subprocess.run(command, cwd=ROOT, env=kept.environ, check=False).returncode == -signal.SIGKILL
        assert kept.git("rev-list", "--count", f"{before}..HEAD").strip() == str(commits)
        assert [one.id for one in committed(kept)] == [one.id for one in EVENTS]
        assert kept.status() == []
    with opened(kept) as library:
        done = library.retain_feedback(days=1)
        assert (done.events, done.spooled, done.commit) == (0, 0, None)
        library.commit_feedback()
    assert len(without_texts(committed(kept))) == len(committed(kept)) == 21


def test_a_person_is_known_under_each_key(kept: Repo, tmp_path: Path) -> None:
    rows = [
        {"time": f"2026-04-0{day}T10:00:00Z", "stars": 3, "user": user}
        for day, user in ((1, "bob"), (2, "eve"))
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with opened(kept) as library:
        assert library.user_keys().to_json() == {"keys": [], "origin": None, "rotated": False}
        assert library.import_feedback(file, prompt=DESK).report.imported == 2
        first = library.user_keys()
        assert [(key.current, key.since) for key in first.keys] == [(True, format_time(NOW))]
        rotated = library.rotate_user_key()
        assert [key.id for key in rotated.keys[1:]] == [key.id for key in first.keys]
        assert [(key.current, key.linked) for key in rotated.keys] == [(True, False), (False, True)]
        again = library.import_feedback(file, prompt=DESK).report
        assert (again.imported, again.duplicates) == (0, 2), "the same file, under another key"
        said = library.add_feedback(DESK, stars=5, user="bob").ids
        events = library.events(DESK, spooled=True)
        people = People.of(events)
        (bob,) = (people.person(one.user) for one in events if one.id in said and one.user)
        assert [one.data["stars"] for one in events if one.user and people.person(one.user) == bob] == [3, 5]
        cut = library.rotate_user_key(cut=True)
        assert [key.linked for key in cut.keys] == [False, False, False]
        said = library.add_feedback(DESK, stars=5, user="bob").ids
        assert ["aka" in one.data for one in library.events(DESK, spooled=True) if one.id in said] == [False]
    with promptvc.open(kept.path, environ=kept.environ | {"PROMPTVC_USER_KEY": "k" * 20}) as library:
        assert library.user_keys().origin == "PROMPTVC_USER_KEY"
        with pytest.raises(Usage, match="promptvc does not write there"):
            library.rotate_user_key()


def test_the_commands_say_what_they_did(kept: Repo) -> None:
    cli = cli_of(kept)
    assert cli.json("feedback", "keys") == {"keys": [], "origin": None, "rotated": False}
    assert "the key is " in cli.ok("feedback", "keys", "rotate")
    assert cli.json("feedback", "keys")["keys"][0]["current"] is True
    assert "--cut is for" in cli.fails(2, "feedback", "keys", "--cut")
    assert "would take the texts out of 20 events" in cli.ok("feedback", "retain", "--days", "1", "--dry-run")
    assert "took the texts out of 20 events" in cli.ok("feedback", "retain", "--days", "1")
    assert "no event from before" in cli.ok("feedback", "retain", "--days", "1")
    assert cli.json("feedback", "retain")["commit"] is None
