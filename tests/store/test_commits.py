"""Version numbers and commit messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promptvc.git.objects import Objects
from promptvc.git.trailers import parse_trailers
from promptvc.store.candidates import candidate_branch, candidates
from promptvc.store.commits import message, next_version
from promptvc.store.history import History
from promptvc.store.versions import Place, Resolver
from tests.builders import Repo

FILE = "prompts/triage.yaml"


def prompt(version: int, word: str = "x") -> str:
    return f"name: triage\nversion: {version}\nmessages: [{{role: user, content: {word}}}]\n"


@contextmanager
def resolver(repo: Repo) -> Iterator[Resolver]:
    repository = repo.repository()
    with Objects(repository) as objects, History(repository, None) as history:
        yield Resolver(repository, objects, history, Place("main", "", repository.top))


def following(repo: Repo) -> int:
    with resolver(repo) as found:
        return next_version(found.repository, found, "triage")


def test_one_more_than_the_highest_that_is_known(repo: Repo) -> None:
    assert following(repo) == 1
    repo.commit({FILE: prompt(1), "prompts/triage/deep.yaml": prompt(9)})
    assert following(repo) == 2
    repo.git("switch", "-qc", candidate_branch("triage", 4))
    repo.commit({FILE: prompt(4)})
    repo.git("branch", candidate_branch("triage/deep", 30))
    repo.git("switch", "-q", "main")
    assert following(repo) == 5
    repo.commit({FILE: prompt(7)})
    assert following(repo) == 8


def test_a_branch_counts_by_its_name_and_by_its_file(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("branch", candidate_branch("triage", 6))
    assert following(repo) == 7
    repo.git("switch", "-qc", candidate_branch("triage", 2))
    repo.commit({FILE: prompt(11)})
    repo.git("switch", "-q", "main")
    assert following(repo) == 12


def test_remote_candidates_and_the_current_branch_count(repo: Repo, tmp_path: Path) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("switch", "-qc", candidate_branch("triage", 2))
    repo.commit({FILE: prompt(2)})
    repo.git("switch", "-q", "main")
    repo.git("clone", "-q", str(repo.path), str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", repo.environ)
    assert following(clone) == 3
    clone.git("switch", "-qc", "feature")
    clone.commit({FILE: prompt(3)})
    assert following(clone) == 4
    with resolver(clone) as found:
        refs = [(one.ref, one.number) for one in candidates(found.repository, "triage")]
    assert refs == [("refs/remotes/origin/promptvc/triage/v2", 2)]


def test_a_main_that_was_fetched_and_is_ahead_counts(repo: Repo, tmp_path: Path) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("clone", "-q", str(repo.path), str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", repo.environ)
    repo.commit({FILE: prompt(2)})
    assert following(clone) == 2
    clone.git("fetch", "-q")
    assert following(clone) == 3


def test_a_deleted_prompt_keeps_its_numbers(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.commit({FILE: prompt(2)})
    repo.commit({FILE: None})
    assert following(repo) == 3
    repo.commit({FILE: "name: [broken"})
    assert following(repo) == 3


def test_one_style_of_message() -> None:
    text = message(
        "Train", "support/triage", 4, "+9.5 points by few_shot",
        notes={"Approach": "few_shot", "Verdict": "improvement (0.717 -> 0.812, n=200)"},
    )  # fmt: skip
    assert text.splitlines()[:2] == ["Train support/triage v4: +9.5 points by few_shot", ""]
    assert parse_trailers(text) == {
        "Promptvc-Prompt": ("support/triage",),
        "Promptvc-Version": ("4",),
        "Promptvc-Approach": ("few_shot",),
        "Promptvc-Verdict": ("improvement (0.717 -> 0.812, n=200)",),
    }
    assert message("Deploy", "triage", 2).startswith("Deploy triage v2\n\nPromptvc-Prompt: triage\n")
