"""`changelog`: what changed in each version of a prompt, why, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.evidence.records import VersionKey
from promptvc.evidence.trainings import Training
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.review.changelog import Changelog, Happening, Section, Voice, markdown
from promptvc.store.diff import diff_prompts
from promptvc.store.foreign import refuse_foreign
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import Reference, parse_reference
from promptvc.store.verdicts import Verdict, newest, verdicts_of
from promptvc.store.versions import LogEntry
from promptvc.workflows.citing import cited
from promptvc.workflows.credits import trainings_by_candidate
from promptvc.workflows.moves import Move, Moves
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class ChangelogRequest:
    """Of which prompt (None: every one), and which versions.

    Attributes:
        since, until: ``v3``, an environment, ``latest`` or a git revision: the versions after the one that ``since``
            means, up to the one that ``until`` means.
    """

    name: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Changelogs:
    """The changelogs of the prompts that were asked about, by name; ``alone`` when one was named."""

    of: tuple[Changelog, ...]
    alone: bool

    def markdown(self) -> str:
        """One document."""
        return markdown(self.of)

    def to_json(self) -> dict[str, Any]:
        """As `changelog --json` prints it: of one prompt its changelog, else all under ``prompts``."""
        return self.of[0].to_json() if self.alone else {"prompts": [one.to_json() for one in self.of]}


def changelog(project: Project, request: ChangelogRequest) -> Changelogs:
    """What changed, out of committed facts only: history, evidence, the ledger, events and deployments.

    Of every prompt, those without a version in the span are left out.

    Raises:
        NotFound: no such prompt or revision; a shallow clone, which cannot know.
        Usage: the name has a revision.
    """
    moves = Moves(project)
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    if request.name is not None:
        reference = parse_reference(request.name)
        if reference.revision is not None:
            raise Usage(
                f"a changelog is of many versions, not of {request.name}",
                hint=f"promptvc changelog {reference.name} --until {reference.revision}",
            )
        span = _span(project, reference.name, request, strict=True)
        made = trainings_by_candidate(ledgers.read(reference.name).trainings)
        return Changelogs((_Writing(project, reference.name, moves, made).changelog(*span),), alone=True)
    found = []
    every = ledgers.trainings()
    tips = {tip for tip in (project.main_commit, project.resolver.head) if tip is not None}
    for name in sorted({name for tip in tips for name in project.resolver.names(tip)}):
        low, high = _span(project, name, request, strict=False)
        made = trainings_by_candidate(every.get(name, ()))
        one = _Writing(project, name, moves, made).changelog(low, high)
        found += [one] if one.sections else []
    return Changelogs(tuple(found), alone=False)


def _span(project: Project, name: str, request: ChangelogRequest, *, strict: bool) -> tuple[int, int | None]:
    """The numbers that are not wanted any more, and the last that is; of many prompts one may not be there yet."""
    low = _number(project, name, request.since, strict=strict) if request.since is not None else 0
    high = _number(project, name, request.until, strict=strict) if request.until is not None else None
    return low or 0, 0 if request.until is not None and high is None else high


def _number(project: Project, name: str, revision: str, *, strict: bool) -> int | None:
    reference = Reference(name, revision)
    if reference.version is not None:
        return reference.version
    try:
        return project.resolver.resolve(reference).version
    except NotFound:
        if strict or not _exists(project, revision):
            raise
        return None


def _exists(project: Project, revision: str) -> bool:
    known = revision == "latest" or revision in project.resolver.environments()
    return known or project.repository.resolve(revision) is not None


class _Writing:
    """One prompt's changelog while it is written."""

    def __init__(self, project: Project, name: str, moves: Moves, trainings: Mapping[str, Training]) -> None:
        self.project = project
        self.name = name
        refuse_foreign(project.resolver.lying(name), name, "changelog")
        self.entries = project.resolver.log(name)
        self.trainings = trainings
        self.moves = moves.of(name)
        self.holds = moves.holds(name)
        self.commits = (project.resolver.head, project.main_commit)

    def changelog(self, low: int, high: int | None) -> Changelog:
        """The versions above ``low``, up to ``high``."""
        wanted = [one for one in self.entries if one.version > low and (high is None or one.version <= high)]
        if not wanted:
            return Changelog(self.name, ())
        verdicts = newest(verdicts_of(self.project.resolver, self.name, *self.commits))
        prompts = {one.digest: self._prompt(one) for one in self.entries}
        before = dict(zip(self.entries, self.entries[1:], strict=False))
        because = {
            one.digest: _because(
                prompts[one.digest], _of(prompts, before.get(one)), self.trainings.get(one.digest)
            )
            for one in wanted
        }
        ids = {event for found in because.values() for event in found}
        events = cited(self.project, self.name, ids, *self.commits)
        voices = {
            event: Voice(event, events[event].kind, events[event].words)
            if event in events
            else Voice(event, None, None)
            for event in ids
        }
        return Changelog(
            self.name,
            tuple(
                self._section(
                    one,
                    before.get(one),
                    prompts,
                    verdicts.get(VersionKey(self.name, one.version, one.digest)),
                    tuple(voices[event] for event in because[one.digest]),
                )
                for one in wanted
            ),
        )

    def _section(
        self,
        entry: LogEntry,
        previous: LogEntry | None,
        prompts: Mapping[str, Prompt | None],
        verdict: Verdict | None,
        events: tuple[Voice, ...],
    ) -> Section:
        training = self.trainings.get(entry.digest)
        now, then = prompts[entry.digest], _of(prompts, previous)
        changes = diff_prompts(then, now) if now is not None and then is not None else None
        return Section(
            version=entry.version,
            digest=entry.digest,
            commit=entry.commit,
            time=format_time(entry.time),
            author=entry.author,
            subject=entry.subject,
            on_main=entry.on_main,
            previous=previous.version if previous is not None else None,
            approach=training.approach if training else verdict.approach if verdict else None,
            verdict=verdict.verdict if verdict else training.verdict if training else None,
            score=verdict.score if verdict else None,
            changes=() if previous is None and now is not None else changes,
            events=events,
            happenings=tuple(self._happenings(entry)),
        )

    def _happenings(self, entry: LogEntry) -> list[Happening]:
        found = [one for move in self.moves for one in _happened(move, entry)]
        said = {(move.environment, move.held) for move in self.moves if move.held is not None}
        for hold in self.holds:
            if hold.digest != entry.digest:
                continue
            if (hold.environment, hold.version) not in said:
                found.append(Happening(hold.time, hold.environment, "held", hold.by, hold.reason))
            if hold.lifted is not None:
                found.append(Happening(hold.lifted, hold.environment, "no longer held", "", ""))
        return sorted(found, key=lambda one: one.time, reverse=True)

    def _prompt(self, entry: LogEntry) -> Prompt | None:
        data = self.project.objects.blob(entry.digest)
        try:
            return load_prompt(data, file=f"{self.name}@v{entry.version}", memo=self.project.memo)
        except InvalidDocument:
            return None


def _of(prompts: Mapping[str, Prompt | None], entry: LogEntry | None) -> Prompt | None:
    return prompts.get(entry.digest) if entry is not None else None


def _because(now: Prompt | None, then: Prompt | None, training: Training | None) -> tuple[str, ...]:
    """The events that a version cites and the one before did not, and those of its training's edits, sorted."""
    found = set(_cited(now)) - set(_cited(then))
    edits = training.edits if training is not None else ()
    found |= {str(event) for edit in edits for event in edit.get("because") or ()} - set(_cited(then))
    return tuple(sorted(found))


def _cited(prompt: Prompt | None) -> Iterator[str]:
    if prompt is not None:
        for because in (*(rule.because for rule in prompt.rules), *(one.because for one in prompt.examples)):
            yield from because


def _happened(move: Move, entry: LogEntry) -> Iterator[Happening]:
    """What a move of an environment means for one version."""
    if move.digest == entry.digest:
        what = "rolled back to it" if move.kind == "rollback" else "deployed"
        yield Happening(move.time, move.environment, what, move.author, move.reason)
    elif move.previous == entry.version and move.kind == "rollback":
        held = ", and held" if move.held is not None else ""
        what = f"rolled back from it to v{move.version}{held}"
        yield Happening(move.time, move.environment, what, move.author, move.reason)
    elif move.previous == entry.version and move.kind == "removal":
        yield Happening(move.time, move.environment, "taken out", move.author, move.reason)
