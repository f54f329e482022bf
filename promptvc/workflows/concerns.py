"""What of main and its ledger calls for somebody, found: a function of both and of the moment that it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from promptvc.base.config import FILE
from promptvc.base.errors import InputError, InvalidDocument, NotFound
from promptvc.base.findings import Problem
from promptvc.deployment.drift import Drift
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.evaluation.reports.figures import points, share
from promptvc.evaluation.trend import Made, Point, trend
from promptvc.evidence.trainings import Training
from promptvc.review.alerts import Alert, Severity
from promptvc.store.ledgers import Ledgers
from promptvc.store.proofs import evidence_of
from promptvc.training.proposal import Proposal
from promptvc.training.triggers import has_failed
from promptvc.workflows.project import Project
from promptvc.workflows.reviewing import waiting_candidate
from promptvc.workflows.running import TOLD_HERE, Running
from promptvc.workflows.standing import standings

MOST_ERRORS = 20
"""Of `check` that are told one by one."""


class Suggested(Protocol):
    """One edit that `suggest` offers."""

    @property
    def prompt(self) -> str: ...
    @property
    def proposal(self) -> Proposal: ...
    @property
    def people(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Stories:
    """Other stories, which are asked: what `check` and `drift` find, what `suggest` offers without a model."""

    check: Callable[[Project], Sequence[Problem]]
    drift: Callable[[Project], Sequence[Drift]]
    suggest: Callable[[Project], Sequence[Suggested]]


@dataclass(slots=True)
class Concerns:
    """One look at main and the ledger.

    Attributes:
        days: after which a lag, or a candidate that waits, is an alert.
        remarks: what could not be looked at, a sentence each.
    """

    project: Project
    days: int
    stories: Stories
    remarks: list[str] = field(default_factory=list)
    main: str = ""

    def __post_init__(self) -> None:
        self.main = self.project.need_main()

    def all(self) -> Iterator[Alert]:
        """Everything, in any order."""
        names = self.project.resolver.names(self.main)
        ledgers = Ledgers.of(self.project.resolver, self.project.settings.remote).trainings()
        running = Running(self.project, self.main, self._long_ago, self.stories.drift, self.remarks)
        yield from running.all()
        yield from self._check()
        yield from self._due()
        for name in names:
            trainings = ledgers.get(name, ())
            yield from self._failed(name, trainings)
            yield from self._waiting(name, trainings)
            yield from self._score(name)
        yield from self._suggestions()

    @property
    def _long_ago(self) -> datetime:
        return self.project.clock() - timedelta(days=self.days)

    def _check(self) -> Iterator[Alert]:
        if not self._is_main():
            self.remarks.append("what `check` finds: the checkout is not main, or has changes")
            return
        errors = [
            problem
            for problem in self.stories.check(self.project)
            if problem.is_error and problem.rule not in TOLD_HERE
        ]
        for problem in errors[:MOST_ERRORS]:
            place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
            yield Alert("check", "alert", f"{place}: {problem.message} ({problem.rule})", hint=problem.hint)
        if len(errors) > MOST_ERRORS:
            more = f"{len(errors) - MOST_ERRORS:,} more errors"
            yield Alert("check", "alert", more, hint="promptvc check")

    def _is_main(self) -> bool:
        """Whether the checkout is what main has: else an answer would not be one about commits."""
        project = self.project
        if project.resolver.head != self.main:
            return False
        if project.root is None:
            return True
        folders = [project.top(part) for part in ("prompts", "feedback", "evaluation", DEPLOYMENTS, FILE)]
        listing = project.repository.text("status", "--porcelain", "--untracked-files=all", "--", *folders)
        return not listing

    def _due(self) -> Iterator[Alert]:
        for one in standings(self.project):
            if one.due.due:
                message = f"due for training: {'; '.join(one.due.reasons)}"
                yield Alert("due", "alert", message, one.name, hint=f"promptvc train {one.name}")

    def _failed(self, name: str, trainings: Sequence[Training]) -> Iterator[Alert]:
        """Failures since the last promoted version; once a later training came to its end they are only news."""
        since: list[Training] = []
        for one in trainings:
            if one.promoted:
                break
            since.append(one)
        failed = [one for one in since if has_failed(one)]
        if not failed:
            return
        times = "" if len(failed) == 1 else f" {len(failed)} times"
        message = f"training failed{times}, last at {failed[0].time:%Y-%m-%d}: {failed[0].reason}"
        severity: Severity = "alert" if since[0] is failed[0] else "notice"
        hint = f"promptvc train {name} --history"
        yield Alert("training", severity, message, name, hint=hint)

    def _waiting(self, name: str, trainings: Sequence[Training]) -> Iterator[Alert]:
        """A candidate that nobody has merged or closed; a draft waits for more cases, or for somebody's word."""
        with suppress(NotFound, InvalidDocument):
            version = waiting_candidate(self.project, name)
            assert version.commit is not None
            since = self.project.objects.commit(version.commit).committed
            if since > self.project.clock():
                return
            made = next((one for one in trainings if _made(one) == version.digest), None)
            what = "written by hand" if made is None else made.verdict or "not compared"
            draft = "a draft, " if made is not None and not made.promoted else ""
            message = f"v{version.version} ({draft}{what}) waits since {since:%Y-%m-%d}"
            severity: Severity = "alert" if since <= self._long_ago else "notice"
            yield Alert("waiting", severity, message, name, hint=f"promptvc review {name}")

    def _score(self, name: str) -> Iterator[Alert]:
        """The newest version with evidence is worse than the one before: by their comparison, else by intervals."""
        resolver = self.project.resolver
        log = resolver.log(name, self.main)
        made = [Made(one.version, one.digest, one.commit, one.time) for one in reversed(log)]
        try:
            records = evidence_of(resolver, name, self.main)
        except InvalidDocument as error:
            self.remarks.append(f"the scores of {name}: {error}")
            return
        measured = [point for point in trend(made, records) if point.measured is not None]
        told = _fall(measured[-2] if len(measured) > 1 else None, measured[-1]) if measured else None
        if told is not None:
            yield Alert("score", "alert", told, name, hint=f"promptvc evaluate trend {name}")

    def _suggestions(self) -> Iterator[Alert]:
        try:
            found = self.stories.suggest(self.project)
        except InputError as error:
            self.remarks.append(f"suggestions: {error}")
            return
        for one in found:
            edit = one.proposal
            people = "" if one.people < 2 else f", said by {one.people}"
            words = f": {edit.text}" if edit.text else ""
            message = f"{edit.action.replace('_', ' ')}{people}{words}"
            yield Alert("suggestion", "notice", message, one.prompt, hint=f"promptvc suggest {one.prompt}")


def _made(training: Training) -> str | None:
    return training.candidate.digest if training.candidate is not None else None


def _fall(before: Point | None, now: Point) -> str | None:
    """That the score went down, in words; None where it did not, or nobody can tell."""
    label = f"v{now.made.version}"
    if now.step is not None and now.step.score is not None:
        if now.step.verdict != "regression":
            return None
        against = f" against v{now.step.against}" if now.step.against is not None else ""
        return f"{label} is a regression{against}: {points(now.step.score.difference)} points"
    old, new = (before.measured if before is not None else None), now.measured
    if before is None or old is None or new is None or now.changed or None in (old.low, new.high):
        return None
    assert old.low is not None
    assert new.high is not None
    if new.high >= old.low:
        return None
    return f"{label} scores {share(new.score)}, v{before.made.version} scored {share(old.score)}"
