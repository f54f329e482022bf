"""The thread of a recorder: takes what waits, many together, and tries again where it cannot be written."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator

from promptvc.feedback.recording.taken import Taken
from promptvc.feedback.recording.writer import Made, Writer

_TOGETHER = 256
_TOGETHER_S = 0.01
# A thread that computes keeps the others from running, for 5 ms at a time (sys.getswitchinterval). Where there is no
# hurry it steps aside after each event, for the shortest sleep that lets another thread wake up.
_ASIDE_S = 0.00005
_HURRY = 1_000
_IDLE_S = 1.0
_FIRST_RETRY_S, _LAST_RETRY_S = 0.05, 2.0


class Carrier:
    """Carries from a queue to the writer, until it is stopped.

    Attributes:
        queue: what waits: calls, and the marks of those who wait for all before them to be written.
        weights: an item for each time that a heavy call counts besides once.
    """

    def __init__(self, writer: Writer) -> None:
        self.queue: queue.SimpleQueue[Taken | threading.Event] = queue.SimpleQueue()
        self.weights: deque[None] = deque()
        self._marks: deque[None] = deque()
        self._writer = writer
        self._stopped = threading.Event()
        self._abandoned = False
        self._thread: int | None = None

    def put(self, taken: Taken) -> None:
        """Let ``taken`` wait. For any thread, and for a handler of signals in the middle of it."""
        if taken.weight:
            self.weights.extend((None,) * taken.weight)
        self.queue.put(taken)

    def mark(self) -> threading.Event:
        """An event that is set when all that waits now is written."""
        mark = threading.Event()
        self._marks.append(None)
        self.queue.put(mark)
        return mark

    @property
    def waiting(self) -> int:
        """Calls that nobody has begun with."""
        return max(0, self.queue.qsize() - len(self._marks))

    @property
    def load(self) -> int:
        """The same, heavy ones counted as several."""
        return self.waiting + len(self.weights)

    def run(self) -> None:
        """The thread's work."""
        self._thread = threading.get_ident()
        while not (self._stopped.is_set() and self.queue.empty()):
            first = self._next(_IDLE_S)
            if first is not None:
                self._carry(first)

    def is_here(self) -> bool:
        """Whether this is the thread that works."""
        return self._thread == threading.get_ident()

    def stop(self, *, abandon: bool) -> None:
        """End when the queue is empty; with ``abandon`` each batch is tried once more only."""
        self._abandoned = abandon
        self._stopped.set()
        self.mark()

    def sweep(self, timeout_s: float) -> None:
        """Write what waits in the thread that calls; what is left after ``timeout_s`` is lost."""
        deadline = time.monotonic() + timeout_s
        while (one := self._next(0)) is not None:
            if isinstance(one, threading.Event):
                one.set()
            elif (left := deadline - time.monotonic()) > 0:
                self._writer.through(one, left)
            else:
                self._writer.begin()
                self._writer.lose(1, "the spool did not answer")

    def _next(self, timeout_s: float) -> Taken | threading.Event | None:
        try:
            one = self.queue.get(timeout=timeout_s) if timeout_s else self.queue.get_nowait()
        except queue.Empty:
            return None
        if isinstance(one, threading.Event):
            self._marks.popleft()
        else:
            for _ in range(one.weight):
                self.weights.pop()
        return one

    def _carry(self, first: Taken | threading.Event) -> None:
        """Make events of what waits, up to the next mark, and write them together."""
        made: list[Made] = []
        one: Taken | threading.Event | None = first
        until = time.monotonic() + _TOGETHER_S
        while isinstance(one, tuple):
            self._writer.begin()
            event = self._made(one)
            if event is not None:
                made.append(event)
            one = None
            if len(made) < _TOGETHER and time.monotonic() < until:
                if self.queue.qsize() < _HURRY:
                    time.sleep(_ASIDE_S)
                one = self._next(0)
        written = self._written(made)
        if isinstance(one, threading.Event) and written:
            one.set()

    def _made(self, taken: Taken) -> Made | None:
        for delay in self._delays():
            try:
                return self._writer.make(taken)
            except Exception as error:  # noqa: BLE001 - nothing may end this thread
                self._writer.note(error)
            if not self._pause(delay):
                break
        self._writer.lose(1, "memory ends with the process, and nothing could be written")
        return None

    def _written(self, made: list[Made]) -> bool:
        for delay in self._delays():
            if self._writer.append(made):
                return True
            if not self._pause(delay):
                break
        self._writer.lose(len(made), "memory ends with the process, and nothing could be written")
        return False

    def _pause(self, delay: float) -> bool:
        """Wait before the next try; False where there is to be none."""
        if self._stopped.wait(delay):
            if self._abandoned:
                return False
            time.sleep(_FIRST_RETRY_S)
        return True

    @staticmethod
    def _delays() -> Iterator[float]:
        delay = _FIRST_RETRY_S
        while True:
            yield delay
            delay = min(2 * delay, _LAST_RETRY_S)
