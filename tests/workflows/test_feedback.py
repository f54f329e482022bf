"""Feedback as a user gives it: imported, recorded on broken prompts, committed, listed; and as methods."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import promptvc
from promptvc.base.errors import InvalidDocument, NotFound, Usage
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, desk_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ULID = "01JD3M8Z6VQW4N9T2X5KAB7CDE"
BROKEN = "<<<<<<< HEAD\nname: desk/route\n=======\nname: [desk\n>>>>>>> side\n"


@pytest.fixture
def cli(repo: Repo) -> Cli:
    repo.commit(desk_files())
    return cli_of(repo)


def spool(repo: Repo) -> Path:
    return repo.path / ".git" / "promptvc" / "spool" / "current.jsonl"


def test_methods(repo: Repo, tmp_path: Path) -> None:
    repo.commit(desk_files())
    rows = tmp_path / "rows.csv"
    rows.write_text("id,Sterne,Colour\n1,4,red\n2,9,red\n")
    with promptvc.open(repo.path, environ=repo.environ, clock=lambda: NOW) as library:
        added = library.add_feedback(DESK, input="{broken", corrected="alpha", comment="ada@example.org")
        assert (len(added.ids), added.redacted) == (1, {"email": 1})
        assert len(added.remarks) == 1
        with pytest.raises(Usage):
            library.add_feedback(DESK, input="a")
        with pytest.raises(NotFound):
            library.add_feedback("desk/rout", stars=1)
        with pytest.raises(Usage, match="no key of an event"):
            library.import_feedback(rows, prompt=DESK, columns={"Sterne": "star"})
        refused = library.import_feedback(rows, prompt=DESK, columns={"Sterne": "stars"})
        assert not refused.accepted
        assert [bad.line for bad in refused.report.rejected] == [3]
        done = library.import_feedback(rows, prompt=DESK, columns={"Sterne": "stars"}, skip_bad=True)
        assert (done.accepted, done.report.imported, done.report.extra) == (True, 1, ("Colour",))
        again = library.import_feedback(rows, prompt=DESK, columns={"Sterne": "stars"}, skip_bad=True)
        assert (again.report.imported, again.report.duplicates) == (0, 1)
        assert library.feedback_summary(DESK)["by_kind"] == {"correction": 1, "rating": 1}
        before = repo.rev("HEAD")
        sealed = library.commit_feedback()
        assert (sealed.events, sealed.torn, sealed.remarks, sealed.branch) == (2, 0, (), "main")
        assert sealed.commit == repo.rev("HEAD") != before
        assert sorted(repo.git("diff", "--name-only", before).splitlines()) == list(sealed.segments)
        assert library.commit_feedback().commit is None
        assert library.feedback_summary()["total"] == len(library.events()) == 2


def test_import_groups_bad_lines_and_names_extra_columns(cli: Cli, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    lines = [{"stars": 4, "Colour": "red"}] * 12
    lines[0] = lines[6] = {"stars": 4, "prompt": DESK}
    rows.write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"prompt": DESK, "stars": 9}]))
    done = cli("feedback", "import", str(rows))
    assert done.code == 2
    assert done.out.splitlines()[:2] == [
        "lines 2-6, 8-12 (10 lines): no prompt; pass --prompt NAME or --map COLUMN=prompt",
        "line 13: 'stars' must be a number from 1 to 5",
    ]
    assert len(cli.json("feedback", "import", str(rows), codes=(2,))["rejected"]) == 11
    done = cli("feedback", "import", str(rows), "--prompt", DESK, "--skip-bad")
    assert "kept as extra columns: Colour; --map COLUMN= leaves one out" in done.err
    assert cli.json("feedback", "list", "--spooled")[-1]["Colour"] == "red"


def test_a_column_can_be_left_out(cli: Cli, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("stars,Colour\n4,red\n")
    assert cli.json("feedback", "import", str(rows), "--prompt", DESK, "--map", "Colour=")["extra"] == []
    (event,) = cli.json("feedback", "list", "--spooled")
    assert "Colour" not in event


def test_a_map_to_what_is_no_key(cli: Cli, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("stars,E-Mail Text\n4,hello\n")
    error = cli.fails(2, "feedback", "import", str(rows), "--prompt", DESK, "--map", "E-Mail Text=inptu")
    assert "'inptu'" in error
    assert "did you mean input?" in error
    assert cli.json("feedback", "list", "--spooled") == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_known_id_with_other_content_is_refused(cli: Cli, tmp_path: Path, committed: bool) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"id": ULID, "time": "2026-01-02", "prompt": DESK, "stars": 4}
    rows.write_text(json.dumps(row) + "\n")
    cli.ok("feedback", "import", str(rows))
    if committed:
        cli.ok("feedback", "commit")
    assert cli.json("feedback", "import", str(rows))["duplicates"] == 1
    rows.write_text(json.dumps(row | {"stars": 1}) + "\n")
    report = cli.json("feedback", "import", str(rows), codes=(2,))
    assert [bad["reason"] for bad in report["rejected"]] == [f"the id {ULID} is known with other content"]


def test_torn_lines_and_conflicts_are_reported_by_commit(cli: Cli, repo: Repo) -> None:
    cli.ok("feedback", "add", DESK, "--stars", "4")
    line = spool(repo).read_bytes()
    with spool(repo).open("ab") as stream:
        stream.write(line.replace(b'"stars":4', b'"stars":5') + b'{"id": "torn\n')
    done = cli("feedback", "commit")
    assert (done.code, done.out.splitlines()[0][:11]) == (0, "committed 1")
    assert "1 line of the spool could not be read as events, set aside in" in done.err
    assert "was spooled with two contents" in done.err
    spool(repo).write_bytes(b"torn\nlines\n")
    assert cli.json("feedback", "commit") == {
        "events": 0, "segments": [], "commit": None, "branch": None, "torn": 2
    }  # fmt: skip


@pytest.mark.parametrize("command", ["list", "summary"])
def test_committed_lines_that_cannot_be_read_are_counted(cli: Cli, repo: Repo, command: str) -> None:
    cli.ok("feedback", "add", DESK, "--stars", "4")
    cli.ok("feedback", "commit")
    assert "could not be read" not in cli("feedback", command).err
    repo.commit({f"feedback/{DESK}/2026/01/{ULID}.jsonl": "{}\nx\n"})
    assert cli("feedback", command).err.startswith("2 committed lines could not be read as events")
    assert "2 committed lines" in cli("feedback", command, "--json").err


def test_feedback_on_a_broken_file_is_on_mains_latest(cli: Cli, repo: Repo) -> None:
    repo.write({DESK_FILE: BROKEN})
    done = cli("feedback", "add", DESK, "--stars", "4")
    assert done.code == 0
    assert "recorded on v1, the latest on main: prompts/desk/route.yaml" in done.err
    repo.write({DESK_FILE: None})
    assert cli.json("feedback", "summary", DESK)["total"] == 1
    assert cli.json("feedback", "list", DESK) == []
    done = cli("feedback", "add", DESK, "--stars", "4")
    assert "prompts/desk/route.yaml is not in the working tree" in done.err
    events = cli.json("feedback", "list", "--spooled")
    assert [(e["version"], e["digest"]) for e in events] == [(1, repo.rev(f"main:{DESK_FILE}"))] * 2
    assert "did you mean desk/route?" in cli.fails(2, "feedback", "add", "desk/rute", "--stars", "4")


def test_a_prompt_that_only_main_has_can_be_imported_to(cli: Cli, repo: Repo, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("stars\n4\n")
    repo.write({DESK_FILE: None})
    assert cli.json("feedback", "import", str(rows), "--prompt", DESK)["imported"] == 1
    assert "did you mean" in cli.fails(2, "feedback", "import", str(rows), "--prompt", "desk/rute")


def test_feedback_on_a_file_that_was_never_whole(cli: Cli, repo: Repo) -> None:
    repo.write({"prompts/desk/new.yaml": BROKEN})
    done = cli("feedback", "add", "desk/new", "--stars", "4")
    assert "recorded without a version: prompts/desk/new.yaml" in done.err
    (event,) = cli.json("feedback", "list", "--spooled")
    assert "version" not in event
    assert event["digest"] == repo.git("hash-object", "prompts/desk/new.yaml")
    repo.commit({DESK_FILE: BROKEN})
    repo.write({DESK_FILE: None})
    assert "recorded without a version" in cli("feedback", "add", DESK, "--stars", "4").err
    (event,) = cli.json("feedback", "list", DESK, "--spooled")
    assert event["digest"] == repo.rev(f"main:{DESK_FILE}")
    with (
        promptvc.open(repo.path, environ=repo.environ) as library,
        pytest.raises((NotFound, InvalidDocument)),
    ):
        library.add_feedback(f"{DESK}@latest", stars=4)


def test_a_reviewer_reaches_git_as_a_pseudonym(cli: Cli, repo: Repo, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"target": ULID, "prompt": DESK, "approved": True, "reviewer": "Bob Miller", "user": "Bob Miller"}
    rows.write_text(json.dumps(row) + "\n")
    cli.ok("feedback", "import", str(rows))
    (segment,) = cli.json("feedback", "commit")["segments"]
    event = json.loads(repo.show(f"HEAD:{segment}"))
    assert event["reviewer"] == event["user"]
    assert event["reviewer"].startswith("u-")


def test_without_a_command_its_help(cli: Cli) -> None:
    done = cli("feedback")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: promptvc feedback [OPTIONS] [COMMAND]")
    assert "summary" in done.out


def test_a_broken_object_is_taken_as_text(cli: Cli) -> None:
    done = cli("feedback", "add", DESK, "--stars", "4", "--input", '{"question": "why"')
    assert "taken as text" in done.err
    assert cli("feedback", "add", DESK, "--stars", "4", "--input", '{"question": "why"}').err == ""
    events = cli.json("feedback", "list", "--spooled")
    assert sorted(map(type, (e["input"] for e in events)), key=str) == [dict, str]


def test_a_list_of_nothing_committed_says_what_is_spooled(cli: Cli) -> None:
    assert cli("feedback", "list").err == ""
    cli.ok("feedback", "add", DESK, "--stars", "4")
    assert cli("feedback", "list").err == "1 event is spooled: --spooled shows it\n"
    cli.ok("feedback", "add", DESK, "--stars", "4")
    assert cli("feedback", "list", DESK).err == "2 events are spooled: --spooled shows them\n"
    assert cli("feedback", "list", "--kind", "error").err == ""
    assert cli("feedback", "list", "--spooled").err == ""
    cli.ok("feedback", "commit")
    assert cli("feedback", "list").err == ""


def test_a_kind_that_there_is_not(cli: Cli) -> None:
    error = cli.fails(2, "feedback", "list", "--kind", "ratng")
    assert "there is no kind of event 'ratng'" in error
    assert "did you mean rating?" in error
    assert "the kinds are: rating, " in cli.fails(2, "feedback", "list", "--kind", "zzz")
