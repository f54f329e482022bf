"""What to do about it: each action cites the figure that calls for it and names the command to run.

Every command reads or changes something that is there: `feedback list` of a query that has events, `analyze` and
`issues` of days with ratings. Problems come first, by how many events are worse than they were; then what clearly got
worse in the period, then targets.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.reporting.changes import Change
from promptvc.analysis.reporting.periods import Period
from promptvc.analysis.reporting.problems import WORDS, Mark, Problem, shown
from promptvc.analysis.reporting.slices import Measure, Slice
from promptvc.analysis.reporting.targets import Target
from promptvc.analysis.reporting.traces import RATED, command_of, narrowed
from promptvc.feedback.query.selection import Query

MOST = 10
MOST_OF_ONE = 2
"""Actions in all, and of one problem."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, for one of three reasons.

    Attributes:
        problem: the place in the report's problems that calls for it.
        decline: the place in its declines.
        target: the name of the target that was missed.
    """

    command: str
    why: str
    problem: int | None = None
    decline: int | None = None
    target: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the report's ``actions`` have it."""
        return {
            "command": self.command,
            "why": self.why,
            "problem": self.problem,
            "decline": self.decline,
            "target": self.target,
        }


@dataclass(frozen=True, slots=True)
class Calling:
    """What calls for actions: of one report on ``period``, of all prompts or of ``prompt``."""

    period: Period
    prompt: str | None
    problems: Sequence[Problem]
    declines: Sequence[Change]
    targets: Sequence[Target]


def actions(calling: Calling) -> tuple[Action, ...]:
    """What the open problems, the declines and the missed targets call for; each command once."""
    problems = [(place, one) for place, one in enumerate(calling.problems) if one.until is None]
    declines = list(enumerate(calling.declines))
    problems.sort(
        key=lambda pair: (-_worse(pair[1].sign.before.value, pair[1].sign.now.value, pair[1]), pair[0])
    )
    found: dict[str, Action] = {}
    for place, problem in problems:
        for one in [*_mending(place, problem)][:MOST_OF_ONE]:
            found.setdefault(one.command, one)
    for place, change in sorted(declines, key=lambda pair: (-_fell(pair[1]), pair[0])):
        one = _looking(place, change, calling)
        found.setdefault(one.command, one)
    for target in calling.targets:
        for one in _reaching(target, calling):
            found.setdefault(one.command, one)
    return tuple(found.values())[:MOST]


def told(action: Action, mark: Mark) -> str:
    """The action as a sentence, its command marked as one."""
    return f"{mark(action.command)}: {action.why}"


def _worse(before: float | None, now: float | None, problem: Problem) -> float:
    """About how many events are worse than they were; one of twenty calls is beyond a 95th percentile."""
    if before is None or now is None:
        return 0.0
    rise = 0.05 if problem.sign.measure == "latency" else abs(now - before)
    return rise * max((count.n for count in problem.sign.now.counts.values()), default=0)


def _fell(change: Change) -> float:
    scale = 4 if change.figure == "satisfaction" else 1
    return (
        abs(change.difference or 0.0)
        / scale
        * max((count.n for count in change.now.counts.values()), default=0)
    )


def _mending(place: int, problem: Problem) -> Iterator[Action]:
    sign = problem.sign
    cited = f"{WORDS[sign.measure]} {sign.told()}"
    if problem.version is not None and problem.deployments:
        one = problem.deployments[0]
        reason = shlex.quote(f"{sign.measure} {sign.told()} since {problem.since}")
        where = "" if one.environment == "production" else f" --env={shlex.quote(one.environment)}"
        why = f"{cited}: it began with v{problem.version}, deployed on {one.day}"
        yield Action(f"promptvc rollback {one.prompt}{where} --reason {reason}", why, problem=place)
    kind = {"success": "ratings", "issue": "ratings", "corrections": "corrections", "latency": "calls"}
    what = f"read the {kind.get(sign.measure, 'errors')}"
    yield Action(command_of(problem.look[0], count=False), f"{what} ({cited})", problem=place)
    prompt, query = problem.prompts[0], problem.look[0]
    window = f"--since={_day(query.since)} --until={_day(query.until)}"
    if sign.measure == "issue":
        yield Action(f"promptvc issues {prompt} {window}", f"see what comes with it ({cited})", problem=place)
    elif sign.measure == "corrections":
        yield Action(f"promptvc train {prompt}", f"learn from the corrections ({cited})", problem=place)
    else:
        why = f"see what separates good from bad, then train on it ({cited})"
        if sign.measure != "success":
            why = f"see which version, model or week it is ({cited})"
        yield Action(f"promptvc analyze {prompt} {window}", why, problem=place)


def _looking(place: int, change: Change, calling: Calling) -> Action:
    """The events behind a figure that clearly got worse in the period."""
    queries = {
        "errors": Query(kinds=("error",)),
        "corrections": Query(kinds=("correction",)),
    }
    period = calling.period
    part = Slice(change.prompt or calling.prompt or "")
    query = narrowed(queries.get(change.figure, RATED), part, period.start, period.end)
    return Action(command_of(query, count=False), f"read the events ({told_change(change)})", decline=place)


def told_change(change: Change) -> str:
    """``success from 0.82 to 0.61``."""
    if change.figure == "satisfaction":
        return f"satisfaction from {change.before.value or 0:.2f} to {change.now.value or 0:.2f} stars"
    measure: Measure = "success"
    if change.figure in {"errors", "corrections"}:
        measure = "errors" if change.figure == "errors" else "corrections"
    sides = (shown(measure, one.value) for one in (change.before, change.now))
    return f"{WORDS[measure]} from {' to '.join(sides)}"


def _reaching(target: Target, calling: Calling) -> Iterator[Action]:
    if target.state != "not met" or target.change is None:
        return
    counts = target.change.now.counts
    if target.name == "collection":
        why = f"{target.wanted}, {target.value or 0:.1%} are: ask for more ratings of these calls"
        yield Action(command_of(counts["calls"].queries[0]), why, target=target.name)
    elif target.name == "corrections":
        why = f"{target.wanted} ({told_change(target.change)}): read them"
        yield Action(command_of(counts["corrections"].queries[0], count=False), why, target=target.name)
    elif target.name in {"satisfaction", "quality"}:
        prompt = f" {calling.prompt}" if calling.prompt else ""
        window = f"--since={calling.period.start} --until={calling.period.end}"
        cited = told_change(target.change) if target.name == "quality" else f"{target.value or 0:.2f}"
        why = f"{target.wanted} ({cited}): see what separates good from bad"
        yield Action(f"promptvc analyze{prompt} {window}", why, target=target.name)


def _day(moment: object) -> str:
    return str(moment)[:10]
