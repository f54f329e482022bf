"""`evaluate --gate`: from a saved run to an approved baseline to what closes and opens the gate."""

from __future__ import annotations

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_files

SUITE = f"evaluation/{DESK}.yaml"
QUARANTINE = f"evaluation/{DESK}.quarantine.yaml"
BASELINE = f"evaluation/baselines/{DESK}.yaml"
CASES = """\
cases:
  - {id: right, vars: {question: one}, expected: alpha}
  - {id: wrong, vars: {question: two}, expected: beta}
"""
OTHER = DESK_PROMPT.replace("alpha, beta or gamma", "beta, alpha or gamma").replace(
    "version: 1", "version: 2"
)


@pytest.fixture
def approved(repo: Repo) -> Repo:
    """The offline responder answers with the first label: the first case passes, the second is known to fail."""
    repo.commit({**desk_files(), SUITE: CASES}, "Start")
    cli = cli_of(repo)
    found = cli.json("evaluate", DESK, "--save", codes=(0, 1))
    assert found["failing"] == ["wrong"]
    cli.ok("baseline", "approve", DESK)
    return repo


def test_the_same_again_is_open_although_a_case_fails(approved: Repo) -> None:
    gate = cli_of(approved).json("evaluate", DESK, "--gate")["gate"]
    assert (gate["open"], gate["known"], gate["regressions"]) == (True, ["wrong"], [])


def test_a_new_regression_closes_it_and_a_mended_case_does_not_make_up_for_it(approved: Repo) -> None:
    approved.write({DESK_FILE: OTHER})
    gate = cli_of(approved).json("evaluate", DESK, "--gate", codes=(1,))["gate"]
    assert [one["case"] for one in gate["regressions"]] == ["right"]
    assert gate["mended"] == ["wrong"]


def test_a_person_may_accept_the_failure_in_either_file(approved: Repo) -> None:
    approved.write({DESK_FILE: OTHER, QUARANTINE: "- case: right\n  reason: the label is disputed\n"})
    cli = cli_of(approved)
    gate = cli.json("evaluate", DESK, "--gate")["gate"]
    assert (gate["open"], gate["quarantined"], gate["mended"]) == (True, ["right"], ["wrong"])
    known = (
        approved.read(BASELINE)
        .replace(b"- wrong", b"- right\n  - wrong")
        .replace(b"[wrong]", b"[right, wrong]")
    )
    approved.write({QUARANTINE: None, BASELINE: known})
    assert cli.json("evaluate", DESK, "--gate")["gate"]["known"] == ["right"]


def test_a_case_that_was_rewritten_is_told_and_the_others_still_count(approved: Repo) -> None:
    approved.write({SUITE: CASES.replace("question: two", "question: three")})
    cli = cli_of(approved)
    gate = cli.json("evaluate", DESK, "--gate")["gate"]
    assert (gate["incomparable"], gate["compared"], gate["differs"]) == (
        ["wrong"],
        1,
        ["the suite is another"],
    )
    approved.write({SUITE: CASES.replace("question: ", "question: a "), DESK_FILE: OTHER})
    gate = cli.json("evaluate", DESK, "--gate", codes=(1,))["gate"]
    assert gate["compared"] == 0
    assert "nothing can be compared" in gate["reason"]


def test_without_an_approved_baseline_it_says_how_to_get_one(repo: Repo) -> None:
    repo.commit({**desk_files(), SUITE: CASES}, "Start")
    said = cli_of(repo).fails(2, "evaluate", DESK, "--gate")
    assert f"promptvc baseline approve {DESK}" in said
