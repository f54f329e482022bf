"""The manifest of a dataset, ``datasets/NAME.yaml``: what was asked, what it gave, and where it is from.

It holds no rows: those are a function of the commit, the query and the curation, and the digests tell whether an export
is the same. A fine-tuned model can be traced to its feedback by the manifest's commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.clock import format_time, parse_time
from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate
from promptvc.training.exporting.curation import FOLDER, SUFFIX
from promptvc.training.exporting.query import SPLITS, DatasetQuery, query_of
from promptvc.training.exporting.selection import Figures, Selection
from promptvc.training.exporting.weights import are_labels, class_weights


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the events are from: a commit of main, and its ``segments`` of the prompt with a digest of their ids."""

    commit: str
    segments: int
    digest: str

    def to_json(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {"commit": self.commit, "segments": self.segments, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Made:
    """What a query gave.

    Attributes:
        total, digest: number and digest of the records (:attr:`Selection.digest`).
        kinds, splits, left_out: numbers of records, and of events that are none.
        rows, digests: by format and split.
        weights: ``labels`` and ``kto``: see :func:`promptvc.training.exporting.weights.class_weights`; of the train
            split.
    """

    total: int
    digest: str
    kinds: Mapping[str, int]
    splits: Mapping[str, int]
    left_out: Mapping[str, int]
    rows: Mapping[str, Mapping[str, int]]
    digests: Mapping[str, Mapping[str, str]]
    weights: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset.

    Attributes:
        prompt, version, digest: the version whose messages are the prompt of every row.
        curation: digest of what its curation took out.
        by: who created it, ``Name <mail>``.
    """

    name: str
    prompt: str
    version: int
    digest: str
    query: DatasetQuery
    origin: Origin
    made: Made
    by: str
    time: datetime
    curation: str | None = None

    @property
    def path(self) -> str:
        """Its file, from the prompt root."""
        return dataset_path(self.name)

    def to_json(self) -> dict[str, Any]:
        """Everything, as the commands print it."""
        made = self.made
        return {
            "name": self.name,
            "prompt": self.prompt,
            "version": self.version,
            "digest": self.digest,
            "query": self.query.to_json(),
            "origin": self.origin.to_json(),
            "records": {
                "total": made.total,
                "digest": made.digest,
                "kinds": dict(made.kinds),
                "splits": dict(made.splits),
                "left_out": dict(made.left_out),
            },
            "rows": {name: dict(counts) for name, counts in made.rows.items()},
            "digests": {name: dict(each) for name, each in made.digests.items()},
            "weights": {name: dict(each) for name, each in made.weights.items() if each},
            "curation": self.curation,
            "by": self.by,
            "time": format_time(self.time),
        }

    def to_bytes(self) -> bytes:
        """The file's content; what is empty is left out."""
        value = {
            key: each for key, each in self.to_json().items() if key != "name" and each not in (None, {})
        }
        return dump_yaml(value).encode()


def made_of(selection: Selection, figures: Figures) -> Made:
    """What a manifest says of a selection."""
    kinds = Counter(record.kind for record in selection.records)
    splits = {name: len(selection.splits[name]) for name in SPLITS}
    labels = class_weights(figures.labels) if are_labels(figures.labels) else {}
    return Made(
        total=sum(splits.values()),
        digest=selection.digest,
        kinds=dict(sorted(kinds.items())),
        splits=splits,
        left_out=selection.left_out,
        rows=figures.rows,
        digests=figures.digests,
        weights={"labels": labels, "kto": class_weights(figures.marks)},
    )


def dataset_path(name: str) -> str:
    """The manifest of the dataset ``name``, from the prompt root."""
    return f"{FOLDER}/{name}.yaml"


def dataset_name(path: str) -> str | None:
    """The dataset whose manifest the file at ``path`` (from the prompt root) is; None if it is none."""
    if not path.startswith(f"{FOLDER}/") or not path.endswith(".yaml") or path.endswith(SUFFIX):
        return None
    return path.removeprefix(f"{FOLDER}/").removesuffix(".yaml")


def load_manifest(name: str, data: bytes, *, file: str | None = None, memo: Memo | None = None) -> Manifest:
    """Read the manifest of the dataset ``name``.

    Raises:
        InvalidDocument: with file and line: not YAML, not by the schema, a time that is none, shares that do not add
            up.
    """
    document = load_yaml(data, file=file or dataset_path(name))
    validate(document, "dataset", memo=memo)
    value: dict[str, Any] = document.value
    try:
        time = parse_time(value["time"])
    except ValueError:
        raise InvalidDocument(
            "`time` must be a time such as 2026-11-20T11:47:16Z",
            file=document.file,
            line=document.line("time"),
        ) from None
    records, weights = value["records"], value.get("weights", {})
    return Manifest(
        name=name,
        prompt=value["prompt"],
        version=value["version"],
        digest=value["digest"],
        query=query_of(value["query"], file=document.file, line=document.line("query")),
        origin=Origin(**value["origin"]),
        made=Made(
            total=records["total"],
            digest=records["digest"],
            kinds=records["kinds"],
            splits=records["splits"],
            left_out=records.get("left_out", {}),
            rows=value["rows"],
            digests=value["digests"],
            weights={name: weights.get(name, {}) for name in ("labels", "kto")},
        ),
        by=value["by"],
        time=time,
        curation=value.get("curation"),
    )
