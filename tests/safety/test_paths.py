"""Nothing that is committed, imported or named leads out of the repository, or into git's own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Repo, isolated_environ
from tests.commands import cli_of
from tests.safety.canaries import WORD, Outside, run_all
from tests.worlds import DESK, DESK_FILE, copy_of, desk_files, desk_rows, desk_suite

READS = (
    ("list",),
    ("show", DESK),
    ("log", DESK),
    ("diff", DESK, f"{DESK}@v1"),
    ("check",),
    ("check", "--format", "sarif"),
    ("status",),
    ("blame", DESK),
    ("changelog", DESK),
    ("drift",),
    ("feedback", "list", DESK),
    ("feedback", "summary", DESK),
    ("evaluate", DESK, "--allow-code"),
    ("convert", DESK, "openai"),
    ("suggest", DESK),
    ("alerts",),
    ("baseline", "show", DESK),
    ("dataset", "list"),
)
WRITES = (
    ("init",),
    ("init", "--ci", "github", "--install", "promptvc==1"),
    ("git", "install"),
    ("new", "desk/other"),
    ("commit", DESK, "-m", "change"),
    ("check", "--fix"),
    ("feedback", "add", DESK, "--comment", "more"),
    ("feedback", "commit"),
    ("feedback", "to-cases", DESK),
    ("evaluate", DESK, "--save"),
    ("deploy", DESK),
    ("rollback", DESK, "--reason", "x"),
    ("export", "../copy"),
)
LINKS = (
    ("prompts", ""),
    ("prompts/desk", "desk"),
    (DESK_FILE, "route.yaml"),
    ("evaluation", ""),
    ("evaluation/desk", "desk"),
    ("evaluation/desk/route.yaml", "route.yaml"),
    ("evaluation/evidence", ""),
    ("evaluation/baselines", ""),
    ("deployments", ""),
    ("deployments/production", ""),
    ("feedback", ""),
    ("feedback/desk", "desk"),
    ("datasets", ""),
    ("promptvc.yaml", "settings.yaml"),
    (".promptvc", ""),
    (".gitignore", "secret.txt"),
    (".gitattributes", "secret.txt"),
    (".github", ""),
    (".github/workflows", ""),
    ("action.yml", "secret.txt"),
    ("CODEOWNERS", "secret.txt"),
)


def linked(repo: Repo, path: str, target: str | Path) -> None:
    """Put a link where ``path`` is."""
    place = repo.path / path
    repo.git("rm", "-rq", "--ignore-unmatch", "--", path)
    if place.is_dir() and not place.is_symlink():
        for each in sorted(place.rglob("*"), reverse=True):
            each.rmdir() if each.is_dir() else each.unlink()
        place.rmdir()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside.make(tmp_path / "outside")


@pytest.fixture(scope="module")
def quick_template(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Repo:
    """The desk with three cases and three events, deployed: what is told of paths takes no more."""
    folder = tmp_path_factory.mktemp("quick")
    repo = Repo.create(folder / "desk", isolated_environ(home))
    repo.commit(desk_files(**{"evaluation/desk/route.yaml": desk_suite(1)}), "Start")
    (folder / "rows.jsonl").write_text(desk_rows(1))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(folder / "rows.jsonl"))
    cli.ok("feedback", "commit")
    cli.ok("deploy", DESK)
    return repo


@pytest.fixture
def quick(quick_template: Repo, tmp_path: Path) -> Repo:
    return copy_of(quick_template, tmp_path / "desk")


def told_nowhere(repo: Repo) -> None:
    """No file of the repository has the word: what was read outside would be committed with it."""
    tracked = repo.path / ".git"
    for path in repo.path.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.is_relative_to(tracked):
            assert WORD.encode() not in path.read_bytes(), path
    assert WORD not in repo.git("grep", "-I", "-h", "-e", WORD, "HEAD", ok=(0, 1))


@pytest.mark.parametrize(("path", "target"), LINKS)
def test_a_link_out_of_the_repository_is_not_followed(
    quick: Repo, outside: Outside, path: str, target: str
) -> None:
    linked(quick, path, outside.path / target)
    cli = cli_of(quick)
    run_all(cli, WRITES)
    outside.unchanged()
    told_nowhere(quick)


@pytest.mark.parametrize(("path", "target"), LINKS)
def test_a_link_in_a_commit_is_the_text_of_a_link(
    quick: Repo, outside: Outside, path: str, target: str
) -> None:
    linked(quick, path, outside.path / target)
    quick.git("add", "-Af", "--", path)
    quick.git("commit", "-q", "-m", "Link")
    cli = cli_of(quick)
    run_all(cli, READS)
    run_all(cli, WRITES[:1])
    outside.unchanged()
    told_nowhere(quick)
