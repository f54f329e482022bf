"""`train --due`, `--status` and `--watch`: what needs training, by what git says."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import format_time, utc_now
from promptvc.base.files import FileLock
from promptvc.base.ids import new_ulid
from promptvc.training.trained import Trained, TrainRequest
from promptvc.workflows import improve
from promptvc.workflows.due import train_due
from promptvc.workflows.project import open_project
from tests.builders import Repo
from tests.cli.test_process import Slow
from tests.commands import Cli, cli_of
from tests.servers import Server, failure
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, copy_of, corrections, desk_rows, desk_suite

OTHER = "desk/other"
ANY_TIME = "evaluation: {success: 0.5}\ntraining: {triggers: {hours: 0}}\n"


def add(repo: Repo, rows: list[dict[str, object]]) -> None:
    """Commit these events."""
    place = repo.path.parent / "more.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(place))
    cli.ok("feedback", "commit")


def with_other(repo: Repo, **files: str) -> None:
    """A second prompt with the same feedback as the first, of another model, and files of the test's own."""
    text = DESK_PROMPT.replace(DESK, OTHER).replace("model: offline", "model: openai:test-model")
    suite = desk_suite()
    repo.commit({f"prompts/{OTHER}.yaml": text, f"evaluation/{OTHER}.yaml": suite, **files}, "Another")
    rows = [json.loads(line) for line in desk_rows().splitlines()]
    add(repo, [{**row, "prompt": OTHER} for row in rows])


def standing(cli: Cli, name: str = DESK) -> dict[str, Any]:
    (row,) = cli.json("train", "--status", name)
    assert isinstance(row, dict)
    return row


def test_the_status_says_why_and_why_not(desk: Repo) -> None:
    desk.commit({"prompts/quiet.yaml": DESK_PROMPT.replace(DESK, "quiet")}, "Quiet")
    cli = cli_of(desk)
    due, quiet = cli.json("train", "--status")
    assert (due["name"], due["due"], due["trigger"], due["last"]) == (DESK, True, "volume", None)
    assert due["reasons"] == ["60 new events, 50 are enough"]
    assert due["new"]["events"] == 60
    assert (quiet["name"], quiet["due"], quiet["trigger"]) == ("quiet", False, None)
    assert quiet["reasons"] == ["no new events"]
    table = cli.ok("train", "--status", PROMPTVC_FORCE_TTY="120")
    assert "desk/route  volume  60" in table
    assert cli.json("train", "--status", "quiet") == [quiet]
    assert f"did you mean {DESK}?" in cli.fails(2, "train", "--status", "desk/rout")


def test_what_is_due_is_trained_once(desk: Repo) -> None:
    cli = cli_of(desk)
    main, status = desk.rev("main"), desk.status()
    done = cli.json("train", "--due")
    (trained,) = done["trained"]
    assert (trained["name"], trained["trigger"], trained["candidate"]) == (DESK, "volume", 2)
    assert (done["failed"], done["not_due"], done["deployed"]) == ([], [], [])
    assert (desk.rev("main"), desk.status()) == (main, status)
    again = cli.json("train", "--due")
    assert again["trained"] == []
    assert again["not_due"][0]["reasons"] == ["no new events"]
    assert again["not_due"][0]["last"]["id"] == cli.json("train", DESK, "--history")[0]["id"]
    assert f"{DESK} is not due: no new events" in cli.ok("train", "--due")


def test_at_most_once_a_day_unless_asked(trained: Repo) -> None:
    add(trained, corrections("alpha", 50, salt="more"))
    cli = cli_of(trained)
    row = standing(cli)
    assert (row["due"], row["new"]["events"]) == (False, 50)
    assert "at most once in 24 h: not before" in row["reasons"][0]
    assert cli.json("train", "--due")["trained"] == []
    assert cli.json("train", DESK)["name"] == DESK
    trained.commit({"promptvc.yaml": ANY_TIME})
    add(trained, corrections("beta", 50, salt="yet more"))
    assert standing(cli)["trigger"] == "volume"


def test_events_of_a_branch_that_is_merged_late_are_new(trained: Repo) -> None:
    """All are older than the training, by their ids and by their times."""
    trained.commit({"promptvc.yaml": ANY_TIME})
    assert standing(cli_of(trained))["new"]["events"] == 0
    add(trained, corrections("alpha", 12, salt="late"))
    assert standing(cli_of(trained))["new"]["events"] == 12
    cli_of(trained).ok("train", DESK)
    assert standing(cli_of(trained))["new"]["events"] == 0


def test_a_clone_without_the_commit_goes_by_time_and_says_so(trained: Repo, tmp_path: Path) -> None:
    trained.commit({"promptvc.yaml": ANY_TIME})
    add(trained, corrections("alpha", 12, salt="late"))
    soon = utc_now() + timedelta(hours=1)
    now = {"id": new_ulid(soon), "time": format_time(soon)}
    add(trained, [{**corrections("beta", 1, salt="later")[0], **now}])
    shallow = tmp_path / "shallow"
    trained.git("clone", "-q", "--depth", "1", f"file://{trained.path}", str(shallow))
    clone = Repo(shallow, dict(trained.environ))
    clone.git("fetch", "-q", "--depth", "1", "origin", "promptvc/ledger:promptvc/ledger")
    row = standing(cli_of(clone))
    assert row["new"]["events"] == 1
    assert "is not in this clone: new is what came after" in row["reasons"][-1]


def test_three_suggestions_are_enough_where_much_was_said_before(trained: Repo) -> None:
    trained.commit({"promptvc.yaml": ANY_TIME})
    said = {"time": "2026-01-28T12:00:00Z", "prompt": DESK, "kind": "suggestion", "source": "human"}
    add(trained, [{**said, "comment": f"be brief, {at}"} for at in range(2)])
    assert standing(cli_of(trained))["due"] is False
    add(trained, [{**said, "comment": "be kind"}])
    row = standing(cli_of(trained))
    assert (row["trigger"], row["new"]["events"]) == ("suggestions", 3)


def test_an_event_of_a_wrong_clock_hides_no_others(desk: Repo) -> None:
    late = {"time": "2108-01-01T00:00:00Z", "prompt": DESK, "kind": "success", "source": "human"}
    event = {**late, "id": "43S2XKR000T6SPXV40WNF7PWTN"}  # an import would refuse it
    desk.commit({f"feedback/{DESK}/2108/01/{event['id']}.jsonl": json.dumps(event) + "\n"}, "Late")
    row = standing(cli_of(desk))
    assert (row["trigger"], row["new"]["events"]) == ("volume", 60)


def test_what_a_person_rejected_makes_nothing_due(desk: Repo) -> None:
    events = cli_of(desk).json("feedback", "list", DESK, "--limit", "1000")
    note = {"time": "2026-01-28T12:00:00Z", "prompt": DESK, "kind": "annotation", "source": "human"}
    add(desk, [{**note, "target": one["id"], "approved": False} for one in events[:55]])
    row = standing(cli_of(desk))
    assert (row["due"], row["new"]["events"]) == (False, 5)


def test_one_that_fails_does_not_keep_the_others(desk: Repo) -> None:
    with_other(desk, **{"promptvc.yaml": ANY_TIME})
    cli = cli_of(desk)
    with Server(lambda _: failure(401, "no such key")) as server:
        done = cli.json("train", "--due", codes=(3,), more=server.environ())
        (bad,) = done["failed"]
        assert (bad["name"], bad["trigger"], bad["error"]["kind"]) == (OTHER, "volume", "provider")
        assert [one["name"] for one in done["trained"]] == [DESK]
        assert standing(cli, OTHER)["trigger"] == "volume"  # what a failed training read stays new
        said = cli("train", "--due", **server.environ())
    assert said.code == 3
    assert f"failed {OTHER}: " in said.out
    assert f"{DESK} is not due" in said.out


def test_one_that_fails_is_called_so_and_locks_nothing(desk: Repo) -> None:
    with_other(desk)
    cli = cli_of(desk)
    with Server(lambda _: failure(401, "no such key")) as server:
        for _ in range(2):  # 24 hours lie between two trainings, and a failed one is none
            done = cli.json("train", "--due", OTHER, codes=(3,), more=server.environ())
            assert [one["name"] for one in done["failed"]] == [OTHER]
    assert standing(cli, OTHER)["last"]["reason"].startswith("failed: ")
    assert f"\tfailed at {utc_now():%Y-}" in cli.ok("train", "--status", OTHER)
    cli.ok("train", DESK)
    assert f"\t{utc_now():%Y-}" in cli.ok("train", "--status", DESK)


def test_one_that_could_not_start_leaves_the_events_new(desk: Repo) -> None:
    """Too little can be asked: no answer was asked for, and none was paid."""
    desk.commit({"prompts/quiet.yaml": DESK_PROMPT.replace(DESK, "quiet")}, "Quiet")
    said: dict[str, object] = {"time": "2026-01-28T12:00:00Z", "kind": "suggestion", "source": "human"}
    rows = [*corrections("alpha", 4), *({**said, "comment": f"be brief, {at}"} for at in range(50))]
    add(desk, [{**row, "prompt": "quiet"} for row in rows])
    cli = cli_of(desk)
    before = standing(cli, "quiet")
    done = cli.json("train", "quiet")
    assert done["calls"] == 0
    assert "at least 10 are needed" in done["reason"]
    row = standing(cli, "quiet")
    assert (row["due"], row["new"]) == (False, before["new"])
    assert row["reasons"] == ["the last training could ask nothing, and main is as it was then"]
    assert row["last"]["reason"] == done["reason"]
    assert "\tasked nothing at " in cli.ok("train", "--status", "quiet")
    add(desk, [{**said, "prompt": "quiet", "comment": "be very brief"}])
    row = standing(cli, "quiet")
    assert (row["due"], row["trigger"]) == (True, "suggestions")


def test_with_a_training_for_each_model_each_is_named(desk: Repo) -> None:
    desk.commit({"promptvc.yaml": ANY_TIME})
    each = ("--due", "--models", "offline,openai:test-model", "--each")
    done = cli_of(desk)("train", *each)
    assert done.code == 3
    assert f"{DESK} for offline was due, by volume:" in done.out
    assert f"failed {DESK} for openai:test-model: no API key" in done.out
    add(desk, corrections("alpha", 50, salt="more"))
    told = cli_of(desk)("train", *each, "--json").json
    assert [one["models"] for one in told["trained"]] == [["offline"]]
    assert [(one["name"], one["models"]) for one in told["failed"]] == [(DESK, ["openai:test-model"])]


def test_a_prompt_that_another_process_trains_is_left_to_it(desk: Repo) -> None:
    cli = cli_of(desk)
    with FileLock(desk.path / ".git" / "promptvc" / "training" / f"{DESK}.lock"):
        done = cli.json("train", "--due")
    assert done["trained"] == []
    assert done["not_due"][0]["reasons"] == ["another process trains it now"]
    assert len(cli.json("train", "--due")["trained"]) == 1


def test_two_at_once_train_it_once(desk: Repo) -> None:
    cli = cli_of(desk)
    processes = [cli.start("train", "--due", "--json") for _ in range(2)]
    done = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert sorted(len(one["trained"]) for one in done) == [0, 1]
    assert len(cli.json("train", DESK, "--history")) == 1


def test_what_another_process_trained_meanwhile_is_not_trained_again(desk: Repo) -> None:
    with_other(desk, **{f"prompts/{OTHER}.yaml": DESK_PROMPT.replace(DESK, OTHER)})
    trained: list[str] = []
    with open_project(desk.path, environ=desk.environ, clock=utc_now) as project:

        def train(name: str, request: TrainRequest) -> Trained:
            trained.append(name)
            if name == OTHER:
                assert len(cli_of(desk).json("train", "--due", DESK)["trained"]) == 1
            return improve.train(project, name, request)

        done = train_due(project, [TrainRequest()], train)
    assert trained == [OTHER]
    assert [one.name for one in done.not_due] == [DESK]
    assert done.not_due[0].due.reasons == ("no new events",)


def test_with_push_the_trainings_of_other_clones_count(desk: Repo, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    desk.git("clone", "-q", "--bare", ".", str(bare))
    desk.git("remote", "add", "origin", str(bare))
    other = copy_of(desk, tmp_path / "other")
    assert len(cli_of(desk).json("train", "--due", "--push")["trained"]) == 1
    assert standing(cli_of(other))["due"]  # nothing was fetched
    assert cli_of(other).json("train", "--due", "--push")["trained"] == []
    desk.git("remote", "remove", "origin")
    assert "there is no remote" in cli_of(desk).fails(2, "train", "--due", "--push")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "missing argument 'NAME'"),
        (("--due", "--watch"), "--due does not go with --watch"),
        (("--due", "--history"), "--due does not go with --history"),
        (("--status", "--seed", "3"), "--status does not go with --seed"),
        (("--due", "--every", "3"), "--every goes with --watch"),
        (("--watch", "--every", "0"), "--every"),
        (("--due", "desk/nobody"), "main has no prompt desk/nobody"),
        (("--due", f"{DESK}@v1"), "train takes a NAME, no revision"),
        (("--watch", "desk/nobody"), "main has no prompt desk/nobody"),
    ],
)
def test_what_does_not_go_together(desk: Repo, arguments: tuple[str, ...], said: str) -> None:
    assert said in cli_of(desk).fails(2, "train", *arguments)


class Watching:
    """A `train --watch` under way, read line by line."""

    def __init__(self, cli: Cli, *arguments: str, **more: str) -> None:
        self.process = cli.start("train", "--watch", *arguments, more=more)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.line())
        return value

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and once more where the first waits for answers that are being paid for."""
        self.process.send_signal(number)
        try:
            _, said = self.process.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.send_signal(number)
            _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_trains_waits_and_ends_at_a_signal(desk: Repo, number: signal.Signals) -> None:
    watching = Watching(cli_of(desk))
    first = watching.line()
    assert f"trained {DESK} (volume): v2 on promptvc/{DESK}/v2; 0 not due" in first
    code, said = watching.end(number)
    assert code == 0
    assert said == "watching all prompts every 60 minutes; git is read, nothing is fetched\nstopped\n"
    assert len(cli_of(desk).json("train", DESK, "--history")) == 1


def test_a_service_reads_git_anew_and_survives_a_bad_round(desk: Repo) -> None:
    watching = Watching(cli_of(desk), DESK, "--every", "0.001", "--json")
    assert [one["name"] for one in watching.json()["trained"]] == [DESK]
    assert watching.json()["trained"] == []
    desk.write({"promptvc.yaml": "training: 7\n"})
    while "error" not in (broken := watching.json()):
        pass
    assert broken["error"]["kind"] == "invalid"
    desk.commit({"promptvc.yaml": ANY_TIME})
    while "error" in watching.json():
        pass
    add(desk, corrections("alpha", 50, salt="more"))
    while not (later := watching.json())["trained"]:
        pass
    assert later["trained"][0]["trigger"] == "volume"
    assert watching.end(signal.SIGTERM)[0] == 0


def test_a_training_that_a_signal_ends_says_so(desk: Repo) -> None:
    desk.commit({DESK_FILE: DESK_PROMPT.replace("model: offline", "model: openai:test-model")})
    slow = Slow(5)
    with Server(slow) as server:
        watching = Watching(cli_of(desk), **server.environ())
        assert slow.held.wait(60)
        code, said = watching.end(signal.SIGTERM)
    assert code == 130
    assert "error: " in said
    (record,) = cli_of(desk).json("train", DESK, "--history")
    assert record["reason"].startswith("failed: ")
