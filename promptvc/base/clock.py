"""Times: always aware, always UTC, written as RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """``2026-11-20T11:47:16Z``; three decimals when the moment is not a whole second.

    Finer than a millisecond is cut off, which is what an identifier (ULID) can hold too.
    """
    moment = moment.astimezone(UTC)
    milliseconds = moment.microsecond // 1000
    fraction = f".{milliseconds:03d}" if milliseconds else ""
    whole = moment.replace(microsecond=0, tzinfo=None)  # strftime writes the year 1 as one digit
    return f"{whole.isoformat()}{fraction}Z"


def parse_time(text: str) -> datetime:
    """Read RFC 3339, or a date alone as its midnight in UTC. A time without a zone is taken as UTC.

    Raises:
        ValueError: it is not a time.
    """
    moment = datetime.fromisoformat(text.strip())
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"in UTC it is outside of the years 1 to 9999: {text}") from None
