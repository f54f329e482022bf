"""An event on its way to the stage, and the id that it gets from its content."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from promptvc.base.ids import derived_ulid
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.events import parse_event

_UNKNOWN = "0" * 26
_MARK = f'"id":"{_UNKNOWN}"'.encode()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Made:
    """An event out of a row: redacted, perhaps without an id and a time; ``former`` is it under earlier keys.

    ``theirs``: the id that a tool gave it, which it gives to nothing else. ``given``: keys that it may have from what
    main holds now, and another time in another way. ``basis``: the row as it is without these, redacted, of which its
    id is made; None: the event itself. In ``former`` each has its own.
    """

    line: int
    clean: dict[str, Any]
    found: Counter[str]
    former: tuple[tuple[dict[str, Any], dict[str, Any] | None], ...] = ()
    theirs: str | None = None
    basis: dict[str, Any] | None = None
    given: tuple[str, ...] = ()


class Waiting:
    """An event on its way into the file: checked, and perhaps without its id."""

    __slots__ = (
        "_content",
        "_head",
        "_tail",
        "_time",
        "data",
        "digest",
        "former",
        "found",
        "given",
        "id",
        "line",
        "theirs",
        "undated",
    )

    def __init__(self, made: Made, former: Waiting | None) -> None:
        self.line = made.line
        self.found = json.dumps(made.found) if made.found else None
        self.former = former
        self.given = " ".join(made.given)
        self.theirs = made.theirs
        self.undated = "time" not in made.clean
        self.digest = self.data = self._content = self._head = self._tail = b""
        self._time: str | None = made.clean.get("time")
        self.id: str = made.clean.get("id", "")

    @classmethod
    def of(cls, made: Made, time: str, *, former: Waiting | None = None) -> Waiting:
        """
        Raises:
            InvalidDocument: it is no event.
        """
        one, clean = cls(made, former), made.clean
        if one.id:
            one.data = parse_event({"time": time, **clean}).line()
            return one
        parse_event({"time": time, **clean, "id": _UNKNOWN})
        one._head, one._tail = _around(canonical_json({**clean, "id": _UNKNOWN}))
        one._content = _joined(one._head, one._tail) if made.basis is None else canonical_json(made.basis)
        one.digest = hashlib.sha256(one._content).digest()[:16]
        if one.undated:
            one._head, one._tail = _around(canonical_json({"time": time, **clean, "id": _UNKNOWN}))
        return one

    @property
    def size(self) -> int:
        """The bytes of its line."""
        return len(self.data) or len(self._head) + len(self._tail) + len('{,"id":"",}\n') + len(_UNKNOWN)

    def name(self, ordinal: int) -> None:
        """Give it the id of the ``ordinal``-th of its content."""
        time = _EPOCH if self._time is None else datetime.fromisoformat(self._time)
        self.id = derived_ulid(time, self._content, ordinal)
        self.data = _joined(self._head, b'"id":"' + self.id.encode() + b'"', self._tail) + b"\n"


def _around(data: bytes) -> tuple[bytes, bytes]:
    """What stands before and behind the unknown id of a canonical object. Encoding is dear: this is done once."""
    head, _, tail = data.partition(_MARK)
    if _MARK in tail:
        # An inner object has such an id, too: the event's own stands where no inner object is open.
        value = json.loads(data)
        before = {key: value[key] for key in value if key < "id"}
        behind = {key: value[key] for key in value if key > "id"}
        return canonical_json(before)[1:-1], canonical_json(behind)[1:-1]
    return head[1:].removesuffix(b","), tail[:-1].removeprefix(b",")


def _joined(*parts: bytes) -> bytes:
    return b"{" + b",".join([part for part in parts if part]) + b"}"
