"""A prompt in lines that read well in ``git diff`` and ``git log -p``: one line an item, texts as they are.

The same content gives the same lines, whatever its quotes, indentation and order of keys. Comments are told at the
end, so that a change of a comment, or a conflict that is marked in one, is not invisible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.emit import flow_text
from promptvc.base.errors import InvalidDocument
from promptvc.prompts.marks import comment_lines

FORMAT = 1
"""Counted up whenever the lines change: git keeps what it was told before."""

_HEAD = ("name", "version", "description", "type", "model", "template", "parameters", "variables")
_TAIL = ("output", "tags", "metadata")
_ITEMS = ("messages", "rules", "examples")


def outline(data: bytes) -> str | None:
    """The lines of a prompt's file; None for what is no prompt and is best shown as it is."""
    try:
        document = load_yaml(data, file="")
    except InvalidDocument:
        return None
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return None
    others = sorted(key for key in value if key not in {*_HEAD, *_TAIL, *_ITEMS})
    lines: list[str] = []
    for key in (*_HEAD, *_ITEMS, *_TAIL, *others):
        if key in value:
            lines += _items(key, value[key]) if key in _ITEMS else _entry(key, value[key])
    lines += [_safe(text) for _, text in comment_lines(document)]
    return "\n".join(lines) + "\n"


def _entry(path: str, value: Any) -> Iterator[str]:
    """``parameters.temperature: 0``: a line for each value that is no mapping."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from _entry(f"{path}.{_word(key)}", value[key])
    elif path == "tags" and isinstance(value, list):
        yield from sorted(f"tag {flow_text(tag)}" for tag in value)
    else:
        yield f"{path}: {_flat(value)}"


def _items(key: str, value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, Mapping):
            yield f"{key}: {_flat(item)}"
        elif key == "messages":
            yield from _message(item)
        elif key == "rules":
            yield f"rule: {_flat(item.get('text'))}{_rest(item, 'text')}"
        else:
            pair = f"{_flat(item.get('input'))} -> {_flat(item.get('output'))}"
            yield f"example: {pair}{_rest(item, 'input', 'output')}"


def _message(item: Mapping[str, Any]) -> Iterator[str]:
    yield f"message {_flat(item.get('role'))}:{_rest(item, 'role', 'content')}"
    content = item.get("content")
    for line in content.split("\n") if isinstance(content, str) else [_flat(content)]:
        yield f"  {_safe(line)}".rstrip(" ")


def _rest(item: Mapping[str, Any], *told: str) -> str:
    """What an item has besides: its citations in brackets, then any other key."""
    because = item.get("because")
    cited = f" [{', '.join(map(_word, because))}]" if isinstance(because, list) and because else ""
    more = {key: item[key] for key in sorted(item) if key not in {*told, "because"}}
    return cited + (f" {_flat(more)}" if more else "")


def _flat(value: Any) -> str:
    return flow_text(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _word(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else flow_text(text)


def _safe(line: str) -> str:
    """A line as it is; what a terminal could take for an order is escaped."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{{{ord(c):x}}}" for c in line)
