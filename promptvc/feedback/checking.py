"""What is wrong with committed feedback, and with the spool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from promptvc.base.findings import Problem
from promptvc.feedback.segments import FOLDER, read_segments
from promptvc.feedback.spool import Spool

_MONTH = re.compile(r"\d{4}-\d{2}")


def misplaced(path: str) -> Problem:
    """A file below ``feedback/`` that is no segment by its path."""
    hint = "feedback/NAME/YYYY/MM/ULID.jsonl; promptvc feedback import takes any file"
    return Problem("segment", "error", path, None, "this is no segment's path", hint)


def future_problems(paths: Iterable[str], now: datetime) -> Iterator[Problem]:
    """Segments, by their paths, of months that have not begun a day after ``now``."""
    present = f"{now + timedelta(days=1):%Y-%m}"
    for path in paths:
        month = "-".join(path.split("/")[-3:-1])
        if _MONTH.fullmatch(month) and month > present:
            message = f"these events are of {month}, which has not begun"
            hint = "a clock was wrong; without --as-of or --until they do not count"
            yield Problem("event-time", "warning", path, None, message, hint)


def segment_problems(segments: Mapping[str, bytes]) -> Iterator[Problem]:
    """Lines that are no events, events with two contents, and expired ones that came back. ``segments`` by path."""
    reading = read_segments(segments)
    for bad in reading.problems:
        hint = "segments are never edited by hand"
        yield Problem("event", "error", bad.file, bad.line, bad.message, hint)
    for clash in reading.conflicts:
        message = f"the event {clash.id} has two contents"
        file, line = clash.places[0] if clash.places else (FOLDER, None)
        yield Problem("event-conflict", "error", file, line, message, "one of them was edited: restore it")
    for back in reading.returned:
        file, line = back.places[0]
        message = f"the texts of the event {back.id} were taken out, and are here again"
        yield Problem("expired-event", "error", file, line, message, "run: promptvc feedback retain")


def spool_problems(spool: Spool) -> Iterator[Problem]:
    """Torn lines of the spool, and files where such lines were put aside."""
    for torn in spool.read().problems:
        message = f"a torn line in the spool: {torn.message}"
        yield Problem("spool", "warning", torn.file, torn.line, message, "feedback commit sets it aside")
    for place in spool.set_aside():
        message = "lines that were no events were set aside here"
        yield Problem("spool", "warning", str(place), None, message, "look at them, then delete the file")
