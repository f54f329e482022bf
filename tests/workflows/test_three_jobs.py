"""A training in three jobs: one reserves its look, one trains without a right to write, one writes without a key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import utc_now
from promptvc.evidence.fields import document
from promptvc.workflows.delivering import deliver
from promptvc.workflows.project import open_project
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, desk_rows

LEDGER = "promptvc/ledger"
BRANCH = f"promptvc/{DESK}/v2"
RUN = "17.1"


class Jobs:
    """A bare remote and a clone for each job. The one that trains cannot push: its remote is not there for it."""

    def __init__(self, desk: Repo, folder: Path) -> None:
        self.remote = Repo(folder / "remote.git", desk.environ)
        desk.git("clone", "-q", "--bare", str(desk.path), str(self.remote.path))
        self.folder = folder
        self.reservation, self.parcels = folder / "reserved.json", folder / "parcels"

    def clone(self, name: str) -> Repo:
        path = self.folder / name
        self.remote.git("clone", "-q", str(self.remote.path), str(path))
        return Repo(path, self.remote.environ)

    def reserve(self, *arguments: str, run: str = RUN) -> dict[str, Any]:
        repo = self.clone(f"reserve-{len(list(self.folder.iterdir()))}")
        what = arguments or (DESK,)
        found: dict[str, Any] = cli_of(repo).json(
            "train", *what, "--reserve", str(self.reservation), "--run-id", run
        )
        return found

    def trainer(self) -> Cli:
        repo = self.clone(f"train-{len(list(self.folder.iterdir()))}")
        repo.git("remote", "set-url", "--push", "origin", str(self.folder / "nowhere.git"))
        return cli_of(repo)

    def train(self, *arguments: str, run: str = RUN) -> Any:
        where = ("--reserved", str(self.reservation), "--run-id", run, "--parcel", str(self.parcels))
        return self.trainer().json("train", *where, *arguments)

    def publish(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        repo = self.clone(f"publish-{len(list(self.folder.iterdir()))}")
        return cli_of(repo).json("publish", str(self.parcels), *arguments, codes=codes)

    def parcel(self) -> Path:
        (one,) = self.parcels.iterdir()
        return one

    def ledger(self) -> set[str]:
        return set(self.remote.git("ls-tree", "-r", "--name-only", LEDGER).splitlines())


@pytest.fixture
def jobs(desk: Repo, tmp_path: Path) -> Jobs:
    return Jobs(desk, tmp_path)


def test_what_three_jobs_make_is_what_one_makes(jobs: Jobs, desk: Repo) -> None:
    alone = cli_of(desk).json("train", DESK)
    reserved = jobs.reserve()
    (one,) = reserved["trainings"]
    assert {path for path in jobs.ledger() if path.startswith("looks/")} == {
        f"looks/{DESK}/{one['look']}.json"
    }
    (trained,) = jobs.train()
    assert (trained["candidate"], trained["branch"], trained["promoted"]) == (None, None, True)
    assert trained["look"] == 1
    assert trained["parcel"] == str(jobs.parcel())
    assert BRANCH not in jobs.remote.git("for-each-ref", "--format=%(refname:short)").split()
    (published,) = jobs.publish("--reserved", str(jobs.reservation))
    assert (published["version"], published["branch"], published["promoted"]) == (2, BRANCH, True)
    assert jobs.remote.show(f"{BRANCH}:{DESK_FILE}") == desk.show(f"{BRANCH}:{DESK_FILE}")
    assert alone["score"] == trained["score"]
    record = json.loads(jobs.remote.show(f"{LEDGER}:trainings/{DESK}/{one['id']}.json"))
    assert record["candidate"]["version"] == 2
    assert (record["look_key"], record["look"], record["branch"]) == (one["look"], 1, BRANCH)
    evidence = json.loads(jobs.remote.show(f"{BRANCH}:evaluation/evidence/{DESK}/{one['id']}.json"))
    assert evidence["candidate"] == record["candidate"]
    assert evidence["provisional"] is False
    check = jobs.clone("check")
    check.git("checkout", "-q", BRANCH)
    assert cli_of(check)("check").code == 0
    assert cli_of(check)("verify", f"{DESK}@v2").code == 0


def test_publishing_twice_does_nothing_the_second_time(jobs: Jobs) -> None:
    jobs.reserve()
    jobs.train()
    (first,) = jobs.publish()
    before = jobs.remote.git("for-each-ref")
    (second,) = jobs.publish()
    assert (first["again"], second["again"]) == (False, True)
    assert (second["version"], second["branch"], second["commit"]) == (2, BRANCH, first["commit"])
    assert jobs.remote.git("for-each-ref") == before


def test_a_look_that_was_not_used_is_given_back(jobs: Jobs) -> None:
    writer = jobs.clone("writer")
    writer.commit({"promptvc.yaml": "training: {min_gain: 1}\n"}, "Ask for the impossible")
    writer.git("push", "-q", "origin", "main")
    jobs.reserve()
    (trained,) = jobs.train()
    assert (trained["look"], trained["promoted"]) == (None, False)
    assert jobs.publish()[0]["version"] is None
    writer.commit({"promptvc.yaml": None}, "Ask for what is usual")
    writer.git("push", "-q", "origin", "main")
    assert cli_of(jobs.clone("next")).json("train", DESK)["look"] == 1


def test_a_training_that_never_came_back_has_spent_its_look(jobs: Jobs) -> None:
    jobs.reserve()
    assert cli_of(jobs.clone("next")).json("train", DESK)["look"] == 2


def test_a_training_that_fails_leaves_a_parcel_that_says_so(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    jobs.reserve()
    with monkeypatch.context() as broken:
        broken.setattr("promptvc.workflows.improve.find_candidate", fail)
        with pytest.raises(MemoryError):
            jobs.train()
    (published,) = jobs.publish()
    assert published["reason"].startswith("failed")
    assert cli_of(jobs.clone("next")).json("train", DESK)["look"] == 1


def test_a_second_attempt_needs_a_reservation_of_its_own(jobs: Jobs) -> None:
    jobs.reserve()
    where = ("--reserved", str(jobs.reservation), "--parcel", str(jobs.parcels))
    said = jobs.trainer().fails(2, "train", *where, "--run-id", "17.2")
    assert "17.2" in said
    jobs.train()
    jobs.publish()
    error = jobs.trainer().json("train", *where, "--run-id", RUN, codes=(3,))[0]["error"]
    assert "ended already" in error["message"] or "reserved" in error["message"]


def test_a_number_that_was_taken_meanwhile_is_not_taken_again(jobs: Jobs) -> None:
    jobs.reserve()
    jobs.train("--max-examples", "4")
    other = jobs.clone("other")
    assert cli_of(other).json("train", DESK, "--max-examples", "3", "--push")["candidate"] == 2
    (published,) = jobs.publish()
    assert published["version"] == 3
    evidence = json.loads(
        jobs.remote.show(f"promptvc/{DESK}/v3:evaluation/evidence/{DESK}/{published['training']}.json")
    )
    assert evidence["candidate"]["version"] == 3


def test_nothing_is_reserved_where_nothing_is_due(jobs: Jobs, desk: Repo) -> None:
    assert [one["trigger"] for one in jobs.reserve("--due")["trainings"]] == ["volume"]
    jobs.train()
    jobs.publish()
    assert jobs.reserve("--due")["trainings"] == []
    assert jobs.train() == []


def test_feedback_that_arrives_while_a_training_runs_is_learned_from_next(jobs: Jobs, tmp_path: Path) -> None:
    jobs.reserve("--due")
    writer = jobs.clone("writer")
    rows = tmp_path / "more.jsonl"
    rows.write_text(desk_rows(20, salt="later"))
    cli_of(writer).ok("feedback", "import", str(rows))
    cli_of(writer).ok("feedback", "commit")
    writer.git("push", "-q", "origin", "main")
    jobs.train()
    assert jobs.publish()[0]["version"] == 2
    settings = jobs.clone("settings")
    settings.commit({"promptvc.yaml": "training: {triggers: {hours: 0}}\n"}, "Train at once")
    settings.git("push", "-q", "origin", "main")
    (again,) = jobs.reserve("--due")["trainings"]
    assert again["trigger"] == "volume"


def forged(jobs: Jobs, change: Callable[[dict[str, Any]], None]) -> str:
    """The error with which a parcel that was tampered with is refused; nothing but the ledger's looks is there."""
    jobs.reserve()
    jobs.train()
    before = jobs.remote.git("for-each-ref")
    value = json.loads(jobs.parcel().read_bytes())
    change(value)
    jobs.parcel().write_bytes(document(value))
    (published,) = jobs.publish(codes=(1, 2))
    assert jobs.remote.git("for-each-ref") == before
    assert (published["version"], published["commit"]) == (None, None)
    message = published["error"]["message"]
    assert isinstance(message, str)
    return message


def _text(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        from promptvc.git.objects import blob_id

        text = value["offer"]["text"]
        assert old in text
        value["offer"]["text"] = text.replace(old, new, 1)
        digest = blob_id(value["offer"]["text"].encode(), "sha1")
        value["offer"]["evidence"]["candidate"]["digest"] = digest

    return change


def _set(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_text("version: 1", "version: 1\nmodel: openai:expensive"), "model"),
        (_text("version: 1", "version: 7"), "version"),
        (_text("version: 1", "version: 1\nzz: 1"), "zz"),
        (_text("version: 1", "# promptvc: ignore[secret] mine\nversion: 1"), "a comment"),
        (_text("version: 1", "version: 1  # promptvc: ignore[secret]"), "a comment"),
        (_set("offer", "evidence", "score", "difference", to=0.99), "contradicts itself"),
        (_text("name: desk/route", "name: other"), "other"),
        (_set("offer", "files", to={".github/workflows/x.yml": "on: push\n"}), "file that no training makes"),
        (_set("offer", "files", to={"../x": ""}), "file that no training makes"),
        (_set("offer", "evidence", "prompt", to="other"), "something else"),
        (_set("offer", "evidence", "verdict", to="inconclusive"), "contradicts itself"),
        (_set("training", "verdict", to="inconclusive"), "contradicts itself"),
        (_set("training", "prompt", to="../../etc/passwd"), "cannot name a prompt"),
        (_set("training", "main", to="0" * 40), "does not have"),
        (_set("training", "main", to="--output=/tmp/x"), "does not have"),
        (_set("training", "look_key", to="0" * 32), "no look was reserved"),
        (_set("training", "look_key", to=None), "took no look"),
        (_set("training", "look", to=0), "another one than it is"),
        (_set("training", "look", to=2), "another level"),
        (_set("training", "epoch", to=2), "another one than it is"),
        (_set("training", "alpha", to=0.05), "another level"),
        (_set("offer", "evidence", "alpha", to=0.05), "contradicts itself"),
        (_set("offer", "evidence", "p", to=0.5), "contradicts itself"),
        (_set("offer", "evidence", "p", to=None), "contradicts itself"),
        (_set("offer", "evidence", "recommendation", to="hold"), "contradicts itself"),
        (_set("training", "branch", to="main"), "names a candidate"),
        (_set("training", "baseline", "digest", to="0" * 40), "version"),
    ],
)
def test_a_parcel_brings_a_candidate_and_nothing_else(
    jobs: Jobs, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    assert said in forged(jobs, change)


def test_a_parcel_that_nobody_asked_for_is_refused(jobs: Jobs) -> None:
    jobs.reserve()
    jobs.train()
    jobs.reserve(run="18.1")
    (published,) = jobs.publish("--reserved", str(jobs.reservation), codes=(1,))
    assert "not reserved by this run" in published["error"]["message"]


def test_a_parcel_is_no_link(jobs: Jobs, tmp_path: Path) -> None:
    jobs.reserve()
    jobs.train()
    moved = tmp_path / "moved.json"
    jobs.parcel().rename(moved)
    (jobs.parcels / "x.parcel.json").symlink_to(moved)
    assert "plain file" in cli_of(jobs.clone("last")).fails(2, "publish", str(jobs.parcels))


def test_a_candidate_does_not_undo_what_main_learned_meanwhile(jobs: Jobs) -> None:
    """Its branch begins where its baseline stood, so that merging it is a merge, not a step back."""
    jobs.reserve()
    jobs.train()
    person = jobs.clone("person")
    text = person.read(DESK_FILE).decode().replace("version: 1", "version: 2") + "description: mine\n"
    person.commit({DESK_FILE: text}, "Edit")
    person.git("push", "-q", "origin", "main")
    (published,) = jobs.publish()
    assert published["version"] == 3
    assert not jobs.remote.repository().is_ancestor(
        jobs.remote.rev("main"), jobs.remote.rev(published["branch"])
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--reserve", "f"),
        ("--reserve", "f", "--run-id", "1"),
        (DESK, "--reserve", "f", "--run-id", "1", "--reserved", "f"),
        (DESK, "--reserve", "f", "--run-id", "1", "--dry-run"),
        (DESK, "--reserve", "f", "--run-id", "1", "--pr"),
        ("--status", "--reserve", "f", "--run-id", "1"),
        ("--reserved", "f", "--run-id", "1"),
        ("--reserved", "f", "--parcel", "d"),
        (DESK, "--reserved", "f", "--run-id", "1", "--parcel", "d"),
        ("--reserved", "f", "--run-id", "1", "--parcel", "d", "--models", "offline"),
        ("--reserved", "f", "--run-id", "1", "--parcel", "d"),
        (DESK, "--parcel", "d"),
        (DESK, "--run-id", "1"),
    ],
)
def test_options_that_do_not_go_together_are_refused(desk: Repo, arguments: tuple[str, ...]) -> None:
    before = desk.git("for-each-ref")
    cli_of(desk).fails(2, "train", *arguments)
    assert desk.git("for-each-ref") == before


def test_delivering_takes_the_baseline_from_the_commit_that_was_read(desk: Repo, jobs: Jobs) -> None:
    from promptvc.base.errors import NotFound
    from promptvc.training.parcels import parse_parcel

    jobs.reserve()
    jobs.train()
    parcel = parse_parcel(jobs.parcel().read_bytes(), file="p")
    desk.commit({"README": "x"})
    with open_project(desk.path, environ=desk.environ, clock=utc_now) as project:
        assert deliver(project, parcel, push=False).made is not None
    small = Repo.create(jobs.folder / "empty", desk.environ)
    small.commit({"prompts/a.yaml": "x"})
    with open_project(small.path, environ=desk.environ, clock=utc_now) as project, pytest.raises(NotFound):
        deliver(project, parcel, push=False)
