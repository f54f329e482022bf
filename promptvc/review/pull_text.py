"""What the body of a pull request says: what merging does, and where to read on. The report is a comment of its own."""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.base.spans import code
from promptvc.review.advice import headline
from promptvc.review.report import CandidateReport


def body_of(report: CandidateReport, *, deploys: Sequence[str]) -> str:
    """Markdown; names and branches in it are code, so that nothing in them is active."""
    name = report.name
    candidate = report.candidate.label
    lines = [f"**{headline(report)}**", ""]
    if deploys:
        places = ", ".join(map(code, deploys))
        lines.append(f"Merging this makes {candidate} a version of main, and lets {places} run it.")
    else:
        lines.append(
            f"Merging this makes {candidate} a version of main. No environment runs it before it is deployed."
        )
    lines += ["The report, with what changes and because of whom, is in a comment below.", ""]
    if report.baseline is not None and report.baseline.version is not None:
        before = report.baseline.label
        lines += ["To try it in a clone:", "", "```sh", "git fetch"]
        lines += [
            f"promptvc diff {name}@{before} @{candidate}",
            f"promptvc evaluate {name}@{candidate} --baseline {before}",
        ]
        lines += ["```"]
    return "\n".join(lines) + "\n"
