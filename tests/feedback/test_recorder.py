"""The recorder: what it keeps, what it refuses, and that it never raises and never loses."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptvc.base.errors import NotFound
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import Event
from promptvc.feedback.pseudonyms import Key, is_pseudonym
from promptvc.feedback.quarantine import Quarantine
from promptvc.feedback.recording.place import Place
from promptvc.feedback.recording.recorder import BaseRecorder
from promptvc.feedback.redact import Redactor
from promptvc.feedback.spool import Spool

NOW = datetime(2026, 11, 20, 10, 30, 0, 123000, tzinfo=UTC)
KEY = Key(b"0123456789abcdef")


class Desk:
    """A place in a folder, and a recorder of it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.spool = Spool(folder / "spool")
        self.quarantine = Quarantine(folder / "quarantine")
        self.recorder = BaseRecorder(self.open, clock=lambda: NOW, **options)
        self.missing = False

    def open(self) -> Place:
        if self.missing:
            raise NotFound("no repository here")
        return Place(
            self.spool,
            self.quarantine,
            Redactor,
            lambda: Redactor(KEY),
            str,
            self.about,
            refresh=lambda: None,
        )

    def about(self, name: str) -> Mapping[str, Any]:
        return {"prompt": name, "version": 3, "digest": "a" * 40}

    @property
    def events(self) -> tuple[Event, ...]:
        reading = self.spool.read()
        assert not reading.problems
        assert not reading.conflicts
        return reading.events

    @property
    def rows(self) -> list[Any]:
        path = self.quarantine.directory / "recorder.jsonl"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [parse_json(line, file="rows") for line in lines]


Open = Callable[..., Desk]


@pytest.fixture
def desk_of(tmp_path: Path) -> Iterator[Open]:
    made: list[Desk] = []

    def make(**options: Any) -> Desk:
        made.append(Desk(tmp_path / str(len(made)), **options))
        return made[-1]

    yield make
    for one in made:
        one.recorder.close(0.1)


def test_what_is_added_is_in_the_spool_redacted(desk_of: Open) -> None:
    desk = desk_of()
    given = {"message": "I am ada@example.org", "tags": ["a"]}
    assert desk.recorder.add(
        "support/triage", thumbs="up", input=given, output="billing", user="ada", cost=None
    )
    given["message"] = "changed afterwards"
    given["tags"] = "gone"
    assert desk.recorder.add("support/triage", latency_ms=412, time=NOW - timedelta(days=1))
    assert desk.recorder.add("support/triage", kind="error", error=TimeoutError("no answer"), version=2)
    assert desk.recorder.flush()
    rating, success, error = sorted(desk.events, key=lambda one: "rating success error".index(one.kind))
    assert rating.to_json() == {
        "id": rating.id,
        "time": "2026-11-20T10:30:00.123Z",
        "prompt": "support/triage",
        "version": 3,
        "digest": "a" * 40,
        "kind": "rating",
        "source": "human",
        "thumbs": "up",
        "input": {"message": "I am [email]", "tags": ["a"]},
        "output": "billing",
        "user": rating.user,
    }
    assert is_pseudonym(rating.user or "")
    assert (success.kind, success.source, success.time) == ("success", "code", NOW - timedelta(days=1))
    assert error.data["error"] == {"type": "TimeoutError", "message": "no answer"}
    assert (error.version, error.digest) == (2, None)
    stats = desk.recorder.stats()
    assert (stats.recorded, stats.written, stats.waiting, stats.refused, stats.failed) == (3, 3, 0, 0, 0)
    assert dict(stats.redacted) == {"email": 1}


class Hostile:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("not with me")

    __repr__ = __str__


class Fault(Exception):
    """An error that cannot tell what it is."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("not with me")


def endless() -> list[Any]:
    """A list that holds itself, twice."""
    found: list[Any] = []
    found += [found, found]
    return found


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"x": found}
    return found


@pytest.mark.parametrize(
    ("prompt", "values", "reason"),
    [
        ("p", {}, "no kind, and no key that tells it"),
        ("p", {"thumbs": "sideways"}, "'thumbs' is none of up"),
        ("p", {"stars": 9}, "'stars' must be a number from 1 to 5"),
        ("P!", {"stars": 4}, "a prompt's name such as"),
        (b"p", {"stars": 4}, "the prompt is no text but of type bytes"),
        ("p", {"stars": 4, "input": {"x": b"bytes"}}, "holds a value of type bytes"),
        ("p", {"stars": 4, "notes": Hostile()}, "TypeError: Object of type Hostile"),
        ("p", {"stars": 4, "x": {"y": Hostile()}}, "holds a value of type Hostile"),
        ("p", {"error": Fault()}, "not with me"),
        ("p", {"stars": 4, "x": math.nan}, "not finite"),
        ("p", {"stars": 4, "x": endless()}, "nested deeper"),
        ("p", {"stars": 4, "x": deep(70)}, "nested deeper"),
        ("p", {"stars": 4, "comment": "x" * 5_000_000}, "at most 1,048,576"),
        ("p", {"stars": 4, "comment": "x" * 1_100_000}, "at most 1,048,576"),
        ("p", {"stars": 4, 7: "x"}, "a key is no text but of type int"),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(
    desk_of: Open, prompt: Any, values: dict[Any, Any], reason: str
) -> None:
    desk = desk_of()
    row = {"prompt": prompt, **values}
    assert desk.recorder.add_many([row, {"prompt": "p", "stars": 5}]) == 2
    assert desk.recorder.flush()
    assert [event.data["stars"] for event in desk.events] == [5]
    stats = desk.recorder.stats()
    assert (stats.recorded, stats.written, stats.refused) == (2, 1, 1)
    assert reason in desk.rows[0]["reason"]
    assert reason in stats.last_error
    assert desk.rows[0]["from"] == "recorder"


def test_a_refused_row_is_redacted_and_told_once(desk_of: Open, caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_of()
    private = {"ada@example.org": 1, "x": ["call 555-234-4567", "ada@example.org"]}
    for number in range(3):
        desk.recorder.add(
            "p", stars=7 + number, thumbs="ada@example.org", user="Ada", notes="mine", x=private
        )
    assert desk.recorder.flush()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "'thumbs' is none of up" in caplog.text
    assert len(desk.rows) == 3
    written = str(desk.rows) + caplog.text + desk.recorder.stats().last_error
    assert "Ada" not in written
    assert "ada@example" not in written
    assert "555-234" not in written
    row = desk.rows[0]["row"]
    assert (row["stars"], row["notes"], is_pseudonym(row["user"])) == (7, "mine", True)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("lasting"))
    yield desk
    desk.recorder.close()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(("kind", "stars", "thumbs", "input", "error", "time", "id", "user", "x", "version"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.dictionaries(KEYS, ANYTHING, max_size=4), max_size=4), prompt=ANYTHING)
def test_every_call_is_counted_once_whatever_it_holds(lasting: Desk, rows: list[Any], prompt: Any) -> None:
    before = lasting.recorder.stats()
    assert lasting.recorder.add_many(rows, prompt=prompt) == len(rows)
    assert lasting.recorder.flush()
    after = lasting.recorder.stats()
    assert after.recorded - before.recorded == len(rows)
    assert after.recorded == after.written + after.refused
    assert (after.waiting, after.failed) == (0, 0)
    assert len(lasting.rows) == after.refused


def test_eight_threads_and_a_small_queue_lose_nothing(desk_of: Open) -> None:
    desk = desk_of(bound=4, wait_s=0.0)

    def work(thread: int) -> None:
        for number in range(40):
            assert desk.recorder.add("p", stars=4, execution=f"{thread}-{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert desk.recorder.flush()
    assert {event.data["execution"] for event in desk.events} == {
        f"{t}-{n}" for t in range(8) for n in range(40)
    }
    stats = desk.recorder.stats()
    assert (stats.written, stats.failed) == (320, 0)


def test_while_nothing_can_be_written_memory_keeps_what_it_can(desk_of: Open) -> None:
    desk = desk_of(bound=5, wait_s=3600.0)
    desk.spool.directory.parent.mkdir()
    desk.spool.directory.write_text("in the way")  # as good as a full disk: nothing can be written there
    assert desk.recorder.add("p", stars=1)
    assert not desk.recorder.flush(0.1)
    assert desk.recorder.stats().failing
    taken = [desk.recorder.add("p", stars=2) for _ in range(8)]
    # One is in hand, five are in the queue; nobody waits for room that nobody makes.
    assert taken == [True] * 5 + [False] * 3
    stats = desk.recorder.stats()
    assert (stats.recorded, stats.written, stats.waiting, stats.failed) == (9, 0, 6, 3)
    assert "cannot be used" in stats.last_error
    desk.spool.directory.unlink()
    assert desk.recorder.flush()
    stats = desk.recorder.stats()
    assert (stats.recorded, stats.written, stats.waiting, stats.failed, stats.failing) == (9, 6, 0, 3, False)
    assert len(desk.events) == 6


def test_heavy_events_fill_the_queue_sooner(desk_of: Open) -> None:
    desk = desk_of(bound=50, wait_s=0.0)
    desk.missing = True
    desk.recorder.add("p", stars=1)
    assert not desk.recorder.flush(0.05)
    taken = [desk.recorder.add("p", stars=1, comment="x" * 100_000) for _ in range(10)]
    assert taken.count(True) == 4  # of 100 kB, 13 places each
    desk.missing = False
    assert desk.recorder.flush()
    assert desk.recorder.stats().written == 5


def test_after_close_the_caller_writes_through(desk_of: Open) -> None:
    desk = desk_of()
    with desk.recorder as recorder:
        assert recorder.add("p", stars=1)
    assert desk.recorder.stats().written == 1
    assert desk.recorder.add("p", stars=2)
    assert not desk.recorder.add("p", stars=9)
    assert sorted(event.data["stars"] for event in desk.events) == [1, 2]
    assert desk.recorder.flush()
    assert desk.recorder.close()
    stats = desk.recorder.stats()
    assert (stats.recorded, stats.written, stats.refused) == (3, 2, 1)
    assert len(desk.rows) == 1


def test_closing_where_nothing_can_be_written_ends_and_counts(desk_of: Open) -> None:
    desk = desk_of()
    desk.missing = True
    for _ in range(300):
        desk.recorder.add("p", stars=1)
    assert not desk.recorder.close(0.05)
    stats = desk.recorder.stats()
    assert (stats.recorded, stats.waiting, stats.failed) == (300, 0, 300)
    assert not desk.recorder.add("p", stars=1)


def test_events_between_close_and_add_are_not_stranded(desk_of: Open) -> None:
    desk = desk_of()
    started = threading.Event()

    def work() -> None:
        for number in range(300):
            desk.recorder.add("p", stars=1)
            if number == 20:
                started.set()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    started.wait()
    desk.recorder.close()
    for one in threads:
        one.join()
    assert len(desk.events) == 600


def test_tasks_go_on_while_the_queue_is_full(desk_of: Open) -> None:
    desk = desk_of(bound=1, wait_s=0.2)
    desk.missing = True
    seen: list[bool] = []

    async def look() -> None:
        for _ in range(20):
            await asyncio.sleep(0.001)
        desk.missing = False
        seen.append(True)

    async def main() -> None:
        other = asyncio.create_task(look())
        results = [await desk.recorder.add_async("p", stars=1 + number) for number in range(4)]
        assert results[0]
        await other

    asyncio.run(main())
    assert seen
    assert desk.recorder.flush()
    stats = desk.recorder.stats()
    assert stats.recorded == 4 == stats.written + stats.failed


def test_a_log_handler_may_record_and_flush(desk_of: Open) -> None:
    desk = desk_of()
    answers: list[bool] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            answers.append(desk.recorder.flush(5))
            desk.recorder.add("p", kind="error", error=record.getMessage())

    logger, handler = logging.getLogger("promptvc.recorder"), Handler()
    logger.addHandler(handler)
    try:
        desk.recorder.add("p", stars=9)
        assert desk.recorder.flush(5)
    finally:
        logger.removeHandler(handler)
    assert desk.recorder.flush(5)
    assert answers == [False]
    assert [event.kind for event in desk.events] == ["error"]


def test_what_the_rows_themselves_raise_passes(desk_of: Open) -> None:
    desk = desk_of()

    def rows() -> Iterator[dict[str, Any]]:
        yield {"stars": 4}
        raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        desk.recorder.add_many(rows(), prompt="p")
    assert desk.recorder.flush()
    assert len(desk.events) == 1
