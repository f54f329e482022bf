"""The report on candidates that were trained, written by hand, or not measured: facts, and where they are from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import utc_now
from promptvc.base.documents import load_yaml
from promptvc.base.ids import new_ulid
from promptvc.evidence.records import parse, path, to_bytes
from promptvc.evidence.values import Score
from promptvc.review.markdown import candidate_markdown
from promptvc.review.report import CandidateReport
from promptvc.workflows.project import open_project
from promptvc.workflows.reviewing import tell_candidate
from tests.builders import Repo, isolated_environ
from tests.commands import cli_of
from tests.review.makers import comparison
from tests.workflows.test_approaches import TRAININGS, Told
from tests.workflows.told import FILE, GONE, LINE, NAME, SAID, tell
from tests.worlds import DESK, DESK_FILE, desk_files, desk_rows

BRANCH = f"promptvc/{DESK}/v2"


def report_on(repo: Repo, name: str, reference: str | None = None) -> CandidateReport:
    with open_project(repo.path, environ=repo.environ, clock=utc_now) as project:
        version = project.resolver.resolve(reference) if reference is not None else None
        return tell_candidate(project, name, version)


@pytest.fixture(scope="module", params=["few_shot", "reinforcement", "meta_prompt"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, home: Path) -> Told:
    """A candidate of each approach, once for all tests."""
    return TRAININGS[request.param](tmp_path_factory.mktemp(request.param), isolated_environ(home))


def test_the_report_says_what_training_said(made: Told) -> None:
    found, done = report_on(made.repo, made.name), made.done
    assert found.score is not None
    assert (found.verdict, found.recommendation) == (done["verdict"], done["recommendation"])
    assert found.score.difference == done["score"]["difference"]
    assert (found.branch, found.approach) == (done["branch"], done["approach"])
    assert found.training is not None
    assert (found.training.look, found.training.calls) == (done["look"], done["calls"])
    assert (found.draft, found.on_main, found.current) == (False, False, True)
    assert found.baseline is not None
    assert (found.baseline.version, found.candidate.version) == (1, 2)
    assert found.candidate.latency_ms is not None
    assert not [remark for remark in found.remarks if "ledger" in remark]


def test_every_learned_change_has_the_words_of_the_users_that_it_cites(made: Told) -> None:
    found, known = report_on(made.repo, made.name), made.events()
    items = [one for one in found.changes if one.change.path.split("[")[0] in {"rules", "examples"}]
    assert items
    for one in items:
        assert [voice.id for voice in one.voices] == one.change.after["because"]
        for voice in one.voices:
            event = known[voice.id]
            said = event.get("comment") or event.get("corrected") or event["output"]
            assert voice.words is not None
            assert said in voice.words
            assert voice.kind == event["kind"]
            assert (voice.user or "") == (event.get("user") or "")[:19]


def test_the_cases_are_those_of_the_evidence_with_their_questions(made: Told) -> None:
    found = report_on(made.repo, made.name)
    score = found.score
    assert found.comparison is not None
    assert score is not None
    assert [one.case for one in found.fixed] == list(found.comparison.fixed)
    assert [one.case for one in found.broken] == list(found.comparison.broken)
    suite = load_yaml(made.repo.read(f"evaluation/{made.name}.yaml"), file="suite").value
    asked = {case["id"]: next(iter(case["vars"].values())) for case in suite["cases"]}
    assert found.fixed
    for one in found.fixed:
        assert one.question == asked[one.case]
        assert (one.baseline or 0) < (one.candidate or 0)


def test_the_command_prints_the_same_in_markdown_and_in_json(made: Told, tmp_path: Path) -> None:
    found = report_on(made.repo, made.name)
    printed = made.cli.ok("review", made.name)
    assert printed == candidate_markdown(found)
    value = made.cli.json("review", f"{made.name}@v2")
    assert value["headline"].startswith(f"{made.name} v2: +")
    assert value["verdict"] == "improvement"
    assert [one["path"] for one in value["changes"]] == [one.change.path for one in found.changes]
    made.cli.ok("review", made.name, "-o", str(tmp_path / "report.md"))
    assert (tmp_path / "report.md").read_text("utf-8") == printed
    made.cli.ok("review", made.name, "-o", str(tmp_path / "report.json"))
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == value
    both = [str(tmp_path / "both.md"), str(tmp_path / "both.json")]
    said = made.cli.ok("review", made.name, "-o", both[0], "-o", both[1])
    assert f"wrote {both[0]}, {both[1]}: " in said
    assert (tmp_path / "both.md").read_text() == (tmp_path / "report.md").read_text()
    assert json.loads((tmp_path / "both.json").read_text())["headline"]
    made.cli.fails(2, "review", made.name, "-o", str(tmp_path / "report.html"))


def test_reading_changes_nothing(trained: Repo) -> None:
    refs = trained.git("for-each-ref")
    report_on(trained, DESK)
    assert (trained.git("for-each-ref"), trained.status()) == (refs, [])


def by_hand(repo: Repo, number: int, rule: str, **more: str | bytes) -> str:
    """A branch on which somebody wrote the next version."""
    branch = f"promptvc/{DESK}/v{number}"
    repo.git("switch", "-q", "-c", branch, "main")
    text = repo.show(f"main:{DESK_FILE}").decode().replace("version: 1", f"version: {number}")
    repo.commit({DESK_FILE: f"{text}rules:\n  - text: {rule}\n", **more}, "Write it by hand")
    repo.git("switch", "-q", "main")
    return branch


def test_what_a_person_wrote_and_nobody_measured_says_so(desk: Repo) -> None:
    branch = by_hand(desk, 2, "Be brief.")
    found = report_on(desk, DESK)
    assert (found.verdict, found.score, found.comparison, found.training) == (None, None, None, None)
    assert (found.branch, found.author, found.subject) == (branch, "Ada Author", "Write it by hand")
    assert [(one.change.path, one.change.kind, one.voices) for one in found.changes] == [
        ("rules[0]", "added", ())
    ]
    assert (found.candidate.score, found.candidate.cost, found.cases) == (None, None, 0)
    assert found.models == ("offline",)
    assert "Nothing was measured" in candidate_markdown(found)


def test_a_comparison_that_was_saved_by_hand_is_told_and_called_so(desk: Repo) -> None:
    branch = by_hand(desk, 2, "Be brief.")
    desk.git("switch", "-q", branch)
    cli = cli_of(desk)
    cli.json("evaluate", f"{DESK}@v2", "--baseline", "v1", "--save", codes=(0, 1))
    desk.git("switch", "-q", "main")
    found = report_on(desk, DESK)
    assert found.comparison is not None
    assert found.comparison.training is None
    assert found.verdict == found.comparison.verdict
    assert found.draft is (found.verdict in {"inconclusive", "incomparable"})
    assert [remark for remark in found.remarks if remark.startswith("The comparison was saved by hand")]


def test_saved_runs_lend_their_answers_costs_and_tokens(trained: Repo) -> None:
    cli = cli_of(trained)
    trained.git("switch", "-q", BRANCH)
    for reference in (f"{DESK}@v1", f"{DESK}@v2"):
        cli.json("evaluate", reference, "--save", codes=(0, 1))
    trained.git("switch", "-q", "main")
    found = report_on(trained, DESK, f"{DESK}@{BRANCH}")
    assert found.fixed
    assert all(one.before is not None and one.after is not None for one in found.fixed)
    assert all(one.after == one.case.partition("-")[0] for one in found.fixed)
    assert found.candidate.tokens is not None
    assert found.candidate.cost == 0


def test_a_run_alone_is_a_score_and_no_verdict(desk: Repo) -> None:
    branch = by_hand(desk, 2, "Be brief.")
    desk.git("switch", "-q", branch)
    cli_of(desk).json("evaluate", f"{DESK}@v2", "--save", codes=(0, 1))
    desk.git("switch", "-q", "main")
    found = report_on(desk, DESK)
    assert (found.verdict, found.cases) == (None, 45)
    assert found.candidate.score is not None
    assert "it was compared with nothing" in candidate_markdown(found)


def test_the_newest_candidate_that_main_has_not_got_is_meant(trained: Repo) -> None:
    by_hand(trained, 3, "Be brief.")
    assert report_on(trained, DESK).candidate.version == 3
    assert report_on(trained, DESK, f"{DESK}@v2").candidate.version == 2


def test_a_remotes_candidate_counts_without_a_branch_here(trained: Repo) -> None:
    trained.git("update-ref", f"refs/remotes/origin/{BRANCH}", BRANCH)
    trained.git("branch", "-q", "-D", BRANCH)
    found = report_on(trained, DESK)
    assert (found.branch, found.verdict) == (BRANCH, "improvement")


def test_where_none_waits_the_error_says_what_to_do(desk: Repo) -> None:
    cli = cli_of(desk)
    said = cli.fails(2, "review", DESK)
    assert f"no candidate of {DESK} waits to be merged" in said
    assert f"promptvc train {DESK} makes one" in said
    assert "did you mean desk/route?" in cli.fails(2, "review", "desk/rout")


def test_a_merged_candidate_does_not_wait(shipped: Repo) -> None:
    assert "no candidate" in cli_of(shipped).fails(2, "review", DESK)


def test_a_merged_version_is_told_against_what_was_there_before(shipped: Repo) -> None:
    found = report_on(shipped, DESK, f"{DESK}@v2")
    assert (found.on_main, found.verdict, found.current) == (True, "improvement", None)
    assert found.baseline is not None
    assert found.baseline.version == 1


def test_a_candidate_against_what_main_no_longer_has_is_not_to_be_merged(trained: Repo) -> None:
    text = trained.read(DESK_FILE).decode()
    trained.commit({DESK_FILE: text.replace("version: 1", "version: 2") + "tags: [x]\n"}, "Another v2")
    by_hand(trained, 3, "Be brief.")
    found = report_on(trained, DESK, f"{DESK}@{BRANCH}")
    assert found.current is False
    assert "Main has another version by now" in candidate_markdown(found)


def evidence_on(repo: Repo, branch: str) -> tuple[str, Any]:
    [place] = repo.git("ls-tree", "-r", "--name-only", branch, "evaluation/evidence").splitlines()
    return place, parse(repo.show(f"{branch}:{place}"), file=place)


def test_evidence_that_does_not_agree_with_the_ledger_is_named(trained: Repo) -> None:
    place, record = evidence_on(trained, BRANCH)
    trained.git("switch", "-q", BRANCH)
    better = replace(record.score, difference=0.9, candidate=1.0)
    trained.commit({place: to_bytes(replace(record, score=better))}, "Look better")
    trained.git("switch", "-q", "main")
    found = report_on(trained, DESK)
    assert [remark for remark in found.remarks if "something else than the ledger" in remark]
    assert "something else than the ledger" in candidate_markdown(found).replace("`", "")


def test_evidence_of_a_training_that_nobody_recorded_is_named(desk: Repo) -> None:
    """Whoever opens a pull request writes its evidence: what the ledger does not know is only claimed."""
    branch = by_hand(desk, 2, "Be brief.")
    _claim(desk, branch)
    found = report_on(desk, DESK)
    assert found.verdict == "improvement"
    [remark] = found.remarks
    assert "the ledger here does not know" in remark
    assert "the ledger here does not know" in candidate_markdown(found).replace("`", "")


def _claim(repo: Repo, branch: str) -> None:
    repo.git("switch", "-q", branch)
    after, before = (repo.git("rev-parse", f"{rev}:{DESK_FILE}") for rev in (branch, "main"))
    record = comparison()
    made = replace(
        record,
        id=new_ulid(record.time, b"a claim...")[:26],
        prompt=DESK,
        candidate=replace(record.candidate, version=2, digest=after),
        baseline=replace(record.baseline, version=1, digest=before),
        score=Score(0.1, 0.9, 0.8, 0.7, 0.9, 0.95, 400),
    )
    repo.commit({path(made): to_bytes(made)}, "Claim an improvement")
    repo.git("switch", "-q", "main")


def test_a_candidates_own_commit_puts_no_words_into_anybodys_mouth(desk: Repo) -> None:
    identifier = "01JD3M8Z6VQW4N9T2X5KAB7CDE"
    forged = {
        "id": identifier, "time": "2026-02-03T10:00:00Z", "prompt": DESK, "source": "human",
        "kind": "suggestion", "comment": "everybody wants this",
    }  # fmt: skip
    place = f"feedback/{DESK}/2026/02/01JD3M8Z6VQW4N9T2X5KAB7CDF.jsonl"
    by_hand(desk, 2, f"Be brief.\n    because: [{identifier}]", **{place: json.dumps(forged) + "\n"})
    [change] = report_on(desk, DESK).changes
    assert [(voice.id, voice.gone) for voice in change.voices] == [(identifier, True)]


def test_a_changed_line_cites_what_the_training_says_of_its_message(repo: Repo) -> None:
    tell(repo)
    found = {one.change.path: one.voices for one in report_on(repo, NAME, f"{NAME}@v2").changes}
    assert [voice.words for voice in found["messages[0].content"]] == ["name the list"]
    assert [(voice.id, voice.gone) for voice in found["rules[1]"]] == [(SAID, False), (GONE, True)]
    assert LINE in {voice.id for voice in found["messages[0].content"]}
    assert FILE in repo.git("ls-files")


def test_without_a_suite_the_questions_are_those_of_the_events(repo: Repo, tmp_path: Path) -> None:
    repo.commit(desk_files(), "Start")
    repo.commit({"evaluation/desk/route.yaml": None}, "No suite")
    (tmp_path / "rows.jsonl").write_text(desk_rows(40))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(tmp_path / "rows.jsonl"))
    cli.ok("feedback", "commit")
    done = cli.json("train", DESK, "--draft")
    assert done["candidate"] == 2, done
    found = report_on(repo, DESK)
    inputs: Mapping[str, Any] = {
        event["input"]["question"]: event["corrected"] for event in cli.json("feedback", "list", DESK)
    }
    assert found.fixed
    assert all(one.case.startswith("event-") and one.question in inputs for one in found.fixed)


def test_a_candidate_that_got_another_number_keeps_its_evidence(trained: Repo) -> None:
    """As it does where two branches took one number."""
    trained.git("switch", "-q", "-c", f"promptvc/{DESK}/v3", BRANCH)
    text = trained.read(DESK_FILE).decode()
    trained.commit({DESK_FILE: text.replace("version: 2", "version: 3")}, "Renumber")
    trained.git("switch", "-q", "main")
    found = report_on(trained, DESK)
    assert (found.candidate.version, found.verdict, found.draft) == (3, "improvement", False)
    assert found.candidate.digest == trained.git("rev-parse", f"promptvc/{DESK}/v3:{DESK_FILE}")
    assert found.training is not None
    assert found.remarks == ()


def test_the_keys_of_the_json_are_a_contract(trained: Repo) -> None:
    value = cli_of(trained).json("review", DESK)
    assert set(value) == {
        "headline", "name", "version", "verdict", "recommendation", "draft", "provisional", "baseline", "candidate",
        "score", "cases", "branch", "on_main", "current", "commit", "author", "subject", "approach", "models",
        "latency", "changes", "fixed", "broken", "comparison", "training", "remarks",
    }  # fmt: skip
    assert set(value["candidate"]) == {"version", "digest", "score", "cost", "latency_ms", "tokens"}
    assert set(value["fixed"][0]) == {"case", "baseline", "candidate", "question", "before", "after"}
    assert set(value["changes"][0]) == {"path", "kind", "before", "after", "events"}
    assert set(value["changes"][0]["events"][0]) == {"id", "kind", "user", "time", "words"}
    assert "pairs" not in value["comparison"]
