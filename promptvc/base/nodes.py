"""The YAML tree: nodes with their places in the text, and the core schema that gives them values.

Values follow the core schema of YAML 1.2.2 (https://yaml.org/spec/1.2.2/#103-core-schema): ``no`` and
``12:30`` are text, ``012`` is twelve, ``0o14`` is twelve too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["mapping", "sequence", "scalar"]
Path = tuple[str | int, ...]

CORE_TAG = "tag:yaml.org,2002:"

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip
_NUMBER_STARTS = frozenset("0123456789+-.")
_LONGEST_NUMBER = 400


@dataclass(slots=True, repr=False)
class Node:
    """One value of a YAML document and where it stands. Built once by the loader, then only read.

    Attributes:
        data: the plain value: text, number, boolean, None, list, dict.
        start, end: characters in :attr:`Document.text`; ``end`` of a block collection is the end of its last
            value, not of the blank lines and comments that follow.
        line, column: of ``start``; lines from 1, columns from 0.
        style: ``""`` plain, ``'``, ``"``, ``|``, ``>`` for scalars; ``block`` or ``flow`` for collections.
        tag: as resolved by the parser when written in the text, else None.
        anchor: the name after ``&``; alias: the name after ``*``, where this node only repeats another.
        items: of a sequence; pairs: of a mapping, in the text's order.
    """

    # Not frozen: a frozen dataclass costs four times as much to make, and a file holds hundreds of nodes.
    kind: Kind
    data: Any
    start: int
    end: int
    line: int
    column: int
    style: str = ""
    tag: str | None = None
    anchor: str | None = None
    alias: str | None = None
    items: Sequence[Node] = ()
    pairs: Sequence[tuple[Node, Node]] = ()

    def child(self, key: str | int) -> Node | None:
        """The value under ``key`` (of a mapping) or at an index (of a sequence); None when there is none."""
        if self.kind == "mapping":
            return next((value for name, value in self.pairs if name.data == key), None)
        if self.kind == "sequence" and isinstance(key, int) and 0 <= key < len(self.items):
            return self.items[key]
        return None


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as read.

    Attributes:
        file: its name in messages.
        text: the whole text with its own line ends, without a byte order mark.
        root: the tree; value: the same as plain data.
        marked: whether the file began with a byte order mark.
    """

    file: str
    text: str
    root: Node
    value: Any
    marked: bool = False

    def node(self, *path: str | int) -> Node | None:
        """The node at ``path``, or None."""
        node: Node | None = self.root
        for step in path:
            if node is None:
                return None
            node = node.child(step)
        return node

    def line(self, *path: str | int) -> int:
        """The line (from 1) where ``path`` is written, or the nearest thing around it that exists."""
        node = self.root
        line = node.line
        for step in path:
            if node.kind == "mapping":
                found = next((pair for pair in node.pairs if pair[0].data == step), None)
                if found is None:
                    break
                line, node = found[0].line, found[1]
            else:
                inner = node.child(step)
                if inner is None:
                    break
                line, node = inner.line, inner
        return line


def plain_value(text: str) -> Any:
    """What an unquoted scalar means in the core schema.

    Raises:
        ValueError: a number of more than 400 digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMBER_STARTS else text


def _number(text: str) -> Any:
    base = 10 if _INTEGER.fullmatch(text) else 8 if _OCTAL.fullmatch(text) else 0
    if base or _HEXADECIMAL.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            raise ValueError(f"a number of {len(text)} digits: quote it if it is text")
        return int(text, base or 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float("-inf" if text[0] == "-" else "inf")
    return text


def tagged_value(text: str, tag: str) -> Any:
    """What a scalar with one of the core tags means.

    Raises:
        ValueError: another tag, or a text that is not of that type.
    """
    name = tag.removeprefix(CORE_TAG)
    if tag == "!" or (name != tag and name == "str"):
        return text
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)
    }  # fmt: skip
    if name == tag or name not in kinds:
        raise ValueError(f"the tag {shown(tag)} is not one of YAML's core tags: write the value without it")
    value = plain_value(text)
    if not isinstance(value, kinds[name]) or (isinstance(value, bool) and name != "bool"):
        raise ValueError(f"{shown(text)} is not a value of the tag !!{name}")
    return float(text) if name == "float" and type(value) is int else value


def shown(value: Any) -> str:
    """``value`` as a message shows it: at most about 60 characters."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1] if isinstance(value, str) else ''}"
