"""The prompts in `documents/`, written by hand in many styles, each also with other line ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "documents"
SOURCES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.yaml"))}


def variants(data: bytes) -> dict[str, bytes]:
    """As written; with CRLF; without the last line break; both; after a byte order mark."""
    windows = data.replace(b"\n", b"\r\n")
    return {
        "lf": data,
        "crlf": windows,
        "open": data.rstrip(b"\n"),
        "crlf-open": windows.rstrip(b"\r\n"),
        "marked": b"\xef\xbb\xbf" + data,
    }


DOCUMENTS = {
    f"{name}-{variant}": data
    for name, source in SOURCES.items()
    for variant, data in variants(source).items()
}


def paths(value: Any, kind: type, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where values of ``kind`` stand inside plain data."""
    if isinstance(value, kind) and path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in children:
        yield from paths(item, kind, (*path, key))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at ``path``."""
    for step in path:
        value = value[step]
    return value
