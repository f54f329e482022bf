from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.errors import Busy, InvalidDocument, StorageError
from promptvc.base.files import FileLock
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.segments import read_segments
from promptvc.feedback.spool import Spool

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


def make(number: int, **keys: Any) -> Event:
    value = {"prompt": "p", "kind": "rating", "source": "human", "rating": 0.5} | keys
    return parse_event(stamped(value, now=NOW + timedelta(seconds=number), random=number.to_bytes(10, "big")))


def names(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.directory.iterdir())


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "promptvc" / "spool")


def test_an_empty_spool_leaves_no_trace(spool: Spool) -> None:
    assert spool.read().events == ()
    spool.append([])
    with spool.seal(now=NOW) as batch:
        assert batch.segments == {}
        batch.done()
    assert not spool.directory.exists()


@pytest.mark.parametrize("durable", [False, True])
def test_append_then_read(spool: Spool, durable: bool) -> None:
    spool.append([make(2), make(1)], durable=durable)
    spool.append([make(3)], durable=durable)
    assert spool.read().events == (make(1), make(2), make(3))
    assert spool.read().problems == ()


def test_sealing_empties_the_spool_once_it_is_done(spool: Spool) -> None:
    spool.append([make(1), make(2)])
    with spool.seal(now=NOW, random=bytes(10)) as batch:
        assert batch.events == (make(1), make(2))
        assert batch.segments == {
            "feedback/p/2026/11/01M7W831200000000000000000.jsonl": make(1).line() + make(2).line()
        }
        spool.append([make(3)])
        assert spool.read().events == (make(1), make(2), make(3))
        batch.done()
    assert spool.read().events == (make(3),)
    assert spool.set_aside() == ()


def test_a_batch_that_is_not_done_comes_again_with_the_same_segments(spool: Spool) -> None:
    spool.append([make(1)])
    with spool.seal(now=NOW) as batch:
        first = dict(batch.segments)
    spool.append([make(2)])
    with pytest.raises(RuntimeError), spool.seal(now=NOW + timedelta(days=40)):
        raise RuntimeError
    with spool.seal(now=NOW + timedelta(days=80)) as batch:
        assert len(batch.segments) == 2
        assert first.items() <= batch.segments.items()
        assert read_segments(batch.segments).events == (make(1), make(2))
        batch.done()
    assert names(spool) == ["seal.lock"]


def test_what_is_imported_waits_apart_and_is_not_rolled_up(spool: Spool) -> None:
    calls = [{**make(number).to_json(), "kind": "success"} for number in range(1, 5)]
    calls = [{key: value for key, value in call.items() if key != "rating"} for call in calls]
    live, imported = [parse_event(call) for call in calls[:2]], [parse_event(call) for call in calls[2:]]
    spool.append(live)
    spool.append_lines([event.line() for event in imported], durable=True)
    assert sorted(spool.contents()) == ["current.jsonl", "imported.jsonl"]
    assert spool.read().events == (*live, *imported)
    kinds = ["success"]
    with spool.seal(now=NOW, rolled=kinds) as batch:
        first = dict(batch.segments)
        assert batch.events == (*live, *imported)
    torn = b'{"torn'
    with (spool.directory / "imported.jsonl").open("wb") as stream:
        stream.write(torn)
    with spool.seal(now=NOW + timedelta(days=1), rolled=kinds) as batch:
        assert dict(batch.segments) == first
        assert [problem.raw for problem in batch.torn] == [torn]
        found = read_segments(batch.segments).events
        assert [event for event in found if event.count == 1] == imported
        assert [event.count for event in found if event not in imported] == [2]
        batch.done()
    (aside,) = spool.set_aside()
    assert names(spool) == ["seal.lock", aside.name]
    spool.append_lines([imported[0].line()])
    assert spool.rewrite(lambda data: data.replace(torn + b"\n", b""), now=NOW) == 1
    assert spool.rewrite(lambda _: b"", now=NOW) == 1
    assert names(spool) == ["seal.lock"]


def test_one_sealer_at_a_time(spool: Spool) -> None:
    spool.append([make(1)])
    with FileLock(spool.directory / "seal.lock"), pytest.raises(Busy), spool.seal(now=NOW, timeout_s=0.01):
        pass


@pytest.mark.parametrize("cut", [1, 40, 100])
def test_a_torn_last_line_is_reported_and_costs_no_neighbour(spool: Spool, cut: int) -> None:
    spool.append([make(1)])
    current = spool.directory / "current.jsonl"
    torn = make(2).line()[:cut]
    with current.open("ab") as stream:
        stream.write(torn)
    assert [problem.raw for problem in spool.read().problems] == [torn]
    spool.append([make(3)])
    reading = spool.read()
    assert reading.events == (make(1), make(3))
    assert [(problem.line, problem.raw) for problem in reading.problems] == [(2, torn)]
    with spool.seal(now=NOW) as batch:
        assert read_segments(batch.segments).events == (make(1), make(3))
        assert [problem.raw for problem in batch.torn] == [torn]
        batch.done()
    (aside,) = spool.set_aside()
    assert aside.read_bytes() == torn + b"\n"


def test_a_line_torn_just_before_its_newline_is_an_event(spool: Spool) -> None:
    spool.append([make(1)])
    with (spool.directory / "current.jsonl").open("ab") as stream:
        stream.write(make(2).line().rstrip())
    spool.append([make(3)])
    assert spool.read().events == (make(1), make(2), make(3))
    assert spool.read().problems == ()


def test_nothing_but_torn_lines(spool: Spool) -> None:
    spool.append([make(1)])
    (spool.directory / "current.jsonl").write_bytes(b"\0\0\0")
    with spool.seal(now=NOW) as batch:
        assert batch.segments == {}
        batch.done()
    assert [path.read_bytes() for path in spool.set_aside()] == [b"\0\0\0\n"]
    assert spool.read().problems == ()


def test_a_full_disk_leaves_nothing_half_written(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.append([make(1)])
    real, calls = os.write, 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return real(descriptor, data[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        spool.append([make(2), make(3)])
    monkeypatch.undo()
    assert "disk is full" in (caught.value.hint or "")
    assert (spool.directory / "current.jsonl").read_bytes() == make(1).line()


def test_a_write_that_comes_back_short_goes_on(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    spool.append([make(1), make(2)])
    monkeypatch.undo()
    assert spool.read().events == (make(1), make(2))


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Spool(tmp_path / "file" / "spool").append([make(1)])


def test_an_event_too_large_is_refused_and_none_is_written(spool: Spool) -> None:
    with pytest.raises(InvalidDocument, match="at most 1,048,576 are kept"):
        spool.append([make(1), make(2, comment="x" * 1024 * 1024)])
    assert spool.read().events == ()


def test_the_same_event_twice_is_one(spool: Spool) -> None:
    spool.append([make(1)])
    spool.append([make(1)])
    assert spool.read().events == (make(1),)
    with spool.seal(now=NOW) as batch:
        assert batch.events == (make(1),)
        assert b"".join(batch.segments.values()) == make(1).line()


def test_other_files_in_the_directory_are_left_alone(spool: Spool) -> None:
    spool.append([make(1)])
    (spool.directory / "batch-notes.jsonl").write_bytes(b"mine\n")
    with spool.seal(now=NOW) as batch:
        batch.done()
    assert names(spool) == ["batch-notes.jsonl", "seal.lock"]
