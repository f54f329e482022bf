"""A quarantine in force: asked and reported, and counted nowhere."""

from __future__ import annotations

import pytest

from promptvc.evidence.records import RunRecord, parse
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

QUARANTINE = f"evaluation/{DESK}.quarantine.yaml"
BETA = "".join(f"- case: beta-{n}\n  reason: disputed\n" for n in range(15))
OTHER = DESK_PROMPT.replace("alpha, beta or gamma", "beta, alpha or gamma").replace(
    "version: 1", "version: 2"
)


def test_neither_the_score_nor_a_comparison_counts_it(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: OTHER})
    whole = cli.json("evaluate", DESK, "--baseline", "v1", codes=(0, 1))
    desk.write({QUARANTINE: BETA})
    found = cli.json("evaluate", DESK, "--baseline", "v1", codes=(0, 1))
    assert (whole["cases"], found["cases"]) == (45, 30)
    assert (whole["comparison"]["n"], found["comparison"]["n"]) == (45, 30)
    assert len(whole["comparison"]["fixed"]) == 15
    assert found["comparison"]["fixed"] == []
    assert whole["score"] == pytest.approx(1 / 3)
    assert found["score"] == 0.0


def test_evidence_says_what_did_not_count(desk: Repo) -> None:
    desk.commit({QUARANTINE: BETA}, "Set beta aside")
    cli = cli_of(desk)
    path = cli.json("evaluate", DESK, "--save", codes=(0, 1))["evidence"]
    record = parse(desk.show(f"HEAD:{path}"), file=path)
    assert isinstance(record, RunRecord)
    assert record.quarantined == tuple(f"beta-{n}" for n in range(15))
    assert (len(record.cases), record.totals.cases) == (45, 30)
    cli.ok("baseline", "approve", DESK)
    assert cli.json("baseline", "show", DESK)["failing"] == [f"gamma-{n}" for n in range(15)]
    (point,) = cli.json("evaluate", "trend", DESK)["versions"]
    assert (point["n"], point["score"]) == (30, 0.5)


def test_an_ended_quarantine_counts_again(desk: Repo) -> None:
    desk.write({QUARANTINE: BETA.replace("disputed", "disputed\n  until: 2020-01-01")})
    assert cli_of(desk).json("evaluate", DESK, codes=(0, 1))["cases"] == 45


def test_training_compares_on_the_others(desk: Repo) -> None:
    desk.commit({QUARANTINE: BETA}, "Set beta aside")
    done = cli_of(desk).json("train", DESK)
    assert done["score"]["n"] == 30


def test_a_fault_in_it_stops_the_evaluation_with_its_line(desk: Repo) -> None:
    desk.write({QUARANTINE: "- case: beta-0\n  reason: x\n  until: soon\n"})
    assert f"{QUARANTINE}:3" in cli_of(desk).fails(2, "evaluate", DESK)
