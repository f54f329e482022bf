"""Which changes of a period are clear, with much history and with little."""

from __future__ import annotations

import random

from tests.analysis.reporting.world import DAYS, World


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
