"""Creating, exporting and looking at a dataset: what is asked for, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.training.exporting.curation import Curated
from promptvc.training.exporting.formats import ExportFormat
from promptvc.training.exporting.manifest import Manifest
from promptvc.training.exporting.query import DatasetQuery
from promptvc.training.exporting.selection import Selection


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """Create the dataset ``name``, or with ``update`` make an existing one anew from what main has now.

    Attributes:
        prompt: NAME or NAME@REV of the prompt; None only for an update, which keeps the version then.
        query: None only for an update, which keeps it.
        branch: commit to this branch instead of the current one.
    """

    name: str
    prompt: str | None = None
    query: DatasetQuery | None = None
    update: bool = False
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A dataset and the commit that has its manifest; ``changed`` is False when it was there, the same."""

    manifest: Manifest
    commit: str
    branch: str | None
    changed: bool = True
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `dataset create --json` prints it."""
        where = {"commit": self.commit, "branch": self.branch, "changed": self.changed}
        return self.manifest.to_json() | where


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Write the rows of one format.

    Attributes:
        format: a name of :data:`promptvc.training.exporting.formats.FORMATS`.
        split: one of the splits; None: all, the train split first.
        at: read the events of this revision instead of the manifest's commit.
        with_users: also the pseudonyms of who said it.
    """

    name: str
    format: str
    split: str | None = None
    at: str | None = None
    with_users: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """An export under way: ``lines`` gives the rows once; what came of them is known when they are through."""

    manifest: Manifest
    selection: Selection
    form: ExportFormat
    splits: tuple[str, ...]
    commit: str
    changes: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    with_users: bool = False

    def lines(self, digests: dict[str, str], rows: dict[str, int]) -> Iterator[bytes]:
        """The rows; digests and numbers by split are put where the caller wants them."""
        for split in self.splits:
            digest, count = hashlib.sha256(), 0
            for line in self.selection.rows(self.form, split, with_users=self.with_users):
                digest.update(line)
                count += 1
                yield line
            digests[split], rows[split] = digest.hexdigest(), count


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        rows, digests: by split.
        reproduced: whether the rows are those that the manifest promises; None with users, of which it knows nothing.
        changed: why they are not.
    """

    name: str
    format: str
    commit: str
    rows: Mapping[str, int]
    digests: Mapping[str, str]
    reproduced: bool | None
    changed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `dataset export --json` prints it."""
        return {
            "name": self.name,
            "format": self.format,
            "commit": self.commit,
            "rows": dict(self.rows),
            "digests": dict(self.digests),
            "reproduced": self.reproduced,
            "changed": list(self.changed),
        }


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a dataset.

    Attributes:
        labels: right answers by split with their numbers of rows; None where answers are no labels.
        lengths: least, middle and most characters of right answers; None without any.
        reviewed, unsure: numbers of records that a person reviewed, and of unknown confidence.
        largest_user: share of the records that one user gave, 0..1; 0 where none is known.
    """

    manifest: Manifest
    labels: Mapping[str, Mapping[str, int]] | None
    lengths: tuple[int, int, int] | None
    reviewed: int
    unsure: int
    largest_user: float

    def to_json(self) -> dict[str, Any]:
        """As `dataset stats --json` prints it."""
        whole = self.manifest.to_json()
        return {key: whole[key] for key in ("name", "records", "rows", "weights")} | {
            "labels": None if self.labels is None else {key: dict(each) for key, each in self.labels.items()},
            "lengths": None
            if self.lengths is None
            else dict(zip(("min", "median", "max"), self.lengths, strict=True)),
            "reviewed": self.reviewed,
            "unknown_confidence": self.unsure,
            "largest_user": round(self.largest_user, 6),
        }


@dataclass(frozen=True, slots=True)
class Proposed:
    """Entries that were added to a curation."""

    name: str
    entries: tuple[Curated, ...]
    file: str

    def to_json(self) -> dict[str, Any]:
        """As `dataset propose --json` prints it."""
        return {"file": self.file, "proposed": [entry.to_json() for entry in self.entries]}
