"""Which commits a tip reaches: one bit a commit, kept in the index, extended when a branch moves on."""

from __future__ import annotations

import heapq
import sqlite3
import zlib
from array import array
from dataclasses import dataclass

_KEPT = 24
"""Tips whose bits are stored; a tip more costs a walk, not an answer."""

_BULK = 500
"""From this many commits on it is faster to read the whole graph than row by row."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Bits by commit number: everything reachable, and the chain of first parents. A tip reaches itself."""

    every: bytes
    first: bytes

    def has(self, n: int) -> bool:
        """Whether commit ``n`` is reachable."""
        return _bit(self.every, n)

    def has_first(self, n: int) -> bool:
        """Whether commit ``n`` is on the chain of first parents."""
        return _bit(self.first, n)


def pack_parents(parents: list[int]) -> bytes:
    """Parents as they are stored: 32-bit numbers in the machine's order; an index never leaves its machine."""
    return array("I", parents).tobytes()


def reach(connection: sqlite3.Connection, n: int) -> Reach:
    """The reach of commit ``n``; parents always have smaller numbers than their children."""
    rows = connection.execute("SELECT n, every, first FROM reach WHERE n <= ?", (n,))
    try:
        stored = {tip: Reach(zlib.decompress(every), zlib.decompress(first)) for tip, every, first in rows}
    except (zlib.error, TypeError) as error:
        raise sqlite3.DatabaseError("the stored reach is damaged") from error
    if n in stored:
        return stored[n]
    graph = _Graph(connection)
    return Reach(_every(graph, n, stored), _first(graph, n, stored))


def store(connection: sqlite3.Connection, n: int, found: Reach) -> None:
    """Keep the reach of a tip, and only as many as are worth it. Call it inside a transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO reach VALUES (?, ?, ?)",
        (n, zlib.compress(found.every, 1), zlib.compress(found.first, 1)),
    )
    connection.execute(
        "DELETE FROM reach WHERE n NOT IN (SELECT n FROM reach ORDER BY n DESC LIMIT ?)", (_KEPT,)
    )


class _Graph:
    """Parents by commit: row by row for a few steps, all at once for many."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._asked = 0
        self._all: dict[int, bytes] | None = None

    def parents(self, n: int) -> array[int]:
        self._asked += 1
        if self._all is None and self._asked > _BULK:
            self._all = dict(self._connection.execute("SELECT n, parents FROM commits WHERE n <= ?", (n,)))
        packed = self._all.get(n) if self._all is not None else None
        if packed is None:
            row = self._connection.execute("SELECT parents FROM commits WHERE n = ?", (n,)).fetchone()
            packed = row[0] if row is not None else b"?"
        parents = array("I")
        try:
            parents.frombytes(packed)
        except ValueError as error:
            raise sqlite3.DatabaseError(f"commit {n} is missing or damaged") from error
        return parents


def _every(graph: _Graph, tip: int, stored: dict[int, Reach]) -> bytes:
    bits = bytearray((tip >> 3) + 1)
    pending = [-tip]
    while pending:
        n = -heapq.heappop(pending)
        if _bit(bits, n):
            continue
        if n in stored:
            # What a known tip reaches is closed under parents: nothing below it needs a visit.
            known = stored[n].every
            merged = int.from_bytes(bits, "little") | int.from_bytes(known, "little")
            bits = bytearray(merged.to_bytes(len(bits), "little"))
            continue
        bits[n >> 3] |= 1 << (n & 7)
        for parent in graph.parents(n):
            if not _bit(bits, parent):
                heapq.heappush(pending, -parent)
    return bytes(bits)


def _first(graph: _Graph, tip: int, stored: dict[int, Reach]) -> bytes:
    bits = bytearray((tip >> 3) + 1)
    n: int | None = tip
    while n is not None and n not in stored:
        bits[n >> 3] |= 1 << (n & 7)
        parents = graph.parents(n)
        n = parents[0] if parents else None
    if n is not None:
        merged = int.from_bytes(bits, "little") | int.from_bytes(stored[n].first, "little")
        bits = bytearray(merged.to_bytes(len(bits), "little"))
    return bytes(bits)


def _bit(bits: bytes | bytearray, n: int) -> bool:
    return n >> 3 < len(bits) and bool(bits[n >> 3] >> (n & 7) & 1)
