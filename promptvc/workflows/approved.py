"""The gate of a project: what a report is held against, and that there is something to hold it against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promptvc.base.errors import NotFound
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.gate import Approved, Gate, Manner, regressions
from promptvc.evaluation.gate import approved as approved_by
from promptvc.evaluation.reports.report import Report
from promptvc.evidence.baselines import baseline_path, load_baseline
from promptvc.evidence.records import ComparisonRecord, RunRecord
from promptvc.store.proofs import evidence_of
from promptvc.workflows.project import Project
from promptvc.workflows.suites import SuiteAt


def gate_of(project: Project, judged: SuiteAt, cases: Sequence[Case], report: Report) -> Gate:
    """Hold a report against the approved baseline.

    Args:
        cases: all that the suite has to ask.

    Raises:
        NotFound: none is approved, or its evidence is not there.
    """
    approved = approved_baseline(project, report.name)
    manner = Manner(
        suite=report.suite,
        model=report.candidate.model,
        repeats=report.repeats,
        reducer=report.reducer,
        judge=report.judging.digest if report.judging is not None else None,
        datasets={one.path: one.digest for one in judged.suite.datasets},
        quarantined=report.quarantined,
    )
    return regressions(approved, report.candidate.scores, cases, manner)


def gated(project: Project, judged: SuiteAt, cases: Sequence[Case], report: Report) -> Report:
    """The report with its gate; a prompt without an approved baseline, a new one, is held against the bar.

    Raises:
        NotFound: the evidence of the approved baseline is not there.
    """
    if project.read(baseline_path(report.name)) is None:
        said = f"no baseline of {report.name} is approved: held against the bar for success instead"
        return replace(report, remarks=(said, *report.remarks))
    return replace(report, gate=gate_of(project, judged, cases, report))


def require_baseline(project: Project, name: str) -> None:
    """Make sure, before anything is asked, that there is something to hold a report against.

    Raises:
        NotFound: no baseline of ``name`` is approved.
        InvalidDocument: its file cannot be read.
    """
    data = project.read(baseline_path(name))
    if data is None:
        hint = f"promptvc baseline approve {name} writes {baseline_path(name)}"
        raise NotFound(f"no baseline of {name} is approved", hint=hint)
    load_baseline(name, data, memo=project.memo)


def approved_baseline(project: Project, name: str) -> Approved:
    """The approved baseline of ``name`` in the working tree, with its evidence.

    Raises:
        NotFound: none is approved, or its evidence is not there.
    """
    file = baseline_path(name)
    data = project.read(file)
    if data is None:
        raise NotFound(
            f"no baseline of {name} is approved", hint=f"promptvc baseline approve {name} writes {file}"
        )
    baseline = load_baseline(name, data, memo=project.memo)
    commits = (project.resolver.head, project.main_commit)
    record = next(iter(evidence_of(project.resolver, name, *commits, only=baseline.evidence)), None)
    if not isinstance(record, RunRecord | ComparisonRecord):
        raise NotFound(
            f"the evidence {baseline.evidence} of the approved baseline is not here",
            hint="approve a baseline whose evidence is committed on this branch",
            file=file,
        )
    return approved_by(baseline, record)
