"""A candidate is merged by itself only where git would need no person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from promptvc.base.clock import utc_now
from promptvc.base.errors import Refused
from promptvc.git.commits import Committed
from promptvc.store.adoption import adopt
from promptvc.workflows.project import open_project
from tests.builders import Files, Repo

FILE = "prompts/a.yaml"
BRANCH = "promptvc/a/v2"
PROOF = "evaluation/evidence/a/1.json"
V1 = "name: a\nversion: 1\nmessages: [{role: user, content: one}]\n"
V2 = V1.replace("version: 1", "version: 2").replace("one", "two")
Adopt = Callable[[], Committed]


@pytest.fixture
def offered(repo: Repo) -> Adopt:
    """Offers v2 on its branch, with evidence, to a main with v1."""
    repo.commit({FILE: V1, "other.txt": "o", "evaluation/evidence/a/0.json": "{}"})
    branch(repo, {FILE: V2, PROOF: "{}"})

    def attempt() -> Committed:
        with open_project(repo.path, environ=repo.environ, clock=utc_now) as project:
            candidate = project.resolver.at("a", repo.rev(BRANCH))
            assert candidate is not None
            return adopt(project.resolver, candidate, BRANCH, "main", "Merge a v2")

    return attempt


def branch(repo: Repo, files: Files) -> None:
    repo.git("switch", "-q", "-C", BRANCH)
    repo.commit(files, "Train")
    repo.git("switch", "-q", "main")


def test_it_is_a_merge_of_both(repo: Repo, offered: Adopt) -> None:
    repo.commit({"other.txt": "moved on"})
    before = repo.rev("main")
    done = offered()
    assert repo.git("rev-list", "--parents", "-1", "main").split() == [
        done.commit,
        before,
        repo.rev(BRANCH),
    ]
    assert (repo.show(f"main:{FILE}"), repo.show("main:other.txt")) == (V2.encode(), b"moved on")
    assert repo.show(f"main:{PROOF}") == repo.read(PROOF) == b"{}"
    assert repo.status() == []
    repo.git("switch", "-q", "--detach", "main~1")
    repo.git("merge", "-q", "--no-ff", "--no-edit", BRANCH)
    assert repo.git("diff", "HEAD", "main") == ""  # what git itself would make of it


@pytest.mark.parametrize("path", [FILE, PROOF])
def test_what_main_has_changed_too_is_left_to_a_person(repo: Repo, offered: Adopt, path: str) -> None:
    repo.commit({path: V1 + "tags: [mine]\n"})
    before = repo.rev("main")
    with pytest.raises(Refused, match=f"{path} has changed on main since {BRANCH} began"):
        offered()
    assert (repo.rev("main"), repo.status()) == (before, [])


def test_the_same_change_on_both_is_none(repo: Repo, offered: Adopt) -> None:
    repo.commit({PROOF: "{}"})
    offered()
    assert repo.show(f"main:{FILE}") == V2.encode()


@pytest.mark.parametrize("path", ["other.txt", "prompts/a/b.yaml", "evaluation/a.yaml"])
def test_a_branch_with_more_in_it_is_left_to_a_person(repo: Repo, offered: Adopt, path: str) -> None:
    repo.git("branch", "-D", "-q", BRANCH)
    branch(repo, {FILE: V2, path: "more"})
    with pytest.raises(Refused, match=f"{BRANCH} changes {path} too"):
        offered()


def test_a_branch_with_no_history_in_common_is_left_to_a_person(repo: Repo, offered: Adopt) -> None:
    repo.git("switch", "-q", "--orphan", "alone")
    repo.commit({FILE: V2})
    repo.git("branch", "-f", BRANCH)
    repo.git("switch", "-q", "main")
    with pytest.raises(Refused, match="no history in common"):
        offered()
