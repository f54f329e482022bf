"""What environments run that somebody should act on: no version of main, held, lagging behind, or drifted otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from promptvc.base.errors import InputError, InvalidDocument, NotFound
from promptvc.deployment.checking import DeploymentsCheck
from promptvc.deployment.drift import Drift
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import Deployed, deployments
from promptvc.deployment.holds import Hold, hold_paths, load_hold
from promptvc.prompts.names import path_of
from promptvc.review.alerts import Alert, Kind
from promptvc.workflows.project import Project

TOLD_HERE = frozenset({"deployment", "hold-ignored"})
"""Rules of `check` whose findings are alerts of their own."""


@dataclass(slots=True)
class Running:
    """One look at what the environments of ``main`` run.

    Attributes:
        long_ago: a lag since then or before is an alert.
        drift: what `drift` finds.
        remarks: what could not be looked at, a sentence each.
    """

    project: Project
    main: str
    long_ago: datetime
    drift: Callable[[Project], Sequence[Drift]]
    remarks: list[str] = field(default_factory=list)

    def all(self) -> Iterator[Alert]:
        """Everything, in any order; what drifts is told once."""
        told = list(self._deployments())
        yield from told
        yield from self._drift({(one.name, one.environment) for one in told})

    def _deployments(self) -> Iterator[Alert]:
        """What environments run, against the versions and the holds of main."""
        project = self.project
        blobs = project.tree(self.main, DEPLOYMENTS)
        data = {path: project.objects.blob(blob) for path, blob in blobs.items()}
        running = deployments(blobs)
        at = {one.path: one for one in running}
        for problem in DeploymentsCheck(project.resolver, self.main, data, blobs, lambda _: True).problems():
            one = at.get(problem.file)
            if one is not None and problem.rule in TOLD_HERE and problem.is_error:
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
        if newer and min(newer) <= self.long_ago:
            message = f"{one.environment} runs v{running}, main has v{latest[0]} since {min(newer):%Y-%m-%d}"
            hint = f"promptvc deploy {one.name} --env {one.environment}"
            yield Alert("lag", "alert", message, one.name, one.environment, hint)

    def _drift(self, told: set[tuple[str | None, str | None]]) -> Iterator[Alert]:
        """What `drift` finds beyond that. A short lag can wait; a version that is held is meant to be lagged behind."""
        try:
            rows = self.drift(self.project)
        except (InputError, NotFound) as error:
            self.remarks.append(f"what drifts: {error}")
            return
        tree = self.project.tree(self.main, DEPLOYMENTS)
        holds = list(self._holds({path: self.project.objects.blob(blob) for path, blob in tree.items()}))
        for row in rows:
            if not row.states or (row.name, row.place) in told:
                continue
            held = {hold.digest for hold in holds if (hold.environment, hold.name) == (row.place, row.name)}
            if row.states == ("behind",):
                if row.expected_digest in held:
                    continue
                hint = f"promptvc deploy {row.name} --env {row.place}"
                yield Alert("drift", "notice", _words(row), row.name, row.place, hint)
            else:
                yield Alert(
                    "drift", "alert", _words(row), row.name, row.place, f"promptvc drift --env {row.place}"
                )


def _words(row: Drift) -> str:
    """One sentence; none says how long it has been so."""
    version = "a version that nobody can name" if row.version is None else f"v{row.version}"
    if "gone" in row.states:
        return f"{row.place} runs {version}, and main has the prompt no more"
    if row.problem is not None:
        return f"what {row.place} runs {row.problem}"
    has = "" if row.expected is None else f", main has v{row.expected}"
    how = "" if row.states == ("behind",) else f" ({', '.join(row.states)})"
    return f"{row.place} runs {version}{has}{how}"


def _is_about(hold: Hold, one: Deployed) -> bool:
    return (hold.environment, hold.name) == (one.environment, one.name)
