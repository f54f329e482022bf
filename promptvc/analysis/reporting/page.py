"""A report as one HTML page that needs nothing else: no network, no script, charts as SVG.

Every text of others is escaped. The Content-Security-Policy allows the page's own style by its hash and nothing else: a
text that became markup all the same could neither run nor ask for anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from promptvc.analysis.reporting.charts import Chart, Spot, drawn
from promptvc.analysis.reporting.figures import Figure
from promptvc.analysis.reporting.problems import Problem, shown
from promptvc.analysis.reporting.report import Report, Week
from promptvc.analysis.reporting.telling import (
    HEADLINES,
    NO_BEST,
    NOTES,
    copied,
    decline,
    difference,
    headline,
    meaning,
    target_value,
    title,
    tone,
    unlooked,
    value,
)
from promptvc.base.plain import encodable, one_line
from promptvc.base.stats import wilson

_MOST = 500


def page(report: Report) -> Iterator[str]:
    """The page, piece by piece."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title(report))}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
    )
    yield from _head(report)
    yield from _problems(report)
    yield '<div class="columns">\n'
    yield from _actions(report)
    yield from _targets(report)
    yield "</div>\n"
    yield from _year(report)
    yield from _prompts(report)
    notes = "".join(f"<li>{_text(note)}</li>" for note in NOTES)
    yield f'<section class="card"><h2>How to read this</h2><ul class="notes">{notes}</ul></section>\n'
    yield "</main>\n</body>\n</html>\n"


def _head(report: Report) -> Iterator[str]:
    state = "bad" if report.declines or any(one.until is None for one in report.problems) else "good"
    period = report.period
    about = f"{_text(report.prompt)} · " if report.prompt else ""
    events = report.overall.figures["events"].n("events")
    yield (
        f'<header class="card verdict {state}"><p class="kicker">{about}{_text(title(report))} · '
        f"{period.start} to before {period.end}</p><h1>{_text(headline(report))}</h1>"
        f'<p class="quiet">{events:,} events of {len(report.standings):,} prompts, against {period.before.label}</p>'
        + "".join(f'<p class="quiet">{_text(remark)}</p>' for remark in report.remarks)
        + "</header>\n"
        '<section class="tiles" aria-label="Figures of the period">'
    )
    for figure, name in HEADLINES.items():
        change = report.change(figure)
        now = value(figure, report.overall.figures[figure].value)
        clear = "" if change is None or change.p is None else " · clear" if change.clear else " · not clear"
        yield (
            f'<div class="card tile"><h2>{name}</h2><p class="big">{now}</p>'
            f'<p class="{tone(change) or "quiet"}">{difference(change)}{clear}</p>'
            f'<p class="quiet">{meaning(report, figure)}</p></div>'
        )
    yield "</section>\n"


def _problems(report: Report) -> Iterator[str]:
    yield '<section class="card"><h2>Problem areas</h2>'
    if not report.problems:
        yield '<p class="quiet">None: no slice that was looked at got materially worse than its own past.</p>'
    for number, problem in enumerate(report.problems):
        state = "open" if problem.until is None else "over"
        yield f'<article class="problem"><div><p><span class="badge {state}">{state}</span> {problem.told(_code)}</p>'
        yield from _signs(problem)
        yield "</div>" + drawn(_course(report, problem), 1000 + number) + "</article>"
    for change in report.declines:
        yield f'<p><span class="badge open">this period</span> {_text(decline(change, report))}</p>'
    yield "".join(f'<p class="quiet">{_text(said)}</p>' for said in unlooked(report))
    yield "</section>\n"


def _signs(problem: Problem) -> Iterator[str]:
    lines = [f"with it: {sign.named(_code)} {_text(sign.told())}" for sign in problem.also]
    for one in problem.deployments:
        version = "a version" if one.version is None else f"v{one.version}"
        lines.append(
            f"deployed about then: {_text(one.prompt)} {version} to {_text(one.environment)} on {one.day}"
        )
    lines.append(f"{problem.sign.now.n('rated') or problem.sign.now.n('calls') or problem.sign.now.n('ratings'):,} "
                 f"events since; p = {problem.p:.0e}")  # fmt: skip
    yield '<ul class="notes">' + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _course(report: Report, problem: Problem) -> Chart:
    first = report.first_week
    starts = [week.start for week in report.weeks[None][first:]]
    measure = problem.sign.measure
    spots = [
        Spot(one, told=f"week of {start}: {shown(measure, one)}")
        for start, one in zip(starts, problem.course[first:], strict=True)
    ]
    end = problem.until or report.period.end
    unit = "ms" if measure == "latency" else "share"
    told = f"{measure} {problem.sign.told()}, by week; shaded since {problem.since}"
    marks = [(one.day, f"{one.prompt} v{one.version} to {one.environment}") for one in problem.deployments]
    return Chart(
        problem.title, told, starts, spots, unit, marks=marks, since=(problem.since, end), small=True
    )


def _actions(report: Report) -> Iterator[str]:
    yield '<section class="card"><h2>What to do</h2>'
    yield "" if report.actions else '<p class="quiet">Nothing is called for.</p>'
    items = []
    for action in report.actions:
        where = (
            ""
            if action.problem is None
            else f'<span class="quiet">{_text(report.problems[action.problem].title)}: </span>'
        )
        items.append(
            f"<li>{where}{_text(action.why)}{_code(copied(action.command, _MOST), _MOST, 'command')}</li>"
        )
    yield f"<ol>{''.join(items)}</ol></section>\n" if items else "</section>\n"


def _targets(report: Report) -> Iterator[str]:
    yield '<section class="card"><h2>Targets</h2><div class="scroll"><table><thead><tr><th>Wanted</th>'
    yield '<th class="number">Now</th><th></th></tr></thead><tbody>'
    for one in report.targets:
        state = {"met": "good", "not met": "bad"}.get(one.state, "quiet")
        yield f'<tr><th scope="row">{_text(one.wanted)}</th><td class="number">{target_value(one)}</td>'
        why = "" if one.reason is None else f": {_text(one.reason)}"
        yield f'<td class="{state}">{one.state}{why}</td></tr>'
    yield "</tbody></table></div><h2>Top performers</h2>"
    if not report.best:
        yield f'<p class="quiet">{NO_BEST}</p>'
    else:
        yield "<ol>"
        for best in report.best:
            success = best.figures["success"]
            rated = f"{value('success', success.value)} of {success.n('rated'):,} ratings"
            yield f'<li>{_text(best.prompt)} <span class="quiet">{rated}</span></li>'
        yield "</ol>"
    yield "</section>\n"


def _year(report: Report) -> Iterator[str]:
    weeks = report.weeks[None][report.first_week :]
    marks = [
        (
            one.day,
            f"{one.day}: {one.prompt}{'' if one.version is None else f' v{one.version}'} to {one.environment}",
        )
        for one in report.deployments
    ]
    yield '<section class="card"><h2>The past year, by week</h2>'
    if marks:
        yield '<p class="quiet">Lines with a triangle are deployments.</p>'
    yield '<div class="charts">'
    for number, (name, chart) in enumerate(
        (
            (
                "Success rate, with its interval",
                Chart("Success rate", "by week", _starts(weeks), _shares(weeks, "success"), marks=marks),
            ),
            (
                "Error rate",
                Chart(
                    "Error rate", "by week", _starts(weeks), _shares(weeks, "errors"), zero=True, marks=marks
                ),
            ),
            (
                "Latency p95",
                Chart(
                    "Latency p95",
                    "milliseconds by week",
                    _starts(weeks),
                    _numbers(weeks, "p95"),
                    "ms",
                    zero=True,
                    marks=marks,
                ),
            ),
            ("Events", Chart("Events", "by week", _starts(weeks), _numbers(weeks, "events"), "n", bars=True)),
        )
    ):
        yield f"<figure><figcaption>{name}</figcaption>{drawn(chart, number)}</figure>"
    yield "</div>"
    if report.deployments:
        rows = "".join(f"<li>{_text(words)}</li>" for _, words in marks)
        yield f"<details><summary>Deployments ({len(marks):,})</summary><ul>{rows}</ul></details>"
    yield "</section>\n"


def _prompts(report: Report) -> Iterator[str]:
    heads = ("Rated", "Success", "Change", "Errors", "Corrections", "Latency p95")
    yield '<section class="card"><h2>Prompts</h2><div class="scroll"><table><thead><tr><th>Prompt</th>'
    yield "".join(f'<th class="number">{head}</th>' for head in heads) + "</tr></thead><tbody>"
    for one in report.standings:
        change = report.change("success", one.prompt)
        cells = [
            value(name, one.figures[name].value)
            for name in ("rated", "success", "errors", "corrections", "p95")
        ]
        cells.insert(2, f'<span class="{tone(change) or "quiet"}">{difference(change)}</span>')
        yield f'<tr><th scope="row">{_text(one.prompt or "")}</th>'
        yield "".join(f'<td class="number">{cell}</td>' for cell in cells) + "</tr>"
    yield "</tbody></table></div></section>\n"
    named = [
        (prompt, weeks[report.first_week :]) for prompt, weeks in report.weeks.items() if prompt is not None
    ]
    if len(named) > 1:
        yield '<section class="card"><h2>Success rate of each prompt, by week</h2><div class="multiples">'
        for number, (prompt, weeks) in enumerate(named, 100):
            marks = [
                (one.day, f"{one.day}: v{one.version} to {one.environment}")
                for one in report.deployments
                if one.prompt == prompt
            ]
            chart = Chart(
                prompt,
                "success rate by week",
                _starts(weeks),
                _shares(weeks, "success"),
                marks=marks,
                small=True,
            )
            yield f"<figure><figcaption>{_text(prompt)}</figcaption>{drawn(chart, number)}</figure>"
        yield "</div></section>\n"


def _starts(weeks: Sequence[Week]) -> list:  # type: ignore[type-arg]
    return [week.start for week in weeks]


def _shares(weeks: Sequence[Week], name: str) -> list[Spot]:
    return [_share(week, getattr(week, name), name) for week in weeks]


def _share(week: Week, figure: Figure, name: str) -> Spot:
    if figure.value is None:
        return Spot(None)
    part, whole = (
        (figure.n("good"), figure.n("rated"))
        if name == "success"
        else (figure.n("errors"), figure.n("calls"))
    )
    low, high = wilson(part, whole)
    return Spot(figure.value, low, high, f"week of {week.start}: {figure.value:.1%} of {whole:,}")


def _numbers(weeks: Sequence[Week], name: str) -> list[Spot]:
    return [
        Spot(one.value, told=f"week of {week.start}: {value(name, one.value)}")
        for week in weeks
        for one in (getattr(week, name),)
    ]


def _text(text: str | None) -> str:
    return escape(encodable(text or ""))


def _code(text: str, limit: int = 100, kind: str = "") -> str:
    return (
        f'<code class="{kind}">{_text(one_line(text, limit))}</code>'
        if kind
        else f"<code>{_text(one_line(text, limit))}</code>"
    )


@cache
def _style() -> str:
    return (files("promptvc.analysis.reporting") / "page.css").read_text("utf-8")
