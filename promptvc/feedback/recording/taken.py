"""What a call of the recorder hands over: values that the caller can change no more, and how much they weigh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from promptvc.feedback.events import MAX_EVENT_BYTES

# Redaction can make an event smaller; one that is so much too large is not even kept until it is redacted.
_HOPELESS = 4 * MAX_EVENT_BYTES
_DEEPEST = 64
_HEAVY = 8 * 1024
_NUMBER = 8
_PLAIN = frozenset({str, int, float, bool, type(None)})


class Taken(NamedTuple):
    """One call. ``reference`` is NAME or NAME@REV, ``size`` about its characters, ``refused`` why it is no event."""

    reference: str
    values: Mapping[str, Any]
    time: datetime
    size: int
    refused: str | None = None

    @property
    def weight(self) -> int:
        """How often it counts towards the bound besides once."""
        return self.size // _HEAVY


def take(reference: Any, values: Mapping[Any, Any], time: datetime) -> Taken:
    """Copy what was given: lists and mappings at any depth, since their owner may go on changing them.

    An exception becomes ``{type, message}``, a time its RFC 3339. What cannot be taken is not raised but ``refused``.
    """
    if not isinstance(reference, str):
        return Taken("", {}, time, 0, f"the prompt is no text but of type {type(reference).__name__}")
    copying = _Copying()
    try:
        if strange := [key for key in values if not isinstance(key, str)]:
            raise TypeError(f"a key is no text but of type {type(strange[0]).__name__}")
        copied = {key: copying.of(value, 0) for key, value in values.items()}
        copying.stop_where_hopeless()
    except Exception as error:  # noqa: BLE001 - the values are the caller's, and so may be what they raise
        return Taken(reference, {}, time, 0, words_of(error))
    return Taken(reference, copied, time, copying.size)


def words_of(error: BaseException) -> str:
    """What an exception says, else its type: one of the caller's own may raise when it is asked."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - it is what this is for
        return type(error).__name__


class _Copying:
    """Copies of values. ``size``: the characters in them, and some for each item.

    It stops where that is hopeless: a few lists that hold each other have more items than there is memory.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 200

    def of(self, value: Any, depth: int) -> Any:
        if type(value) in _PLAIN:
            self.size += len(value) if type(value) is str else _NUMBER
            return value
        self.size += 50
        self.stop_where_hopeless()
        if depth > _DEEPEST:
            raise ValueError(f"an event is nested deeper than {_DEEPEST} levels")
        if isinstance(value, Mapping):
            return {self._key(key): self.of(item, depth + 1) for key, item in dict(value).items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.of(item, depth + 1) for item in tuple(value)]
        if isinstance(value, BaseException):
            return self.of({"type": type(value).__name__, "message": str(value)}, depth)
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, str):
            self.size += len(value)
            return str.__str__(value)  # what an enumeration of texts holds, not its own name
        return value

    def stop_where_hopeless(self) -> None:
        """
        Raises:
            ValueError: no redaction makes it small enough.
        """
        if self.size > _HOPELESS:
            reason = (
                f"an event of {self.size:,} characters or more; at most {MAX_EVENT_BYTES:,} bytes are kept"
            )
            raise ValueError(reason)

    def _key(self, key: Any) -> Any:
        self.size += len(key) if type(key) is str else _NUMBER
        return key
