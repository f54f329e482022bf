"""`alerts`: what somebody should act on, by what is committed; told on a terminal, in one issue, and to a webhook.

A function of main, the ledger and the moment that it is asked for: no job has to have run before. What is not
committed is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from promptvc.base.config import FILE
from promptvc.base.errors import InputError, InvalidDocument, NotFound
from promptvc.base.findings import Problem
from promptvc.deployment.checking import DeploymentsCheck
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import Deployed, deployments
from promptvc.deployment.holds import Hold, hold_paths, load_hold
from promptvc.evaluation.reports.figures import points, share
from promptvc.evaluation.trend import Made, Point, trend
from promptvc.evidence.trainings import Training
from promptvc.forge.forge import Note
from promptvc.forge.marks import marker_for
from promptvc.forge.opening import open_forge
from promptvc.prompts.names import path_of
from promptvc.review.alerts import Alert, Kind, Severity, alerts_markdown, alerts_title, ordered
from promptvc.review.webhook import post, read_webhook
from promptvc.store.ledgers import Ledgers
from promptvc.store.proofs import evidence_of
from promptvc.training.proposal import Proposal
from promptvc.training.triggers import has_failed
from promptvc.workflows.project import Project
from promptvc.workflows.reviewing import waiting_candidate
from promptvc.workflows.standing import standings

MARKER = "alerts"
LABELS = ("promptvc",)
MOST_ERRORS = 20
"""Of `check` that are told one by one."""

_TOLD_BY_DEPLOYMENTS = frozenset({"deployment", "hold-ignored"})


class Suggested(Protocol):
    """One edit that `suggest` offers."""

    @property
    def prompt(self) -> str: ...
    @property
    def proposal(self) -> Proposal: ...
    @property
    def people(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """Other stories, which this one asks: what `check` finds, and what `suggest` offers without a model."""

    check: Callable[[Project], Sequence[Problem]]
    suggest: Callable[[Project], Sequence[Suggested]]
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class AlertsRequest:
    """What to do with alerts.

    Attributes:
        days: after which a lag, or a candidate that waits, is an alert.
        as_of: instead of now.
        issue: keep one issue of the forge; ``webhook``: tell the one that the environment names.
    """

    days: int = 14
    as_of: datetime | None = None
    issue: bool = False
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class Alerts:
    """What was found, in its fixed order.

    Attributes:
        commit: main, which it is about.
        remarks: what could not be looked at, a sentence each.
        issue: the one that was kept or closed; None where none was asked for or needed.
        posted: whether a webhook was told.
    """

    commit: str
    found: tuple[Alert, ...]
    remarks: tuple[str, ...] = ()
    issue: Note | None = None
    posted: bool = False

    @property
    def urgent(self) -> bool:
        """Whether anything is more than a notice."""
        return any(one.severity == "alert" for one in self.found)

    def to_json(self) -> dict[str, Any]:
        """As `alerts --json` prints it."""
        issue = self.issue
        return {
            "commit": self.commit,
            "alerts": [one.to_json() for one in self.found],
            "remarks": list(self.remarks),
            "issue": None
            if issue is None
            else {"number": issue.number, "url": issue.url, "changed": issue.changed},
            "posted": self.posted,
        }


def alerts(project: Project, request: AlertsRequest, asking: Asking) -> Alerts:
    """What somebody should act on; with ``issue`` and ``webhook`` others are told.

    Raises:
        NotFound: nothing is committed on main; ``issue`` without a remote.
        InputError: no forge or no token for ``issue``; no usable address for ``webhook``.
        Unfinished, Refused: the forge or the webhook cannot be reached, or says no.
    """
    hook = read_webhook(project.environ) if request.webhook else None
    looking = _Looking(project, request, asking)
    with _at(project, request.as_of):
        found = ordered(list(looking.all()))
    remarks = tuple(looking.remarks)
    result = Alerts(looking.main, found, remarks)
    issue = _keep(project, result) if request.issue else None
    if hook is not None and found:
        told = {"text": _text(found), "commit": looking.main, "alerts": [one.to_json() for one in found]}
        post(hook, told, asking.pause)
    return Alerts(looking.main, found, remarks, issue, posted=hook is not None and bool(found))


@contextmanager
def _at(project: Project, moment: datetime | None) -> Iterator[None]:
    """Let it be ``moment`` for every story that is asked."""
    clock = project.clock
    if moment is not None:
        project.clock = lambda: moment
    try:
        yield
    finally:
        project.clock = clock


def _text(found: Sequence[Alert]) -> str:
    """What a chat shows; the sentences, which strangers may have written, are in ``alerts`` alone."""
    which = sorted({one.name for one in found if one.name is not None and one.severity == "alert"})
    more = f", and {len(which) - 10} more" if len(which) > 10 else ""
    return f"{alerts_title(found)}{': ' + ', '.join(which[:10]) + more if which else ''}"


def _keep(project: Project, result: Alerts) -> Note | None:
    """One issue while there is an alert; it is closed when there is none."""
    remote = project.settings.remote
    url = project.repository.remote_url(remote)
    if url is None:
        raise NotFound(f"there is no remote {remote}", hint="git remote add, or `remote:` in promptvc.yaml")
    forge = open_forge(url, project.environ, kind=project.settings.review.forge)
    # Two prompt roots in one repository have an issue each.
    root = re.sub(r"[^a-z0-9/_.-]", "-", project.prefix.strip("/").lower())
    marker = marker_for(MARKER, root) if root else MARKER
    if not result.urgent:
        return forge.close_issue(marker, "Nothing is left to act on.\n")
    body = alerts_markdown(result.found, result.remarks)
    return forge.keep_issue(marker, alerts_title(result.found), body, LABELS)


@dataclass(slots=True)
class _Looking:
    """One look at main and the ledger."""

    project: Project
    request: AlertsRequest
    asking: Asking
    remarks: list[str] = field(default_factory=list)
    main: str = ""

    def __post_init__(self) -> None:
        self.main = self.project.need_main()

    def all(self) -> Iterator[Alert]:
        """Everything, in any order."""
        names = self.project.resolver.names(self.main)
        ledgers = Ledgers.of(self.project.resolver, self.project.settings.remote).trainings()
        yield from self._deployments()
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
        return self.project.clock() - timedelta(days=self.request.days)

    def _deployments(self) -> Iterator[Alert]:
        """What environments run, against the versions and the holds of main."""
        project = self.project
        blobs = project.tree(self.main, DEPLOYMENTS)
        data = {path: project.objects.blob(blob) for path, blob in blobs.items()}
        running = deployments(blobs)
        at = {one.path: one for one in running}
        for problem in DeploymentsCheck(project.resolver, self.main, data, blobs, lambda _: True).problems():
            one = at.get(problem.file)
            if one is not None and problem.rule in _TOLD_BY_DEPLOYMENTS and problem.is_error:
                kind: Kind = "held" if problem.rule == "hold-ignored" else "deployment"
                yield Alert(kind, "alert", problem.message, one.name, one.environment, problem.hint)
        if project.history.cut_off(self.main):
            self.remarks.append("how far environments lag: this clone is shallow, git fetch --unshallow")
            return
        holds = list(self._holds(data))
        for one in running:
            yield from self._lag(one, {hold.digest for hold in holds if _is_about(hold, one)})

    def _holds(self, data: Mapping[str, bytes]) -> Iterator[Hold]:
        for path in hold_paths(data):
            with suppress(InvalidDocument):  # `check` tells of it
                yield load_hold(path, data[path], memo=self.project.memo)

    def _lag(self, one: Deployed, held: set[str]) -> Iterator[Alert]:
        """Main has had a newer version for long that the environment could run: one that is held is meant to wait."""
        project = self.project
        path = path_of(one.name)
        changes = project.history.changes(path, self.main, first_parent=True)
        versions = project.resolver.contents.versions(
            [one.digest, *(each.blob for each in changes if each.blob)]
        )
        running = versions[one.digest]
        latest = project.resolver.tip_versions(self.main).get(one.name, (None, ""))
        if running is None or latest[0] is None or latest[0] <= running or latest[1] in held:
            return
        newer = [
            change.time
            for change in changes
            if change.blob is not None and change.blob not in held and (versions[change.blob] or 0) > running
        ]
        if newer and min(newer) <= self._long_ago:
            message = f"{one.environment} runs v{running}, main has v{latest[0]} since {min(newer):%Y-%m-%d}"
            hint = f"promptvc deploy {one.name} --env {one.environment}"
            yield Alert("lag", "alert", message, one.name, one.environment, hint)

    def _check(self) -> Iterator[Alert]:
        if not self._is_main():
            self.remarks.append("what `check` finds: the checkout is not main, or has changes")
            return
        errors = [
            problem
            for problem in self.asking.check(self.project)
            if problem.is_error and problem.rule not in _TOLD_BY_DEPLOYMENTS
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
            found = self.asking.suggest(self.project)
        except InputError as error:
            self.remarks.append(f"suggestions: {error}")
            return
        for one in found:
            edit = one.proposal
            people = "" if one.people < 2 else f", said by {one.people}"
            words = f": {edit.text}" if edit.text else ""
            message = f"{edit.action.replace('_', ' ')}{people}{words}"
            yield Alert("suggestion", "notice", message, one.prompt, hint=f"promptvc suggest {one.prompt}")


def _is_about(hold: Hold, one: Deployed) -> bool:
    return (hold.environment, hold.name) == (one.environment, one.name)


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
