"""`report`: a week or a month of feedback against the one before, and what got worse over the past year."""

from __future__ import annotations

from dataclasses import dataclass, replace

from promptvc.analysis.reporting.periods import Kind
from promptvc.analysis.reporting.problems import Deployment
from promptvc.analysis.reporting.report import Asked, Report, make_report
from promptvc.deployment.environments import FOLDER, deployments
from promptvc.workflows.gathering import known_prompt, moment_of, open_facts, uncounted
from promptvc.workflows.horizon import horizon
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What `report` is asked.

    Attributes:
        period: ``weekly`` or ``monthly``.
        as_of: a time as text: the last period that was over by then; None: by the newest committed event.
        spooled: whether events that are not committed yet count.
    """

    period: Kind = "weekly"
    as_of: str | None = None
    prompt: str | None = None
    spooled: bool = False


def report(project: Project, request: ReportRequest) -> Report:
    """The report on the last complete period.

    Raises:
        NotFound: no such prompt, or no events.
        Usage: the time is none.
    """
    as_of = moment_of(request.as_of)
    prompt = known_prompt(project, request.prompt)
    facts = open_facts(project, prompt, spooled=request.spooled)
    remarks = uncounted(project, prompt, facts)
    if as_of is None:
        known = horizon(project, facts, prompt, spooled=request.spooled)
        as_of, remarks = known.newest, (*remarks, *known.remarks)
    asked = Asked(request.period, as_of, prompt, project.settings.targets)
    return replace(make_report(facts, asked, deployed(project, prompt)), remarks=remarks)


def deployed(project: Project, prompt: str | None = None) -> tuple[Deployment, ...]:
    """Every version that came into an environment, as main's history has it, oldest first.

    A shallow clone knows only those that its commits brought.
    """
    tip = project.main_commit
    if tip is None:
        return ()
    places = deployments(dict.fromkeys(project.history.changed_files(FOLDER, tip), ""))
    found = [
        (place, change)
        for place in places
        if prompt in {None, place.name}
        for change in project.history.changes(place.path, tip, first_parent=True)
        if change.blob is not None
    ]
    versions = project.resolver.contents.versions(
        change.blob for _, change in found if change.blob is not None
    )
    marks = [
        Deployment(
            day=change.time.date(),
            environment=place.environment,
            prompt=place.name,
            version=versions.get(change.blob or ""),
            commit=change.commit,
            subject=change.subject,
        )
        for place, change in found
    ]
    return tuple(sorted(marks, key=lambda one: (one.day, one.environment, one.prompt, one.commit)))
