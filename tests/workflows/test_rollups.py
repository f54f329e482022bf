"""Rollups from the spool to the answers: sealed, counted once, whoever answers, archived or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from promptvc.feedback.spool import Spool
from promptvc.training.triggers import count
from promptvc.workflows.collect import commit
from promptvc.workflows.gathering import open_facts, read_events
from promptvc.workflows.laid_out import read_contents
from promptvc.workflows.project import Project, open_project
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, desk_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(number: int, kind: str = "success", **values: Any) -> Event:
    time = NOW - timedelta(days=40, minutes=number)
    about = {"id": derived_ulid(time, b"%d" % number, 0), "time": format_time(time), "prompt": DESK}
    return parse_event({**about, "kind": kind, "source": "code", "version": 1, **values})


CALLS = [event(number, latency_ms=100 + number, user=f"u-{number}") for number in range(90)]
ERRORS = [event(number, "error", error={"type": "Timeout"}) for number in range(100, 110)]
EVERYTHING = [*CALLS, *ERRORS]


@pytest.fixture
def project(repo: Repo) -> Iterator[Project]:
    repo.commit(desk_files())
    with open_project(repo.path, environ=repo.environ, clock=lambda: NOW) as opened:
        yield opened


def spool(project: Project) -> Spool:
    return Spool.of(project.repository.common_dir, project.environ)


@contextlib.contextmanager
def asked(project: Project, name: str | None = None, *, spooled: bool = False) -> Iterator[Facts]:
    project.refresh()
    facts = open_facts(project, name, spooled=spooled)
    yield facts
    if isinstance(facts, DuckFacts):
        facts.close()


def total(project: Project, *, spooled: bool = False) -> int:
    with asked(project, DESK, spooled=spooled) as facts:
        return facts.witnesses().n


def test_a_commit_seals_rollups_and_counts_their_events(project: Project) -> None:
    spool(project).append(EVERYTHING)
    assert total(project, spooled=True) == 100
    sealed = commit(project)
    assert (sealed.events, len(sealed.segments)) == (100, 1)
    project.refresh()
    found = read_events(project, DESK, spooled=False).events
    assert sum(one.count for one in found) == 100
    assert 10 < len(found) < 16
    with asked(project) as facts:
        assert facts.cells() == PlainFacts(EVERYTHING).cells()
    runs = count(found)
    assert (runs.events, runs.runs, runs.errors, runs.error_rate) == (100, 100, 10, 0.1)
    words = {one.words for one in found}
    assert "60 of this hour" in words


@pytest.mark.parametrize("backend", ["python", "duckdb"])
def test_a_batch_that_is_committed_and_still_spooled_counts_once(
    project: Project, repo: Repo, backend: str
) -> None:
    """As after a crash between the commit and the removal of the batch."""
    repo.write({"promptvc.yaml": f"analytics: {{backend: {backend}}}\n"})
    queue = spool(project)
    queue.append(EVERYTHING)
    with queue.seal(now=NOW) as batch:
        (left,) = queue.directory.glob("batch-*.jsonl")
        assert len(batch.events) == 100
    content = left.read_bytes()
    commit(project)
    left.write_bytes(content)
    late = event(500)
    queue.append([late])
    assert (total(project), total(project, spooled=True)) == (100, 101)
    again = commit(project)
    assert (again.events, total(project), queue.read().events) == (101, 101, ())


def test_what_is_not_to_be_rolled_up_stays_as_it_is(project: Project, repo: Repo) -> None:
    repo.write({"promptvc.yaml": "feedback: {rollup: []}\n"})
    project.refresh()
    spool(project).append(EVERYTHING)
    commit(project)
    project.refresh()
    assert set(read_events(project, DESK, spooled=False).events) == set(EVERYTHING)


def test_what_is_read_is_what_is_committed_whatever_the_working_tree_holds(
    project: Project, repo: Repo
) -> None:
    paths = [f"feedback/{DESK}/2026/01/{derived_ulid(NOW, b'%d' % number, 0)}.jsonl" for number in range(70)]
    files = {path: event(number).line() for number, path in enumerate(paths)}
    head = repo.commit(files)
    blobs = project.tree(head, "feedback")
    assert dict(read_contents(project, blobs)) == files
    other = dict.fromkeys(paths[:2], ERRORS[0].line())
    repo.write({**other, paths[2]: None})
    (repo.path / paths[3]).unlink()
    (repo.path / paths[3]).symlink_to(paths[4])
    assert dict(read_contents(project, blobs)) == files
    repo.write(dict.fromkeys(paths[4:], b""))
    assert dict(read_contents(project, blobs)) == files
    assert list(read_contents(project, blobs)) == sorted(files.items())


def test_engines_agree_on_what_is_archived(project: Project, repo: Repo, tmp_path: Path) -> None:
    spool(project).append(EVERYTHING)
    commit(project)
    cli_of(repo).ok("feedback", "archive", "--before", "2026-02", "--to", str(tmp_path / "archive"))
    query = Query(kinds=("success",))
    for backend in ("python", "duckdb"):
        repo.write({"promptvc.yaml": f"analytics: {{backend: {backend}}}\n"})
        with asked(project) as facts:
            assert facts.cells() == PlainFacts(EVERYTHING).cells()
            assert facts.latencies(query) == PlainFacts(EVERYTHING).latencies(query)
            assert (facts.engine, facts.unread) == (backend, 0)
        with asked(project, "desk/other") as facts:
            assert facts.cells() == []
    (part,) = (tmp_path / "archive").iterdir()
    part.rename(tmp_path / "gone")
    for backend in ("python", "duckdb"):
        repo.write({"promptvc.yaml": f"analytics: {{backend: {backend}}}\n"})
        with asked(project) as facts:
            assert facts.cells() == []
            assert facts.unread > 10
