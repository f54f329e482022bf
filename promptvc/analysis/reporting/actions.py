"""What to do about it: each action names the figures that call for it and the command to run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.reporting.periods import Period
from promptvc.analysis.reporting.problems import Mark, Problem
from promptvc.analysis.reporting.targets import Target
from promptvc.analysis.reporting.traces import command_of

_MOST_PROMPTS = 3


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do. ``problem`` is the place in the report's problems that calls for it, ``target`` the name."""

    command: str
    why: str
    problem: int | None = None
    target: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the report's ``actions`` have it."""
        return {"command": self.command, "why": self.why, "problem": self.problem, "target": self.target}


def actions(problems: Sequence[Problem], targets: Sequence[Target], period: Period) -> tuple[Action, ...]:
    """What the open problems and missed targets of a report on ``period`` call for, in their order."""
    found = [
        one
        for place, problem in enumerate(problems)
        if problem.until is None
        for one in _mending(place, problem, period)
    ]
    return (*found, *(action for target in targets for action in _reaching(target)))


def _mending(place: int, problem: Problem, period: Period) -> Iterator[Action]:
    told = problem.sign.told()
    yield Action(command_of(problem.look[0], count=False), f"read the events ({told})", place)
    since = problem.since.isoformat()
    if problem.version is not None and problem.deployments:
        for one in problem.deployments[:_MOST_PROMPTS]:
            reason = shlex.quote(f"{problem.sign.measure} {told} since {since}")
            where = "" if one.environment == "production" else f" --env={shlex.quote(one.environment)}"
            command = f"promptvc rollback {one.prompt}{where} --reason {reason}"
            version = f"v{problem.version}"
            yield Action(
                command, f"it began with {version}, deployed to {one.environment} on {one.day}", place
            )
    if problem.sign.measure in {"success", "corrections", "issue"}:
        for prompt in problem.prompts[:_MOST_PROMPTS]:
            window = f"--since {period.start} --until {period.end}"
            yield Action(f"promptvc issues {prompt} {window}", "see what users report", place)
            yield Action(f"promptvc train {prompt}", f"learn from what was said since {since}", place)
    elif problem.version is None and problem.sign.slice.dimension == "model":
        yield Action(
            "promptvc route --help", "give the work to another model while this one is slow or failing", place
        )


def _reaching(target: Target) -> Iterator[Action]:
    if target.state != "not met":
        return
    commands = {
        "collection": (
            "promptvc feedback add --help",
            "ask for more ratings: too few calls are rated to tell small changes",
        ),
        "satisfaction": ("promptvc suggest", "see which edits the feedback calls for"),
        "quality": ("promptvc suggest", "see which edits the feedback calls for"),
        "corrections": ("promptvc suggest", "see which edits the corrections call for"),
    }
    if target.name in commands:
        command, why = commands[target.name]
        yield Action(command, f"{target.wanted}: {why}", target=target.name)


def told(action: Action, mark: Mark) -> str:
    """The action as a sentence, its command marked as one."""
    return f"{mark(action.command)}: {action.why}"
