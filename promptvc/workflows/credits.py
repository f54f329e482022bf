"""Who or what brought the items of a version: what every story shares that says where words come from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from promptvc.base.clock import format_time
from promptvc.evidence.ledger import Training
from promptvc.feedback.events import Event
from promptvc.prompts.model import read_prompt
from promptvc.prompts.render import input_text
from promptvc.store.blame import Origin, Part
from promptvc.store.foreign import refuse_foreign
from promptvc.store.ledgers import Ledgers
from promptvc.store.lineage import LINES, Lineage
from promptvc.store.verdicts import Verdict, verdicts_of
from promptvc.store.versions import Version
from promptvc.workflows.citing import cited
from promptvc.workflows.project import Project

Kind = Literal["rule", "example", "line"]
LISTS: Mapping[Kind, str] = {"rule": "rules", "example": "examples", "line": LINES}


@dataclass(frozen=True, slots=True)
class Item:
    """A rule, an example or a line of a prompt's file.

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
        version: its number; of a branch's content whose number is another text on main, that of the merge.
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
class Credit:
    """Where one item comes from, and the ids of the events behind it."""

    item: Item
    introduced: Introduced
    because: tuple[str, ...]


class Credits:
    """One version of a prompt, its items and lines, its ancestors, and what evidence and ledger know of them."""

    def __init__(self, project: Project, version: Version) -> None:
        """
        Raises:
            NotFound: a shallow clone, which cannot know.
            InvalidDocument: the version is no prompt.
        """
        refuse_foreign(version.path, version.name, "blame or why")
        self.project = project
        self.version = version
        self.lineage = Lineage(project.resolver, version)
        self.prompt = read_prompt(self.lineage.document, name=version.name, memo=project.memo)
        self._introduced: dict[str, Introduced] = {}

    def items(self, kind: Kind) -> list[Item]:
        """Every rule, every example, or every line of the file."""
        if kind == "line":
            lines = self.lineage.lines(self.version.digest)
            return [self._line(number, text) for number, text in enumerate(lines, 1)]
        if kind == "rule":
            found = [(rule.text, rule.because) for rule in self.prompt.rules]
        else:
            found = [
                (f"{input_text(one.input)} -> {one.output}", one.because) for one in self.prompt.examples
            ]
        return [
            Item(kind, at + 1, f"{LISTS[kind]}[{at}]", text, because)
            for at, (text, because) in enumerate(found)
        ]

    def place(self, line: int) -> tuple[Kind, int]:
        """What a line (from 1) of the file is: a rule's or an example's own, or a line by itself; its number from 1."""
        part = self.lineage.part(line)
        if part is not None and part[1] is not None:
            for kind in ("rule", "example"):
                if part[0] == LISTS[kind]:
                    return kind, part[1] + 1
        return "line", line

    def of(self, items: Sequence[Item]) -> list[Credit]:
        """The credit of each item, in the order given."""
        found: dict[tuple[Kind, int], Origin] = {}
        for kind, key in LISTS.items():
            mine = [item.number for item in items if item.kind == kind]
            starts = self.lineage.origins(key, [number - 1 for number in mine]) if mine else {}
            found |= {(kind, number): starts[number - 1] for number in mine}
        return [self._credit(item, found[item.kind, item.number]) for item in items]

    def said(self, ids: Collection[str]) -> dict[str, Said]:
        """What the events say, by id, those that are gone too. Segments are read once for all of them."""
        events = cited(self.project, self.version.name, ids, *self._commits)
        return {one: Said(one, events.get(one)) for one in ids}

    def _credit(self, item: Item, origin: Origin) -> Credit:
        because = item.because if item.kind != "line" else self._because_of(origin)
        return Credit(item, self._introduction(origin.key), because)

    def _line(self, number: int, text: str) -> Item:
        path = _path(self.lineage.part(number))
        return Item("line", number, path, text.rstrip("\r"))

    def _because_of(self, origin: Origin) -> tuple[str, ...]:
        """The events that a line of a message rests on: what the training that wrote it says of that message."""
        training = self._trainings.get(origin.key)
        message = self.lineage.message(origin.key, origin.position + 1) if training is not None else None
        if training is None or message is None:
            return ()
        events = {
            event
            for edit in training.edits
            if str(edit.get("path")) == f"messages[{message}]"
            for event in edit.get("because") or ()
        }
        return tuple(sorted(events))

    def _introduction(self, blob: str) -> Introduced:
        if blob not in self._introduced:
            self._introduced[blob] = self._introduce(blob)
        return self._introduced[blob]

    def _introduce(self, blob: str) -> Introduced:
        version = self.lineage.version_with(blob)
        change = self.lineage.changes.get(blob)
        if change is None:
            return Introduced(version)
        training, comparison = self._trainings.get(blob), self._comparisons.get(blob)
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

    @cached_property
    def _commits(self) -> tuple[str | None, ...]:
        return self.project.resolver.head, self.project.main_commit, self.version.commit

    @cached_property
    def _comparisons(self) -> dict[str, Verdict]:
        """By the digest of the candidate, the newest comparison: the number may have changed on the way to main."""
        found = verdicts_of(self.project.resolver, self.version.name, *self._commits)
        return {one.digest: one for one in found}

    @cached_property
    def _trainings(self) -> dict[str, Training]:
        ledger = Ledgers.of(self.project.resolver, self.project.settings.remote).read(self.version.name)
        return trainings_by_candidate(ledger.trainings)


def trainings_by_candidate(trainings: Iterable[Training]) -> dict[str, Training]:
    """By the digest of the candidate; of several the newest, which the same content came out of again.

    Args:
        trainings: newest first, as a ledger has them.
    """
    return {one.candidate.digest: one for one in reversed(tuple(trainings)) if one.candidate is not None}


def _path(part: Part | None) -> str | None:
    if part is None:
        return None
    return part[0] if part[1] is None else f"{part[0]}[{part[1]}]"
