"""Writing a value the way its neighbours are written: flow or block, quotes, the indentation of dashes.

Lines come without the indentation of what holds them; a line that is empty stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.documents import Node
from promptvc.base.emit import (
    block_lines,
    double_quoted,
    flow_text,
    literal_lines,
    scalar_text,
    single_quoted,
)

_STEP = 2


class Style:
    """Writes values after the model of ``likes``: nodes of the same role, the nearest first."""

    def __init__(self, text: str, likes: Sequence[Node] = ()) -> None:
        self._text = text
        self._likes = [node for node in likes if node.alias is None]

    def under(self, key: str | None) -> Style:
        """The style of what stands under ``key`` in the neighbours, or of their items for None."""
        found: list[Node] = []
        for like in self._likes:
            if key is None:
                found.extend(reversed(like.items))
            else:
                child = like.child(key)
                found.extend([child] if child else [])
        return Style(self._text, found)

    def is_flow(self, value: Any) -> bool | None:
        """Whether the neighbours of ``value`` (a collection) are in flow style; None when there are none."""
        kind = "mapping" if isinstance(value, Mapping) else "sequence"
        like = next((each for each in self._likes if each.kind == kind and (each.items or each.pairs)), None)
        return None if like is None else like.style == "flow"

    def one_line(self, value: Any, *, flow: bool = True) -> str:
        """``value`` on one line; ``flow`` says whether it stands inside a flow collection."""
        if isinstance(value, Mapping):
            pad = self._padding("mapping")
            pairs = (
                f"{self._key(key, flow=True)}: {self.under(key).one_line(item)}"
                for key, item in value.items()
            )
            return f"{{{pad}{', '.join(pairs)}{pad}}}" if value else "{}"
        if is_list(value):
            pad = self._padding("sequence")
            inner = self.under(None)
            return f"[{pad}{', '.join(inner.one_line(item) for item in value)}{pad}]" if value else "[]"
        return self._scalar(value, flow=flow)

    def lines(self, value: Any, *, offset: int = _STEP) -> list[str]:
        """``value`` as an item of a block sequence whose content stands ``offset`` after the dash."""
        if is_collection(value):
            flow = self.is_flow(value)
            if flow or not value:
                return [self.one_line(value)]
            if flow is None and not self._likes:
                first, *rest = block_lines([value])
                return [first[_STEP:], *(line[_STEP:] for line in rest)]
            return self._mapping_lines(value) if isinstance(value, Mapping) else self._sequence_lines(value)
        return self.scalar_lines(value, offset=offset)

    def scalar_lines(self, value: Any, *, offset: int = _STEP) -> list[str]:
        """A scalar in block context: a literal scalar where ``value`` has several lines and allows it."""
        literal = literal_lines(value) if isinstance(value, str) else None
        if literal is None or (offset != _STEP and literal[0][1:2].isdigit()):
            return [self._scalar(value, flow=False)]
        return [literal[0], *literal[1]]

    def entry_lines(self, key: str, value: Any, *, column: int, name: str | None = None) -> list[str]:
        """``key: value`` of a block mapping whose neighbours have their keys at ``column``; the key is
        written as ``name``.
        """
        name = name or scalar_text(key)
        if not is_collection(value):
            first, *rest = self.scalar_lines(value)
            return [f"{name}: {first}", *indented(rest)]
        flow = self.is_flow(value)
        if flow or not value:
            return [f"{name}: {self.one_line(value)}"]
        if flow is None:
            first, *rest = block_lines({key: value})
            return [name + first.removeprefix(scalar_text(key)), *rest]
        like = next(each for each in self._likes if each.style == "block")
        inner = self._mapping_lines(value) if isinstance(value, Mapping) else self._sequence_lines(value)
        return [f"{name}:", *indented(inner, max(like.column - column, 0 if is_list(value) else 1))]

    def _mapping_lines(self, value: Mapping[str, Any]) -> list[str]:
        like = next((each for each in self._likes if each.kind == "mapping" and each.pairs), None)
        column = like.pairs[0][0].column if like else 0
        lines: list[str] = []
        for key, item in value.items():
            lines.extend(
                self.under(key).entry_lines(key, item, column=column, name=self._key(key, flow=False))
            )
        return lines

    def _sequence_lines(self, value: Sequence[Any]) -> list[str]:
        like = next((each for each in self._likes if each.kind == "sequence" and each.items), None)
        offset = dash_offset(like) if like else _STEP
        inner = self.under(None)
        lines: list[str] = []
        for item in value:
            lines.extend(dashed(inner.lines(item, offset=offset), offset))
        return lines

    def _key(self, key: str, *, flow: bool) -> str:
        """A key, quoted as the same key is in the neighbours, or as their first one is."""
        like = next((each for each in self._likes if each.kind == "mapping" and each.pairs), None)
        names = [name for name, _ in like.pairs if name.alias is None] if like else []
        model = next((name for name in names if name.data == key), names[0] if names else None)
        if model is not None and model.style == "'":
            return single_quoted(key) or double_quoted(key)
        if model is not None and model.style == '"':
            return double_quoted(key)
        return flow_key(key) if flow else scalar_text(key)

    def _scalar(self, value: Any, *, flow: bool) -> str:
        if isinstance(value, str):
            like = next((each for each in self._likes if isinstance(each.data, str)), None)
            if like is not None and like.style == "'":
                return single_quoted(value) or double_quoted(value)
            if like is not None and like.style == '"':
                return double_quoted(value)
        return scalar_text(value, flow=flow)

    def _padding(self, kind: str) -> str:
        like = next((each for each in self._likes if each.kind == kind and each.style == "flow"), None)
        return " " if like is not None and self._text[like.start + 1 : like.start + 2] == " " else ""


def dash_offset(sequence: Node) -> int:
    """How far the content of a block sequence's items stands behind their dashes."""
    first = sequence.items[0]
    same_line = first.line == sequence.line and first.column > sequence.column + 1
    return first.column - sequence.column if same_line else _STEP


def dashed(lines: list[str], offset: int) -> list[str]:
    """An item's ``lines`` behind a dash."""
    return ["-".ljust(offset) + lines[0], *indented(lines[1:], offset)]


def indented(lines: list[str], by: int = _STEP) -> list[str]:
    """``lines`` moved right."""
    return [" " * by + line if line else line for line in lines]


def flow_key(key: str) -> str:
    """A key inside a flow mapping."""
    return flow_text({key: 0}).removeprefix("{").removesuffix(": 0}")


def is_list(value: Any) -> bool:
    """Whether ``value`` becomes a YAML sequence."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def is_collection(value: Any) -> bool:
    """Whether ``value`` becomes a YAML sequence or mapping."""
    return isinstance(value, Mapping) or is_list(value)
