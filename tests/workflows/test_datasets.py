"""Datasets in a real repository: of the working tree and of commits, never from outside, and what `check` says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from promptvc.base.errors import InputError, InvalidDocument
from promptvc.evaluation.cases.finding import Shelf
from promptvc.evaluation.cases.suite import Suite
from promptvc.workflows.project import open_project
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_files, questions

SUITE = f"evaluation/{DESK}.yaml"
DATASET = f"evaluation/{DESK}.cases.jsonl"


def row(name: str, question: str = "", expected: str = "alpha") -> str:
    return f'{{"id": "{name}", "vars": {{"question": "{question or name}"}}, "expected": "{expected}"}}\n'


@pytest.fixture
def repo(repo: Repo) -> Repo:
    files = {SUITE: "cases: 'route.*.jsonl'\n", DATASET: row("a") + row("b")}
    repo.commit(desk_files(**files))
    return repo


def suite(repo: Repo, commit: str | None = None, start: str = ".") -> Suite:
    with open_project(repo.path / start, environ=repo.environ, clock=lambda: datetime.now(UTC)) as project:
        found = Shelf(project.files(commit), commit, project.memo).suite(DESK)
        assert found is not None
        list(found.cases)
        return found


def ids(found: Suite) -> list[str]:
    return [case.id for case in found.cases]


def problems(repo: Repo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli_of(repo)("check", "--json").json["problems"]
    return found


def test_a_commit_has_its_own_datasets(repo: Repo) -> None:
    first = repo.rev("HEAD")
    repo.commit({f"evaluation/{DESK}.more.jsonl": row("c"), DATASET: row("b") + row("d")})
    repo.write({DATASET: row("e"), f"evaluation/{DESK}.zero.jsonl": row("f")})
    assert ids(suite(repo)) == ["e", "c", "f"]
    assert ids(suite(repo, repo.rev("HEAD"))) == ["b", "d", "c"]
    assert ids(suite(repo, first)) == ["a", "b"]
    assert suite(repo, first).cases[0].file == f"{first[:12]}:{DATASET}"
    assert suite(repo, first).removed_since(suite(repo)) == ("e", "c", "f")


def test_a_prompt_root_below_the_top(make_repo: Any) -> None:
    repo = make_repo("nested")
    files = desk_files(**{SUITE: "cases: ['route.*.jsonl', ../shared/x.jsonl]\n", DATASET: row("a")})
    files = {**files, "evaluation/shared/x.jsonl": row("b")}
    repo.commit({f"tools/{path}": text for path, text in files.items()})
    assert ids(suite(repo, start="tools")) == ids(suite(repo, repo.rev("HEAD"), start="tools")) == ["a", "b"]
    repo.write({f"tools/{SUITE}": "cases: ../../../x.jsonl\n", "x.jsonl": row("c")})
    with pytest.raises(InvalidDocument, match="leads out of the prompt root"):
        suite(repo, start="tools")


def test_a_bare_repository_is_read_at_head(repo: Repo, make_repo: Any) -> None:
    bare = make_repo("bare", bare=True)
    repo.git("push", "-q", str(bare.path), "main")
    assert ids(suite(bare)) == ["a", "b"]


@pytest.mark.parametrize(
    "pattern", ["linked.jsonl", "'l*.jsonl'", "folder/x.jsonl", "'folder/*.jsonl'", "'**/x.jsonl'"]
)
def test_links_never_lead_outside(repo: Repo, pattern: str) -> None:
    outside = repo.path.parent / "outside"
    outside.mkdir()
    (outside / "x.jsonl").write_text(row("secret"))
    (repo.path / "evaluation/desk/linked.jsonl").symlink_to(outside / "x.jsonl")
    (repo.path / "evaluation/desk/folder").symlink_to(outside)
    repo.commit({SUITE: f"cases: {pattern}\n"}, "Link")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Link")
    for commit in (None, repo.rev("HEAD")):
        with pytest.raises(InputError):
            suite(repo, commit)


def test_folders_that_link_to_themselves_are_gone_through_once(repo: Repo) -> None:
    for name in ("loop", "again"):
        (repo.path / "evaluation/desk" / name).symlink_to(repo.path / "evaluation/desk")
    repo.write({SUITE: "cases: '**/**/route.cases.jsonl'\n"})
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Link")
    assert ids(suite(repo)) == ids(suite(repo, repo.rev("HEAD"))) == ["a", "b"]


def test_evaluation_of_a_branch_takes_the_datasets_of_the_branch(repo: Repo) -> None:
    cli = cli_of(repo)
    repo.git("switch", "-q", "-c", "side")
    repo.commit({DATASET: "".join(map(row, "abcde")), DESK_FILE: DESK_PROMPT + "tags: [side]\n"})
    repo.git("switch", "-q", "main")
    assert cli.json("evaluate", f"{DESK}@side", codes=(0, 1))["cases"] == 5
    assert cli.json("evaluate", DESK, codes=(0, 1))["cases"] == 2


def test_training_sees_the_datasets_of_main(desk: Repo) -> None:
    rows = [
        row(f"{label}-{at}", text, label)
        for label in ("alpha", "beta", "gamma")
        for at, text in enumerate(questions(label, 15, salt="hold"))
    ]
    inline = cli_of(desk).json("train", DESK)
    desk.git("update-ref", "-d", f"refs/heads/promptvc/{DESK}/v2")
    desk.git("update-ref", "-d", "refs/heads/promptvc/ledger")
    desk.commit({SUITE: "cases: route.cases.jsonl\n", DATASET: "".join(rows)})
    named = cli_of(desk).json("train", DESK)
    assert named["score"] == inline["score"] != None  # noqa: E711 - a chain
    assert named["verdict"] == inline["verdict"]


def test_check_names_the_line_of_a_dataset(repo: Repo) -> None:
    assert problems(repo) == []
    repo.write({DATASET: row("a") + "\n" + row("b").replace("expected", "expcted")})
    (found,) = problems(repo)
    assert (found["rule"], found["severity"], found["file"], found["line"]) == ("suite", "error", DATASET, 3)
    assert found["hint"] == "did you mean `expected`?"


def test_check_takes_no_dataset_for_a_suite(repo: Repo) -> None:
    repo.write(
        {f"evaluation/{DESK}.old.yaml": "- {id: z, expected: alpha}\n", "evaluation/gone.x.yaml": "[]"}
    )
    assert problems(repo) == []


def test_check_warns_of_what_the_prompt_gives_away(repo: Repo) -> None:
    examples = '  - {input: {question: "Where is  the lift?"}, output: alpha}\n'
    repo.write({DESK_FILE: DESK_PROMPT + "examples:\n" + examples})
    repo.write({DATASET: row("a") + row("lift", "where is the lift")})
    (found,) = problems(repo)
    assert (found["rule"], found["severity"], found["file"], found["line"]) == ("leak", "warning", DATASET, 2)
    assert found["message"] == "the input of case `lift` is that of example 1 of the prompt"
    assert cli_of(repo)("check").code == 0
    repo.write({DATASET: "".join(row(f"n{at}", f"where is the lift{'!' * at}") for at in range(25))})
    *_, more = problems(repo)
    assert len(problems(repo)) == 21
    assert {one["message"] for one in problems(repo)} >= {"5 more cases repeat an example of the prompt"}
    assert more["rule"] == "leak"


def test_a_template_that_is_none_is_one_finding(repo: Repo) -> None:
    broken = DESK_PROMPT.replace("{{ question }}", "{% if %}") + "template: jinja2\n"
    repo.write({DESK_FILE: broken + "examples:\n  - {input: {question: a}, output: alpha}\n"})
    assert {one["rule"] for one in problems(repo)} == {"template"}
