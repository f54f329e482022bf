"""Fixtures for every package: an isolated environment and a repository builder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.builders import Repo, isolated_environ

MakeRepo = Callable[..., Repo]

# No test is timed: how long an example takes depends on what else the machine does.
settings.register_profile("promptvc", deadline=None)
settings.load_profile("promptvc")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME for the whole session: git's configuration and the repository templates."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """Variables that see nothing of this machine but PATH, with a fixed author and clock."""
    return isolated_environ(home)


@pytest.fixture
def make_repo(tmp_path: Path, environ: dict[str, str]) -> MakeRepo:
    """``make_repo("name", object_format="sha256", bare=True)``: an empty repository in the test's folder."""

    def make(name: str = "repo", *, object_format: str = "sha1", bare: bool = False) -> Repo:
        return Repo.create(tmp_path / name, environ, object_format=object_format, bare=bare)

    return make


@pytest.fixture
def repo(make_repo: MakeRepo) -> Repo:
    """An empty sha1 repository on the unborn branch ``main``."""
    return make_repo()
