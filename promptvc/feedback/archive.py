"""The archive: months of feedback that lie in Parquet files outside of git, listed by `feedback/archive.yaml`.

It is the one exception to "a clone is a full backup". The manifest is committed and reviewed; a part counts only while
its bytes have the digest that stands there, so wherever a part comes from, it says what was archived. Of the columns of
a part ``line`` is the event, as it stood in its segment; the others are for other tools::

    parts:
    - prompt: support/triage
      month: 2024-12
      from: 2024-12-01T00:00:00Z              the first and the last event's time
      to: 2024-12-31T23:00:00Z
      lines: 744                              rows; a rollup is one
      events: 1204113
      bytes: 9120344
      sha256: 5a0c...
      location: ../archive/support--triage-2024-12-5a0c1b2d3e4f.parquet
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.files import storage_errors
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate

MANIFEST = "feedback/archive.yaml"
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One month of one prompt. ``start`` and ``end`` are the times of its first and last event, as text."""

    prompt: str
    month: str
    start: str
    end: str
    lines: int
    events: int
    bytes: int
    sha256: str
    location: str

    @property
    def name(self) -> str:
        """The file's own name."""
        path = urlsplit(self.location).path if "://" in self.location else self.location
        return unquote(path).rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Where its segments were: ``feedback/<prompt>/YYYY/MM``."""
        return f"feedback/{self.prompt}/{self.month.replace('-', '/')}"


def load_manifest(data: bytes | None, *, memo: Memo | None = None) -> tuple[Part, ...]:
    """The parts that a manifest lists; none where there is no file.

    Raises:
        InvalidDocument: with file and line: not YAML, not by the schema, or a part twice.
    """
    if data is None:
        return ()
    document = load_yaml(data, file=MANIFEST)
    if document.value is None:
        return ()
    validate(document, "archive", memo=memo)
    parts: list[Part] = []
    for position, value in enumerate(document.value["parts"]):
        given = dict(value)
        part = Part(start=given.pop("from"), end=given.pop("to"), **given)
        if any(part.sha256 == other.sha256 for other in parts):
            line = document.line("parts", position)
            raise InvalidDocument("this part is listed already", file=MANIFEST, line=line)
        parts.append(part)
    return tuple(parts)


def dump_manifest(parts: Iterable[Part]) -> bytes:
    """The manifest of ``parts``, in the order of prompt and month: the same parts give the same bytes."""
    values = []
    for part in sorted(parts, key=lambda one: (one.prompt, one.month, one.sha256)):
        value = asdict(part)
        start, end = value.pop("start"), value.pop("end")
        values.append(
            {"prompt": value.pop("prompt"), "month": value.pop("month"), "from": start, "to": end, **value}
        )
    return dump_yaml({"parts": values}).encode()


def place_of(part: Part, root: Path, beside: Path | None = None) -> Path | None:
    """Where the file of a part should be on this machine; None where its location is a URL of elsewhere.

    Args:
        root: what paths are from.
        beside: a folder that is looked into first, by the file's own name.
    """
    if beside is not None and part.name and (beside / part.name).is_file():
        return beside / part.name
    if part.location.startswith(("//", "\\\\")):  # Windows would greet another machine with the user's name
        return None
    if "://" not in part.location:
        return root / part.location
    url = urlsplit(part.location)
    return Path(unquote(url.path)) if url.scheme == "file" and url.netloc in {"", "localhost"} else None


def trouble_with(part: Part, place: Path | None, memo: Memo) -> str | None:
    """Why the file of a part cannot be read; None where it is what was archived.

    A file is digested once: ``memo`` knows it by its size and the time of its last change.
    """
    if place is None:
        return f"it is at {part.location}: fetch it, and let PROMPTVC_ARCHIVE name its folder"
    if not place.is_file():
        return "it is not there: fetch it, and let PROMPTVC_ARCHIVE name its folder"
    with storage_errors(place):
        found = place.stat()
        if found.st_size != part.bytes:
            return f"it has {found.st_size:,} bytes instead of {part.bytes:,}"
        known = f"{part.sha256} {place.absolute()} {found.st_size} {found.st_mtime_ns} {found.st_ino}"
        token = hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()
        if memo.knows(token):
            return None
        if digest_of(place) != part.sha256:
            return "its content is not what was archived"
    memo.remember(token)
    return None


def digest_of(place: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with place.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
