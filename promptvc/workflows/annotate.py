"""`annotate`: what waits for a reviewer, and what the reviewer says, written at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.analysis.annotations.disputes import disputes
from promptvc.analysis.annotations.queue import Asking, Line, Waiting, is_answer, place
from promptvc.analysis.annotations.reviews import Reviews
from promptvc.analysis.annotations.scales import LABELS, Scale, scale_named, scales_of
from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, NotFound, Usage
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.fields import KINDS
from promptvc.feedback.people import People
from promptvc.feedback.pseudonyms import make_key, pseudonym, pseudonyms_of
from promptvc.feedback.query.selection import Outcome, Query, matches
from promptvc.feedback.skips import Skips
from promptvc.feedback.spool import Spool
from promptvc.git.preferences import begin_preferences, read_preferences
from promptvc.workflows.gathering import (
    keys_folder,
    keys_of,
    known_prompt,
    moment_of,
    redactor_of,
)
from promptvc.workflows.heeding import panel_of
from promptvc.workflows.project import Project
from promptvc.workflows.sifting import EXPIRED, OUTPUT, Sieve

MOST = 1_000
"""So many answers a queue has at most where nobody says how many."""
_UNCOUNTED = "feedback.experts does not name you: your reviews are kept, and do not count"


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """Which answers, and for whom.

    Attributes:
        name: of one prompt, or of all.
        kind, tag, since, until, outcome: as for `feedback list`.
        limit: only the first so many; :data:`MOST` when None.
        reviewer: as they call themselves; the e-mail address that git commits with when None.
        overlap: how many reviewers each answer needs; as ``annotation.overlap`` says when None.
        blind: without the user's and other reviewers' words, the version and the model, in an order that tells nothing
            of them. A reported correction is then left out: its review is about what the user wrote.
        skipped: also what the reviewer skipped.
    """

    name: str | None = None
    kind: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    outcome: Outcome | None = None
    limit: int | None = None
    reviewer: str | None = None
    overlap: int | None = None
    blind: bool = False
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One answer as its reviewer may see it."""

    waiting: Waiting
    words: tuple[str, ...]
    blind: bool

    @property
    def id(self) -> str:
        """Of the event that carries the answer."""
        return self.waiting.event.id

    def to_json(self) -> dict[str, Any]:
        """An item of `annotate --queue --json`; what is hidden is null."""
        event = self.waiting.event
        context = event.data.get("context")
        model = context.get("model") if isinstance(context, Mapping) else None
        return {
            "id": event.id,
            "time": format_time(event.time),
            "prompt": event.prompt,
            "kind": event.kind,
            "input": event.input,
            "output": event.output,
            "version": None if self.blind else event.version,
            "model": None if self.blind else model,
            "score": None if self.blind else event.score,
            "comment": None if self.blind else event.comment,
            "corrected": None if self.blind else event.corrected,
            "reviews": self.waiting.reviews,
            "disputed": None if self.blind else self.waiting.disputed,
            "words": None if self.blind else list(self.words),
        }


@dataclass(frozen=True, slots=True)
class Queue:
    """The first of what waits, ``total`` in all. ``reviewer`` is a pseudonym, None without a key."""

    reviewer: str | None
    items: tuple[Item, ...]
    total: int
    scales: Mapping[str, Scale]
    adjudicating: bool = False
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `annotate --queue --json` prints it."""
        return {
            "reviewer": self.reviewer,
            "adjudicating": self.adjudicating,
            "total": self.total,
            "scores": {name: scale.choices for name, scale in self.scales.items()},
            "items": [item.to_json() for item in self.items],
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True)
class Word:
    """What a reviewer says; everything is optional, and something must be said.

    Attributes:
        scores: answers by score, as texts.
        approved: whether the answer is right as it is.
        corrected: what should have come out.
    """

    scores: Mapping[str, str] = field(default_factory=dict)
    approved: bool | None = None
    label: str | None = None
    corrected: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The annotation that was written, what was replaced in it, by category, and what else the reviewer should know."""

    id: str
    target: str
    redacted: Mapping[str, int]
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `annotate --target ID --json` prints it."""
        return {"id": self.id, "target": self.target}


def waiting(project: Project, request: QueueRequest) -> Queue:
    """What waits for the reviewer, committed and spooled; nothing is written.

    Raises:
        NotFound: no such prompt, and no feedback on it.
        Usage: there is no such kind, a time is none, or the settings name people whom no key knows.
    """
    name = known_prompt(project, request.name)
    sieve = Sieve(project, name)
    notes = sieve.notes()
    reviewer, keys, panel = reviewer_named(project, request.reviewer), keys_of(project), panel_of(project)
    people, recorded = People.of(notes), Reviews.of(notes)
    mine = frozenset(() if keys is None else pseudonyms_of(reviewer, keys.keys))
    names = mine.union(*(people.names(one) for one in mine))
    passed = frozenset[str]().union(*(_skips(project, one).ids() for one in mine))
    scales = scales_of(project.settings.annotation.scores)
    query = _query(request, name)

    def asked_for(event: Event) -> bool:
        # Whose reviews do not count has still made them: they do not come again.
        return (
            matches(event, query, project.settings.feedback)
            and recorded.reviewers(event.id).isdisjoint(names)
            and not (request.blind and event.kind == "correction")
        )

    reviewed = sieve.among(recorded.notes)
    every = [*notes, *reviewed]
    counting = panel.without_adjudication.heeded(every, keys)
    reviews = Reviews.of(counting)
    questions = reviews.questions(scales)
    unsettled = None
    if panel.is_adjudicator(reviewer, keys):
        decided = Reviews.of(panel.heeded(every, keys))
        others = Reviews.of(panel.unadjudicated(counting, keys))
        found = disputes(others, decided, questions, "adjudication")
        unsettled = frozenset(one.target for one in found if one.settled is None)
    overlap = request.overlap or project.settings.annotation.overlap
    asking = Asking(names, overlap, () if request.skipped else passed, unsettled)
    line = Line(request.limit or MOST, blind=request.blind)
    for event in reviewed if unsettled is not None else _answers(sieve, reviewed):
        if asked_for(event) and (one := place(event, reviews, questions, asking)) is not None:
            line.add(one)
    items = [Item(one, _words(one.event, reviews), request.blind) for one in line.first()]
    strange = () if panel.is_expert(reviewer, keys) else (_UNCOUNTED,)
    me = None if keys is None else pseudonym(reviewer, keys.current)
    return Queue(me, tuple(items), line.total, scales, unsettled is not None, (*sieve.remarks(), *strange))


def _answers(sieve: Sieve, known: Sequence[Event]) -> Iterator[Event]:
    """Every answer once, those that are ``known`` first."""
    contested = sieve.contested((OUTPUT, EXPIRED))
    aside = {event.id for event in known} | contested
    yield from known
    yield from sieve.among(contested - {event.id for event in known})
    seen: set[int] = set()
    for event in sieve.found((OUTPUT,)):
        if is_answer(event) and event.id not in aside and (mark := hash(event.id)) not in seen:
            seen.add(mark)
            yield event


def target_of(project: Project, target: str) -> Event:
    """The event to review.

    Raises:
        NotFound: there is no such event, committed or spooled.
        InputError: it carries no answer.
    """
    event = Sieve(project, None).one(target)
    if event is None:
        raise NotFound(f"there is no event {target}", hint="promptvc annotate --queue lists what waits")
    if event.kind in {"annotation", "demonstration"} or not (event.output or event.corrected):
        raise InputError(
            f"{target} carries no answer to review",
            hint="promptvc annotate --queue lists those that do",
        )
    return event


def review(project: Project, event: Event, word: Word, reviewer: str | None = None) -> Reviewed:
    """Write one review into the spool; when this returns it outlives the process and the machine's power.

    Raises:
        Usage: nothing is said, a score is not configured or not among its values, or an approval comes with another
            text.
    """
    said = _said(word, scales_of(project.settings.annotation.scores), event)
    who = reviewer_named(project, reviewer)
    about = {"prompt": event.prompt, "kind": "annotation", "source": "human", "target": event.id}
    which = {key: event.data[key] for key in ("version", "digest") if key in event.data}
    clean, counts = redactor_of(project, named=True).event({**about, **which, **said, "reviewer": who})
    made = parse_event(stamped(clean, now=project.clock()), file="annotate")
    Spool.of(project.repository.common_dir, project.environ).append([made], durable=True)
    strange = () if panel_of(project).is_expert(who, keys_of(project)) else (_UNCOUNTED,)
    return Reviewed(made.id, event.id, dict(counts), strange)


def skip(project: Project, event: str, reviewer: str | None = None) -> None:
    """Remember in this clone that the reviewer does not want to judge an answer."""
    keys = keys_of(project)
    key = make_key(keys_folder(project), now=project.clock()) if keys is None else keys.current
    _skips(project, pseudonym(reviewer_named(project, reviewer), key)).add(event)


def reviewer_named(project: Project, given: str | None) -> str:
    """Who reviews: as given, else the e-mail address that git commits with.

    Raises:
        GitError: none is given, and git knows none.
    """
    if given and given.strip():
        return given.strip()
    repository = project.repository
    return read_preferences(repository, begin_preferences(repository)).author.email


def _said(word: Word, scales: Mapping[str, Scale], event: Event) -> dict[str, Any]:
    values = {name: scale_named(scales, name).parse(text) for name, text in word.scores.items()}
    labels = {name: value for name, value in values.items() if isinstance(value, str)}
    scores = {name: value for name, value in values.items() if not isinstance(value, str)}
    label = word.label or "; ".join(f"{name}={value}" for name, value in labels.items())
    corrected = word.corrected if word.corrected and word.corrected.strip() else None
    if word.approved and corrected is not None and corrected.strip() != (_standing(event) or "").strip():
        raise Usage(
            "an approval says that the text is right, and another text is given",
            hint="reject it, or leave one out",
        )
    said = {"scores": scores, LABELS: labels, "label": label, "corrected": corrected}
    found: dict[str, Any] = {key: value for key, value in said.items() if value}
    if word.approved is not None:
        found["approved"] = word.approved
    if not found:
        raise Usage(
            "nothing is said of the answer",
            hint="--approve, --reject, --score NAME=VALUE, --label or --corrected",
        )
    return found | ({"comment": word.comment} if word.comment else {})


def _standing(event: Event) -> str | None:
    return event.corrected if event.kind == "correction" else event.output


def _query(request: QueueRequest, name: str | None) -> Query:
    if request.kind is not None and request.kind not in KINDS:
        raise Usage(f"there is no kind of event {request.kind!r}", hint=f"the kinds are: {', '.join(KINDS)}")
    return Query(
        prompt=name,
        kinds=(request.kind,) if request.kind else (),
        tags=(request.tag,) if request.tag else (),
        since=moment_of(request.since),
        until=moment_of(request.until),
        outcome=request.outcome,
    )


def _words(event: Event, reviews: Reviews) -> tuple[str, ...]:
    """What other reviewers said of it, oldest first."""
    notes = [note for by in reviews.notes.get(event.id, {}).values() for note in by]
    return tuple(note.words for note in sorted(notes, key=lambda one: (one.time, one.id)))


def _skips(project: Project, person: str) -> Skips:
    return Skips(project.repository.common_dir, person)
