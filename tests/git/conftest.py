"""What every test of commits asks for: both object formats, one way to commit, one look at what was left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from promptvc.git.commits import CommitOptions, Committed, Plan, commit, leftovers
from tests.builders import Repo

Put = Callable[..., Committed]
Settled = Callable[..., None]


@pytest.fixture(params=["sha1", "sha256"])
def any_repo(request: pytest.FixtureRequest, make_repo: Callable[..., Repo]) -> Repo:
    """A repository with two files on ``main``, once with sha1 and once with sha256."""
    repo = make_repo(object_format=request.param)
    repo.commit({"prompts/a.yaml": "old\n", "other.txt": "other\n", "gone.txt": "gone\n"}, "begin")
    return repo


@pytest.fixture
def put() -> Put:
    """``put(repo, {path: bytes}, branch)``: commit those contents; ``start`` is the folder to run in."""

    def commit_files(
        repo: Repo,
        files: Mapping[str, bytes | None],
        branch: str | None = None,
        *,
        options: CommitOptions = CommitOptions(),  # noqa: B008
        start: str = ".",
    ) -> Committed:
        def build(_: str | None) -> Plan:
            return Plan(files, "Deploy\n\nWhy")

        return commit(repo.repository(start), branch, build, options=options)

    return commit_files


@pytest.fixture
def settled() -> Settled:
    """Asserts: objects sound, a reflog entry for the commit, no lock, no temporary ref, no journal left."""

    def check(repo: Repo, ref: str, expected: str) -> None:
        fsck = repo.git("fsck", "--strict", "--no-dangling")
        assert fsck in {"", "notice: HEAD points to an unborn branch (main)"}, fsck
        assert repo.rev(ref) == expected
        assert repo.git("reflog", "-1", "--format=%H %gs", ref, "--") == f"{expected} promptvc: Deploy"
        assert_nothing_left(repo)

    return check


def assert_nothing_left(repo: Repo) -> None:
    """No lock of git, no temporary ref, no journal."""
    common = Path(repo.git("rev-parse", "--path-format=absolute", "--git-common-dir"))
    assert [str(path) for path in common.rglob("*.lock") if path.name != "commit.lock"] == []
    assert repo.git("for-each-ref", "refs/promptvc") == ""
    pending = common / "promptvc" / "pending"
    assert not pending.exists() or list(pending.iterdir()) == []
    assert leftovers(repo.repository()) == []


def index_bytes(repo: Repo) -> bytes:
    """The index file as it is."""
    return Path(repo.git("rev-parse", "--path-format=absolute", "--git-path", "index").strip()).read_bytes()
