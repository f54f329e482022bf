"""Which runs have begun and not ended.

The completions of a run are written through to the cache one by one (:mod:`promptvc.evaluation.running.writer`), so
that a killed run finds there all that it paid for: a second copy here would be a second truth. What the
cache cannot know is that an unfinished run asked for *fresh* answers. The journal keeps the moment at which
a run began; started again after a crash it accepts the completions stored since that moment, and only those,
and so pays again for none of them.

One small file a run under ``.promptvc/runs/``, gone when the run has ended.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import PromptvcError, StorageError
from promptvc.base.files import write_atomic
from promptvc.base.jsonl import canonical_json, parse_json

_LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mark:
    """A run under way. ``resumed``: an earlier process began it, at ``started``, and did not end it."""

    identity: str
    started: datetime
    resumed: bool
    warning: str | None = None


class Journal:
    """The runs that have not ended, in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def begin(self, identity: str, *, now: datetime) -> Mark:
        """Note that a run begins, or find that it began before.

        Args:
            identity: the same text for the same run: what is asked of which model, and whether it is to be
                fresh.
            now: taken as the beginning, unless the run is resumed: one of the last day, and not an older one, whose
                answers nobody would call fresh.

        A journal that cannot be written costs the ability to resume a fresh run: :attr:`Mark.warning`.
        """
        path = self._path(identity)
        started = self._started(path, identity)
        if started is not None and now - started < _LONGEST:
            return Mark(identity, started, resumed=True)
        try:
            write_atomic(path, canonical_json({"identity": identity, "started": format_time(now)}) + b"\n")
        except StorageError as error:
            return Mark(identity, now, resumed=False, warning=f"this run cannot be resumed: {error.message}")
        return Mark(identity, now, resumed=False)

    def end(self, mark: Mark) -> None:
        """Forget a run: it has given all its answers."""
        try:
            self._path(mark.identity).unlink(missing_ok=True)
        except OSError:
            return  # a read-only disk holds no mark of this run either

    def _path(self, identity: str) -> Path:
        return (
            self.directory
            / f"{hashlib.sha256(identity.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"
        )

    def _started(self, path: Path, identity: str) -> datetime | None:
        try:
            value = parse_json(path.read_bytes(), file=str(path))
            return parse_time(value["started"]) if value["identity"] == identity else None
        except (OSError, PromptvcError, KeyError, TypeError, ValueError, AttributeError):
            return None  # absent or damaged: the run begins now, and the mark is written again
