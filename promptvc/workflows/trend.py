"""`evaluate trend`: a prompt's scores over its versions, from committed evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.analysis.ratings import ratings
from promptvc.base.errors import Usage
from promptvc.evaluation.trend import Made, Point, Rated, sparkline, trend
from promptvc.store.proofs import evidence_of
from promptvc.store.references import parse_reference
from promptvc.workflows.project import Project
from promptvc.workflows.voices import events_of


@dataclass(frozen=True, slots=True)
class Trend:
    """The points of ``name``, oldest first, and its scores as one line."""

    name: str
    points: tuple[Point, ...]

    @property
    def line(self) -> str:
        """The sparkline."""
        return sparkline(self.points)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader has to know to read the scores."""
        remarks = []
        if not any(point.measured for point in self.points):
            remarks.append(f"no evidence yet: promptvc evaluate {self.name} --save makes some")
        for key in ("suite", "model", "judge"):
            at = [f"v{point.made.version}" for point in self.points if key in point.changed]
            if at:
                remarks.append(
                    f"another {key} from {', '.join(at)} on: scores before and after do not compare"
                )
        return tuple(remarks)

    def to_json(self) -> dict[str, Any]:
        """As `evaluate trend --json` prints it."""
        return {
            "name": self.name,
            "sparkline": self.line,
            "versions": [point.to_json() for point in self.points],
            "remarks": list(self.remarks),
        }


def read_trend(project: Project, name: str) -> Trend:
    """What evidence on main and on the current branch says of the versions of ``name``. Nothing is run.

    Raises:
        NotFound: no such prompt, or a shallow clone, which cannot know its versions.
        Usage: a revision was given.
    """
    reference = parse_reference(name)
    if reference.revision is not None:
        raise Usage(
            f"a trend is over all versions, not of {name}", hint=f"promptvc evaluate trend {reference.name}"
        )
    log = project.resolver.log(reference.name)
    versions = [Made(one.version, one.digest, one.commit, one.time) for one in reversed(log)]
    records = evidence_of(project.resolver, reference.name, project.resolver.head, project.main_commit)
    rated = {
        found.version: Rated(found.mean, found.n)
        for found in ratings(events_of(project, reference.name))
        if found.version is not None
    }
    return Trend(reference.name, trend(versions, records, rated))
