"""Which saved evidence a gate goes by."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from promptvc.base.ids import new_ulid
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.values import Score, VersionRef
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TRAINING = new_ulid(NOON, b"t" * 10)


def compared(
    repo: Repo,
    baseline: int | None,
    verdict: str,
    *,
    minute: int = 0,
    training: str | None = None,
    later: str = "3" * 40,
) -> None:
    """Commit a comparison of version 2 with ``baseline``."""
    root = repo.git("rev-list", "--max-parents=0", "HEAD")
    digests = {1: repo.rev(f"{root}:{DESK_FILE}"), 2: repo.rev(f"HEAD:{DESK_FILE}"), 3: later}
    time = NOON + timedelta(minutes=minute)
    record = ComparisonRecord(
        id=new_ulid(time),
        time=time,
        prompt=DESK,
        candidate=VersionRef(2, digests[2]),
        baseline=VersionRef(baseline, digests[baseline or 3]),
        suite="0" * 40,
        model="offline",
        verdict=verdict,
        recommendation=None,
        score=Score(0.5, 0.5, 0.0, -0.1, 0.1, 0.95, 45),
        p=0.5,
        alpha=0.05,
        training=training,
    )
    path = f"evaluation/evidence/{DESK}/{record.id}.json"
    repo.commit({path: json.dumps(record.to_json())}, "Evidence")


@pytest.fixture
def standing(shipped: Repo) -> Repo:
    """Version 2 without evidence, version 1 in staging."""
    for path in shipped.git("ls-files", f"evaluation/evidence/{DESK}").splitlines():
        shipped.commit({path: None})
    cli_of(shipped).ok("deploy", f"{DESK}@v1", "--env", "staging")
    return shipped


@pytest.mark.parametrize(("baseline", "code"), [(1, 1), (3, 0), (None, 0)])
def test_only_a_step_up_from_an_earlier_version_counts(
    standing: Repo, baseline: int | None, code: int
) -> None:
    compared(standing, baseline, "regression")
    assert cli_of(standing)("deploy", f"{DESK}@v2", "--env", "staging").code == code


def test_the_step_from_what_runs_now_counts_whatever_its_number(standing: Repo) -> None:
    text = standing.read(DESK_FILE).decode().replace("version: 2", "version: 3").replace("Route", "Send")
    compared(standing, 1, "improvement")
    digest = standing.git("hash-object", "-w", "--stdin", input=text)
    two = standing.read(DESK_FILE)
    standing.commit({DESK_FILE: text})
    cli = cli_of(standing)
    cli.ok("deploy", f"{DESK}@v3", "--env", "staging")
    standing.commit({DESK_FILE: two}, "Back to v2")
    compared(standing, 3, "regression", minute=1, later=digest)
    assert "regression" in cli.fails(1, "deploy", f"{DESK}@v2", "--env", "staging")
    assert cli("deploy", f"{DESK}@v2", "--env", "europe").code == 0


def test_a_training_outranks_a_later_evaluation_of_the_same(standing: Repo) -> None:
    compared(standing, 1, "regression", training=TRAINING)
    compared(standing, 1, "improvement", minute=1)
    cli = cli_of(standing)
    assert "regression" in cli.fails(1, "deploy", f"{DESK}@v2", "--env", "staging")
    compared(standing, 1, "improvement", minute=2, training=TRAINING)
    assert cli("deploy", f"{DESK}@v2", "--env", "staging").code == 0
