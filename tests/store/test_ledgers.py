"""Looks are counted in the order in which they were reserved, whatever the clock says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from promptvc.base.ids import new_ulid
from promptvc.evidence.ledger import Look, fold
from promptvc.store.ledgers import Ledgers
from promptvc.workflows.project import open_project
from tests.builders import Repo
from tests.worlds import desk_files

NOON = datetime(2026, 11, 20, 12, 0, 0, 500_900, tzinfo=UTC)


def look(candidate: str, started: datetime) -> Look:
    return Look.reserve(new_ulid(started), started, "desk/route", (candidate, "base", "hold"), ["1", "2"])


@pytest.mark.parametrize("step", [timedelta(0), timedelta(microseconds=90), timedelta(seconds=-5)])
def test_a_clock_that_stands_or_goes_back_gives_no_number_twice(repo: Repo, step: timedelta) -> None:
    """The training that began last reserves first; then the clock does not go on."""
    repo.commit(desk_files())
    project = open_project(Path(repo.path), environ=repo.environ, clock=lambda: NOON)
    ledgers = Ledgers.of(project.resolver, "origin")
    numbers = []
    for at in range(4):
        taken = ledgers.reserve(look(f"c{at}", NOON - timedelta(hours=at)), lambda at=at: NOON + at * step)  # type: ignore[misc]
        state = fold(ledgers.read("desk/route").looks, taken.cases, key=taken.key)
        assert state.same_look is not None
        numbers.append(state.same_look.number)
    assert numbers == [1, 2, 3, 4]
    project.close()


def test_a_look_that_only_the_remote_is_known_to_have_is_older_too(repo: Repo) -> None:
    """The other clone's clock is an hour ahead."""
    repo.commit(desk_files())
    project = open_project(Path(repo.path), environ=repo.environ, clock=lambda: NOON)
    ledgers = Ledgers.of(project.resolver, "origin")
    ledgers.reserve(look("theirs", NOON), lambda: NOON + timedelta(hours=1))
    repo.git("update-ref", "refs/remotes/origin/promptvc/ledger", "promptvc/ledger")
    repo.git("branch", "-q", "-D", "promptvc/ledger")
    ours = ledgers.reserve(look("ours", NOON), lambda: NOON)
    assert [one.candidate for one in ledgers.read("desk/route").looks] == ["theirs", "ours"]
    again = ledgers.reserve(look("ours", NOON), lambda: NOON + timedelta(hours=9))
    assert again == ours
    project.close()
