"""A dataset as it is exported: its records by split, and rows of any format, one at a time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.errors import InputError
from promptvc.evaluation.cases.suite import Case
from promptvc.feedback.events import Event
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer
from promptvc.training.data.claims import ClaimOptions
from promptvc.training.data.holdout import divide
from promptvc.training.data.inputs import Form, repeats
from promptvc.training.data.items import build
from promptvc.training.exporting.answers import Answer, Mark, by_input
from promptvc.training.exporting.formats import FORMATS, ExportFormat, turns_of
from promptvc.training.exporting.query import SPLITS, DatasetQuery
from promptvc.training.exporting.records import Record, read_records
from promptvc.training.exporting.splits import divide_records

REPEATS_HOLDOUT = "repeat a hold-out input"
OF_A_HOLDOUT_USER = "come from a user of the hold-out"
STRADDLES = "are related to two splits"
CURATED = "dropped by the curation"
NO_PROMPT = "the prompt cannot be rendered for"


@dataclass(frozen=True, slots=True)
class Source:
    """What a dataset is made of: the events of one prompt, the version that renders, its suite's cases."""

    events: tuple[Event, ...]
    prompt: Prompt
    suite: Sequence[Case] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A dataset. ``splits`` has every split; ``left_out`` counts events by reason."""

    prompt: Prompt
    query: DatasetQuery
    splits: Mapping[str, tuple[Record, ...]]
    left_out: Mapping[str, int]

    @property
    def records(self) -> Iterator[Record]:
        """All of them, split by split."""
        return (record for name in SPLITS for record in self.splits[name])

    @property
    def digest(self) -> str:
        """SHA-256 of the events of every record and its split: one line of canonical JSON each."""
        found = hashlib.sha256()
        for name in SPLITS:
            for record in self.splits[name]:
                found.update(json.dumps([name, *record.because]).encode() + b"\n")
        return found.hexdigest()

    def rows(self, form: ExportFormat, split: str, *, with_users: bool = False) -> Iterator[bytes]:
        """The lines of one format and split, in the order in which their inputs were first seen."""
        renderer = Renderer(self.prompt)
        for group in by_input(self.splits[split]).values():
            for said in form.find(group, self.query):
                row = form.write(turns_of(renderer.render(said.input)), said)
                yield _line(row | {"users": list(said.users)} if with_users else row)


@dataclass(frozen=True, slots=True)
class Figures:
    """What an export of everything would give.

    Attributes:
        rows: by format and split.
        digests: SHA-256 of the lines, by format and split.
        labels: right answers of the train split with their number of rows; marks: ``desirable`` and ``undesirable``.
    """

    rows: Mapping[str, Mapping[str, int]]
    digests: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, int]
    marks: Mapping[str, int]


def select(source: Source, query: DatasetQuery, dropped: frozenset[str]) -> Selection:
    """The dataset that ``query`` asks for.

    Args:
        dropped: ids of events whose records a person took out.
    """
    read = read_records(source.events, source.prompt, query)
    splits = divide_records(read.known, query)
    barred = _Barred() if query.with_holdout else _barred(source, query)
    repeated = barred.repeated({record.form for record in read.records})
    renderer = Renderer(source.prompt) if source.prompt.template == "jinja2" else None
    found: dict[str, list[Record]] = {name: [] for name in SPLITS}
    left_out = Counter(read.left_out)
    if not query.with_holdout:
        left_out[REPEATS_HOLDOUT] += 0  # said also where it is none
    for record in read.records:
        side = splits[record.form, record.owner]
        if record.form in repeated:
            left_out[REPEATS_HOLDOUT] += 1
        elif record.owner in barred.users:
            left_out[OF_A_HOLDOUT_USER] += 1
        elif record.id in dropped:
            left_out[CURATED] += 1
        elif side is None:
            left_out[STRADDLES] += 1
        elif renderer is not None and not _renders(renderer, record):
            left_out[NO_PROMPT] += 1
        else:
            found[side].append(record)
    kept = {name: tuple(records) for name, records in found.items()}
    return Selection(source.prompt, query, kept, dict(sorted(left_out.items())))


def figures(selection: Selection) -> Figures:
    """Every format written to nowhere, once."""
    rows: dict[str, dict[str, int]] = {}
    digests: dict[str, dict[str, str]] = {}
    for name, form in FORMATS.items():
        for split in SPLITS:
            count, digest = 0, hashlib.sha256()
            for line in selection.rows(form, split):
                count += 1
                digest.update(line)
            rows.setdefault(name, {})[split] = count
            digests.setdefault(name, {})[split] = digest.hexdigest()
    labels = label_counts(selection, "train")
    marked = Counter(
        "desirable" if said.wanted else "undesirable"
        for group in by_input(selection.splits["train"]).values()
        for said in FORMATS["kto"].find(group, selection.query)
        if isinstance(said, Mark)
    )
    return Figures(rows, digests, labels, dict(sorted(marked.items())))


def label_counts(selection: Selection, split: str) -> dict[str, int]:
    """Right answers of a split with their number of rows, the most frequent first."""
    counts = Counter(
        said.text
        for group in by_input(selection.splits[split]).values()
        for said in FORMATS["sft"].find(group, selection.query)
        if isinstance(said, Answer)
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class _Barred:
    """Inputs and users of hold-outs."""

    forms: tuple[Form, ...] = ()
    users: frozenset[str] = field(default_factory=frozenset)

    def repeated(self, forms: Iterable[Form]) -> set[Form]:
        listed = sorted(forms, key=lambda form: (form.key, form.core))
        return {listed[at] for at in repeats(listed, self.forms)} if self.forms else set()


def _barred(source: Source, query: DatasetQuery) -> _Barred:
    """What trainings of the prompt hold out: of the last ``days``, and of all events.

    Without a suite the hold-out comes from the events, and where a group is on depends on how far back is looked.
    """
    forms: set[Form] = set()
    users: set[str] = set()
    for days in (query.days, None):
        items = build(source.events, source.prompt, ClaimOptions(days=days)).items
        split = divide(items, source.suite, source.prompt)
        forms.update(split.holdout_forms)
        users.update(split.holdout_users)
        if any(case.split != "train" for case in source.suite):
            break  # the suite alone is held out
    return _Barred(tuple(sorted(forms, key=lambda form: (form.key, form.core))), frozenset(users))


def _renders(renderer: Renderer, record: Record) -> bool:
    try:
        renderer.render(record.input)
    except InputError:
        return False
    return True


def _line(row: Mapping[str, Any]) -> bytes:
    """In the columns' order; in ASCII where half a surrogate pair has no UTF-8."""
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row, allow_nan=False).encode() + b"\n"
