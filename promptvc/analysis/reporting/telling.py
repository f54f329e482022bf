"""The words and numbers that the formats of a report share."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from promptvc.analysis.reporting.actions import told_change
from promptvc.analysis.reporting.changes import Change
from promptvc.analysis.reporting.report import Report
from promptvc.analysis.reporting.shifts import PAST
from promptvc.analysis.reporting.targets import Target
from promptvc.analysis.reporting.year import LEAST_EVENTS

UNKNOWN = "unknown"
_LOST = re.compile(r"[`|]|  |^ | $")
_MOST_NAMED = 6
_TOO_YOUNG = "No prompt has enough history to look for problems"
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
 there are more errors, ratings or corrections than calls, what depends on them is unknown.
A change is called clear when it is more than days and weeks differ by themselves; of all changes called clear at most\
 one in twenty may be chance.
A problem got worse than its own past by at least 5 points, or a quarter of the latency, or twofold where the rate is\
 small, and by clearly more than ordinary ups and downs. A year in which nothing got worse has one said of it in at\
 most one of a thousand reports. It is over when what came since is clearly better.
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
    shown = f"{target.value:+.2f} stars" if target.name == "quality" else points(target.value)
    unclear = ", not clearly fallen" if target.name == "quality" else ", not clearly risen"
    return shown + unclear * (wrong and target.state == "met")


def headline(report: Report) -> str:
    """The report in a sentence."""
    open_ = sum(problem.until is None for problem in report.problems)
    over = len(report.problems) - open_
    looked = report.looked
    much = f"{_some(looked.prompts, 'prompt')}, {_some(looked.slices, 'slice')} looked at"
    said = (
        f"{_some(open_, 'open problem')}, {over} over in the past year"
        if over
        else _some(open_, "open problem")
    )
    if not report.problems:
        said = f"No problem found in the past year ({much})" if looked.prompts else _TOO_YOUNG
    if report.declines:
        said += f"; {_some(len(report.declines), 'clear decline')} in {report.period.label}"
    silent = f"Nobody said anything in {report.period.label}; the last events are of {report.last}. "
    return silent * report.silent + said + "."


def unlooked(report: Report) -> list[str]:
    """What was not looked at for problems, and why."""
    said = []
    young, small = report.looked.young, report.looked.small
    if young:
        named = ", ".join(young[:_MOST_NAMED]) + f" and {len(young) - _MOST_NAMED:,} more" * (
            len(young) > _MOST_NAMED
        )
        have = "has" if len(young) == 1 else "have"
        said.append(
            f"{_some(len(young), 'prompt')} {have} less than {PAST + 1} weeks of history, or less than "
            f"{LEAST_EVENTS} events: not looked at for problems ({named})."
        )
    if small:
        have = "has" if small == 1 else "have"
        said.append(
            f"{_some(small, 'slice')} {have} less than {LEAST_EVENTS} events in the year: not looked at."
        )
    return said


def decline(change: Change, report: Report) -> str:
    """A clear decline that is no problem, in a sentence."""
    return (
        f"{change.prompt or report.prompt or 'all prompts'}: {told_change(change)} in {report.period.label}"
    )


def copied(command: str, limit: int) -> str:
    """A command as a shell reads it back, also from a page that brings blanks together and shows no backticks.

    Words with a character that would not come through are quoted as ``$'...'`` (POSIX.1-2024, section 2.2.4), bytes of
    UTF-8 in octal. Of one that is too long, or is no text, only that it is in the JSON.
    """
    try:
        shown = " ".join(map(_word, shlex.split(command)))
    except UnicodeEncodeError:
        shown = ""
    return shown if 0 < len(shown) <= limit else "(this command is in the JSON of the report)"


def _word(word: str) -> str:
    if not _LOST.search(word) and word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_character, word)) + "'"


def _character(character: str) -> str:
    if character.isprintable() and character not in " `|'\\":
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def _some(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def title(report: Report) -> str:
    """``Weekly report 2026-W47``."""
    return f"{report.period.kind.capitalize()} report {report.period.label}"
