"""The words of a content's rules and examples as digests, and where its messages stand, remembered in the index.

To follow an item through a hundred versions takes only whether two items have the same words. A content never
changes under its id, so each is parsed once in the life of an index.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass

from promptvc.base.nodes import Document
from promptvc.store.blame import parts_of, words_of
from promptvc.store.history import History
from promptvc.store.matching import exact

_WIDTH = 16
"""Bytes of a digest. Prompts come from strangers too: half of it would let two rules be made to look like one."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is remembered of one content.

    Attributes:
        rules, examples: a digest of the words of each, in the order of the file.
        messages: of each line that is part of a message, in order: the line (from 1) and the message (from 0).
    """

    rules: tuple[bytes, ...]
    examples: tuple[bytes, ...]
    messages: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, document: Document) -> Wording:
        """The wording of a document; of what is no mapping, none."""
        value = document.value if isinstance(document.value, dict) else {}
        rules, examples = (tuple(map(_digest, words_of(value, kind))) for kind in ("rules", "examples"))
        parts = sorted(parts_of(document).items())
        messages = tuple((line, at) for line, (key, at) in parts if key == "messages" and at is not None)
        return cls(rules, examples, messages)


class Wordings:
    """What the index remembers of wordings; None is that of a content that cannot be read."""

    def __init__(self, history: History) -> None:
        self._history = history

    def recall(self, blob: str) -> tuple[Wording | None] | None:
        """The wording in a tuple; None where it is not remembered."""
        query = "SELECT rules, examples, messages FROM wordings WHERE blob = ?"
        key = (bytes.fromhex(blob),)
        row = self._history.index.guarded(
            lambda: self._history.index.connection.execute(query, key).fetchone()
        )
        if row is None:
            return None
        return (None,) if row[0] is None else (Wording(_split(row[0]), _split(row[1]), _pairs(row[2])),)

    def remember(self, found: dict[str, Wording | None]) -> None:
        """Note wordings, by blob id, in one transaction."""
        rows = [
            (bytes.fromhex(blob), None, None, None)
            if one is None
            else (bytes.fromhex(blob), b"".join(one.rules), b"".join(one.examples), _packed(one.messages))
            for blob, one in found.items()
        ]

        def write() -> None:
            with self._history.index.transaction() as connection:
                connection.executemany("INSERT OR IGNORE INTO wordings VALUES (?, ?, ?, ?)", rows)

        if rows:
            self._history.index.guarded(write)


def _digest(item: object) -> bytes:
    text = exact(item).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_WIDTH).digest()


def _packed(messages: tuple[tuple[int, int], ...]) -> bytes:
    return array("I", [number for pair in messages for number in pair]).tobytes()


def _pairs(data: bytes) -> tuple[tuple[int, int], ...]:
    numbers = array("I")
    numbers.frombytes(data)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _split(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[at : at + _WIDTH] for at in range(0, len(data), _WIDTH))
