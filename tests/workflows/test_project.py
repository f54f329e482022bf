"""Opening a project: what is trusted, which branch is main, and what is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc.base.clock import utc_now
from promptvc.base.errors import NotFound
from promptvc.workflows.check import check
from promptvc.workflows.diff import readable
from promptvc.workflows.log import log
from promptvc.workflows.project import Project, open_project
from tests.builders import Repo
from tests.conftest import MakeRepo

PROMPT = "name: a\nversion: {n}\nmessages: [{{role: user, content: hi}}]\n"


def opened(repo: Repo) -> Project:
    return open_project(repo.path, environ=repo.environ, clock=utc_now)


def test_derived_files_stay_out_of_git(repo: Repo) -> None:
    repo.commit({"prompts/a.yaml": PROMPT.format(n=1)})
    with opened(repo) as project:
        assert [entry.version for entry in log(project, "a")] == [1]
    assert (repo.path / ".promptvc" / "index.sqlite").is_file()
    assert repo.status() == []


def test_a_committed_index_is_not_trusted(repo: Repo, make_repo: MakeRepo) -> None:
    """What a commit brought was made by somebody else: it must not decide what history says."""
    repo.commit({"prompts/a.yaml": PROMPT.format(n=1)})
    with opened(repo) as project:
        log(project, "a")
    repo.git("add", "-f", ".promptvc")
    repo.git("commit", "-q", "-m", "smuggle")
    victim = make_repo("victim")
    victim.git("pull", "-q", str(repo.path), "main")
    assert (victim.path / ".promptvc" / "index.sqlite").is_file()
    with opened(victim) as project:
        assert victim.path / ".promptvc" not in project.state.parents
        assert project.state.is_relative_to(victim.path / ".git")
        assert [entry.version for entry in log(project, "a")] == [1]
        assert [one.rule for one in check(project).problems if one.is_error] == ["derived"]


def test_a_main_that_does_not_exist_is_an_error(repo: Repo) -> None:
    repo.commit({"prompts/a.yaml": PROMPT.format(n=1), "promptvc.yaml": "main: mian\n"})
    with opened(repo) as project, pytest.raises(NotFound) as caught:
        _ = project.main_commit
    assert caught.value.hint == "did you mean main?"
    assert caught.value.file == "promptvc.yaml"


def test_a_commit_is_found_by_its_words(repo: Repo) -> None:
    wanted = repo.commit({"prompts/a.yaml": PROMPT.format(n=1)}, "Say hi")
    repo.commit({"prompts/a.yaml": PROMPT.format(n=2)}, "Say more")
    with opened(repo) as project:
        assert project.resolver.resolve("a@:/Say hi").commit == wanted


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        ([], "x -> y"),
        (["E1"], "x -> y  [E1]"),
        (["E1", "E2", "E3"], "x -> y  [E1 +2]"),
    ],
)
def test_a_learned_example_cites_its_events(ids: list[str], shown: str) -> None:
    assert readable({"input": {"q": "x"}, "output": "y", "because": ids}) == shown


def test_there_is_a_line_for_every_place_that_is_no_project(tmp_path: Path, repo: Repo) -> None:
    repo.commit({"README": "nothing here"})
    for place in (tmp_path / "absent", tmp_path, repo.path):
        with pytest.raises(NotFound):
            open_project(place, environ=repo.environ, clock=utc_now)
