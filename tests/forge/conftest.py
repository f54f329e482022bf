"""A forge of each kind over a real bare repository, and what a client of it needs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from promptvc.forge.forge import Forge
from promptvc.forge.line import Patience
from promptvc.forge.opening import open_forge
from tests.builders import Repo, isolated_environ
from tests.forge.servers.gitea import GiteaServer
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.state import ADA

Server = GitHubServer | GitLabServer | GiteaServer
SERVERS: dict[str, type[GitHubServer] | type[GitLabServer] | type[GiteaServer]] = {
    "github": GitHubServer,
    "gitlab": GitLabServer,
    "gitea": GiteaServer,
}


@dataclass
class Naps:
    """A clock that goes on only while somebody sleeps."""

    now: float = 1_767_225_600.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **more: float) -> Patience:
        return Patience(clock=lambda: self.now, sleep=self.sleep, **more)  # type: ignore[arg-type]


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture(scope="session")
def bare_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``main``, ``topic`` one commit ahead, ``other`` one commit ahead of main, ``clash`` against topic."""
    folder = tmp_path_factory.mktemp("hosted")
    work = Repo.create(folder / "work", isolated_environ(folder / "home"))
    work.commit({"a.txt": "one\n"}, "Start")
    for branch, text in (("topic", "two\n"), ("clash", "three\n")):
        work.git("checkout", "-q", "-b", branch, "main")
        work.commit({"a.txt": text}, branch)
    work.git("checkout", "-q", "-b", "other", "main")
    work.commit({"b.txt": "two\n"}, "other")
    work.git("checkout", "-q", "main")
    bare = folder / "bare.git"
    work.git("clone", "-q", "--bare", "--template=", str(work.path), str(bare))
    return bare


@pytest.fixture
def bare(bare_template: Path, tmp_path: Path) -> Path:
    shutil.copytree(bare_template, tmp_path / "prompts.git")
    return tmp_path / "prompts.git"


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest, bare: Path) -> Iterator[Server]:
    """Each kind in its turn."""
    with SERVERS[request.param](bare) as running:
        yield running


@pytest.fixture
def bare_elsewhere(server: Server, bare_template: Path) -> Iterator[Server]:
    """Another forge of the same kind."""
    with type(server)(bare_template) as running:
        yield running


Open = Callable[..., Forge]


@pytest.fixture
def opened(server: Server, naps: Naps) -> Open:
    """``opened(token)``: the forge as that token sees it; nothing really sleeps."""

    def make(token: str = ADA, **more: float) -> Forge:
        return open_forge(server.clone_url(), server.environ(token), patience=naps.patience(**more))

    return make


@pytest.fixture
def forge(opened: Open) -> Forge:
    """As ``ada`` sees it, who may write."""
    return opened()
