"""From YAML events to a tree, without recursion, counting what aliases would unfold to.

Knows nothing of the parser: an event is anything with the attributes that PyYAML gives its events.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NoReturn

from promptvc.base.errors import InvalidDocument
from promptvc.base.nodes import CORE_TAG, Kind, Node, plain_value, shown, tagged_value

MAX_TEXT = 64 * 1024 * 1024  # characters, once aliases are written out
MAX_NODES = 250_000  # values and keys, once aliases are written out
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias repeats, and what that costs written out."""

    node: Node
    nodes: int
    characters: int
    height: int


class _Open:
    """A collection that is still being read: its pending key, the totals before it, how deep it goes."""

    __slots__ = ("characters", "height", "items", "key", "node", "nodes", "pairs")

    def __init__(self, node: Node, nodes: int, characters: int) -> None:
        self.node = node
        self.key: Node | None = None
        self.nodes = nodes
        self.characters = characters
        self.height = 1
        self.items: list[Node] = []
        self.pairs: list[tuple[Node, Node]] = []


class Composer:
    """Takes events in order; :attr:`root` is the finished tree, None for an empty document.

    Args:
        text: what the marks of the events point into.
        file: named in errors.
        shields: characters of the parsed text that stand for others (see ``documents``).

    Raises:
        InvalidDocument: from every method, with file and line.
    """

    def __init__(self, text: str, file: str, shields: dict[int, str]) -> None:
        self.root: Node | None = None
        self._text = text
        self._file = file
        self._shields = shields
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._characters = 0

    def scalar(self, event: Any) -> None:
        """A text, number, boolean or null; or a key."""
        text: str = event.value.translate(self._shields) if self._shields else event.value
        start = event.start_mark
        line = start.line + 1
        tag: str | None = event.tag
        data: Any = text
        try:
            if tag is not None:
                data = tagged_value(text, tag)
            elif event.implicit[0]:
                data = plain_value(text)
        except ValueError as error:
            self._refuse(str(error), line)
        style = event.style or ""
        end = event.end_mark.index
        if style in {"|", ">"}:
            end = _end_of_block_scalar(self._text, start.index, end)
        self._count(line, 1, len(text))
        node = Node("scalar", data, start.index, end, line, start.column, style, tag, event.anchor)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, len(text), 0)
        self._add(node)

    def alias(self, event: Any) -> None:
        """``*name``: a copy of what ``&name`` stands at."""
        mark = event.start_mark
        line = mark.line + 1
        name = event.anchor
        known = self._anchors.get(name)
        if known is None:
            inside = any(frame.node.anchor == name for frame in self._stack)
            reason = "stands inside its own anchor" if inside else "has no anchor before it"
            self._refuse(f"the alias {shown('*' + name)} {reason}", line)
        target = known.node
        self._count(line, known.nodes, known.characters)
        self._check_depth(len(self._stack) + known.height, line)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, known.height + 1)
        node = Node(
            target.kind, copy.deepcopy(target.data), mark.index, event.end_mark.index, line, mark.column
        )
        node.style, node.tag, node.alias = target.style, target.tag, name
        node.items, node.pairs = target.items, target.pairs
        self._add(node)

    def open_mapping(self, event: Any) -> None:
        """The start of a mapping."""
        self._open(event, "mapping", {}, "map")

    def open_sequence(self, event: Any) -> None:
        """The start of a sequence."""
        self._open(event, "sequence", [], "seq")

    def _open(self, event: Any, kind: Kind, data: Any, tag: str) -> None:
        mark = event.start_mark
        line = mark.line + 1
        if event.tag not in {None, "!", CORE_TAG + tag}:
            reason = "is not one of YAML's core tags: write the value without it"
            self._refuse(f"the tag {shown(event.tag)} {reason}", line)
        nodes, characters = self._nodes, self._characters
        self._count(line, 1, 0)
        self._check_depth(len(self._stack) + 1, line)
        node = Node(kind, data, mark.index, -1, line, mark.column, "flow" if event.flow_style else "block")
        node.tag, node.anchor = event.tag, event.anchor
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._add(node)
        self._stack.append(_Open(node, nodes, characters))

    def close(self, event: Any) -> None:
        """The end of the innermost collection."""
        frame = self._stack.pop()
        node = frame.node
        node.items, node.pairs = frame.items, frame.pairs
        if node.style == "flow":
            node.end = event.end_mark.index
        else:
            node.end = node.pairs[-1][1].end if node.kind == "mapping" else node.items[-1].end
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, frame.height + 1)
        if node.anchor is not None:
            nodes, characters = self._nodes - frame.nodes, self._characters - frame.characters
            self._anchors[node.anchor] = _Anchored(node, nodes, characters, frame.height)

    def _add(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        parent = frame.node
        if parent.kind == "sequence":
            frame.items.append(node)
            parent.data.append(node.data)
        elif frame.key is None:
            self._check_key(frame, node)
            frame.key = node
        else:
            frame.pairs.append((frame.key, node))
            parent.data[frame.key.data] = node.data
            frame.key = None

    def _check_key(self, frame: _Open, key: Node) -> None:
        if key.kind != "scalar":
            self._refuse("a key must be text, not a list or a mapping", key.line)
        if not isinstance(key.data, str):
            written = self._text[key.start : key.end]
            self._refuse(f"the key {shown(written)} is not text", key.line, hint="put it in quotes")
        if key.data == "<<" and not key.style and key.alias is None:
            hint = "write the keys out; quote it if it is meant as a key"
            self._refuse("merge keys (<<) are not part of YAML 1.2", key.line, hint=hint)
        if key.data in frame.node.data:
            first = next(name.line for name, _ in frame.pairs if name.data == key.data)
            self._refuse(
                f"the key {shown(key.data)} appears twice (first on line {first})",
                key.line,
                hint="keep one of them",
            )

    def _count(self, line: int, nodes: int, characters: int) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes > MAX_NODES:
            self._refuse(f"more than {MAX_NODES:,} values, aliases written out", line)
        if self._characters > MAX_TEXT:
            self._refuse(f"more than {MAX_TEXT:,} characters, aliases written out", line)

    def _check_depth(self, depth: int, line: int) -> None:
        if depth > MAX_DEPTH:
            self._refuse(f"nested more than {MAX_DEPTH} levels deep", line)

    def _refuse(self, message: str, line: int, *, hint: str | None = None) -> NoReturn:
        raise InvalidDocument(message, file=self._file, line=line, hint=hint)


def _end_of_block_scalar(text: str, start: int, end: int) -> int:
    """Where a literal or folded scalar ends without its last line break, and, unless it keeps them (``+``),
    without the blank lines that follow; the parser counts those in.
    """
    header, *lines = text[start:end].split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if "+" not in header.split("#")[0]:
        indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), end)
        while lines and not lines[-1].strip() and len(lines[-1].rstrip("\r")) <= indent:
            lines.pop()
    return start + len("\n".join([header, *lines]).removesuffix("\r"))
