"""A desk with a past: a trained version, a rollback with its hold, an edit by hand, and a draft that waits."""

from __future__ import annotations

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, copy_of


@pytest.fixture(scope="session")
def lived_template(tmp_path_factory: pytest.TempPathFactory, shipped_template: Repo) -> Repo:
    """v2 trained and merged, in staging; production rolled back to v1; v3 by hand; v4 on a branch."""
    repo = copy_of(shipped_template, tmp_path_factory.mktemp("lived") / "desk")
    cli = cli_of(repo)
    cli.ok("deploy", DESK, "--env", "staging")
    cli.ok("rollback", DESK, "--reason", "<b>complaints</b> of @ada")
    text = repo.read(DESK_FILE).decode()
    repo.write({DESK_FILE: text.replace("one label only", "exactly one label")})
    cli.ok("commit", DESK, "-m", "Say it shorter")
    repo.git("switch", "-q", "-c", f"promptvc/{DESK}/v4", "HEAD~1")
    repo.commit({DESK_FILE: text.replace("version: 2", "version: 4") + "tags: [x]\n"}, "Try tags")
    repo.git("switch", "-q", "main")
    return repo


@pytest.fixture
def lived(lived_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A desk with a past, of the test's own."""
    return copy_of(lived_template, tmp_path_factory.mktemp("lived") / "desk")
