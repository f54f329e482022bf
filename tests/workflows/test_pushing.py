"""The ledger between clones: pushed looks, diverged ledgers, and verdicts that are provisional."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, copy_of

LEDGER = "promptvc/ledger"


@pytest.fixture
def clones(desk: Repo, tmp_path: Path) -> tuple[Repo, Repo, Repo]:
    """A bare remote and two clones of it."""
    remote = tmp_path / "remote.git"
    desk.git("clone", "-q", "--bare", str(desk.path), str(remote))
    for name in ("one", "two"):
        desk.git("clone", "-q", str(remote), str(tmp_path / name))
    one, two = (Repo(tmp_path / name, desk.environ) for name in ("one", "two"))
    return Repo(remote, desk.environ), one, two


def files(repo: Repo, ref: str = LEDGER) -> set[str]:
    return set(repo.git("ls-tree", "-r", "--name-only", ref).splitlines())


def test_a_look_that_is_not_pushed_is_provisional(clones: tuple[Repo, Repo, Repo]) -> None:
    remote, one, _ = clones
    done = cli_of(one)("train", DESK)
    assert done.code == 0
    assert "provisional" in done.err
    assert remote.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_push_takes_the_look_and_the_candidate_along(clones: tuple[Repo, Repo, Repo]) -> None:
    remote, one, two = clones
    done = cli_of(one)("train", DESK, "--push")
    assert done.code == 0, done
    assert "provisional" not in done.err
    assert remote.rev(f"promptvc/{DESK}/v2") == one.rev(f"promptvc/{DESK}/v2")
    assert remote.rev(LEDGER) == one.rev(LEDGER)
    assert len(files(remote)) == 2
    two.git("fetch", "-q")
    history = cli_of(two).json("train", DESK, "--history")
    assert [row["candidate"]["version"] for row in history] == [2]
    assert cli_of(two).json("show", f"{DESK}@v2")["version"] == 2


def test_diverged_ledgers_are_joined_without_loss(clones: tuple[Repo, Repo, Repo]) -> None:
    remote, one, two = clones
    first = cli_of(one).json("train", DESK, "--max-examples", "4")
    second = cli_of(two).json("train", DESK, "--max-examples", "3")
    assert (first["look"], second["look"]) == (1, 1)
    before = files(one) | files(two)
    assert cli_of(one).json("train", DESK, "--max-examples", "5", "--push")["look"] == 2
    before |= files(one)
    pushed = cli_of(two).json("train", DESK, "--max-examples", "6", "--push")
    assert before < files(remote)
    assert pushed["look"] == 4
    assert remote.rev(LEDGER) == two.rev(LEDGER)
    assert len([path for path in files(remote) if path.startswith("looks/")]) == 4
    assert remote.git("fsck", "--strict") == ""
    one.git("fetch", "-q")
    assert len(cli_of(one).json("train", DESK, "--history")) == 4
    leftover = two.git("for-each-ref", "--format=%(refname)", "refs/heads/promptvc/ledger-joining")
    assert leftover == ""


def test_a_candidate_number_that_another_clone_took_is_not_overwritten(
    clones: tuple[Repo, Repo, Repo],
) -> None:
    remote, one, two = clones
    cli_of(one).ok("train", DESK, "--max-examples", "4", "--push")
    taken = remote.rev(f"promptvc/{DESK}/v2")
    done = cli_of(two)("train", DESK, "--max-examples", "3", "--push", "--json")
    assert remote.rev(f"promptvc/{DESK}/v2") == taken
    assert (done.json["candidate"], done.json["branch"]) == (3, f"promptvc/{DESK}/v3")
    assert remote.rev(f"promptvc/{DESK}/v3") == done.json["commit"]


def test_a_number_that_is_taken_between_the_fetch_and_the_push(clones: tuple[Repo, Repo, Repo]) -> None:
    """A hook of the remote takes v2 for somebody else at the moment that we push it."""
    remote, one, _ = clones
    hook = remote.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        f"while read old new ref; do test $ref = refs/heads/promptvc/{DESK}/v2 || continue\n"
        "git update-ref $ref refs/heads/main; done\nexit 0\n"
    )
    hook.chmod(0o755)
    done = cli_of(one).json("train", DESK, "--push")
    assert done["candidate"] == 3
    assert remote.rev(f"promptvc/{DESK}/v3") == done["commit"]
    assert remote.rev(f"promptvc/{DESK}/v2") == remote.rev("main")
    refs = one.git("for-each-ref", "--format=%(refname)", f"refs/heads/promptvc/{DESK}").splitlines()
    assert refs == [f"refs/heads/promptvc/{DESK}/v3"]


def test_the_same_candidate_of_two_clones_is_one(clones: tuple[Repo, Repo, Repo]) -> None:
    remote, one, two = clones
    cli_of(one).ok("train", DESK, "--push")
    done = cli_of(two)("train", DESK, "--push")
    assert done.code == 0, done
    assert f"the same candidate was on promptvc/{DESK}/v2 already" in done.err
    assert two.rev(f"promptvc/{DESK}/v2") == one.rev(f"promptvc/{DESK}/v2")
    assert len([path for path in files(remote) if path.startswith("looks/")]) == 1
    assert len([path for path in files(remote) if path.startswith("trainings/")]) == 2


def test_a_branch_that_is_named_is_there(clones: tuple[Repo, Repo, Repo]) -> None:
    """The other clone's candidate was fetched, not checked out; this training does not push."""
    _, one, two = clones
    pushed = cli_of(one).json("train", DESK, "--push")
    two.git("fetch", "-q")
    done = cli_of(two).json("train", DESK)
    assert (done["branch"], done["commit"]) == (pushed["branch"], pushed["commit"])
    assert two.rev(f"refs/heads/{done['branch']}") == pushed["commit"]


def test_a_number_with_other_content_here_is_another_candidate(clones: tuple[Repo, Repo, Repo]) -> None:
    remote, one, two = clones
    cli_of(one).ok("train", DESK, "--push")
    cli_of(two).ok("train", DESK, "--max-examples", "4")
    done = cli_of(two).json("train", DESK, "--push")
    assert done["branch"] == f"promptvc/{DESK}/v3"
    assert remote.rev(done["branch"]) == two.rev(done["branch"]) == done["commit"]


def test_a_remote_that_cannot_be_reached(clones: tuple[Repo, Repo, Repo], tmp_path: Path) -> None:
    remote, one, _ = clones
    remote.path.rename(tmp_path / "moved.git")
    said = cli_of(one).fails(3, "train", DESK, "--push")
    assert "origin" in said
    assert one.status() == []


def test_a_remote_that_refuses(clones: tuple[Repo, Repo, Repo]) -> None:
    remote, one, _ = clones
    hook = remote.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho closed on Sundays >&2\nexit 1\n")
    hook.chmod(0o755)
    said = cli_of(one).fails(3, "train", DESK, "--push")
    assert "closed on Sundays" in said or "refuse" in said
    assert len([path for path in files(one) if path.startswith("looks/")]) == 1


def test_main_is_what_the_remote_says_on_any_branch(clones: tuple[Repo, Repo, Repo]) -> None:
    _, one, _ = clones
    one.git("checkout", "-q", "-b", "side")
    cli = cli_of(one)
    assert cli.json("deploy", DESK)["branch"] == "side"
    assert cli.json("status") == []
    one.git("branch", "-D", "main")
    assert [row["version"] for row in cli.json("log", DESK)] == [1]
    assert cli.json("train", DESK)["candidate"] == 2
    one.git("checkout", "-q", "--detach")
    assert cli.json("show", f"{DESK}@latest")["version"] == 1
    assert cli.json("check")["problems"] == []


def test_two_roots_in_one_repository_have_ledgers_apart(desk: Repo, tmp_path: Path) -> None:
    other = copy_of(desk, tmp_path / "both")
    other.git("checkout-index", "-a", "--prefix=team/")
    other.git("add", "team")
    other.git("commit", "-q", "-m", "A second root")
    cli = cli_of(other)
    assert cli.json("train", DESK)["look"] == 1
    team = cli.at(other.path / "team")
    assert team.json("train", DESK, "--history") == []
    assert {row["name"] for row in team.json("list")} == {DESK}
