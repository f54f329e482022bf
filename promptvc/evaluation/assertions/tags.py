"""Tags, comments and declarations in a text, found in one pass, for the assertions about XML and HTML.

Nothing is corrected and nothing is nested here. Every part is read once, also where it is never closed: a mark whose
end is missing is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["open", "close", "empty", "comment", "declaration", "instruction", "data"]

# An attribute may hold ">" in quotes. Possessive, and never across "<": so a tag is tried once, in one way.
_TAG = re.compile(
    rb"<(/?)([A-Za-z_:\x80-\xff][A-Za-z0-9_:.\x80-\xff-]*+)"
    rb"((?:[^<>\"'/]|\"[^<\"]*+\"|'[^<']*+'|/(?!>))*+)(/?)>"
)
_LONG: tuple[tuple[bytes, bytes, Kind], ...] = (
    (b"<!--", b"-->", "comment"),
    (b"<![CDATA[", b"]]>", "data"),
    (b"<?", b"?>", "instruction"),
)
RAW = frozenset({b"script", b"style", b"textarea", b"title"})
"""HTML elements whose content is text up to their own closing tag."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One piece of markup; places are bytes. ``name`` and ``attributes`` are those of a tag."""

    kind: Kind
    start: int
    end: int
    name: bytes = b""
    attributes: bytes = b""


def marks(text: bytes, *, html: bool = False) -> Iterator[Mark]:
    """The markup in a text (UTF-8), in its order.

    As ``html`` names are in lower case, and scripts and the like are not looked into.
    """
    lower = text.lower() if html else b""
    unclosed: set[bytes] = set()  # ends that do not occur any more: looked for once
    at = text.find(b"<")
    while at >= 0:
        mark = _long(text, at, unclosed) or _short(text, at, html=html)
        if mark is None:
            at = text.find(b"<", at + 1)
            continue
        yield mark
        at = mark.end
        if html and mark.kind == "open" and mark.name in RAW:
            close = b"</" + mark.name
            found = -1 if close in unclosed else lower.find(close, at)
            if found < 0:
                unclosed.add(close)
            at = max(found, at)
        at = text.find(b"<", at)


def _long(text: bytes, at: int, unclosed: set[bytes]) -> Mark | None:
    for begin, end, kind in _LONG:
        if text.startswith(begin, at) and end not in unclosed:
            found = text.find(end, at + len(begin))
            if found >= 0:
                return Mark(kind, at, found + len(end))
            unclosed.add(end)
    return None


def _short(text: bytes, at: int, *, html: bool) -> Mark | None:
    if text.startswith(b"<!", at):
        end = _declaration(text, at)
        return None if end is None else Mark("declaration", at, end)
    found = _TAG.match(text, at)
    if found is None:
        return None
    closing, name, attributes, empty = found.groups()
    kind: Kind = "close" if closing else "empty" if empty else "open"
    return Mark(kind, at, found.end(), name.lower() if html else name, attributes)


_DECLARATION = re.compile(rb"<![A-Za-z](?:[^<>\"'\[]|\"[^\"<]*+\"|'[^'<]*+')*+(?:\[[^\]<]*+\]\s*+)?>")


def _declaration(text: bytes, at: int) -> int | None:
    found = _DECLARATION.match(text, at)
    return None if found is None else found.end()
