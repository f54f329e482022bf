"""The words and numbers that the formats of a report share."""

from __future__ import annotations

from collections.abc import Mapping

from promptvc.analysis.reporting.changes import Change
from promptvc.analysis.reporting.report import Report
from promptvc.analysis.reporting.targets import Target

UNKNOWN = "unknown"
HEADLINES: Mapping[str, str] = {
    "success": "Success rate",
    "satisfaction": "Satisfaction",
    "errors": "Error rate",
    "p95": "Latency p95",
    "collection": "Collection",
    "corrections": "Corrections",
}
BETTER_UP = {"success", "satisfaction", "collection"}
MEANINGS: Mapping[str, str] = {
    "success": "good ratings of all ratings",
    "satisfaction": "mean rating, of 5 stars",
    "errors": "errors of all calls",
    "p95": "19 of 20 calls are faster",
    "collection": "ratings of all calls",
    "corrections": "corrections of all calls",
}
NO_BEST = "None: no prompt without a problem is clearly above the success rate of all."
NOTES = tuple(
    " ".join(note.split())
    for note in """\
Success is the share of ratings at or above the positive threshold; a judge's scores are not among them.
Calls are counted by usage events, or by success and error events, whichever are more. Where nothing counts them, or\
 there are more ratings or corrections than calls, what depends on them is unknown.
A change is called clear when it is more than days and weeks differ by themselves; of all changes called clear at most\
 one in twenty may be chance.
A problem got worse than its own past by at least 5 points, or a quarter of the latency, or twofold where the rate is\
 small, and by clearly more than ordinary ups and downs. A year in which nothing got worse has one said of it in at\
 most one of a thousand reports.
""".splitlines()
)


def meaning(report: Report, figure: str) -> str:
    """What a figure of all prompts is, or why it is unknown."""
    return report.overall.figures[figure].reason or MEANINGS[figure]


def value(figure: str, number: float | None) -> str:
    """A figure as people read it."""
    if number is None:
        return UNKNOWN
    if figure == "satisfaction":
        return f"{number:.2f}"
    if figure in {"p50", "p95"}:
        return f"{number:,.0f} ms"
    if figure in {"events", "calls", "rated"}:
        return f"{number:,.0f}"
    return f"{number:.1%}"


def difference(change: Change | None) -> str:
    """What lies between two figures, in points, or as a share of the one before."""
    if change is None or change.difference is None:
        return "-"
    if change.figure == "satisfaction":
        return f"{change.difference:+.2f}"
    if change.figure in {"p50", "p95", "events", "calls", "rated"}:
        return "-" if change.relative is None else f"{change.relative:+.0%}"
    return points(change.difference)


def points(share: float) -> str:
    """A difference of shares in points; what rounds to nothing has no sign."""
    return f"{100 * share:+.1f} points" if abs(share) >= 0.0005 else "0.0 points"


def tone(change: Change | None) -> str:
    """``good`` or ``bad`` where a change is clear, else nothing."""
    if change is None or not change.clear or not change.difference:
        return ""
    return "good" if (change.difference > 0) == (change.figure in BETTER_UP) else "bad"


def target_value(target: Target) -> str:
    """What there is of a target."""
    if target.value is None:
        return UNKNOWN
    if target.name == "satisfaction":
        return f"{target.value:.2f}"
    if target.name == "collection":
        return f"{target.value:.1%}"
    if target.name == "improvement":
        return f"{target.value:+.1%}"
    wrong = target.value < 0 if target.name == "quality" else target.value > 0
    return points(target.value) + (", not clearly" if wrong and target.state == "met" else "")


def headline(report: Report) -> str:
    """The report in a sentence."""
    open_ = sum(problem.until is None for problem in report.problems)
    over = len(report.problems) - open_
    if not report.problems:
        return "Nothing got worse in the past year."
    said = f"{open_} open problem{'s' * (open_ != 1)}"
    return f"{said}, {over} over in the past year." if over else f"{said}."


def title(report: Report) -> str:
    """``Weekly report 2026-W47``."""
    return f"{report.period.kind.capitalize()} report {report.period.label}"
