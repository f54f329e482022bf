"""The recorder: an application says what happened, goes on at once, and never hears of our troubles.

**The caller** copies the values, notes the time and puts both into a queue in memory: a few microseconds, no lock, no
file. **One thread** takes them out, gives them ids, redacts and checks them, and appends many together to the spool
with one ``fdatasync``. What is in memory is lost with the process (kill -9, power): under ordinary load that is what
was said in the last milliseconds, under a burst up to ``bound`` events. :meth:`BaseRecorder.flush` returns when
everything said before is on disk.

**Back-pressure instead of loss**: when the queue is full the caller waits, at most ``wait_s``, and then writes its own
event through. Only while the spool cannot be written at all *and* memory is full are events lost, and counted.

A forked child has a queue and a thread of its own; what the parent still holds is the parent's to write.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from promptvc.base.clock import utc_now
from promptvc.feedback.recording.carrier import Carrier
from promptvc.feedback.recording.place import Place
from promptvc.feedback.recording.stats import RecorderStats
from promptvc.feedback.recording.taken import Taken, take, words_of
from promptvc.feedback.recording.writer import Writer

_PAUSE_S = 0.001
_AT_EXIT_S = 5.0
_FORK_S = 1.0
_THROUGH_S, _FAILING_S = 2.0, 0.05


class BaseRecorder:
    """Takes events for the place that ``opening`` gives. For any number of threads; no method raises.

    Args:
        opening: asked in the writer's thread, when the first event is there, and again while it raises.
        bound: how many events wait in memory at most; one of more than 8 KiB counts as several.
        wait_s: how long a call waits at most for room, in seconds.
        clock: gives the time of events, aware.
    """

    def __init__(
        self,
        opening: Callable[[], Place],
        *,
        bound: int = 10_000,
        wait_s: float = 0.25,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._opening = opening
        self._bound = max(1, bound)
        self._wait_s = wait_s
        self._clock = clock
        self._begin()
        _ALL.add(self)

    def _begin(self) -> None:
        """All that belongs to one process."""
        self._writer = Writer(self._opening)
        self._carrier = Carrier(self._writer)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def add(self, prompt: str, /, **values: Any) -> bool:
        """Record one event: ``add("support/triage", thumbs="up", input=..., output=..., latency_ms=412)``.

        Args:
            prompt: NAME, or NAME@REV for another version than the working tree's.
            values: keys of an event, as `feedback import` takes them: ``kind`` may be left out where the others
                tell it, ``error`` may be an exception, ``time`` a datetime; None is not given. Say ``version`` and
                ``digest`` where the application knows what it served.

        Returns:
            Whether it was taken. A call that is no event is found out later: :meth:`stats` counts it as refused.
        """
        try:
            return self._take(take(prompt, values, self._clock()))
        except Exception as error:  # noqa: BLE001 - the host's work is worth more than our record of it
            self._lost(error)
            return False

    def add_many(self, rows: Iterable[Mapping[str, Any]], *, prompt: str | None = None) -> int:
        """Record many: mappings with the keys of an event, ``prompt`` where they have none; how many were taken.

        What ``rows`` itself raises is the caller's own, and passes.
        """
        taken = 0
        for row in rows:
            try:
                given: Any = {key: value for key, value in row.items() if key != "prompt"}
                about: Any = row.get("prompt", prompt)
            except Exception:  # noqa: BLE001 - no mapping at all
                given, about = {}, row
            try:
                taken += self._take(take(about, given, self._clock()))
            except Exception as error:  # noqa: BLE001 - as above
                self._lost(error)
        return taken

    async def add_async(self, prompt: str, /, **values: Any) -> bool:
        """As :meth:`add`, and while the queue is full other tasks go on."""
        import asyncio

        deadline = time.monotonic() + self._wait_s
        while self._is_full() and not self._writer.failing and time.monotonic() < deadline:
            await asyncio.sleep(_PAUSE_S)
        if self._is_full():
            return await asyncio.to_thread(self.add, prompt, **values)
        return self.add(prompt, **values)

    def flush(self, timeout_s: float | None = 10.0) -> bool:
        """Wait until all that was added before is in the spool, safe from a power cut; False after ``timeout_s``."""
        if self._carrier.is_here():
            return False  # a log handler, called by the writer's own thread
        if self._closed or self._thread is None:
            self._wake()
            if self._closed or self._carrier.queue.empty():
                return self._carrier.queue.empty()
        mark = self._carrier.mark()
        self._wake()
        return mark.wait(timeout_s)

    def stats(self) -> RecorderStats:
        """What became of the calls so far, in this process."""
        return self._writer.stats(self._carrier.waiting)

    def close(self, timeout_s: float | None = _AT_EXIT_S) -> bool:
        """Write what waits and end the thread; False where something could not be written within ``timeout_s``.

        Called at the exit of the interpreter too. What is added afterwards is written through by its caller.
        """
        flushed = self.flush(timeout_s)
        if not self._closed:
            self._closed = True
            self._carrier.stop(abandon=not flushed)
            thread = self._thread
            if thread is not None and thread is not threading.current_thread():
                thread.join(timeout_s)
            # A thread that still lives hangs in a disk that does not answer: neither would it answer us.
            self._carrier.sweep(0 if thread is not None and thread.is_alive() else _AT_EXIT_S)
            atexit.unregister(self.close)
        return flushed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, taken: Taken) -> bool:
        if self._closed or (self._is_full() and not self._has_room()):
            return self._writer.through(taken, _FAILING_S if self._writer.failing else _THROUGH_S)
        self._carrier.put(taken)
        if self._thread is None or self._closed:
            self._wake()
        return True

    def _lost(self, error: Exception) -> None:
        self._writer.begin()
        self._writer.lose(1, f"{type(error).__name__}: {words_of(error)}")

    def _is_full(self) -> bool:
        return self._carrier.load >= self._bound

    def _has_room(self) -> bool:
        """Wait for room; not at all while nothing can be written: nobody makes any then."""
        self._wake()
        deadline = time.monotonic() + self._wait_s
        while not self._writer.failing and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
            if not self._is_full():
                return True
        return False

    def _wake(self) -> None:
        """See to it that somebody empties the queue: the thread; or, where there can be none, whoever calls."""
        if self._closed:
            self._sweep()
        elif self._thread is None and self._starting.acquire(blocking=False):
            try:
                if self._thread is None:
                    self._start()
            except RuntimeError:  # no thread can be started: the interpreter ends, or the system has no more
                self._sweep()
            finally:
                self._starting.release()

    def _start(self) -> None:
        thread = threading.Thread(target=self._carrier.run, name="promptvc-recorder", daemon=True)
        thread.start()
        self._thread = thread
        atexit.unregister(self.close)
        atexit.register(self.close)
        # Python 3.11 runs no exit handlers in a forked child of multiprocessing, but its own finalizers.
        if (multiprocessing := sys.modules.get("multiprocessing.util")) is not None:
            multiprocessing.Finalize(self, BaseRecorder.close, args=(self,), exitpriority=100)

    def _sweep(self) -> None:
        """Empty the queue in this thread. Two may do it: each takes what the other has not."""
        self._carrier.sweep(_AT_EXIT_S)


_ALL: weakref.WeakSet[BaseRecorder] = weakref.WeakSet()
_HELD: dict[int, list[Writer]] = {}


def _before_fork() -> None:
    """No fork in the middle of writing: the child would keep the spool's lock open."""
    writers = [recorder._writer for recorder in tuple(_ALL)]  # noqa: SLF001 - our own
    _HELD[threading.get_ident()] = [one for one in writers if one.lock.acquire(timeout=_FORK_S)]


def _after_fork_in_parent() -> None:
    for writer in _HELD.pop(threading.get_ident(), ()):
        writer.lock.release()


def _after_fork_in_child() -> None:
    _HELD.clear()
    for recorder in tuple(_ALL):
        recorder._begin()  # noqa: SLF001 - our own


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
