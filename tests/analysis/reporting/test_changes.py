"""Which changes of a period are clear, with much history and with little."""

from __future__ import annotations

import random
import re
import shlex
import shutil
import subprocess
from datetime import timedelta

import pytest

from promptvc.analysis.reporting.markdown import markdown
from promptvc.analysis.reporting.page import page
from promptvc.analysis.reporting.problems import Deployment
from promptvc.analysis.reporting.telling import copied, headline, unlooked
from promptvc.base.errors import NotFound
from promptvc.base.plain import one_line
from tests.analysis.reporting.world import DAYS, START, World


def lively(weeks: int, seed: int, spread: float = 0.03, fall: float = 0.0) -> World:
    """The last weeks of a year, whose levels differ by chance; the last one is lower by ``fall``."""
    draw, world = random.Random(seed), World()
    for week in range(DAYS // 7 - weeks, DAYS // 7):
        level = 0.75 + draw.gauss(0, spread) - fall * (week == DAYS // 7 - 1)
        for day in range(7):
            world.rate(week * 7 + day, 60, sum(draw.random() < level for _ in range(60)))
    return world


def clear(world: World) -> bool:
    change = world.report().change("success")
    assert change is not None
    assert change.p is not None
    return change.clear


def test_a_young_prompts_ordinary_weeks_raise_no_alarm() -> None:
    """Weeks that differ by three points, of which there are but two: the second is worse only by chance."""
    alarms = sum(clear(lively(weeks, seed)) for weeks in (2, 6) for seed in range(12))
    assert alarms <= 3


def test_a_young_prompts_collapse_does() -> None:
    for weeks in (2, 3, 6):
        assert clear(lively(weeks, 1, spread=0.01, fall=0.3))


def test_the_mean_score_is_tested_too() -> None:
    """All ratings stay above the threshold: the success rate does not move, the mean score does."""
    world = World()
    for day in range(DAYS):
        world.rate(
            day, 50, 50 - day % 3, high=0.75 if day >= DAYS - 7 else 0.95, low=0.9 if day < DAYS - 7 else 0.7
        )
    report = world.report()
    success, mean = report.change("success"), report.change("satisfaction")
    assert success is not None
    assert mean is not None
    assert not success.clear
    assert mean.clear
    assert mean.declined
    quality = next(one for one in report.targets if one.name == "quality")
    assert quality.state == "not met"
    assert quality.change is mean


def test_errors_are_held_against_all_calls_however_those_are_counted() -> None:
    """Only `usage` and `error` are written: a call that went well is a `usage` without an error."""
    world = World()
    for day in range(DAYS):
        world.say(day, "usage", 100)
        world.say(day, "error", 1 if day < 300 else 30)
    report = world.report()
    errors = report.overall.figures["errors"]
    assert errors.value == 0.3
    assert (errors.n("errors"), errors.n("calls")) == (7 * 30, 7 * 100)
    (problem,) = report.problems
    assert problem.sign.measure == "errors"
    assert (problem.sign.before.value, problem.sign.now.value) == (0.01, 0.3)


def test_more_errors_than_calls_are_no_rate() -> None:
    world = World()
    for day in range(DAYS - 14, DAYS):
        world.say(day, "usage", 5)
        world.say(day, "error", 9)
    errors = world.report().overall.figures["errors"]
    assert errors.value is None
    assert errors.reason is not None
    assert "more errors than calls" in errors.reason


def fallen(*prompts: str) -> World:
    """Prompts that are rated by the day; `new` for four weeks only, of which the last is bad."""
    world = World()
    for prompt in prompts:
        for day in range(DAYS - 28 if prompt == "new" else 0, DAYS):
            good = 12 if prompt == "new" and day >= DAYS - 7 else 36
            world.rate(day, 40, good + day % 2, prompt)
    return world


def test_what_clearly_got_worse_and_is_no_problem_yet_is_told() -> None:
    """A prompt of four weeks has too little history to be looked at; that its last week is bad is plain."""
    report = fallen("old", "new").report()
    assert report.problems == ()
    assert [(one.prompt, one.figure) for one in report.declines] == [("new", "success")]
    assert headline(report) == (
        "No problem found in the past year (1 prompt, 2 slices looked at); 1 clear decline in 2026-W01."
    )
    (said,) = unlooked(report)
    assert said.startswith("1 prompt has less than 5 weeks of history")
    assert said.endswith("(new).")
    (action,) = [one for one in report.actions if one.decline is not None]
    assert "--outcome=rated" in action.command
    assert action.command.startswith("promptvc feedback list new ")
    assert "from 0.91 to 0.31" in action.why
    text, html = "".join(markdown(report)), "".join(page(report))
    for shown in (text, html):
        assert "in this period" in shown or "this period" in shown
        assert "new: success from 0.91 to 0.31 in 2026-W01" in shown
        assert "1 prompt has less than 5 weeks of history" in shown


def test_a_version_that_came_with_a_fall_is_to_be_rolled_back() -> None:
    world = World()
    for day in range(DAYS):
        world.rate(day, 40, 36 if day < 300 else 16, version=1 + (day >= 300))
    came = Deployment(START + timedelta(days=300), "<b>at", "a/b", 2, "c" * 40, "Deploy")
    report = world.report(deployments=(came,))
    commands = [shlex.split(one.command) for one in report.actions if one.problem == 0]
    assert [words[1] for words in commands] == ["rollback", "feedback"]
    assert commands[0][2:4] == ["a/b", "--env=<b>at"]
    assert "<b>" not in re.sub("`[^`]*`", "", "".join(markdown(report)))


def test_a_quiet_week_has_a_report_too() -> None:
    """Nobody said anything for two weeks: that is told, and is no error."""
    world = World()
    for day in range(100):
        world.rate(day, 40, 36)
    report = world.report(day=119)
    assert report.silent
    assert report.overall.figures["success"].value is None
    assert headline(report).startswith(
        "Nobody said anything in 2025-W18; the last events are of 2025-04-15. "
    )
    assert "unknown" in "".join(markdown(report))
    assert "Nobody said anything" in "".join(page(report))
    later = headline(world.report(day=2 * DAYS))
    assert later.endswith(
        "the last events are of 2025-04-15. No prompt has enough history to look for problems."
    )
    with pytest.raises(NotFound):
        world.report(day=0)


@pytest.mark.parametrize(
    "tag", ["a\nb", "a`b`|c", "two  blanks ", "it's $HOME", "\u202eback\u2028", "plain", "ö\\n€"]
)
def test_a_command_is_copied_as_it_was(tag: str) -> None:
    """What a shell makes of the command on the page, where nothing unseen and no backtick is left of it."""
    shown = copied(shlex.join(["printf", "%s", f"--tag={tag}"]), 200)
    assert one_line(shown, 300) == shown
    assert "`" not in shown
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    done = subprocess.run([bash, "-c", shown], capture_output=True, check=True)
    assert done.stdout.decode() == f"--tag={tag}"


def test_a_command_that_is_too_long_is_in_the_json() -> None:
    assert copied("promptvc " + "x" * 900, 500) == "(this command is in the JSON of the report)"
