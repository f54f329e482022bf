"""One piece of feedback, as a frozen value, and its one way to be written.

An event keeps the object that it was read from: unknown keys, the number as it was given (4 stars stay
4 stars) and the time as it was written. What is derived, the score, is computed when asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from promptvc.base.clock import format_time, parse_time
from promptvc.base.config import FeedbackSettings
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import new_ulid
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.fields import problem_in

# The bars at which a score counts as positive and as negative stand once: the defaults of FeedbackSettings.
THRESHOLDS = FeedbackSettings()

# A line longer than this is no feedback; it would also make segments that a forge refuses.
MAX_EVENT_BYTES = 1024 * 1024

_FAST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Event:
    """An event that passed every check. ``data`` is the whole object, as given; treat it as read-only."""

    id: str
    time: datetime
    prompt: str
    kind: str
    source: str
    version: int | None
    digest: str | None
    data: Mapping[str, Any] = field(hash=False)

    @property
    def score(self) -> float | None:
        """0..1: effectiveness, else rating, else (stars - 1) / 4, else thumbs (1 or 0), else ``None``."""
        data = self.data
        if (given := data.get("effectiveness")) is not None or (given := data.get("rating")) is not None:
            return float(given)
        if (stars := data.get("stars")) is not None:
            return float((stars - 1) / 4)
        if (thumbs := data.get("thumbs")) is not None:
            return 1.0 if thumbs == "up" else 0.0
        return None

    def is_positive(self, thresholds: FeedbackSettings = THRESHOLDS) -> bool:
        """Whether it has a score, and that is at or above the positive threshold."""
        score = self.score
        return score is not None and score >= thresholds.positive

    def is_negative(self, thresholds: FeedbackSettings = THRESHOLDS) -> bool:
        """Whether it has a score, and that is at or below the negative threshold."""
        score = self.score
        return score is not None and score <= thresholds.negative

    @property
    def count(self) -> int:
        """How many events it stands for: 1, or what a rollup counts."""
        rollup = self.data.get("rollup")
        return 1 if rollup is None else int(rollup["count"])

    @property
    def input(self) -> str | Mapping[str, Any] | None:
        """What went in: the text, or the variables by name."""
        given: str | Mapping[str, Any] | None = self.data.get("input")
        return given

    @property
    def output(self) -> str | None:
        """What came out."""
        return self._text("output")

    @property
    def corrected(self) -> str | None:
        """What should have come out."""
        return self._text("corrected")

    @property
    def comment(self) -> str | None:
        """A person's remark."""
        return self._text("comment")

    @property
    def user(self) -> str | None:
        """The pseudonym of the user."""
        return self._text("user")

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; empty when it has none."""
        return tuple(self.data.get("tags", ()))

    @property
    def words(self) -> str:
        """What it says, for people, in one text: the correction, else the remark, the error, the output, the name.

        Where that was taken out: ``(expired)``.
        """
        gone = "(expired)" if "expired" in self.data else ""
        if self.kind in {"correction", "demonstration"} and not gone:
            given = self.input
            asked = (
                given if isinstance(given, str) else " | ".join(str(one) for one in (given or {}).values())
            )
            return f"{asked} -> {self.corrected or self.output}"
        if self.count > 1:
            return f"{self.count:,} of this hour"
        error = self.data.get("error")
        said = self.comment or (error.get("message") if isinstance(error, dict) else None)
        if self.kind == "annotation":
            return " ".join(self._reviewed(said or self.data.get("notes"))) or gone
        return str(said or self.output or self.data.get("name") or gone)

    def _reviewed(self, said: str | None) -> Iterator[str]:
        """What an annotation says: its verdict, then its words."""
        if self.corrected is not None:
            yield f"-> {self.corrected}"
        elif "approved" in self.data:
            yield "approved" if self.data["approved"] else "rejected"
        elif self.data.get("label") is not None:
            yield str(self.data["label"])
        if said:
            yield f"({said})"

    def _text(self, key: str) -> str | None:
        given: str | None = self.data.get(key)
        return given

    def to_json(self) -> dict[str, Any]:
        """The object as given: ``parse_event(event.to_json()) == event``."""
        return dict(self.data)

    def line(self) -> bytes:
        """The canonical line, with its newline: sorted keys, no spaces, UTF-8.

        Half of a surrogate pair (``"\\ud83d"``, legal in JSON) has no UTF-8: such a line is in ASCII.
        """
        data = canonical_json(self.data)
        try:
            data.decode()
        except UnicodeDecodeError:
            data = json.dumps(self.data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        return data + b"\n"

    def content_digest(self) -> str:
        """SHA-256 of the canonical line, in hex: two events with one id are told apart by it."""
        return hashlib.sha256(self.line()).hexdigest()


def parse_event(value: Any, *, file: str = "<event>", line: int | None = None) -> Event:
    """Check ``value`` against what an event is (`schemas/event.json`) and freeze it.

    Raises:
        InvalidDocument: the message names the key; ``file`` and ``line`` say where.
    """
    if not isinstance(value, dict):
        raise InvalidDocument("an event is a JSON object", file=file, line=line)
    problem = problem_in(value)
    if problem is not None:
        raise InvalidDocument(problem, file=file, line=line)
    try:
        time = datetime.fromisoformat(value["time"])
        time = time if time.tzinfo is UTC else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidDocument(f"'time' is no such day: {value['time']}", file=file, line=line) from None
    version = value.get("version")
    return Event(
        id=value["id"],
        time=time,
        prompt=value["prompt"],
        kind=value["kind"],
        source=value["source"],
        version=None if version is None else int(version),
        digest=value.get("digest"),
        data=value,
    )


def refuse_future(value: Mapping[str, Any], *, now: datetime) -> None:
    """A clock may be a little fast; an event of another year would be the newest one for as long.

    Raises:
        InvalidDocument: its ``time`` is more than a day after ``now``.
    """
    time = value.get("time")
    try:
        late = isinstance(time, str) and parse_time(time) - now > _FAST
    except ValueError:
        return  # no time: who checks the keys says so
    if late:
        raise InvalidDocument(f"its time lies in the future: {str(time)[:10]}")


def stamped(value: Mapping[str, Any], *, now: datetime, random: bytes | None = None) -> dict[str, Any]:
    """``value`` with an ``id`` and a ``time`` where it has none; ``random`` is 10 bytes, for tests.

    Raises:
        InvalidDocument: as :func:`refuse_future`.
    """
    refuse_future(value, now=now)
    result = dict(value)
    result.setdefault("time", format_time(now))
    result.setdefault("id", new_ulid(now, random))
    return result
