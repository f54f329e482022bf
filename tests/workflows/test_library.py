"""The library: what the commands do, as methods with typed values."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

import promptvc
from promptvc.base.errors import NotFound, Refused
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_files, desk_rows

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_loop_as_methods(repo: Repo, tmp_path: Path) -> None:
    repo.commit(desk_files())
    rows = tmp_path / "rows.jsonl"
    rows.write_text(desk_rows())
    with promptvc.open(repo.path, environ=repo.environ, clock=lambda: NOW) as library:
        assert [one.name for one in library.list()] == [DESK]
        assert library.deploy(DESK).version == 1
        assert library.import_feedback(rows).report.imported == 60
        added = library.add_feedback(DESK, stars=4, tags=("a",))
        assert len(added.ids) == 1
        assert len(library.events(DESK)) == 0
        assert len(library.events(DESK, spooled=True)) == 61
        assert library.commit_feedback().events == 61
        assert library.commit_feedback().events == 0
        assert len(library.events(DESK, kind="rating")) == 1
        assert library.feedback_summary()["total"] == 61
        dry = library.train(DESK, days=99, dry_run=True)
        assert (dry.candidate, dry.comparison) == (None, None)
        trained = library.train(DESK, days=99)
        assert trained.promoted
        assert trained.comparison is not None
        assert trained.comparison.score is not None
        assert trained.comparison.score.n == 45
        assert trained.branch == f"promptvc/{DESK}/v2"
        assert len(library.trainings(DESK)) == 1
        assert {change.kind for change in library.diff(f"{DESK}@v1", "@v2").changes} == {"added", "changed"}
        repo.git("merge", "-q", trained.branch)
        assert [one.version for one in library.log(DESK)] == [2, 1]
        assert library.evaluate(DESK).good
        assert library.deploy(DESK).previous == 1
        back = library.rollback(DESK, reason="complaints")
        assert (back.version, back.previous) == (1, 2)
        with pytest.raises(Refused, match="held"):
            library.deploy(DESK)
        (standing,) = library.status()
        assert (standing.version, standing.held, standing.intact) == (1, (2,), True)
        assert library.check().problems == ()
        assert library.export(tmp_path / "out") == (f"{DESK}.yaml",)
        assert library.export(tmp_path / "live", "production") == (f"{DESK}.yaml",)
        assert (tmp_path / "live" / f"{DESK}.yaml").read_text() == DESK_PROMPT


def test_what_moved_meanwhile_is_seen(desk: Repo) -> None:
    with promptvc.open(desk.path, environ=desk.environ) as library:
        assert library.show(f"{DESK}@latest").version.version == 1
        for number in (2, 3):
            desk.write({DESK_FILE: DESK_PROMPT.replace("one label", f"{number} labels")})
            assert library.commit(DESK, "Edit", renumber=True).version == number
            assert library.show(f"{DESK}@latest").version.version == number
        assert [one.version for one in library.log(DESK)] == [3, 2, 1]
        desk.git("reset", "-q", "--hard", "HEAD~1")
        assert [one.version for one in library.log(DESK)] == [2, 1]
        desk.git("checkout", "-q", "-b", "side", "HEAD~1")
        assert library.show(f"{DESK}@HEAD").version.version == 1


def test_new_and_show(desk: Repo) -> None:
    with promptvc.open(desk.path, environ=desk.environ) as library:
        assert library.new("desk/more", type="system").created == ("prompts/desk/more.yaml",)
        shown = library.show("desk/more", {"input": "hello"})
        assert shown.messages is not None
        assert shown.messages[-1] == {"role": "user", "content": "hello"}
        assert shown.prompt.type == "system"
        with pytest.raises(NotFound, match="no prompt desk/mor") as caught:
            library.show("desk/mor")
        assert caught.value.hint == "did you mean desk/more?"
        assert caught.value.exit_code == 2


def test_init_and_open(repo: Repo) -> None:
    with pytest.raises(NotFound, match="no prompts"):
        promptvc.open(repo.path, environ=repo.environ)
    assert promptvc.Library.init(repo.path, environ=repo.environ)
    assert promptvc.Library.init(repo.path, environ=repo.environ) == ()
    with promptvc.open(str(repo.path / "prompts"), environ=repo.environ) as library:
        assert library.list() == ()


def test_it_says_what_the_commands_say(shipped: Repo) -> None:
    cli = cli_of(shipped)
    with promptvc.open(shipped.path, environ=shipped.environ) as library:
        assert [one.to_json() for one in library.list()] == cli.json("list")
        assert [one.to_json() for one in library.log(DESK)] == cli.json("log", DESK)
        assert [one.to_json() for one in library.status()] == cli.json("status")
        assert library.show(DESK).to_json() == cli.json("show", DESK)
        assert library.diff(f"{DESK}@v1", "@v2").to_json() == cli.json("diff", f"{DESK}@v1", "@v2")
        assert [event.to_json() for event in library.events()] == cli.json("feedback", "list")
        assert library.feedback_summary() == cli.json("feedback", "summary")
        assert library.trainings(DESK) == cli.json("train", DESK, "--history")


def test_several_may_be_open_at_once_each_in_its_thread(desk: Repo) -> None:
    failures: list[BaseException] = []

    def work(tag: str) -> None:
        try:
            with promptvc.open(desk.path, environ=desk.environ) as library:
                for _ in range(5):
                    library.add_feedback(DESK, stars=5, tags=(tag,))
                    library.commit_feedback()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"t{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with promptvc.open(desk.path, environ=desk.environ) as library:
        assert len(library.events(DESK, kind="rating")) == 20
        assert library.check().problems == ()
