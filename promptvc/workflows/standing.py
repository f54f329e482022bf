"""Where prompts stand before a training: which are due, by what was said since the last one.

A function of main's commits and of the ledger: the same in cron, in CI and at a desk. What is new since the last
training is a difference of sets: the events of main now, without those that the commit had which the training read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import NotFound
from promptvc.evidence.trainings import Training
from promptvc.feedback.events import Event
from promptvc.feedback.segments import FOLDER, prompt_of, read_segments
from promptvc.prompts.names import nearest
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import name_alone
from promptvc.training.triggers import (
    Due,
    assess,
    counting,
    fresh,
    has_asked,
    has_failed,
    last_ended,
    used_by_time,
)
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one prompt stands. ``last`` is its newest training, whether it counts or not."""

    name: str
    due: Due
    last: Training | None = None

    @property
    def said(self) -> str | None:
        """When the newest training was, in words, and what it was where it was none to count; None without one."""
        if self.last is None:
            return None
        time = format_time(self.last.time)[:16]
        if has_failed(self.last):
            return f"failed at {time}"
        return time if has_asked(self.last) else f"asked nothing at {time}"

    def to_json(self) -> dict[str, Any]:
        """As `train --status --json` prints it."""
        last = None
        if self.last is not None:
            last = {"id": self.last.id, "time": format_time(self.last.time), "reason": self.last.reason}
        return {
            "name": self.name,
            "due": self.due.due,
            "trigger": self.due.trigger,
            "reasons": list(self.due.reasons),
            "new": self.due.counts.to_json(),
            "last": last,
        }


def standings(project: Project, name: str | None = None) -> list[Standing]:
    """Whether each prompt of main is due, and why or why not, by name.

    Raises:
        NotFound: main has no prompt ``name``.
    """
    main = project.need_main()
    names, segments = _names(project, main, name), _segments(project, main, name or "")
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    trainings = (
        ledgers.trainings() if name is None else {each: ledgers.read(each).trainings for each in names}
    )
    return [_standing(project, each, segments.get(each, {}), trainings.get(each, ())) for each in names]


def require(project: Project, name: str | None) -> None:
    """Make sure that main has the prompt ``name``, before a service waits for it.

    Raises:
        NotFound: it has not.
    """
    if name is not None:
        _names(project, project.need_main(), name)


def _names(project: Project, main: str, name: str | None) -> Sequence[str]:
    known = project.resolver.names(main)
    if name is None:
        return known
    wanted = name_alone(name)
    if wanted not in known:
        near = nearest(wanted, known)
        hint = f"did you mean {near}?" if near else "training starts from main: commit the prompt there first"
        raise NotFound(f"main has no prompt {wanted}", hint=hint)
    return [wanted]


def _segments(project: Project, commit: str, below: str = "") -> dict[str, dict[str, str]]:
    """By prompt, {path: blob} of its feedback in ``commit``; ``below``: of that prompt, and those within its name."""
    found: dict[str, dict[str, str]] = {}
    for path, blob in project.tree(commit, f"{FOLDER}/{below}".rstrip("/")).items():
        prompt = prompt_of(path)
        if prompt is not None:
            found.setdefault(prompt, {})[path] = blob
    return found


def _standing(project: Project, name: str, now: Mapping[str, str], trainings: Sequence[Training]) -> Standing:
    settings = project.settings.training
    ended = last_ended(trainings)
    found = _new(project, name, now, ended)
    due = assess(found.new, ended, settings.triggers, project.clock(), there=found.there)
    newest = trainings[0] if trainings else None
    stuck = newest is not None and not has_asked(newest) and not has_failed(newest)
    if due.due and newest is not None and stuck and newest.main == project.main_commit:
        # It could not start with what is there; to try again every hour would only fill the ledger.
        due = replace(
            due, due=False, reasons=("the last training could ask nothing, and main is as it was then",)
        )
    return Standing(name, replace(due, reasons=(*due.reasons, *found.remark)), newest)


@dataclass(frozen=True, slots=True)
class _New:
    """The events that are new, how many count in all, and a remark where what is new cannot be told exactly."""

    new: Sequence[Event] = ()
    there: int = 0
    remark: tuple[str, ...] = ()


def _new(project: Project, name: str, now: Mapping[str, str], last: Training | None) -> _New:
    """What is new since ``last``."""
    days, clock = project.settings.training.days, project.clock()

    def of(events: Sequence[Event], used: Collection[str], *remark: str) -> _New:
        there = counting(heeded(project, events), days, clock)
        return _New(fresh(there, used), sum(event.count for event in there), remark)

    if last is None:
        return of(_read(project, now, now), ())
    commit = project.repository.resolve(last.main) if last.main is not None else None
    if commit is None:
        events = _read(project, now, now)
        since = format_time(last.time)
        return of(
            events,
            used_by_time(events, last),
            f"the commit that the last training read is not in this clone: new is what came after {since}",
        )
    then = _segments(project, commit, name).get(name, {})
    # Segments are written once: what both have is parsed once, and nothing is where nothing was added.
    added = {path for path in now if then.get(path) != now[path]}
    if not added:
        return _New()
    shared = _read(project, now, (path for path in now if path not in added))
    gone = _read(project, then, (path for path in then if now.get(path) != then[path]))
    there = {event.id for event in shared}
    events = [*shared, *(event for event in _read(project, now, added) if event.id not in there)]
    return of(events, {event.id for event in (*shared, *gone)})


def _read(project: Project, blobs: Mapping[str, str], paths: Iterable[str]) -> Sequence[Event]:
    return read_segments({path: project.objects.blob(blobs[path]) for path in paths}).events
