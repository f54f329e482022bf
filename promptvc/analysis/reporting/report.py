"""A report: a period against the one before, targets, problems of the past year, what to do, and the time line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from promptvc.analysis.reporting.actions import Action, Calling, actions
from promptvc.analysis.reporting.changes import Change, changes
from promptvc.analysis.reporting.figures import Figure, Figures, Standing
from promptvc.analysis.reporting.periods import Kind, Period, last_complete, midnight
from promptvc.analysis.reporting.problems import Deployment, Problem, deployment_json, find_problems
from promptvc.analysis.reporting.shifts import long_enough
from promptvc.analysis.reporting.slices import DAYS
from promptvc.analysis.reporting.targets import Target, targets
from promptvc.analysis.reporting.year import SPAN, Year, read_year
from promptvc.base.errors import NotFound
from promptvc.base.feedback_settings import TargetSettings
from promptvc.base.stats import wilson
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.selection import Query

BEST = 5
BEST_FEWEST = 30
"""A prompt with fewer ratings in the period is no top performer."""
LEAST_WEEKS = 8
MOST_CHARTS = 24
"""Of so many prompts, those with the most ratings in the year, the weeks are told one by one."""


@dataclass(frozen=True, slots=True)
class Week:
    """One week of one prompt (None: all): figures for the charts."""

    start: date
    events: Figure
    success: Figure
    errors: Figure
    p95: Figure

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "start": self.start.isoformat(),
            "events": self.events.to_json(),
            "success": self.success.to_json(),
            "errors": self.errors.to_json(),
            "p95": self.p95.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at for problems.

    Attributes:
        prompts, slices: how many prompts, and how many of their slices, themselves among them.
        young: prompts with less than five weeks of events or less than 130 events: of these nothing can be said.
        small: how many slices have less than 130 events in the year.
    """

    prompts: int
    slices: int
    young: tuple[str, ...] = ()
    small: int = 0

    def to_json(self) -> dict[str, Any]:
        """The numbers by name."""
        return {
            "prompts": self.prompts,
            "slices": self.slices,
            "young": list(self.young),
            "small": self.small,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for.

    Attributes:
        as_of: periods that were over by then; None: by the newest event.
        prompt: only this one.
    """

    period: Kind = "weekly"
    as_of: datetime | None = None
    prompt: str | None = None
    targets: TargetSettings = field(default_factory=TargetSettings)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says.

    Attributes:
        overall: all prompts together; ``standings``: each; both in the period.
        changes: of every figure against the period before; those of all prompts have no prompt.
        best: prompts whose success rate is clearly above that of all, those with the highest lower end of its interval
            first; none with an open problem, and none that clearly fell.
        looked: what was looked at for problems.
        silent: nobody said anything in the period; ``last``: the day of the last event before its end.
        weeks: by prompt (None: all) the weeks of the year.
        unread: how many lines could not be read; ``remarks``: which they are, and what else does not count, in words.
    """

    period: Period
    prompt: str | None
    overall: Standing
    standings: tuple[Standing, ...]
    changes: tuple[Change, ...]
    targets: tuple[Target, ...]
    best: tuple[Standing, ...]
    problems: tuple[Problem, ...]
    actions: tuple[Action, ...]
    deployments: tuple[Deployment, ...]
    weeks: dict[str | None, tuple[Week, ...]]
    engine: str
    unread: int
    looked: Looked
    last: date
    remarks: tuple[str, ...] = ()

    @property
    def first_week(self) -> int:
        """The place of the first week with events among the weeks of the year; the last eight are shown anyway."""
        weeks = self.weeks[None]
        first = next((place for place, week in enumerate(weeks) if week.events.value), 0)
        return max(0, min(first, len(weeks) - LEAST_WEEKS))

    @property
    def silent(self) -> bool:
        """Whether nobody said anything in the period."""
        return self.last < self.period.start

    @property
    def declines(self) -> tuple[Change, ...]:
        """What got clearly worse in the period and is no open problem."""
        return declined(self.changes, self.problems)

    def change(self, figure: str, prompt: str | None = None) -> Change | None:
        """How a figure of a prompt (None: all) changed."""
        return next((one for one in self.changes if (one.prompt, one.figure) == (prompt, figure)), None)

    def declined_by(self, percent: float) -> bool:
        """Whether the success rate fell clearly, and by more than so many per cent of itself."""
        success = self.change("success")
        relative = None if success is None else success.relative
        return (
            relative is not None and success is not None and success.clear and relative * 100 < -abs(percent)
        )

    def to_json(self) -> dict[str, Any]:
        """As `report --json` prints it."""
        return {
            "period": {
                "kind": self.period.kind,
                "label": self.period.label,
                "start": self.period.start.isoformat(),
                "end": self.period.end.isoformat(),
                "before": self.period.before.label,
            },
            "prompt": self.prompt,
            "overall": self.overall.to_json(),
            "prompts": [one.to_json() for one in self.standings],
            "changes": [one.to_json() for one in self.changes],
            "targets": [one.to_json() for one in self.targets],
            "best": [one.prompt for one in self.best],
            "problems": [one.to_json() for one in self.problems],
            "declines": [{"prompt": one.prompt, "figure": one.figure} for one in self.declines],
            "looked": self.looked.to_json(),
            "last": self.last.isoformat(),
            "actions": [one.to_json() for one in self.actions],
            "deployments": [deployment_json(one) for one in self.deployments],
            "weeks": [
                {"prompt": prompt, "weeks": [one.to_json() for one in weeks]}
                for prompt, weeks in self.weeks.items()
            ],
            "unread": self.unread,
            "remarks": list(self.remarks),
        }


def make_report(facts: Facts, asked: Asked, deployments: Sequence[Deployment] = ()) -> Report:
    """The report on the last complete period.

    Raises:
        NotFound: there is no event before the end of a complete period.
    """
    period = _period(facts, asked)
    year = read_year(facts, period, asked.prompt)
    now = Figures(year, period.start, period.end, asked.prompt)
    before = Figures(year, period.before.start, period.before.end, asked.prompt)
    last = max(year.cells, default=None)
    if last is None:
        newest = facts.witnesses(Query(prompt=asked.prompt, until=midnight(period.end)), limit=1).newest
        last = None if newest is None else newest.date()
    if last is None:
        raise NotFound(
            f"there are no events of {period.label} or before",
            hint=f"a report tells of whole periods: {period.label} is the last that was over",
        )
    standings = tuple(now.of(one) for one in now.prompts)
    overall = now.of()
    then = [before.of(), *(before.of(one) for one in before.prompts)]
    found = changes(year, then, [overall, *standings])
    problems = find_problems(year, deployments)
    met = targets(asked.targets, {one.figure: one for one in found if one.prompt is None})
    first, end = period.window
    return Report(
        period=period,
        prompt=asked.prompt,
        overall=overall,
        standings=standings,
        changes=found,
        targets=met,
        best=_best(overall, standings, found, problems),
        problems=problems,
        actions=actions(Calling(period, asked.prompt, problems, declined(found, problems), met)),
        deployments=tuple(one for one in deployments if first <= one.day < end),
        weeks=_weeks(year, asked.prompt),
        engine=facts.engine,
        unread=facts.unread,
        looked=_looked(year),
        last=last,
    )


def _period(facts: Facts, asked: Asked) -> Period:
    kind = asked.period
    if asked.as_of is not None:
        return last_complete(kind, asked.as_of)
    newest = facts.witnesses(Query(prompt=asked.prompt), limit=1).newest
    if newest is None:
        raise NotFound(
            "there are no committed events to report on", hint="promptvc feedback add, then commit"
        )
    return last_complete(kind, newest)


def declined(found: Sequence[Change], problems: Sequence[Problem]) -> tuple[Change, ...]:
    """What clearly got worse and is no open problem: prompt by prompt, or of all where no single one did.

    The mean score is not told where the success rate is.
    """
    open_ = {
        ("errors" if one.sign.measure == "error" else one.sign.measure, prompt)
        for one in problems
        if one.until is None
        for prompt in one.prompts
    }
    fell = [one for one in found if one.declined and not _known(one, open_)]
    rates = {one.prompt for one in fell if one.figure == "success"}
    fell = [one for one in fell if one.figure != "satisfaction" or one.prompt not in rates]
    named = {one.figure for one in fell if one.prompt is not None}
    return tuple(one for one in fell if one.prompt is not None or one.figure not in named)


def _known(change: Change, problems: Iterable[tuple[str, str]]) -> bool:
    """Whether a problem tells of it; of all prompts that of any."""
    figure = "success" if change.figure == "satisfaction" else change.figure
    return any(figure == measure and change.prompt in {None, prompt} for measure, prompt in problems)


def _looked(year: Year) -> Looked:
    long = [part for (_, part), series in year.series.items() if long_enough(series)]
    prompts = {part.prompt for part in long}
    return Looked(len(prompts), len(long), tuple(sorted(year.counted.keys() - prompts)), year.small)


def _best(
    overall: Standing, standings: Sequence[Standing], found: Sequence[Change], problems: Sequence[Problem]
) -> tuple[Standing, ...]:
    bar = overall.figures["success"].value or 0.0
    passed = {prompt for one in problems if one.until is None for prompt in one.prompts}
    passed |= {
        one.prompt
        for one in found
        if one.figure == "success" and one.clear and (one.difference or 0) < 0 and one.prompt
    }
    known = [
        one
        for one in standings
        if one.figures["rated"].n("rated") >= BEST_FEWEST
        and one.prompt not in passed
        and _low(one.figures["success"]) > bar
    ]
    ranked = sorted(known, key=lambda one: (-_low(one.figures["success"]), one.prompt or ""))
    return tuple(ranked[:BEST])


def _low(success: Figure) -> float:
    return wilson(success.n("good"), success.n("rated"))[0]


def _weeks(year: Year, asked: str | None) -> dict[str | None, tuple[Week, ...]]:
    """Of all prompts, and of those with the most ratings."""
    weeks = [Figures(year, year.day(first), year.day(first + DAYS), asked) for first in range(0, SPAN, DAYS)]
    rated = {part.prompt: series.n(0, SPAN) for (measure, part), series in year.series.items()
             if measure == "success" and not part.dimension}  # fmt: skip
    charted = sorted(rated, key=lambda prompt: (-rated[prompt], prompt))[:MOST_CHARTS]
    return {
        prompt: tuple(
            _week(figures.of(prompt), year.day(number * DAYS)) for number, figures in enumerate(weeks)
        )
        for prompt in (None, *sorted(charted))
    }


def _week(found: Standing, start: date) -> Week:
    figures = found.figures
    return Week(start, figures["events"], figures["success"], figures["errors"], figures["p95"])
