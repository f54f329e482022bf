"""`review`: the report on a candidate, as a reviewer reads it. Nothing is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.forge.forge import MOST_COMMENT
from promptvc.review.advice import headline
from promptvc.review.markdown import MOST_SUMMARY, candidate_markdown
from promptvc.review.report import CandidateReport
from promptvc.store.references import parse_reference
from promptvc.workflows.project import Project
from promptvc.workflows.reviewing import tell_candidate


@dataclass(frozen=True, slots=True)
class Review:
    """A report and its two texts: ``headline`` is one line, ``markdown`` fits into a comment, or a job's summary."""

    report: CandidateReport
    headline: str
    markdown: str

    def to_json(self) -> dict[str, Any]:
        """As `review --json` prints it: the facts, not the Markdown."""
        return {"headline": self.headline, **self.report.to_json()}


def review(project: Project, reference: str, *, summary: bool = False) -> Review:
    """The report on ``NAME@REV``; of ``NAME`` alone on its newest candidate that main has not got.

    Args:
        summary: as long as a job's summary may be.

    Raises:
        NotFound: no such prompt or revision, or no candidate waits.
        InvalidDocument: the version, or evidence about it, cannot be read.
    """
    wanted = parse_reference(reference)
    version = project.resolver.resolve(wanted) if wanted.revision is not None else None
    report = tell_candidate(project, wanted.name, version)
    limit = MOST_SUMMARY if summary else MOST_COMMENT
    return Review(report, headline(report), candidate_markdown(report, limit))
