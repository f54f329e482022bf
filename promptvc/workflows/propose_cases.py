"""`feedback to-cases`: corrections, errors and badly rated outputs as cases for a person to accept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.analysis.cases import PROPOSED, EventCase, event_cases
from promptvc.base.errors import Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.evaluation.cases.dataset import Names, read_dataset
from promptvc.evaluation.cases.finding import Shelf
from promptvc.evaluation.cases.generated import smoke_assertions
from promptvc.evaluation.cases.making import CaseMaker
from promptvc.evaluation.cases.suite import Case
from promptvc.feedback.events import Event
from promptvc.feedback.segments import FOLDER, Reading, prompt_of, read_segments
from promptvc.feedback.spool import Spool
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.store.references import parse_reference
from promptvc.training.data.inputs import Form, Inputs, alike
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Project

IN_SUITE = "the suite asks it already, or nearly"
PROPOSED_BEFORE = "proposed already, or nearly"
NEAR_ANOTHER = "nearly another proposal"
_BATCH = 2000
_SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Proposed:
    """What was proposed.

    Attributes:
        cases: ids of the new cases, in the order in which their inputs were first seen.
        skipped: events, and cases made of them, that are not among them, by reason.
        file: where they were written, as the user named it or from the prompt root.
    """

    name: str
    cases: tuple[str, ...]
    skipped: Mapping[str, int]
    file: str
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `feedback to-cases --json` prints it."""
        return {
            "proposed": len(self.cases),
            "skipped": dict(self.skipped),
            "file": self.file,
            "cases": list(self.cases),
        }


def propose(project: Project, name: str, output: Path | None = None) -> Proposed:
    """Add cases to `evaluation/NAME.proposed.jsonl`, or to ``output``; what stands there stays as it is.

    No suite reads the file: a person moves lines into the suite, or names the file under its `cases`. Committed events
    of HEAD are read. Calling it again adds nothing.

    Raises:
        NotFound: no such prompt.
        InvalidDocument: the suite or the file cannot be read.
        Usage: a bare repository, or ``output`` is no JSON Lines.
    """
    if project.root is None:
        raise Usage("there is no working tree to write to", hint="run it in a clone with files")
    reference = parse_reference(name)
    wanted = reference.name
    if reference.revision is not None:
        raise Usage("to-cases takes a NAME, no revision", hint=f"promptvc feedback to-cases {wanted}")
    prompt = _prompt(project, wanted)
    own = f"evaluation/{wanted}.proposed{_SUFFIX}"
    place, shown = (project.root / own, own) if output is None else (output, str(output))
    if place.suffix != _SUFFIX:
        raise Usage(f"{shown} is no name for proposals", hint=f"they are JSON Lines: end it in {_SUFFIX}")
    reading = _reading(project, wanted)
    inputs = Inputs.of(prompt)
    found = event_cases(heeded(project, reading.events), inputs.given, PROPOSED, project.settings.feedback)
    skipped = Counter(found.skipped)
    before = _content(project, own) if output is None else _bytes(place)
    cases = _Fresh(found.cases, inputs)
    cases.drop(_proposed_before(before, shown), PROPOSED_BEFORE, skipped)
    cases.drop(_suite_cases(project, wanted), IN_SUITE, skipped)
    cases.drop_repetitions(skipped)
    if cases.left:
        smoke = smoke_assertions(prompt)
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        write_atomic(place, before + gap + b"".join(_line(case.document(smoke)) for case in cases.left))
    project.log.event("cases.proposed", prompt=wanted, cases=len(cases.left), file=shown)
    return Proposed(
        name=wanted,
        cases=tuple(case.id for case in cases.left),
        skipped=dict(sorted((+skipped).items())),
        file=shown,
        remarks=_remarks(project, wanted, reading),
    )


class _Fresh:
    """Proposals, less and less of them."""

    def __init__(self, cases: Iterable[EventCase], inputs: Inputs) -> None:
        self.left = list(cases)
        self._inputs = inputs

    def drop(self, known: Iterable[Case], reason: str, skipped: Counter[str]) -> None:
        """Leave out what repeats the input of a known case, a batch of them at a time."""
        batch: list[Form] = []
        for case in known:
            batch.append(self._inputs.form(case.vars))
            if len(batch) == _BATCH:
                self._drop(batch, reason, skipped)
                batch.clear()
        self._drop(batch, reason, skipped)

    def drop_repetitions(self, skipped: Counter[str]) -> None:
        """Leave out what repeats a proposal before it."""
        later = {other for _, other in alike(self._forms())}
        self._keep(lambda at: at not in later, NEAR_ANOTHER, skipped)

    def _drop(self, known: Sequence[Form], reason: str, skipped: Counter[str]) -> None:
        if known and self.left:
            repeated = {at for at, _ in alike(self._forms(), known)}
            self._keep(lambda at: at not in repeated, reason, skipped)

    def _forms(self) -> list[Form]:
        return [self._inputs.form(case.vars) for case in self.left]

    def _keep(self, wanted: Callable[[int], bool], reason: str, skipped: Counter[str]) -> None:
        kept = [case for at, case in enumerate(self.left) if wanted(at)]
        skipped[reason] += len(self.left) - len(kept)
        self.left = kept


def _line(document: Mapping[str, Any]) -> bytes:
    """For people to read; in ASCII where half a surrogate pair has no UTF-8."""
    try:
        return json.dumps(document, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(document).encode() + b"\n"


def _prompt(project: Project, name: str) -> Prompt:
    version = project.resolver.working(name)
    return load_prompt(version.data, file=path_of(name), name=name, memo=project.memo)


def _suite_cases(project: Project, name: str) -> Sequence[Case]:
    suite = Shelf(project.files(), None, project.memo).suite(name)
    return () if suite is None else suite.cases


def _proposed_before(data: bytes, file: str) -> Sequence[Case]:
    if not data.strip():
        return ()
    return read_dataset(data, file, CaseMaker({}, "equals", ()), Names())


def _content(project: Project, path: str) -> bytes:
    return project.read(path) or b""


def _bytes(place: Path) -> bytes:
    with storage_errors(place):
        return place.read_bytes() if place.exists() else b""


def _reading(project: Project, name: str) -> Reading:
    head = project.resolver.head
    blobs = project.tree(head, f"{FOLDER}/{name}") if head is not None else {}
    mine = {path: blob for path, blob in blobs.items() if prompt_of(path) == name}
    return read_segments({path: project.objects.blob(blob) for path, blob in mine.items()})


def _remarks(project: Project, name: str, reading: Reading) -> tuple[str, ...]:
    remarks = []
    if reading.problems:
        lines = (
            "1 committed line" if len(reading.problems) == 1 else f"{len(reading.problems):,} committed lines"
        )
        remarks.append(f"{lines} could not be read as events: `promptvc check` names them")
    known = {event.id for event in reading.events}
    waiting: Iterable[Event] = Spool.of(project.repository.common_dir, project.environ).read().events
    count = sum(1 for event in waiting if event.prompt == name and event.id not in known)
    if count:
        events = "1 event is" if count == 1 else f"{count:,} events are"
        remarks.append(f"{events} spooled and not looked at: `promptvc feedback commit` first")
    return tuple(remarks)
