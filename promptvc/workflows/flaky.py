"""`evaluate flaky`: cases whose repeats disagree, by saved runs, and the quarantine that would set them aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import NotFound
from promptvc.evaluation.flaky import Flaky, flaky_cases
from promptvc.evaluation.gate import cases_of
from promptvc.evaluation.quarantine import proposal, quarantine_path
from promptvc.evidence.records import RunRecord
from promptvc.store.proofs import evidence_of
from promptvc.store.references import parse_reference
from promptvc.workflows.project import Project
from promptvc.workflows.suites import shelf


@dataclass(frozen=True, slots=True)
class FlakyCases:
    """What the newest saved run of ``name`` with repeats shows.

    Attributes:
        evidence, version, repeats: of that run.
        file: the quarantine's, from the prompt root.
        proposal: YAML to be added to it; empty where nothing is to be added.
        quarantined: ids among the cases that are in it already.
    """

    name: str
    evidence: str
    version: int | None
    repeats: int
    cases: tuple[Flaky, ...]
    file: str
    proposal: str
    quarantined: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `evaluate flaky --json` prints it."""
        return {
            "name": self.name,
            "evidence": self.evidence,
            "version": self.version,
            "repeats": self.repeats,
            "cases": [case.to_json() for case in self.cases],
            "quarantined": list(self.quarantined),
            "file": self.file,
            "proposal": self.proposal,
        }


def find_flaky(project: Project, name: str) -> FlakyCases:
    """The flaky cases of ``name``, or of the version that ``NAME@REV`` names. Nothing is run or written.

    Raises:
        NotFound: no such prompt or revision, or no saved run of it with repeats on this branch.
    """
    wanted = parse_reference(name)
    digest = project.resolver.resolve(wanted).digest if wanted.revision is not None else None
    runs = [
        one
        for one in evidence_of(project.resolver, wanted.name, project.resolver.head)
        if isinstance(one, RunRecord) and one.repeats > 1 and digest in {None, one.digest}
    ]
    if not runs:
        project.resolver.resolve(wanted)  # a name that nobody knows is said to be that
        raise NotFound(
            f"there is no saved run of {name} with repeats on this branch",
            hint=f"promptvc evaluate {name} --repeat 5 --save",
        )
    newest = runs[-1]
    today = project.clock().date()
    quarantine = shelf(project).quarantine(wanted.name)
    cases = flaky_cases(cases_of(newest))
    return FlakyCases(
        name=wanted.name,
        evidence=newest.id,
        version=newest.version,
        repeats=newest.repeats,
        cases=cases,
        file=quarantine_path(wanted.name),
        proposal=proposal(cases, today, quarantine),
        quarantined=tuple(quarantine.reasons((case.case for case in cases), today)),
    )
