"""What a recorder does behind the back of its callers: redact, check, write together, and keep count."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from promptvc.base.errors import Busy, PromptvcError, StorageError
from promptvc.feedback.events import Event
from promptvc.feedback.quarantine import Quarantined
from promptvc.feedback.recording.place import Place, make_event, refused
from promptvc.feedback.recording.stats import RecorderStats
from promptvc.feedback.recording.taken import Taken, words_of

LOGGER: Final = logging.getLogger("promptvc.recorder")
Made = tuple[Event, Mapping[str, int]]
_MOST_REASONS = 100
_MOST_ROWS = 1000
_FRESH_S = 5.0
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9][0-9,.]*")


class Writer:
    """Makes events of what was taken and appends them to the spool. For any thread; one works at a time.

    Args:
        opening: gives the place. Asked again and again while it raises.

    Attributes:
        lock: held while an event is made and while events are written.
        failing: the last try to write did not succeed.
    """

    def __init__(self, opening: Callable[[], Place]) -> None:
        self._opening = opening
        self._place: Place | None = None
        self._read_at = 0.0
        self._rows: list[Quarantined] = []
        self._counting = threading.RLock()  # never held while anything is read or written
        self._begun = 0
        self._written = 0
        self._refused = 0
        self._failed = 0
        self._redacted: Counter[str] = Counter()
        self._last_error = ""
        self._reasons: set[str] = set()
        self.lock = threading.RLock()
        self.failing = False

    def begin(self, count: int = 1) -> None:
        """Count calls that wait in the queue no more."""
        with self._counting:
            self._begun += count

    def make(self, taken: Taken) -> Made | None:
        """The event of one call, or ``None`` where it was refused.

        Raises:
            PromptvcError: there is no place to write to, or it cannot be read just now.
        """
        with self.lock:
            place = self._there()
            try:
                return make_event(place, taken)
            except (StorageError, Busy):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the next event is not to suffer for it
                self._refuse(place, taken, error)
                return None

    def append(self, made: Sequence[Made]) -> bool:
        """Write events so that they survive a power cut; False where that failed. Never raises."""
        if not made and not self._rows:
            return True
        with self.lock:
            try:
                self._there().spool.append([event for event, _ in made], durable=True)
            except Exception as error:  # noqa: BLE001 - nothing is ever raised into the host
                self.note(error)
                return False
            self.failing = False
            with self._counting:
                self._written += len(made)
                for _, found in made:
                    self._redacted.update(found)
            self._set_aside()
        return True

    def through(self, taken: Taken, timeout_s: float) -> bool:
        """Do it all for one call, in the thread that calls; False where the event is refused or lost.

        Args:
            timeout_s: how long to wait for others who write; only a disk that does not answer takes long.
        """
        self.begin()
        if not self.lock.acquire(timeout=timeout_s):
            self.failing = True
            self.lose(1, "the spool did not answer")
            return False
        try:
            made = self.make(taken)
            written = self.append([] if made is None else [made])
            if made is not None and not written:
                self.lose(1, self._last_error)
            return made is not None and written
        except Exception as error:  # noqa: BLE001 - as above
            self.note(error)
            self.lose(1, self._last_error)
            return False
        finally:
            self.lock.release()

    def lose(self, count: int, reason: str) -> None:
        """Count events that were begun and are gone, and say so once."""
        with self._counting:
            self._failed += count
        self._tell(f"lost: {reason}", "events are lost: %s", reason)

    def note(self, error: Exception) -> None:
        """Remember why nothing can be written, and tell it once."""
        self.failing = True
        self._last_error = words_of(error)
        hint = error.hint if isinstance(error, PromptvcError) and error.hint else "it is tried again"
        self._tell(self._last_error, "events wait in memory: %s (%s)", self._last_error, hint)

    def stats(self, queued: int) -> RecorderStats:
        """The numbers, with ``queued`` calls that nobody has begun with."""
        with self._counting:
            gone = self._written + self._refused + self._failed
            return RecorderStats(
                recorded=self._begun + queued,
                written=self._written,
                waiting=self._begun + queued - gone,
                refused=self._refused,
                failed=self._failed,
                failing=self.failing,
                last_error=self._last_error,
                redacted=dict(sorted(self._redacted.items())),
            )

    def _there(self) -> Place:
        now = time.monotonic()
        if self._place is None:
            self._place = self._opening()
        elif now - self._read_at > _FRESH_S:
            self._place.refresh()
        else:
            return self._place
        self._read_at = now
        return self._place

    def _refuse(self, place: Place, taken: Taken, error: Exception) -> None:
        with self._counting:
            self._refused += 1
        try:
            row = refused(place, taken, error)
        except Exception as another:  # noqa: BLE001 - it cannot even be told what it was
            reason = f"no event, and no row for the quarantine: {type(another).__name__}"
        else:
            reason = row.reason
            if len(self._rows) < _MOST_ROWS:
                self._rows.append(row)
        self._last_error = reason
        self._tell(reason, "no event: %s (promptvc feedback quarantine lists it)", reason)

    def _set_aside(self) -> None:
        """Refused rows go to the quarantine; where they cannot, they wait for the next time."""
        if self._rows and self._place is not None:
            try:
                self._place.quarantine.append(self._rows)
            except Exception as error:  # noqa: BLE001 - as above
                self._last_error = words_of(error)
                self._tell(self._last_error, "the quarantine cannot be written: %s", self._last_error)
            else:
                self._rows.clear()

    def _tell(self, reason: str, message: str, *values: object) -> None:
        kind = _VARIABLE.sub("*", reason)
        if kind not in self._reasons and len(self._reasons) < _MOST_REASONS:
            self._reasons.add(kind)
            LOGGER.warning(message, *values)
