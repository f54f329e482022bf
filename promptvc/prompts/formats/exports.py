"""Exports of registries: a JSON document, a list under some key, or JSON Lines; versions of several prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from promptvc.base.documents import load_json_document
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.losses import Losses
from promptvc.prompts.formats.fields import Fields
from promptvc.prompts.formats.format import Imported
from promptvc.prompts.formats.text import decoded

MOST = 10_000
"""Documents of one export."""

_LISTS = ("data", "prompts", "versions", "prompt_versions", "model_versions")


def documents(data: bytes, file: str, losses: Losses) -> Iterator[tuple[str, Any]]:
    """(path, value) of each document of an export; what stands around a list of them is a loss.

    Raises:
        InvalidDocument: it is no JSON, or has more than 10,000.
    """
    if file.lower().endswith((".jsonl", ".ndjson")):
        lines = [
            (number, line) for number, line in enumerate(decoded(data, file).split("\n"), 1) if line.strip()
        ]
        _check(len(lines), file)
        for number, line in lines:
            yield f"line {number}", parse_json(line, file=file, line=number)
        return
    value = load_json_document(data, file=file)
    key = next(
        (key for key in _LISTS if isinstance(value, Mapping) and isinstance(value.get(key), list)), None
    )
    items = value[key] if key else value if isinstance(value, list) else None
    if items is None:
        yield "", value
        return
    _check(len(items), file)
    if key is not None:
        around = Fields(value, "", losses)
        around.take(key)
        around.rest("it says how the list was asked for: see that no page is missing")
    yield from ((f"{key or ''}[{index}]", one) for index, one in enumerate(items))


def by_version(found: Sequence[Imported], file: str) -> tuple[Imported, ...]:
    """The same, the oldest version of each prompt first.

    Raises:
        InvalidDocument: there is none.
    """
    if not found:
        raise InvalidDocument("there is no prompt in it", file=file)
    order = {label: at for at, label in reversed(list(enumerate(one.label for one in found)))}
    return tuple(sorted(found, key=lambda one: (order[one.label], _number(one.version))))


def _number(version: str | None) -> int:
    return int(version) if version and version.isdecimal() and len(version) < 20 else 0


def _check(count: int, file: str) -> None:
    if count > MOST:
        raise InvalidDocument(f"it has {count:,} documents; at most {MOST:,} are read", file=file)
