"""A report as Markdown: worst news first. Texts of others are code spans (:mod:`promptvc.base.spans`)."""

from __future__ import annotations

from collections.abc import Iterator

from promptvc.analysis.reporting.actions import told
from promptvc.analysis.reporting.report import Report
from promptvc.analysis.reporting.telling import (
    HEADLINES,
    NO_BEST,
    NOTES,
    UNKNOWN,
    copied,
    decline,
    difference,
    headline,
    meaning,
    target_value,
    title,
    unlooked,
    value,
)
from promptvc.base.spans import code, table_head, table_row, words

BARS = "▁▂▃▄▅▆▇█"
_MOST = 500
"""Characters of a command; more is cut."""
_MOST_DEPLOYMENTS = 50


def markdown(report: Report) -> Iterator[str]:
    """The report, piece by piece."""
    period = report.period
    yield f"# {title(report)}\n\n"
    about = f"{report.prompt}, " if report.prompt else ""
    yield f"{about}{period.start} to before {period.end}, against {period.before.label}. {headline(report)}\n\n"
    for remark in report.remarks:
        yield f"{words(remark)}\n\n"
    yield from _overall(report)
    yield from _problems(report)
    yield from _actions(report)
    yield from _targets(report)
    yield from _prompts(report)
    yield from _year(report)
    yield "## How to read this\n\n" + "".join(f"- {note}\n" for note in NOTES)


def _overall(report: Report) -> Iterator[str]:
    overall = report.overall
    kinds = ", ".join(f"{count.n:,} {kind}" for kind, count in overall.by_kind.items())
    yield f"{overall.figures['events'].n('events'):,} events: {kinds}.\n\n"
    yield table_head(["", "before", "now", "change", "clear", ""])
    for figure, name in HEADLINES.items():
        change = report.change(figure)
        before = UNKNOWN if change is None else value(figure, change.before.value)
        clear = (
            "yes" if change is not None and change.clear else "no" if change is not None and change.p else "-"
        )
        now = value(figure, overall.figures[figure].value)
        yield table_row([name, before, now, difference(change), clear, meaning(report, figure)])
    yield "\n"


def _problems(report: Report) -> Iterator[str]:
    yield "## Problem areas\n\n"
    if not report.problems:
        yield "None: no slice that was looked at got materially worse than its own past.\n\n"
    for change in report.declines:
        yield f"- in this period: {decline(change, report)}\n"
    yield "\n" * bool(report.declines)
    yield "".join(f"{said}\n\n" for said in unlooked(report))
    for problem in report.problems:
        yield f"- {'**open**' if problem.until is None else 'over'}: {problem.told(code)}\n"
        for sign in problem.also:
            yield f"  - with it: {sign.named(code)} {sign.told()}\n"
        for one in problem.deployments:
            version = "a version" if one.version is None else f"v{one.version}"
            yield f"  - deployed about then: {one.prompt} {version} to {code(one.environment)} on {one.day}\n"
    yield "\n" * bool(report.problems)


def _actions(report: Report) -> Iterator[str]:
    if report.actions:
        yield "## What to do\n\n"
        for number, action in enumerate(report.actions, 1):
            where = "" if action.problem is None else f" ({report.problems[action.problem].title})"
            yield f"{number}. {told(action, lambda text: code(copied(text, _MOST), _MOST))}{where}\n"
        yield "\n"


def _targets(report: Report) -> Iterator[str]:
    yield "## Targets\n\n" + table_head(["target", "wanted", "now", ""])
    for one in report.targets:
        state = one.state if one.reason is None else f"{one.state}: {one.reason}"
        yield table_row([one.name, one.wanted, target_value(one), state])
    yield "\n"


def _prompts(report: Report) -> Iterator[str]:
    yield "## Top performers\n\n"
    for one in report.best:
        success = one.figures["success"]
        yield f"- {one.prompt}: success {value('success', success.value)} of {success.n('rated'):,} ratings\n"
    yield "\n" if report.best else f"{NO_BEST}\n\n"
    yield "## Prompts\n\n" + table_head(
        ["prompt", "rated", "success", "change", "errors", "corrections", "p95"]
    )
    for one in report.standings:
        cells = [
            value(name, one.figures[name].value)
            for name in ("rated", "success", "errors", "corrections", "p95")
        ]
        change = report.change("success", one.prompt)
        cells.insert(2, difference(change) + (" (clear)" if change is not None and change.clear else ""))
        yield table_row([str(one.prompt), *cells])
    yield "\n"


def _year(report: Report) -> Iterator[str]:
    yield "## The past year, by week\n\n"
    weeks = report.weeks[None][report.first_week :]
    for name, values in (
        ("success", [week.success.value for week in weeks]),
        ("errors", [week.errors.value for week in weeks]),
        ("latency p95", [week.p95.value for week in weeks]),
        ("events", [week.events.value or None for week in weeks]),
    ):
        yield f"    {name:<12} {sparkline(values)}\n"
    yield f"\nFrom {weeks[0].start} on; each line on its own scale.\n\n"
    if report.deployments:
        yield "Deployments:\n\n"
        for one in report.deployments[-_MOST_DEPLOYMENTS:]:
            version = "" if one.version is None else f" v{one.version}"
            yield f"- {one.day} {code(one.environment)}: {code(one.prompt)}{version}, {code(one.subject)}\n"
        yield "\n"


def sparkline(values: list[float | None]) -> str:
    """A bar a value, from the least to the most; a dot where there is none."""
    known = [one for one in values if one is not None]
    if not known:
        return "·" * len(values)
    low, span = min(known), (max(known) - min(known)) or 1.0
    return "".join("·" if one is None else BARS[min(7, int((one - low) / span * 8))] for one in values)
