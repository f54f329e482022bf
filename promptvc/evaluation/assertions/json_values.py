"""JSON objects and arrays that stand somewhere in a text, found in time linear in its length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json

# RFC 8259. Possessive: each token is read in one way, and what is none is known at once.
_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<mark>[{}\[\],:])
      | (?P<text>"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
      | (?P<plain>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null)
    )""",
    re.VERBOSE,
)
_BRACKET = re.compile(r"[\[{]")
_DECODER = json.JSONDecoder()

# What a container waits for next.
_FIRST, _VALUE, _KEY_OR_END, _KEY, _COLON, _AFTER = range(6)


def json_values(text: str) -> Iterator[tuple[int, Any]]:
    """Where each JSON object or array begins, and its value, from left to right; only outermost ones.

    What is broken is not JSON, but what is whole inside it is. As everywhere, a key twice in one object and NaN are no
    JSON, and neither is what is nested more deeply than Python reads.
    """
    at = _bracket(text, 0)
    while at >= 0:  # well-formed ones are read at the speed of C; the first that is not ends this
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        yield from _read(text, at, end)
        at = _bracket(text, end)
    if at >= 0:
        for start, end in _spans(text, at):
            yield from _read(text, start, end)


def _read(text: str, start: int, end: int) -> Iterator[tuple[int, Any]]:
    try:
        yield start, parse_json(text[start:end], file="the answer")
    except InvalidDocument:
        return


def _spans(text: str, at: int) -> list[tuple[int, int]]:
    """Where the outermost well-formed objects and arrays begin and end, from ``at``, a bracket, on."""
    done: list[tuple[int, int]] = []
    open_: list[tuple[int, str, int]] = []  # start, closing bracket, how many were done before
    waits = _VALUE
    while at >= 0:
        found = _TOKEN.match(text, at)
        piece = "" if found is None else found[found.lastgroup or 0]
        if found is None or not _fits(piece, waits, open_):
            # Everything open is broken here. Only this piece may begin something again.
            open_.clear()
            waits = _VALUE
            at = _bracket(text, at if found is None else found.end() - len(piece))
            continue
        at = found.end()
        if piece in "{[":
            open_.append((at - 1, "}" if piece == "{" else "]", len(done)))
            waits = _KEY_OR_END if piece == "{" else _FIRST
        elif piece in "}]":
            start, _, before = open_.pop()
            del done[before:]
            done.append((start, at))
            waits = _AFTER
        elif piece == ",":
            waits = _KEY if open_[-1][1] == "}" else _VALUE
        elif piece == ":":
            waits = _VALUE
        else:
            waits = _COLON if waits in {_KEY, _KEY_OR_END} else _AFTER
        if not open_:
            at = _bracket(text, at)
            waits = _VALUE
    return done


def _fits(piece: str, waits: int, open_: list[tuple[int, str, int]]) -> bool:
    """Whether a piece may stand where it stands."""
    if piece in "}]":
        return bool(open_) and open_[-1][1] == piece and waits in {_FIRST, _KEY_OR_END, _AFTER}
    if piece == ",":
        return waits == _AFTER
    if piece == ":":
        return waits == _COLON
    if waits in {_KEY, _KEY_OR_END}:
        return piece[0] == '"'
    return waits in {_FIRST, _VALUE}


def _bracket(text: str, start: int) -> int:
    """Where the next ``{`` or ``[`` stands, -1 where none does."""
    found = _BRACKET.search(text, start)
    return -1 if found is None else found.start()
