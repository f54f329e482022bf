"""A training done again: the same bytes whatever the hash seed and concurrency, and after a kill in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.conftest import MakeRepo
from tests.servers import Reply, Request, Script, Server
from tests.training.approaches.adversarial.readers import trips_over_lookalikes
from tests.workflows import shop, triage
from tests.workflows.shop import CHECKS, MAIL, MAIL_FILE, OPTIMIZER, complaints, mail_suite, mailbox
from tests.workflows.test_approaches import rated
from tests.workflows.triage import HARD_CASES, TRIAGE, TRIAGE_FILE, reader, triage_rows
from tests.worlds import DESK, DESK_FILE, copy_of

SETTINGS = "promptvc.yaml"
AT_ONCE = 4
MODEL_PROPOSES = ("--approach", "meta_prompt", "--optimizer", OPTIMIZER)


def found(repo: Repo, name: str, file: str, out: str) -> dict[str, Any]:
    """All that has to be the same: what was printed, the candidate's files, and what the ledger keeps."""
    done = json.loads(out)
    branch = done.pop("branch")
    assert branch is not None, done
    del done["commit"]
    (row, *_) = cli_of(repo).json("train", name, "--history")
    tried = [{key: value for key, value in one.items() if key != "latency_ms"} for one in row["tried"]]
    files = repo.git("diff", "--name-only", f"main..{branch}").splitlines()
    hard = repo.show(f"{branch}:{HARD_CASES}") if HARD_CASES in files else b""
    kept = {key: row[key] for key in ("edits", "events", "search", "blocks", "train_score")}
    # Of runs that were paid for now and earlier, only what was found is the same.
    paid = {"calls", "tokens", "cost"}
    printed = {key: value for key, value in done.items() if key not in paid}
    for one in tried:
        one.pop("front", None)  # the front also has latency
    return {"prompt": repo.show(f"{branch}:{file}"), "hard": hard, "tried": tried, **kept, **printed}


def concurrent(repo: Repo, at_once: int) -> None:
    """The same project, whose answers come in another order."""
    before = repo.read(SETTINGS).decode()
    repo.commit({SETTINGS: f"{before}models: {{concurrency: {at_once}}}\n"}, "Ask so many at once")


class Crowded:
    """A script whose first answers wait until so many requests are there at once; 0: none waits."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.at_once = 0

    def __call__(self, request: Request) -> Reply:
        return replace(self._script(request), gate=self.at_once)


# A small hold-out is for a draft only, which is quicker and has bytes too.
SMALL = {
    "reinforcement": (rated(), mail_suite(12, 8, CHECKS[:1]), ()),
    "meta_prompt": (complaints(), mail_suite(20, 8), ("--optimizer", OPTIMIZER)),
}


@pytest.mark.parametrize("approach", ["reinforcement", "meta_prompt", "adversarial"])
def test_hash_seeds_and_concurrency_change_nothing(
    make_repo: MakeRepo, tmp_path: Path, approach: str
) -> None:
    repo = make_repo("one")
    arguments = ["--json", "--approach", approach, "--draft"]
    if approach in SMALL:
        name, file, script = MAIL, MAIL_FILE, Crowded(shop.shop)
        rows, suite, more = SMALL[approach]
        mailbox(repo, tmp_path, rows, suite)
        arguments += more
    else:
        name, file, script = TRIAGE, TRIAGE_FILE, Crowded(reader(trips_over_lookalikes))
        triage.triage(repo, tmp_path, triage_rows(20), triage.triage_suite(8))
    other = copy_of(repo, tmp_path / "other")
    outcomes = []
    with Server(script) as server:
        for where, hash_seed, at_once in ((repo, "1", 1), (other, "4242", 16)):
            concurrent(where, at_once)
            script.at_once = 2 if at_once > 1 else 0
            asking = server.environ(PYTHONHASHSEED=hash_seed)
            ran = cli_of(where).process("train", name, *arguments, more=asking)
            assert ran.code == 0, ran
            outcomes.append(found(where, name, file, ran.out))
        assert server.most_at_once > 1
    assert outcomes[0] == outcomes[1]


def test_few_shot_is_the_same_offline(desk: Repo, tmp_path: Path) -> None:
    other = copy_of(desk, tmp_path / "other")
    concurrent(desk, 1)
    concurrent(other, 16)
    outcomes = []
    for where, hash_seed in ((desk, "7"), (other, "0")):
        more = {"PYTHONHASHSEED": hash_seed}
        ran = cli_of(where).process("train", DESK, "--json", "--approach", "few_shot", more=more)
        outcomes.append(found(where, DESK, DESK_FILE, ran.out))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("event", ["training.started", "training.look_reserved"])
def test_few_shot_killed_offline_comes_out_the_same(desk: Repo, tmp_path: Path, event: str) -> None:
    other = copy_of(desk, tmp_path / "other")
    arguments = ("train", DESK, "--approach", "few_shot", "--json")
    undisturbed = cli_of(desk)(*arguments)
    with cli_of(other).start(*arguments, "--log") as process:
        kill_at(process, event)
    assert process.returncode == -signal.SIGKILL
    assert other.git("for-each-ref", "refs/heads/promptvc/desk") == ""
    again = cli_of(other)(*arguments)
    assert found(other, DESK, DESK_FILE, again.out) == found(desk, DESK, DESK_FILE, undisturbed.out)
    assert json.loads(again.out)["look"] == 1


def kill_at(process: subprocess.Popen[bytes], event: str) -> None:
    """Kill when the log tells of ``event``."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"{") and json.loads(line)["event"] == event:
            process.kill()
            return
    raise AssertionError(f"it ended without {event}")


class Killing:
    """Both models of the shop; the process dies when so many more requests came."""

    def __init__(self) -> None:
        self.left = -1
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self, request: Request) -> Reply:
        self.left -= 1
        if self.left == 0 and self.process is not None:
            self.process.send_signal(signal.SIGKILL)
        return shop.shop(request)


def test_meta_prompt_killed_again_and_again_pays_for_nothing_twice(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    """Killed while the baseline is asked, while edits are proposed and raced, and on the hold-out."""
    repo = make_repo("one")
    mailbox(repo, tmp_path, complaints())
    concurrent(repo, AT_ONCE)
    other = copy_of(repo, tmp_path / "other")
    script = Killing()
    arguments = ("train", MAIL, "--json", *MODEL_PROPOSES)
    with Server(script) as server:
        undisturbed = cli_of(repo)(*arguments, **server.environ())
        whole = server.count
        proposed = [at for at, one in enumerate(server.requests) if one.body["model"] == "optimizer"]
        moments = [30, proposed[0] + 1, proposed[0] + 20, whole - 40]
        assert moments == sorted(moments)
        for earlier, moment in zip([0, *moments], moments, strict=False):
            # What was in flight at the last kill is asked again.
            script.left = moment - earlier + (AT_ONCE if earlier else 0)
            with cli_of(other).start(*arguments, more=server.environ()) as process:
                script.process = process
                _, errors = process.communicate()
            assert process.returncode == -signal.SIGKILL, errors.decode()
        script.process = None
        again = cli_of(other)(*arguments, **server.environ())
        assert server.count - whole <= whole + len(moments) * AT_ONCE
    assert facts(repo, undisturbed.out) == facts(other, again.out)
    rows = cli_of(other).json("train", MAIL, "--history")
    assert len(rows) == 1, "a killed training has no record, and its look counts"
    assert json.loads(again.out)["look"] == 1


def facts(repo: Repo, out: str) -> Mapping[str, Any]:
    return found(repo, MAIL, MAIL_FILE, out)
