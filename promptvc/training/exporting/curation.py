"""The curation of a dataset: records that a person takes out of it, in ``datasets/NAME.curation.yaml``.

::

    - action: drop
      events: [01JD3M8Z6VQW4N9T2X5KAB7CDE]
      reason: "near_duplicate: nearly the input and the answer of 01JD3M9C2K8P0R4S6T1VWXYZ23"

``drop`` takes the records of these events out of every export. ``keep`` says that a person has looked and they stay;
``review`` that nobody has looked yet: both change nothing. What stands in the file is not proposed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate

FOLDER = "datasets"
SUFFIX = ".curation.yaml"
DROP = "drop"


@dataclass(frozen=True, slots=True)
class Curated:
    """One entry; ``line`` is 0 for one that is only proposed."""

    action: str
    events: tuple[str, ...]
    reason: str
    line: int = 0

    @property
    def rule(self) -> str:
        """What a proposal is about: the word before the reason's colon."""
        return self.reason.partition(":")[0]

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {"action": self.action, "events": list(self.events), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Curation:
    """The entries of a file; none where there is no file."""

    entries: tuple[Curated, ...] = ()

    @property
    def dropped(self) -> frozenset[str]:
        """Ids of the events whose records are taken out."""
        return frozenset(event for entry in self.entries if entry.action == DROP for event in entry.events)

    @property
    def digest(self) -> str | None:
        """Of what it takes out, whatever the file's order or words; None where that is nothing."""
        return hashlib.sha256(canonical_json(sorted(self.dropped))).hexdigest() if self.dropped else None

    def unknown(self, events: Collection[str]) -> Iterator[tuple[Curated, str]]:
        """Entries with ids that are none of ``events``."""
        for entry in self.entries:
            yield from ((entry, event) for event in entry.events if event not in events)

    def news(self, proposed: Iterable[Curated]) -> tuple[Curated, ...]:
        """What of ``proposed`` no entry speaks of: of the same events, for the same cause or as dropped or kept."""
        spoken = {(entry.rule, event) for entry in self.entries for event in entry.events}
        decided = {event for entry in self.entries if entry.action != "review" for event in entry.events}
        return tuple(
            entry
            for entry in proposed
            if not all(event in decided or (entry.rule, event) in spoken for event in entry.events)
        )


def curation_path(name: str) -> str:
    """The curation of the dataset ``name``, from the prompt root."""
    return f"{FOLDER}/{name}{SUFFIX}"


def curated_dataset(path: str) -> str | None:
    """The dataset whose curation the file at ``path`` (from the prompt root) is; None if it is none."""
    if not path.startswith(f"{FOLDER}/") or not path.endswith(SUFFIX):
        return None
    return path.removeprefix(f"{FOLDER}/").removesuffix(SUFFIX)


def load_curation(data: bytes | None, *, file: str, memo: Memo | None = None) -> Curation:
    """Read a curation; an empty one where ``data`` is None or holds nothing.

    Raises:
        InvalidDocument: with file and line: not YAML, not by the schema, an event that is dropped and kept.
    """
    document = load_yaml(data or b"", file=file)
    if document.value is None:
        return Curation()
    validate(document, "curation", memo=memo)
    decided: dict[str, Curated] = {}
    entries = []
    for position, value in enumerate(document.value):
        entry = Curated(
            value["action"], tuple(value["events"]), value["reason"], document.line(position) or 0
        )
        entries.append(entry)
        for event in entry.events if entry.action != "review" else ():
            before = decided.setdefault(event, entry)
            if before.action != entry.action:
                raise InvalidDocument(
                    f"{event} is to {entry.action}, and to {before.action} by line {before.line}",
                    hint="one entry decides: remove the other",
                    file=file,
                    line=entry.line,
                )
    return Curation(tuple(entries))


def with_entries(data: bytes | None, entries: Iterable[Curated], *, file: str) -> bytes:
    """A curation with more entries at its end; what stands there stays byte for byte.

    Raises:
        InvalidDocument: entries cannot be added at its end, such as to ``[]``.
    """
    before = data or b""
    gap = b"\n" if before and not before.endswith(b"\n") else b""
    added = [entry.to_json() for entry in entries]
    whole = before + gap + (dump_yaml(added).encode() if added else b"")
    known = load_yaml(before, file=file).value or []
    try:
        fits = (load_yaml(whole, file=file).value or []) == known + added
    except InvalidDocument:
        fits = False
    if not fits:
        raise InvalidDocument(
            "entries cannot be added at its end",
            hint="write it as a block: a line `- action: ...` each",
            file=file,
        )
    return whole
