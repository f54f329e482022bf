"""A training job that was taken over: what it hands on can bring a candidate, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptvc.evidence.fields import document
from tests.builders import Repo
from tests.commands import cli_of
from tests.safety.canaries import Outside, contents, orderly
from tests.workflows.test_three_jobs import Jobs
from tests.worlds import DESK, copy_of

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def trained_jobs(desk_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Reserved and trained, not published. Nothing may be published here."""
    folder = tmp_path_factory.mktemp("jobs")
    jobs = Jobs(copy_of(desk_template, folder / "desk"), folder)
    jobs.reserve()
    jobs.train()
    return jobs


def put(*path: str, to: Any) -> Change:
    def change(value: dict[str, Any]) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = to

    return change


LIES: dict[str, Change] = {
    "a path": put("training", "prompt", to="../../.git/hooks/x"),
    "an absolute path": put("training", "prompt", to="/etc/x"),
    "an option for a commit": put("training", "main", to="--output=pwned"),
    "a nul in a commit": put("training", "main", to="main\0x"),
    "half a surrogate in a commit": put("training", "main", to="\ud800"),
    "half a surrogate in a text": put("offer", "text", to="name: \ud800"),
    "a branch": put("training", "branch", to="main"),
    "a workflow": put("offer", "files", to={".github/workflows/x.yml": "on: push\n"}),
    "a hook": put("offer", "files", to={".git/hooks/post-commit": "#!/bin/sh\ntouch pwned\n"}),
    "code": put("offer", "files", to={f"evaluation/{DESK}.py": "import os"}),
    "a suite": put("offer", "files", to={f"evaluation/{DESK}.yaml": "cases: []\n"}),
    "settings": put("offer", "files", to={"promptvc.yaml": "main: x\n"}),
    "another prompt": put("offer", "files", to={"prompts/other.yaml": "name: other\n"}),
    "no prompt": put("offer", "text", to="!!python/object/apply:os.system ['touch pwned']"),
    "a deep value": put("offer", "text", to="a: " + "[" * 10_000),
    "an id that is a path": put("training", "id", to="../../x"),
    "a look of somebody else": put("training", "look_key", to="f" * 32),
    "another verdict": put("offer", "evidence", "verdict", to="equivalent"),
    "a list": put("training", to=[]),
    "a text that is no file": put("offer", "files", to={"evaluation/x.jsonl": 5}),
}


@pytest.mark.parametrize("what", LIES)
def test_a_parcel_that_lies_publishes_nothing(trained_jobs: Jobs, tmp_path: Path, what: str) -> None:
    value = json.loads(trained_jobs.parcel().read_bytes())
    LIES[what](value)
    parcels = tmp_path / "parcels"
    parcels.mkdir()
    name = trained_jobs.parcel().name
    data = json.dumps(value).encode() if what.startswith("half") else document(value)
    (parcels / name).write_bytes(data)
    before = trained_jobs.remote.git("for-each-ref")
    clone = trained_jobs.clone(f"publish-{tmp_path.name}")
    files = contents(clone.path / "prompts")
    ran = orderly(cli_of(clone)("publish", str(parcels), "--json"))
    after = trained_jobs.remote.git("for-each-ref")
    if ran.code == 0:
        (row,) = ran.json
        assert row["version"] is None, row  # it said that nothing was found
    assert [line for line in after.splitlines() if "/ledger" not in line] == [
        line for line in before.splitlines() if "/ledger" not in line
    ], ran
    assert contents(clone.path / "prompts") == files
    assert not list(clone.path.rglob("pwned"))


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 200_000, b"\xff\xfe", b"null", b"5", b'{"format": 99}'])
def test_a_parcel_that_is_none_is_refused(trained_jobs: Jobs, tmp_path: Path, data: bytes) -> None:
    parcels = tmp_path / "parcels"
    parcels.mkdir()
    (parcels / trained_jobs.parcel().name).write_bytes(data)
    clone = trained_jobs.clone(f"publish-{tmp_path.name}")
    assert orderly(cli_of(clone)("publish", str(parcels))).code in {1, 2}


def test_a_parcel_is_neither_a_link_nor_a_pipe(trained_jobs: Jobs, tmp_path: Path) -> None:
    outside = Outside.make(tmp_path / "outside")
    parcels = tmp_path / "parcels"
    parcels.mkdir()
    (parcels / "x.parcel.json").symlink_to(outside.path / "secret.txt")
    clone = trained_jobs.clone(f"publish-{tmp_path.name}")
    assert orderly(cli_of(clone)("publish", str(parcels))).code == 2
    (parcels / "x.parcel.json").unlink()
    os.mkfifo(parcels / "x.parcel.json")
    assert orderly(cli_of(clone)("publish", str(parcels))).code == 2
    outside.unchanged()


def test_a_reservation_is_of_one_run_and_used_once(desk: Repo, tmp_path: Path) -> None:
    jobs = Jobs(desk, tmp_path)
    jobs.reserve()
    where = ("--reserved", str(jobs.reservation), "--parcel", str(jobs.parcels))
    assert "17.2" in jobs.trainer().fails(2, "train", *where, "--run-id", "17.2")
    value = json.loads(jobs.reservation.read_bytes())
    value["trainings"][0]["id"] = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(value))
    ran = orderly(
        jobs.trainer()(
            "train", "--reserved", str(forged), "--parcel", str(tmp_path / "p"), "--run-id", "17.1"
        )
    )
    if ran.code == 0:  # the job trains for nobody: what it made is not taken
        assert orderly(cli_of(jobs.clone("forged"))("publish", str(tmp_path / "p"))).code != 0
    jobs.train()
    jobs.publish()
    refs = jobs.remote.git("for-each-ref")
    replayed = jobs.trainer()("train", *where, "--run-id", "17.1")
    assert orderly(replayed).code != 0
    assert jobs.remote.git("for-each-ref") == refs
