"""`baseline`: evidence becomes what versions are held against, in one commit."""

from __future__ import annotations

import pytest

from promptvc.base.clock import parse_time
from promptvc.base.ids import new_ulid
from promptvc.evidence.baselines import load_baseline
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.records import path, to_bytes
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from promptvc.evidence.values import Score, VersionRef
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_files

FILE = f"evaluation/baselines/{DESK}.yaml"
SUITE = "5" * 64


def run_of(repo: Repo, minute: int = 0, version: int | None = 1, **more: object) -> RunRecord:
    """A run of what main has: two cases pass, one fails, one is in quarantine."""
    moment = parse_time(f"2026-01-02T10:{minute:02d}:00Z")
    results = (
        CaseResult("alpha-0", 1.0, True),
        CaseResult("beta-0", 0.0, False),
        CaseResult("beta-1", 0.0, False),
        CaseResult("gamma-0", 1.0, True),
    )
    values: dict[str, object] = {"judge": "ab" * 32, "quarantined": ("beta-1",), "datasets": {"c.csv": "12"}}
    return RunRecord(
        new_ulid(moment, b"0123456789"), DESK, version, repo.rev(f"HEAD:{DESK_FILE}"), SUITE, "offline",
        moment, moment, results,
        Totals(2 / 3, 3, 2, 1, 0), **(values | more),  # type: ignore[arg-type]
    )  # fmt: skip


def comparison_of(repo: Repo, verdict: str, minute: int = 30) -> ComparisonRecord:
    moment = parse_time(f"2026-01-02T10:{minute:02d}:00Z")
    score = None if verdict == "incomparable" else Score(0.5, 0.75, 0.25, 0.1, 0.4, 0.9, 2)
    pin = VersionRef(1, repo.rev(f"HEAD:{DESK_FILE}"))
    return ComparisonRecord(
        new_ulid(moment, b"0123456789"), moment, DESK, pin, VersionRef(9, "0" * 40), SUITE, "offline",
        verdict, None, score, 0.01,
        0.05, pairs=(Pair("alpha-0", 0.0, 1.0, False, True), Pair("beta-0", 1.0, 0.5, True, False)),
    )  # fmt: skip


def save(repo: Repo, *records: RunRecord | ComparisonRecord) -> None:
    repo.commit({path(record): to_bytes(record) for record in records}, "Evidence")


@pytest.fixture
def plain(repo: Repo) -> Repo:
    """The desk without feedback, with one run as evidence."""
    repo.commit(desk_files(), "Start")
    save(repo, run_of(repo))
    return repo


def test_approving_is_one_commit_with_the_reason(plain: Repo) -> None:
    record = run_of(plain)
    before = plain.rev("HEAD")
    done = cli_of(plain).json("baseline", "approve", DESK, "-m", "Good enough for the launch")
    assert plain.rev("HEAD~1") == before
    assert plain.git("diff", "--name-only", "HEAD~1", "HEAD") == FILE
    message = plain.git("log", "-1", "--format=%B")
    assert message.startswith(f"Approve {DESK} v1 as baseline: score 0.667\n\nGood enough for the launch\n")
    assert f"Promptvc-Evidence: {record.id}" in message
    found = load_baseline(DESK, plain.show(f"HEAD:{FILE}"))
    assert plain.read(FILE) == plain.show(f"HEAD:{FILE}")
    assert (found.evidence, found.version, found.digest) == (record.id, 1, record.digest)
    assert (found.suite, found.judge, found.datasets) == (SUITE, "ab" * 32, {"c.csv": "12"})
    assert found.failing == ("beta-0",)
    assert (found.by, found.reason) == ("Ada Author <ada@example.org>", "Good enough for the launch")
    assert done["commit"] == plain.rev("HEAD")
    assert (done["version"], done["previous"], done["branch"]) == (1, None, "main")
    assert plain.status() == []


def test_the_newest_evidence_is_approved_and_the_same_again_is_no_commit(plain: Repo) -> None:
    cli = cli_of(plain)
    first = cli.json("baseline", "approve", DESK)
    later = run_of(plain, 20)
    save(plain, later)
    second = cli.json("baseline", "approve", DESK)
    assert (first["evidence"], second["evidence"]) == (run_of(plain).id, later.id)
    assert second["previous"] == 1
    head = plain.rev("HEAD")
    assert "already" in cli.ok("baseline", "approve", DESK)
    assert plain.rev("HEAD") == head
    assert cli.json("baseline", "approve", DESK, "-m", "Now with a reason")["commit"] != head


def test_older_evidence_is_approved_by_its_id_or_path(plain: Repo) -> None:
    save(plain, run_of(plain, 20))
    record = run_of(plain)
    for named in (record.id, path(record)):
        assert cli_of(plain).json("baseline", "approve", DESK, "--evidence", named)["evidence"] == record.id


def test_another_branch_gets_the_record_too(plain: Repo) -> None:
    head = plain.rev("HEAD")
    plain.git("branch", "review", "HEAD~1")
    done = cli_of(plain).json("baseline", "approve", DESK, "--branch", "review")
    assert (done["branch"], plain.rev("HEAD")) == ("review", head)
    assert plain.git("diff", "--name-only", "review~1", "review").splitlines() == [FILE, path(run_of(plain))]
    assert cli_of(plain)("baseline", "show", DESK).code == 2


def test_a_candidate_of_a_comparison_can_be_approved(plain: Repo) -> None:
    record = comparison_of(plain, "improvement")
    save(plain, record)
    done = cli_of(plain).json("baseline", "approve", DESK)
    assert (done["evidence"], done["score"], done["failing"]) == (record.id, 0.75, ["beta-0"])


def test_a_regression_is_approved_only_by_name(plain: Repo) -> None:
    record = comparison_of(plain, "regression")
    save(plain, record)
    said = cli_of(plain).fails(1, "baseline", "approve", DESK)
    assert f"--evidence {record.id}" in said
    done = cli_of(plain)("baseline", "approve", DESK, "--evidence", record.id)
    assert done.code == 0
    assert "its verdict is regression" in done.err


def test_evidence_without_a_score_or_a_number_is_no_baseline(plain: Repo) -> None:
    unscored, unnumbered = comparison_of(plain, "incomparable"), run_of(plain, 40, version=None)
    save(plain, unscored, unnumbered)
    cli = cli_of(plain)
    assert "has no score" in cli.fails(2, "baseline", "approve", DESK, "--evidence", unscored.id)
    assert "without a version number" in cli.fails(
        2, "baseline", "approve", DESK, "--evidence", unnumbered.id
    )


def test_evidence_of_a_version_and_none_of_another(plain: Repo) -> None:
    save(plain, run_of(plain, 10))
    plain.commit({DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 2")}, "Two")
    cli = cli_of(plain)
    assert cli.json("baseline", "approve", f"{DESK}@v1")["version"] == 1
    said = cli.fails(2, "baseline", "approve", f"{DESK}@v2")
    assert f"promptvc evaluate {DESK}@v2 --save" in said
    assert "no prompt" in cli.fails(2, "baseline", "approve", "desk/rout")
    assert "no id of a record" in cli.fails(2, "baseline", "approve", DESK, "--evidence", "latest")
    missing = new_ulid(parse_time("2020-01-01T00:00:00Z"))
    assert missing in cli.fails(2, "baseline", "approve", DESK, "--evidence", missing)


def test_show_and_list(plain: Repo) -> None:
    cli = cli_of(plain)
    assert cli.json("baseline", "list") == []
    assert f"promptvc baseline approve {DESK}" in cli.fails(2, "baseline", "show", DESK)
    assert f"did you mean {DESK}?" in cli.fails(2, "baseline", "show", "desk/rout")
    cli.ok("baseline", "approve", DESK)
    plain.commit({DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 2")}, "Two")
    shown = cli.json("baseline", "show", DESK)
    assert (shown["version"], shown["latest"], shown["failing"]) == (1, 2, ["beta-0"])
    assert cli.json("baseline", "list") == [shown]
    text = cli.ok("baseline", "show", DESK)
    assert "known to fail: beta-0" in text
    assert "desk/route\tv1\tv2\t0.667\t1" in cli.ok("baseline", "list")


def test_a_broken_file_is_told_with_its_line_and_mended_by_approving(plain: Repo) -> None:
    cli = cli_of(plain)
    plain.commit({FILE: "evidence: 7\n"}, "Broken")
    assert f"{FILE}:1" in cli.fails(2, "baseline", "show", DESK)
    assert f"{FILE}:1" in cli.fails(2, "baseline", "list")
    assert cli.json("baseline", "approve", DESK)["previous"] is None
    assert cli.json("baseline", "show", DESK)["version"] == 1
