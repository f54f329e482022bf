"""What a blob says of itself: the version of a prompt's content, and the line that ``list`` prints.

Content never changes under its id, so both are remembered in the index; a thousand prompts are not parsed again.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.git.objects import Objects
from promptvc.store.history import History

_VERSION_LINE = re.compile(rb"^version:[ \t]+([1-9][0-9]{0,8})(?:[ \t]+#[^\r\n]*)?[ \t]*\r?$", re.MULTILINE)
_VERSION_KEY = re.compile(rb"^version[ \t]*:", re.MULTILINE)
_NOT_PLAIN = re.compile(rb"^(?![A-Za-z_][A-Za-z0-9_-]*:|#|-[ \r\n]|[ \t\r\n]|\Z)", re.MULTILINE)
_BEGINS_PLAIN = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Summary:
    """A prompt in one line. ``problem`` says why it cannot be read; the rest is then empty.

    Only the document is read here: whether it keeps the schema is for ``check`` to say.
    """

    name: str | None = None
    version: int | None = None
    type: str | None = None
    model: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    problem: str | None = None


class Contents:
    """Versions and summaries of blobs, remembered in the index."""

    def __init__(self, objects: Objects, history: History) -> None:
        self._objects = objects
        self._history = history

    def versions(self, blobs: Iterable[str]) -> dict[str, int | None]:
        """Blob id -> version of the prompt it holds; None for what is no prompt.

        Raises:
            NotFound: there is no such blob.
        """
        wanted = list(dict.fromkeys(blobs))
        rows = self._remembered("versions", wanted)
        found: dict[str, int | None] = dict(rows)
        missing = (blob for blob in wanted if blob not in found)
        fresh = {blob: _version(data) for blob, data in self._objects.blobs(missing)}
        self._remember("versions", fresh)
        return found | fresh

    def version(self, blob: str) -> int | None:
        """The version of one blob."""
        return self.versions([blob])[blob]

    def summaries(
        self, blobs: Iterable[str], read: Callable[[str], bytes] | None = None
    ) -> dict[str, Summary]:
        """Blob id -> summary.

        Args:
            read: gives the content of a blob that git has not got (a file of the working tree).
        """
        wanted = list(dict.fromkeys(blobs))
        rows = self._remembered("summaries", wanted)
        found = {blob: _decode(row) for blob, row in rows.items()}
        source = read or self._objects.blob
        fresh = {blob: _summary(source(blob)) for blob in wanted if blob not in found}
        self._remember("summaries", {blob: json.dumps(asdict(value)) for blob, value in fresh.items()})
        return found | fresh

    def _remembered(self, table: str, blobs: list[str]) -> dict[str, Any]:
        query = {
            "versions": "SELECT version FROM versions WHERE blob = ?",
            "summaries": "SELECT summary FROM summaries WHERE blob = ?",
        }[table]

        def look() -> dict[str, Any]:
            connection = self._history.index.connection
            rows = ((blob, connection.execute(query, (bytes.fromhex(blob),)).fetchone()) for blob in blobs)
            return {blob: row[0] for blob, row in rows if row is not None}

        return self._history.index.guarded(look)

    def _remember(self, table: str, values: dict[str, Any]) -> None:
        if not values:
            return
        query = {
            "versions": "INSERT OR IGNORE INTO versions VALUES (?, ?)",
            "summaries": "INSERT OR IGNORE INTO summaries VALUES (?, ?)",
        }[table]

        def write() -> None:
            with self._history.index.transaction() as connection:
                connection.executemany(
                    query, ((bytes.fromhex(blob), value) for blob, value in values.items())
                )

        self._history.index.guarded(write)


def read_version(data: bytes, *, file: str) -> int:
    """The version that a prompt's content names.

    Raises:
        InvalidDocument: not YAML, or without a version.
    """
    found = _scan(data)
    if found is not None:
        return found
    document = load_yaml(data, file=file)
    value = document.value.get("version") if isinstance(document.value, dict) else None
    if not _is_version(value):
        raise InvalidDocument(
            "`version` must be a whole number from 1", file=file, line=document.line("version")
        )
    assert isinstance(value, int)
    return value


def _version(data: bytes) -> int | None:
    try:
        return read_version(data, file="blob")
    except InvalidDocument:
        return None


def _scan(data: bytes) -> int | None:
    """The version without parsing, a hundred times faster; None when only a parser can tell.

    Right for every valid prompt: with a plain key first, the root is a block mapping at column 0, so its key
    ``version`` begins a line, and there is exactly one such line. Quoted, tagged or complex keys, a second such
    line (inside a quoted text) and anything else out of the ordinary at column 0 go to the parser.
    """
    line = _VERSION_LINE.search(data)
    if line is None or not _BEGINS_PLAIN.match(data) or _NOT_PLAIN.search(data):
        return None
    return int(line[1]) if len(_VERSION_KEY.findall(data)) == 1 else None


def _summary(data: bytes) -> Summary:
    try:
        value = load_yaml(data, file="").value
    except InvalidDocument as error:
        return Summary(problem=error.message)
    if not isinstance(value, dict):
        return Summary(problem="not a mapping")
    version, tags = value.get("version"), value.get("tags")
    return Summary(
        name=_text(value.get("name")),
        version=version if _is_version(version) else None,
        type=_text(value.get("type")) or "user",
        model=_text(value.get("model")),
        description=_text(value.get("description")),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
    )


def _decode(text: str) -> Summary:
    try:
        value = json.loads(text)
        return Summary(**(value | {"tags": tuple(value["tags"])}))
    except (ValueError, TypeError, KeyError) as error:
        raise sqlite3.DatabaseError("a stored summary is damaged") from error


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
