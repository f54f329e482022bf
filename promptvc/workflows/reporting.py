"""`train --report`: a training told with the words of the events that its changes cite."""

from __future__ import annotations

from collections.abc import Iterable

from promptvc.base.errors import NotFound
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import name_alone
from promptvc.training.reports.report import Report, report_of, report_of_record
from promptvc.training.trained import Trained
from promptvc.workflows.project import Project
from promptvc.workflows.voices import cited


def tell(project: Project, trained: Trained) -> Report:
    """The report of a training that has just ended."""
    ids = {event for change in trained.training.changes for event in change.because}
    return report_of(trained, _words(project, trained.name, ids))


def newest(project: Project, name: str) -> Report:
    """The report of the newest training of ``name`` in the ledger.

    Raises:
        NotFound: there is none.
        InvalidDocument: its record is not what a training writes.
    """
    wanted = name_alone(name)
    trainings = Ledgers.of(project.resolver, project.settings.remote).read(wanted).trainings
    if not trainings:
        raise NotFound(
            f"no training of {wanted} is recorded", hint=f"promptvc train {wanted} makes the first"
        )
    record = trainings[0]
    ids = {str(event) for edit in record.edits for event in edit.get("because") or ()}
    return report_of_record(record, _words(project, wanted, ids))


def _words(project: Project, name: str, ids: Iterable[str]) -> dict[str, str]:
    found = cited(project, name, set(ids), project.resolver.head, project.main_commit)
    return {event: said.words for event, said in found.items()}
