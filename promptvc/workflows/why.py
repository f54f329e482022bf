"""`why`: from a rule, an example or a line to the version that introduced its words, and to the events behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from promptvc.base.clock import format_time
from promptvc.base.errors import NotFound, Usage
from promptvc.evidence.ledger import Training
from promptvc.evidence.records import ComparisonRecord
from promptvc.feedback.events import Event
from promptvc.prompts.model import load_prompt
from promptvc.prompts.render import input_text
from promptvc.store.blame import Origin, item_at
from promptvc.store.ledgers import Ledgers
from promptvc.store.lineage import LINES, Lineage
from promptvc.store.proofs import evidence_of
from promptvc.workflows.project import Project
from promptvc.workflows.voices import cited

Kind = Literal["rule", "example", "line"]
_LISTS: Mapping[Kind, str] = {"rule": "rules", "example": "examples", "line": LINES}


@dataclass(frozen=True, slots=True)
class WhyRequest:
    """What is asked about: a ``line`` of the file, a ``rule``, an ``example``, from 1; none: every rule and example."""

    reference: str
    line: int | None = None
    rule: int | None = None
    example: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What is explained.

    Attributes:
        number: from 1, among its kind.
        path: ``rules[1]``, ``examples[0]``, ``messages[0]``; None for a line that belongs to no key.
        text: its words; of an example ``input -> output``.
        because: the events that it cites itself.
    """

    kind: Kind
    number: int
    path: str | None
    text: str
    because: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `why --json` prints it."""
        return {"kind": self.kind, "number": self.number, "path": self.path, "text": self.text}


@dataclass(frozen=True, slots=True)
class Introduced:
    """The content that first had the words.

    Attributes:
        commit, author, time, subject: None while nothing is committed.
        approach, training: of the training that wrote it, and its id; None when a person did.
        verdict: of its newest comparison; ``scores`` are baseline and candidate. None without one.
    """

    version: int | None
    commit: str | None = None
    author: str | None = None
    time: str | None = None
    subject: str | None = None
    approach: str | None = None
    training: str | None = None
    verdict: str | None = None
    scores: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """As `why --json` prints it."""
        keys = ("version", "commit", "author", "time", "subject", "approach", "training", "verdict")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True, slots=True)
class Said:
    """An event that is cited; None where it is in no segment any more: forgotten, or archived."""

    id: str
    event: Event | None

    def to_json(self) -> dict[str, Any]:
        """The event as it was given, with its ``words``; of one that is gone only the id."""
        if self.event is None:
            return {"id": self.id, "gone": True}
        return {"id": self.id, "gone": False, "words": self.event.words, "event": self.event.to_json()}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one item is there."""

    item: Item
    introduced: Introduced
    events: tuple[Said, ...]

    def to_json(self) -> dict[str, Any]:
        """As `why --json` prints it."""
        return {
            "item": self.item.to_json(),
            "introduced": self.introduced.to_json(),
            "events": [event.to_json() for event in self.events],
        }


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why things are in a version; ``alone`` when one was asked about."""

    name: str
    version: int
    reasons: tuple[Reason, ...]
    alone: bool

    def to_json(self) -> dict[str, Any]:
        """As `why --json` prints it: the reason that was asked for, or all of them under ``items``."""
        head = {"name": self.name, "version": self.version}
        if self.alone:
            return head | self.reasons[0].to_json()
        return head | {"items": [reason.to_json() for reason in self.reasons]}


def why(project: Project, request: WhyRequest) -> Reasons:
    """Why a rule, an example or a line is in a version. Nothing is run.

    Raises:
        NotFound: no such prompt, revision, line, rule or example; a shallow clone, which cannot know.
        Usage: several things are asked about.
        InvalidDocument: the version is no prompt.
    """
    chosen = [kind for kind in _LISTS if getattr(request, kind) is not None]
    if len(chosen) > 1:
        raise Usage(
            f"--{chosen[0]} and --{chosen[1]} are two questions",
            hint="ask for one of them, or leave both out",
        )
    asking = _Asking(project, request.reference)
    items = [asking.item(chosen[0], getattr(request, chosen[0]))] if chosen else asking.all_items()
    return Reasons(asking.version.name, asking.version.version, asking.reasons(items), bool(chosen))


class _Asking:
    """One question under way: the version, its ancestors, and what evidence and ledger know of them."""

    def __init__(self, project: Project, reference: str) -> None:
        self.project = project
        self.version = project.resolver.resolve(reference)
        self.prompt = load_prompt(
            self.version.data, file=self.version.source, name=self.version.name, memo=project.memo
        )
        self.lineage = Lineage(project.resolver, self.version)
        self.commits = (project.resolver.head, project.main_commit, self.version.commit)

    def item(self, kind: Kind, number: int) -> Item:
        """The ``number``-th of a kind; a line inside a rule or an example is that."""
        if kind == "line":
            return self._line(number)
        items = self._items(kind)
        if not 1 <= number <= len(items):
            raise self._none(kind, number, len(items))
        return items[number - 1]

    def all_items(self) -> list[Item]:
        """Every rule and every example."""
        return [*self._items("rule"), *self._items("example")]

    def _items(self, kind: Kind) -> list[Item]:
        if kind == "rule":
            found = [(rule.text, rule.because) for rule in self.prompt.rules]
        else:
            found = [
                (f"{input_text(one.input)} -> {one.output}", one.because) for one in self.prompt.examples
            ]
        return [
            Item(kind, at + 1, f"{_LISTS[kind]}[{at}]", text, because)
            for at, (text, because) in enumerate(found)
        ]

    def _line(self, number: int) -> Item:
        lines = self.lineage.lines(self.version.digest)
        if not 1 <= number <= len(lines):
            raise self._none("line", number, len(lines))
        part = item_at(self.lineage.document, number)
        for kind in ("rule", "example"):
            if part is not None and part[0] == _LISTS[kind] and part[1] is not None:
                return self._items(kind)[part[1]]
        return Item("line", number, _path(part), lines[number - 1].rstrip("\r"))

    def _none(self, kind: Kind, number: int, count: int) -> NotFound:
        noun = kind if count == 1 else f"{kind}s"
        return NotFound(
            f"{self.version.name} v{self.version.version} has no {kind} {number}",
            hint=f"it has {count} {noun}",
        )

    def reasons(self, items: Sequence[Item]) -> tuple[Reason, ...]:
        """The reason of each item."""
        found: list[tuple[Item, Introduced, tuple[str, ...]]] = []
        for kind, key in _LISTS.items():
            mine = [item for item in items if item.kind == kind]
            origins = self.lineage.origins(key, [item.number - 1 for item in mine])
            for item in mine:
                origin = origins[item.number - 1]
                because = item.because if kind != "line" else self._because_of(origin)
                found.append((item, self._introduced(origin.key), because))
        wanted = {event for _, _, because in found for event in because}
        events = cited(self.project, self.version.name, wanted, *self.commits)
        return tuple(
            Reason(item, introduced, tuple(Said(event, events.get(event)) for event in because))
            for item, introduced, because in found
        )

    def _because_of(self, origin: Origin) -> tuple[str, ...]:
        """The events that a line of a message rests on: what the training that wrote it says of that message."""
        training, document = self._training(origin.key), self.lineage.document_of(origin.key)
        part = item_at(document, origin.position + 1) if document is not None else None
        if training is None or part is None or part[0] != "messages" or part[1] is None:
            return ()
        events = {
            event
            for edit in training.edits
            if str(edit.get("path")) == _path(part)
            for event in edit.get("because") or ()
        }
        return tuple(sorted(events))

    def _introduced(self, blob: str) -> Introduced:
        version = self.lineage.number(blob)
        change = self.lineage.changes.get(blob)
        if change is None:
            return Introduced(version)
        training, comparison = self._training(blob), self._comparisons.get(blob)
        score = comparison.score if comparison else None
        return Introduced(
            version=version,
            commit=change.commit,
            author=change.author,
            time=format_time(change.time),
            subject=change.subject,
            approach=training.approach if training else comparison.approach if comparison else None,
            training=training.id if training else comparison.training if comparison else None,
            verdict=comparison.verdict if comparison else training.verdict if training else None,
            scores=(score.baseline, score.candidate) if score else None,
        )

    def _training(self, blob: str) -> Training | None:
        return self._trainings.get(blob)

    @cached_property
    def _comparisons(self) -> dict[str, ComparisonRecord]:
        """By the digest of the candidate, the newest comparison: the number may have changed on the way to main."""
        found = evidence_of(self.project.resolver, self.version.name, *self.commits)
        return {one.candidate.digest: one for one in found if isinstance(one, ComparisonRecord)}

    @cached_property
    def _trainings(self) -> dict[str, Training]:
        """By the digest of the candidate; of several the newest, which the same content came out of again."""
        ledger = Ledgers.of(self.project.resolver, self.project.settings.remote).read(self.version.name)
        return {
            training.candidate.digest: training
            for training in reversed(ledger.trainings)
            if training.candidate is not None
        }


def _path(part: tuple[str, int | None] | None) -> str | None:
    if part is None:
        return None
    return part[0] if part[1] is None else f"{part[0]}[{part[1]}]"
