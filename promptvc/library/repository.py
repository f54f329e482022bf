"""The library: the stories of the command line as methods, with values in and values out."""

from __future__ import annotations

import builtins
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from promptvc.base.clock import utc_now
from promptvc.base.errors import ProviderError
from promptvc.base.log import Log
from promptvc.evaluation.sessions.estimate import Estimate
from promptvc.library.feedback import Feedback
from promptvc.library.insight import Insight
from promptvc.workflows import (
    alerting,
    assess,
    author,
    catalogue,
    converting,
    draft,
    fleet,
    importing,
    improve,
    incoming,
    pull,
    ship,
    ship_changed,
    start,
    trainings,
)
from promptvc.workflows import baseline as baselines
from promptvc.workflows import bisect as bisecting
from promptvc.workflows import blame as blaming
from promptvc.workflows import bring as bringing
from promptvc.workflows import changelog as changelogs
from promptvc.workflows import check as checking
from promptvc.workflows import contrast as contrasting
from promptvc.workflows import diff as comparing
from promptvc.workflows import drift as drifting
from promptvc.workflows import graph as graphs
from promptvc.workflows import judge as judging
from promptvc.workflows import log as chronicle
from promptvc.workflows import merge as merging
from promptvc.workflows import reproduce as reproducing
from promptvc.workflows import review as reviews
from promptvc.workflows import show as showing
from promptvc.workflows import suggest as suggesting
from promptvc.workflows import switch as switching
from promptvc.workflows import trend as trends
from promptvc.workflows import verify as verifying
from promptvc.workflows import why as reasons
from promptvc.workflows.concerns import Stories
from promptvc.workflows.project import Progress, open_project, silent


def open(  # noqa: A001 - read as promptvc.open
    path: str | Path = ".",
    *,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = utc_now,
    log: Log | None = None,
) -> Library:
    """Open the prompt repository around ``path``.

    Args:
        environ: variables for git, providers and promptvc; the process's own when None.
        clock: gives the present, aware, in UTC.
        log: takes structured events; see :mod:`promptvc.base.log`.

    Raises:
        NotFound: there is no repository, or no prompts in it.
    """
    values = dict(os.environ if environ is None else environ)
    return Library(open_project(Path(path), environ=values, clock=clock, log=log))


class Library(Insight, Feedback):
    """One prompt repository. Use it in a ``with``, or call :meth:`close`. Not for several threads at once.

    Every method reads the repository as it is at that moment and raises errors of :mod:`promptvc.base.errors`.
    """

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the git process that is kept for reading."""
        self.project.close()

    @staticmethod
    def init(directory: str | Path = ".", *, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Make the folders and settings in a git repository; returns what was made. Safe to repeat."""
        return start.init(Path(directory), environ=dict(os.environ if environ is None else environ))

    def new(self, name: str, **options: Any) -> draft.Made:
        """Write a new prompt into the working tree; ``options`` are the fields of ``draft.NewRequest``."""
        return draft.new(self._fresh(), draft.NewRequest(name, **options))

    def list(self) -> tuple[catalogue.Listed, ...]:
        """The prompts of the working tree, by name."""
        return catalogue.list_prompts(self._fresh())

    def show(self, reference: str, variables: Mapping[str, str] | None = None) -> showing.Shown:
        """The version that ``NAME[@REV]`` means; rendered when ``variables`` are given."""
        return showing.show(self._fresh(), reference, variables)

    def log(self, name: str) -> tuple[chronicle.Logged, ...]:
        """The versions of a prompt, newest first."""
        return chronicle.log(self._fresh(), name)

    def graph(self, name: str) -> graphs.Graph:
        """The versions of a prompt with its waiting candidates, and which was made from which."""
        return graphs.graph(self._fresh(), name)

    def why(self, reference: str, **options: Any) -> reasons.Reasons:
        """Why a rule, an example or a line is there; ``options`` are the fields of ``why.WhyRequest``."""
        return reasons.why(self._fresh(), reasons.WhyRequest(reference, **options))

    def blame(self, reference: str, *, events: bool = False) -> blaming.Blame:
        """Where every rule, example and line of a version comes from; with ``events`` also what users said."""
        return blaming.blame(self._fresh(), reference, events=events)

    def changelog(self, name: str | None = None, **options: Any) -> changelogs.Changelogs:
        """What changed in each version of a prompt, or of all; ``options`` are ``since`` and ``until``."""
        return changelogs.changelog(self._fresh(), changelogs.ChangelogRequest(name, **options))

    def diff(self, a: str, b: str | None = None) -> comparing.Difference:
        """What differs between two revisions, item by item."""
        return comparing.diff(self._fresh(), a, b)

    def diff_environments(self, from_: str, to: str, *names: str) -> tuple[contrasting.Gap, ...]:
        """What differs from what one environment runs to what the other does; ``latest`` is main's newest."""
        return contrasting.contrast(self._fresh(), from_, to, names)

    def commit(
        self, name: str, message: str, *, renumber: bool = False, branch: str | None = None
    ) -> author.Authored:
        """Commit an edited prompt as its next version."""
        return author.commit(self._fresh(), author.CommitRequest(name, message, renumber, branch))

    def merge_branch(self, branch: str, **options: Any) -> bringing.Brought:
        """Merge a branch into the current one, prompts by items.

        ``options`` are the fields of :class:`promptvc.workflows.bring.BringRequest`.
        """
        return bringing.bring(self._fresh(), bringing.BringRequest(branch, **options))

    def check(self, *names: str, fix: bool = False) -> checking.Report:
        """Anything wrong: in the repository, or about these prompts."""
        return checking.check(self._fresh(), names, checking.CheckRequest(fix=fix))

    def judge(self, name: str, *, progress: Progress = silent, **options: Any) -> judging.Judged:
        """Score the logged answers of a prompt into events.

        ``options`` are the fields of :class:`promptvc.workflows.judge.JudgeRequest`.
        """
        return judging.run(self._fresh(), name, judging.JudgeRequest(**options), progress=progress)

    def calibrate(self, name: str, **options: Any) -> judging.Findings:
        """How far judges agree with people.

        ``options`` are the fields of :class:`promptvc.workflows.judge.CalibrateRequest`.
        """
        return judging.calibrate(self._fresh(), name, judging.CalibrateRequest(**options))

    def review(self, reference: str, *, summary: bool = False) -> reviews.Review:
        """The report on a candidate; of ``NAME`` alone on the newest that main has not got."""
        return reviews.review(self._fresh(), reference, summary=summary)

    def alerts(self, **options: Any) -> alerting.Alerts:
        """What somebody should act on; ``options`` are the fields of ``alerting.AlertsRequest``.

        Raises:
            Unfinished: the webhook, or the forge, cannot be reached.
        """
        asking = alerting.Asking(
            Stories(
                check=lambda project: checking.check(project).problems,
                drift=lambda project: drifting.drift(project).prompts,
                suggest=lambda project: (
                    suggesting.suggest(project, suggesting.SuggestRequest(optimizer="offline")).suggestions
                ),
            ),
            pause=time.sleep,
        )
        project, request = self._fresh(), alerting.AlertsRequest(**options)
        found = alerting.alerts(project, request, asking)
        return alerting.tell(project, found, asking) if request.webhook else found

    def suggest(
        self, name: str | None = None, *, progress: Progress = silent, **options: Any
    ) -> suggesting.Suggestions:
        """Edits worth making of one prompt or of all, each with its evidence.

        ``options`` are the other fields of :class:`promptvc.workflows.suggest.SuggestRequest`.
        """
        return suggesting.suggest(
            self._fresh(), suggesting.SuggestRequest(name, **options), progress=progress
        )

    def train(self, name: str, *, progress: Progress = silent, **options: Any) -> improve.Trained:
        """Learn from feedback; commit a candidate that is better.

        ``options`` are the fields of :class:`promptvc.workflows.improve.TrainRequest`.
        """
        return improve.train(self._fresh(), name, improve.TrainRequest(**options), progress=progress)

    def trainings(self, name: str) -> builtins.list[dict[str, Any]]:
        """The trainings of a prompt, newest first, from the ledger."""
        return trainings.history(self._fresh(), name)

    def reproduce(self, reference: str) -> reproducing.Reproduction:
        """The command that made a version; ``reference`` is NAME@REV, a candidate's branch or a training's id."""
        return reproducing.reproduce(self._fresh(), reference)

    def verify(self, reference: str, *, ask: bool = False, progress: Progress = silent) -> verifying.Verified:
        """Train a version again from its evidence and the cache, and compare; nothing is written."""
        return verifying.verify(self._fresh(), reference, ask=ask, progress=progress)

    def evaluate(self, reference: str, *, progress: Progress = silent, **options: Any) -> assess.Evaluated:
        """Run a prompt's suite on one version and one model.

        ``options`` are the fields of :class:`promptvc.evaluation.assessed.EvaluateRequest`.

        Raises:
            ProviderError: no case could be answered and graded.
        """
        found = self.evaluate_all(reference, progress=progress, **options)[0]
        if found.dead is not None:
            raise ProviderError(found.dead)
        return found

    def evaluate_all(
        self, *references: str, progress: Progress = silent, **options: Any
    ) -> tuple[assess.Evaluated, ...]:
        """Run the suites of several versions, on one model or several (``models``), under one budget."""
        request = assess.EvaluateRequest(references, **options)
        return assess.evaluate(self._fresh(), request, progress=progress)

    def estimate(self, *references: str, **options: Any) -> tuple[Estimate, ...]:
        """What :meth:`evaluate_all` would take; nobody is asked."""
        return assess.estimates(self._fresh(), assess.EvaluateRequest(references, **options))

    def merge(self, *files: str | Path, **options: Any) -> tuple[assess.Evaluated, ...]:
        """Bring shards together, an evaluation for each prompt.

        ``options`` are the fields of :class:`promptvc.workflows.merge.MergeRequest`.
        """
        request = merging.MergeRequest(tuple(map(Path, files)), **options)
        return merging.merge(self._fresh(), request)

    def trend(self, name: str) -> trends.Trend:
        """How the versions of a prompt scored, by committed evidence; nothing is run."""
        return trends.read_trend(self._fresh(), name)

    def approve_baseline(self, reference: str, **options: Any) -> baselines.Approval:
        """Approve what evidence says of a version; ``options`` are the fields of ``baseline.ApproveRequest``."""
        return baselines.approve(self._fresh(), baselines.ApproveRequest(reference, **options))

    def bisect(
        self, name: str, case: str, *, progress: Progress = silent, **options: Any
    ) -> bisecting.Bisected:
        """Find the version that broke a case; ``options`` are the fields of ``bisect.BisectRequest``."""
        request = bisecting.BisectRequest(name, case, **options)
        return bisecting.bisect(self._fresh(), request, progress=progress)

    def import_promptfoo(self, file: str | Path, **options: Any) -> incoming.Switched:
        """Import promptfoo's configuration or CSV; ``options`` are the fields of ``switch.SwitchRequest``."""
        return switching.import_promptfoo(self._fresh(), switching.SwitchRequest(Path(file), **options))

    def import_prompts(self, format: str, file: str | Path, **options: Any) -> incoming.Switched:  # noqa: A002
        """Import another tool's prompts; ``options`` are the other fields of ``importing.ImportRequest``."""
        return importing.import_prompts(self._fresh(), importing.ImportRequest(format, Path(file), **options))

    def convert(self, reference: str, format: str) -> converting.Converted:  # noqa: A002
        """One version of a prompt in another tool's format; nothing is written."""
        return converting.convert(self._fresh(), reference, format)

    def export_as(self, directory: str | Path, format: str, **options: Any) -> converting.Exported:  # noqa: A002
        """Write prompts in another tool's format; ``options`` are the other fields of ``ExportRequest``."""
        request = converting.ExportRequest(Path(directory), format, **options)
        return converting.export_as(self._fresh(), request)

    def deploy(self, reference: str, **options: Any) -> ship.Shipped:
        """Put a version into an environment; ``options`` are the fields of ``ship.DeployRequest``."""
        return ship.deploy(self._fresh(), ship.DeployRequest(reference, **options))

    def deploy_changed(self, since: str, **options: Any) -> ship_changed.ShippedAll:
        """Deploy what changed on main since a revision; see :class:`ship_changed.ChangedRequest`."""
        return ship_changed.deploy_changed(self._fresh(), ship_changed.ChangedRequest(since, **options))

    def propose(self, reference: str, **options: Any) -> pull.Proposal:
        """Open or update the pull request of a candidate; see :class:`promptvc.workflows.pull.PullRequest`."""
        return pull.propose(self._fresh(), pull.PullRequest(reference, **options))

    def rollback(self, name: str, *, reason: str, **options: Any) -> ship.Shipped:
        """Go back to an earlier version and hold the bad one; ``options``: the rest of ``ship.RollbackRequest``."""
        wanted = {"environment": None, "to": None, **options}
        return ship.rollback(self._fresh(), ship.RollbackRequest(name, reason=reason, **wanted))

    def status(self, environment: str | None = None) -> tuple[fleet.Standing, ...]:
        """Which version each environment runs."""
        return fleet.status(self._fresh(), environment)

    def drift(self, environment: str | None = None, against: str | Path | None = None) -> drifting.Drifts:
        """What environments run against the latest on main, or a copy elsewhere against one of both."""
        return drifting.drift(self._fresh(), environment, None if against is None else Path(against))

    def status_diff(self, environment: str | None = None) -> tuple[contrasting.Gap, ...]:
        """What differs from each environment to the latest, and between the environments."""
        return contrasting.gaps(self._fresh(), environment)

    def export(
        self, directory: str | Path, environment: str | None = None, *, force: bool = False
    ) -> tuple[str, ...]:
        """Copy the latest versions, or what an environment runs, to a folder; ``force`` replaces what differs."""
        return fleet.export(self._fresh(), Path(directory), environment, force=force)
