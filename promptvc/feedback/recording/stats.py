"""What became of the calls of a recorder, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RecorderStats:
    """Of one process, since its recorder was made; a forked child counts from zero.

    Attributes:
        recorded: calls in all: ``written + waiting + refused + failed``.
        written: events in the spool, where they survive a power cut.
        waiting: events in memory.
        refused: calls that were no event; the quarantine has them, with reasons.
        failed: events that are lost: memory was full, or the process ended, while the spool could not be written.
        failing: the spool cannot be written at present; it is tried again and again.
        last_error: what went wrong last, whether or not it goes on; empty where nothing did.
        redacted: what was replaced in the events written, by category.
    """

    recorded: int
    written: int
    waiting: int
    refused: int
    failed: int
    failing: bool
    last_error: str
    redacted: Mapping[str, int] = field(default_factory=dict)
