"""ULIDs: 26 characters of Crockford base 32, 48 bits of milliseconds and 80 bits of randomness.

Format: https://github.com/ulid/spec. They sort by time, need no coordination, and are safe in file names.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def new_ulid(now: datetime, random: bytes | None = None) -> str:
    """A fresh identifier for ``now``; ``random`` is 10 bytes, from the operating system when not given."""
    return _encode(_milliseconds(now), os.urandom(10) if random is None else random)


def derived_ulid(time: datetime, content: bytes, ordinal: int) -> str:
    """An identifier that depends only on its arguments, so that importing the same row twice gives it twice.

    ``ordinal`` tells equal rows of one file apart: 0 for the first, 1 for the second.
    """
    digest = hashlib.sha256(b"%d\0" % ordinal + content).digest()
    return _encode(_milliseconds(time), digest[:10])


def is_ulid(text: object) -> bool:
    """Whether ``text`` is a ULID in its canonical, upper-case form."""
    return (
        isinstance(text, str)
        and len(text) == LENGTH
        and text[0] in "01234567"
        and all(character in _VALUES for character in text)
    )


def ulid_time(text: str) -> datetime:
    """The moment that a ULID carries, in UTC, to the millisecond."""
    milliseconds = 0
    for character in text[:10]:
        milliseconds = milliseconds * 32 + _VALUES[character]
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _encode(milliseconds: int, random: bytes) -> str:
    if not 0 <= milliseconds < 1 << 48:
        raise ValueError(f"a time outside what a ULID can hold: {milliseconds} ms")
    value = milliseconds << 80 | int.from_bytes(random[:10], "big")
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
