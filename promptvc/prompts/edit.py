"""Surgical edits: bytes in, bytes out, and every line that an edit does not touch stays as it is.

Comments, key order, quotes, indentation, line ends and a missing last line break are kept. Each edit is
checked by reading the result: it must hold exactly the expected value.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import Document, Node, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.nodes import Path
from promptvc.base.schema_messages import key_text
from promptvc.prompts import blocks, flows
from promptvc.prompts.page import Page, Splice, spliced
from promptvc.prompts.reach import check_reachable, check_unshared, refuse
from promptvc.prompts.scalars import replace_scalar
from promptvc.prompts.styles import is_collection, is_list

ORDER = (
    "name", "version", "description", "type", "model", "template", "parameters", "variables", "messages", "rules",
    "examples", "output", "tags", "metadata",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SetScalar:
    """Give the scalar at ``path`` a new value; a missing key is added to the mapping around it."""

    path: Path
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class AddItem:
    """Insert ``value`` into the list at ``path`` before ``index``, or at its end; a missing list is made."""

    path: Path
    value: Any
    index: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Take the item ``index`` of the list at ``path`` away."""

    path: Path
    index: int


@dataclass(frozen=True, slots=True)
class ReplaceItem:
    """Write ``value`` in the place of the item ``index`` of the list at ``path``."""

    path: Path
    index: int
    value: Any


Edit = SetScalar | AddItem | RemoveItem | ReplaceItem


def edit(data: bytes, edits: Sequence[Edit], *, file: str) -> bytes:
    """Make ``edits`` one after the other; each sees what the ones before it did.

    Raises:
        InvalidDocument: ``data`` is not YAML.
        InputError: an edit does not fit the document, stands inside an alias or an anchor that is used, or
            cannot be made without changing something else. Nothing is half done.
    """
    document = load_yaml(data, file=file)
    for step in _steps(edits):
        document = _made(document, step)
    text = ("\ufeff" if document.marked else "") + document.text
    return text.encode()


def with_version(data: bytes, version: int, *, file: str) -> bytes:
    """``data`` with its ``version`` set and not a byte else changed."""
    return edit(data, [SetScalar(("version",), version)], file=file)


@dataclass(frozen=True, slots=True)
class _Additions:
    """Several items for the end of one list, added at once so that a large file is read once."""

    path: Path
    values: tuple[Any, ...]


_Step = Edit | _Additions


def _steps(edits: Sequence[Edit]) -> list[_Step]:
    steps: list[_Step] = []
    for each in edits:
        last = steps[-1] if steps else None
        if isinstance(each, AddItem) and each.index is None:
            value = plain(each.value)
            if isinstance(last, _Additions) and last.path == each.path:
                steps[-1] = _Additions(last.path, (*last.values, value))
            else:
                steps.append(_Additions(each.path, (value,)))
        else:
            steps.append(each)
    return steps


def _made(document: Document, step: _Step) -> Document:
    check_reachable(document, step.path)
    page = Page(document)
    expected = copy.deepcopy(document.value)
    if isinstance(step, SetScalar):
        splices = _set(page, step, expected)
    elif isinstance(step, (_Additions, AddItem)):
        splices = _add(page, step, expected)
    else:
        splices = _change(page, step, expected)
    text = spliced(document.text, splices)
    # A literal text needs the last line break that the file does not have.
    candidates = [text] if text.endswith("\n") or not text else [text, text + page.newline]
    for candidate in candidates:
        result = _read(document, candidate)
        if result is not None and same(result.value, expected):
            return result
    raise InputError(
        f"`{key_text(step.path)}` cannot be edited in place without changing something else",
        hint="edit the file by hand",
        file=document.file,
        line=document.line(*step.path),
    )


def _read(document: Document, text: str) -> Document | None:
    mark = "\ufeff" if document.marked else ""
    try:
        return load_yaml((mark + text).encode(), file=document.file)
    except InvalidDocument as error:
        if "more than" in error.message:
            raise
        return None


def _set(page: Page, step: SetScalar, expected: Any) -> list[Splice]:
    *around, key = step.path
    parent = _node(page, tuple(around))
    holder = _value_at(expected, around)
    node = parent.child(key)
    if node is None:
        if parent.kind != "mapping" or not isinstance(key, str):
            refuse(page, step.path, "does not exist")
        return _new_entry(page, parent, holder, key, step.value)
    if node.kind != "scalar":
        refuse(page, step.path, f"is a {node.kind}, not a scalar")
    holder[key] = step.value
    return replace_scalar(page, parent, node, step.value, flow=_in_flow(page, tuple(around)))


def _add(page: Page, step: _Additions | AddItem, expected: Any) -> list[Splice]:
    *around, key = step.path
    values = list(step.values) if isinstance(step, _Additions) else [plain(step.value)]
    parent = _node(page, tuple(around))
    node = parent.child(key)
    holder = _value_at(expected, around)
    if node is None or node.data is None:
        if isinstance(step, AddItem) and step.index not in {0, None}:
            refuse(page, step.path, f"has no place {step.index}")
        if not isinstance(key, str) or parent.kind != "mapping":
            refuse(page, step.path, "does not exist" if node is None else "is empty, not a list")
        if node is None:
            return _new_entry(page, parent, holder, key, values)
        holder[key] = values
        name = next(name for name, value in parent.pairs if value is node)
        if _in_flow(page, tuple(around)):
            return replace_scalar(page, parent, node, values, flow=True)
        return blocks.fill(page, parent, name, node, values)
    _check_list(page, step.path, node)
    index = step.index if isinstance(step, AddItem) and step.index is not None else len(node.items)
    if not 0 <= index <= len(node.items):
        refuse(page, step.path, f"has no place {index}: it has {len(node.items)} items")
    holder[key][index:index] = values
    if node.style == "block":
        return blocks.add_items(page, node, values, index)
    bare = not node.items and not page.text[node.start + 1 : node.end - 1].strip()
    if bare and any(map(is_collection, values)) and parent.kind == "mapping" and parent.style == "block":
        name = next(name for name, value in parent.pairs if value is node)
        if not _in_flow(page, tuple(around)):
            return blocks.fill(page, parent, name, node, values)
    return flows.add_items(page, node, values, index)


def _change(page: Page, step: RemoveItem | ReplaceItem, expected: Any) -> list[Splice]:
    node = _node(page, step.path)
    _check_list(page, step.path, node)
    if not 0 <= step.index < len(node.items):
        refuse(page, step.path, f"has no item {step.index}: it has {len(node.items)}")
    check_unshared(page, node.items[step.index], (*step.path, step.index))
    items = _value_at(expected, step.path)
    if isinstance(step, ReplaceItem):
        value = plain(step.value)
        items[step.index] = value
        replace = blocks.replace_item if node.style == "block" else flows.replace_item
        return replace(page, node, step.index, value)
    del items[step.index]
    if node.style == "flow":
        return flows.remove_item(page, node, step.index)
    parent = _node(page, step.path[:-1]) if step.path else None
    pairs = parent.pairs if parent is not None and parent.kind == "mapping" else ()
    return blocks.remove_item(page, node, step.index, next((n for n, value in pairs if value is node), None))


def _new_entry(page: Page, parent: Node, holder: dict[str, Any], key: str, value: Any) -> list[Splice]:
    position = len(parent.pairs) - 1
    if parent is page.document.root and parent.style == "block" and key in ORDER:
        earlier = ORDER[: ORDER.index(key)]
        position = max(
            (i for i, (name, _) in enumerate(parent.pairs) if name.data in earlier), default=position
        )
    pairs = list(holder.items())
    pairs.insert(position + 1, (key, value))
    holder.clear()
    holder.update(pairs)
    if parent.style == "flow":
        return flows.add_entry(page, parent, key, value)
    return blocks.add_entry(page, parent, position, key, value)


def _node(page: Page, path: Path) -> Node:
    node = page.document.node(*path)
    if node is None:
        refuse(page, path, "does not exist")
    if node.kind == "scalar":
        refuse(page, path, "is a scalar, not a list or a mapping")
    return node


def _in_flow(page: Page, path: Path) -> bool:
    nodes = [page.document.node(*path[:depth]) for depth in range(len(path) + 1)]
    return any(node is not None and node.style == "flow" for node in nodes)


def _check_list(page: Page, path: Path, node: Node) -> None:
    if node.kind != "sequence":
        refuse(page, path, f"is a {node.kind}, not a list")
    if node.tag is not None:
        refuse(page, path, "carries a tag")


def _value_at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def plain(value: Any) -> Any:
    """``value`` as dictionaries and lists of its own."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if is_list(value) else value


def same(left: Any, right: Any) -> bool:
    """Equal in value, type and the order of keys."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right or (left != left and right != right))  # noqa: PLR0124 - not a number
