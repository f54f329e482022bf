"""`train --history`: the trainings of a prompt, folded from the ledger."""

from __future__ import annotations

from typing import Any

from promptvc.store.ledgers import Ledgers
from promptvc.store.references import name_alone
from promptvc.workflows.project import Project


def history(project: Project, name: str) -> list[dict[str, Any]]:
    """The trainings of ``name`` in the ledger, newest first: `train --history --json`."""
    wanted = name_alone(name)
    ledger = Ledgers.of(project.resolver, project.settings.remote).read(wanted)
    if not ledger.trainings and not ledger.looks:
        project.resolver.working(wanted)
    return [training.to_json() for training in ledger.trainings]
