"""Fixtures for every package: an isolated environment and a repository builder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.builders import Repo, isolated_environ
from tests.commands import cli_of
from tests.worlds import DESK, copy_of, desk_files, desk_rows, desk_suite, sample_repo

MakeRepo = Callable[..., Repo]

# No test is timed: how long an example takes depends on what else the machine does.
settings.register_profile("promptvc", deadline=None, max_examples=50)
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


@pytest.fixture(scope="session")
def desk_template(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Repo:
    """The desk with committed feedback. Copied by :func:`desk`; never changed."""
    folder = tmp_path_factory.mktemp("desk")
    repo = Repo.create(folder / "desk", isolated_environ(home))
    repo.commit(desk_files(), "Start")
    rows = folder / "rows.jsonl"
    rows.write_text(desk_rows())
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    return repo


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory: pytest.TempPathFactory, desk_template: Repo) -> Repo:
    """The desk with v1 in production and the candidate v2 on its branch."""
    repo = copy_of(desk_template, tmp_path_factory.mktemp("trained") / "desk")
    cli = cli_of(repo)
    cli.ok("deploy", DESK)
    cli.ok("train", DESK)
    return repo


@pytest.fixture(scope="session")
def shipped_template(tmp_path_factory: pytest.TempPathFactory, trained_template: Repo) -> Repo:
    """The desk with v2 merged and in production, v1 before it."""
    repo = copy_of(trained_template, tmp_path_factory.mktemp("shipped") / "desk")
    repo.git("merge", "-q", "--no-ff", "--no-edit", f"promptvc/{DESK}/v2")
    cli_of(repo).ok("deploy", DESK)
    return repo


@pytest.fixture(scope="session")
def sample_template(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Repo:
    """The sample of this repository, committed. Copied by :func:`sample`; never changed."""
    return sample_repo(tmp_path_factory.mktemp("sample") / "sample", isolated_environ(home))


@pytest.fixture
def desk(desk_template: Repo, tmp_path: Path) -> Repo:
    """A desk of the test's own, with committed feedback."""
    return copy_of(desk_template, tmp_path / "desk")


@pytest.fixture
def trained(trained_template: Repo, tmp_path: Path) -> Repo:
    """A desk of the test's own, with v1 in production and the candidate v2 on its branch."""
    return copy_of(trained_template, tmp_path / "desk")


@pytest.fixture
def shipped(shipped_template: Repo, tmp_path: Path) -> Repo:
    """A desk of the test's own, with v2 merged and in production."""
    return copy_of(shipped_template, tmp_path / "desk")


@pytest.fixture
def sample(sample_template: Repo, tmp_path: Path) -> Repo:
    """A copy of the sample of the test's own."""
    return copy_of(sample_template, tmp_path / "sample")


@pytest.fixture
def small(repo: Repo, tmp_path: Path) -> Repo:
    """A desk with half the feedback and the smallest hold-out that promotes, for models that take their time."""
    repo.commit(desk_files(**{"evaluation/desk/route.yaml": desk_suite(10)}))
    (tmp_path / "rows.jsonl").write_text(desk_rows(10))
    cli_of(repo).ok("feedback", "import", str(tmp_path / "rows.jsonl"))
    cli_of(repo).ok("feedback", "commit")
    return repo
