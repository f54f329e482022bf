"""`evaluate flaky`: what saved runs say of unsure cases, and the quarantine that a person may commit."""

from __future__ import annotations

import pytest

from promptvc.base.clock import parse_time
from promptvc.base.ids import new_ulid
from promptvc.evidence.records import path, to_bytes
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, desk_files

FILE = f"evaluation/{DESK}.quarantine.yaml"


def run_of(repo: Repo, passes: dict[str, int], repeats: int, minute: int) -> RunRecord:
    moment = parse_time(f"2026-01-02T10:{minute:02d}:00Z")
    results = tuple(
        CaseResult(case, float(repeat < passed), repeat < passed, repeat=repeat)
        for case, passed in passes.items()
        for repeat in range(repeats)
    )
    digest = repo.rev(f"HEAD:{DESK_FILE}")
    return RunRecord(
        new_ulid(moment), DESK, 1, digest, "5" * 64, "offline", moment, moment, results, Totals(0.5, 3, 1, 2, 0),
        repeats=repeats,
    )  # fmt: skip


@pytest.fixture
def repeated(repo: Repo) -> Repo:
    repo.commit(desk_files(), "Start")
    older = run_of(repo, {"alpha-0": 1, "alpha-1": 3, "beta-0": 3}, 3, 1)
    newer = run_of(repo, {"alpha-0": 3, "alpha-1": 2, "beta-0": 0}, 3, 2)
    single = run_of(repo, {"alpha-0": 0}, 1, 3)
    repo.commit({path(one): to_bytes(one) for one in (older, newer, single)}, "Evidence")
    return repo


def test_the_newest_run_with_repeats_tells(repeated: Repo) -> None:
    found = cli_of(repeated).json("evaluate", "flaky", DESK)
    (case,) = found["cases"]
    assert (case["case"], case["passes"], case["repeats"]) == ("alpha-1", 2, 3)
    assert (found["version"], found["repeats"], found["file"]) == (1, 3, FILE)
    assert cli_of(repeated).json("evaluate", "flaky", f"{DESK}@v1")["cases"] == [case]
    assert "alpha-1\t2 of 3\t0.21..0.94" in cli_of(repeated).ok("evaluate", "flaky", DESK)


def test_what_is_proposed_works_once_it_is_in_the_file(repeated: Repo) -> None:
    cli = cli_of(repeated)
    before = repeated.status()
    text = cli.ok("evaluate", "flaky", DESK, "--propose")
    assert repeated.status() == before
    repeated.write({FILE: text})
    assert cli.json("check")["problems"] == []
    assert cli.json("evaluate", "flaky", DESK)["quarantined"] == ["alpha-1"]
    assert cli.ok("evaluate", "flaky", DESK, "--propose") == ""
    whole = cli.json("evaluate", DESK, codes=(0, 1))
    assert whole["cases"] == 44


def test_nothing_saved_and_nobody(repo: Repo) -> None:
    repo.commit(desk_files(), "Start")
    cli = cli_of(repo)
    assert "--repeat 5 --save" in cli.fails(2, "evaluate", "flaky", DESK)
    assert "no prompt" in cli.fails(2, "evaluate", "flaky", "desk/nobody")
