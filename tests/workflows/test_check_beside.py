"""`check` on the files beside suites: quarantines and approved baselines."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.base.clock import parse_time
from promptvc.base.ids import new_ulid
from promptvc.evidence.records import path, to_bytes
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, desk_files

QUARANTINE = f"evaluation/{DESK}.quarantine.yaml"
BASELINE = f"evaluation/baselines/{DESK}.yaml"
NOON = parse_time("2026-01-02T12:00:00Z")


@pytest.fixture
def plain(repo: Repo) -> Repo:
    repo.commit(desk_files(), "Start")
    return repo


def found(repo: Repo, *names: str) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = cli_of(repo)("check", *names, "--json").json["problems"]
    return problems


@pytest.mark.parametrize(
    ("text", "severity", "line", "message"),
    [
        ("- case: alpha-00\n  reason: x\n", "warning", 1, "no case `alpha-00`"),
        ("- case: alpha-0\n  reason: x\n  until: 2020-01-31\n", "warning", 1, "ended with 2020-01-31"),
        ("- case: alpha-0\n  reason: x\n  until: 2020-01-32\n", "error", 3, "no such day"),
        ("- case: alpha-0\n", "error", 1, "reason"),
    ],
)
def test_what_is_wrong_with_a_quarantine(
    plain: Repo, text: str, severity: str, line: int, message: str
) -> None:
    plain.write({QUARANTINE: text})
    (problem,) = found(plain)
    assert (problem["rule"], problem["severity"], problem["file"]) == ("quarantine", severity, QUARANTINE)
    assert problem["line"] == line
    assert message in problem["message"]


def test_a_quarantine_in_order_is_no_suite_and_no_finding(plain: Repo) -> None:
    plain.write({QUARANTINE: "- case: alpha-0\n  reason: x\n"})
    assert found(plain) == []


def test_a_near_case_is_suggested_and_a_suite_is_needed(plain: Repo) -> None:
    plain.write({QUARANTINE: "- case: alpha_0\n  reason: x\n"})
    assert found(plain)[0]["hint"] == "did you mean `alpha-0`?"
    plain.write({QUARANTINE: None, "evaluation/nobody.quarantine.yaml": "[]\n"})
    (problem,) = found(plain)
    assert problem["message"] == "nobody has no suite"


@pytest.fixture
def approved(plain: Repo) -> Repo:
    record = RunRecord(
        new_ulid(NOON, b"0123456789"), DESK, 1, plain.rev(f"HEAD:{DESK_FILE}"), "5" * 64, "offline", NOON, NOON,
        (CaseResult("alpha-0", 1.0, True), CaseResult("beta-0", 0.0, False)), Totals(0.5, 2, 1, 1, 0),
    )  # fmt: skip
    plain.commit({path(record): to_bytes(record)}, "Evidence")
    cli_of(plain).ok("baseline", "approve", DESK)
    return plain


def test_what_approve_writes_is_in_order_and_may_list_fewer_failures(approved: Repo) -> None:
    assert found(approved) == []
    approved.write({BASELINE: approved.read(BASELINE).replace(b"failing: [beta-0]\n", b"")})
    assert b"failing" not in approved.read(BASELINE)
    assert found(approved) == []


@pytest.mark.parametrize(
    ("old", "new", "severity", "message"),
    [
        (b"model: offline", b"model: openai:x", "error", "`model`: not as in the evidence"),
        (b"version: 1", b"version: 2", "error", "`version`: not as in the evidence"),
        (b"5" * 64, b"6" * 64, "error", "`suite`: not as in the evidence"),
        (b"evidence: 01", b"evidence: 00", "error", "is not here"),
        (b"[beta-0]", b"[beta-0, beta-9]", "warning", "has not: beta-9"),
        (b"score: 0.5", b"score: high", "error", "score"),
    ],
)
def test_what_is_wrong_with_a_baseline(
    approved: Repo, old: bytes, new: bytes, severity: str, message: str
) -> None:
    text = approved.read(BASELINE)
    assert text.count(old) == 1
    approved.write({BASELINE: text.replace(old, new)})
    (problem,) = found(approved)
    assert (problem["rule"], problem["severity"], problem["file"]) == ("baseline", severity, BASELINE)
    assert message in problem["message"]
