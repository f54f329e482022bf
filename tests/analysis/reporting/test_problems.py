"""Problem areas: the planted ones are named, by the narrowest slice that explains them, and no others."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from benchmarks.traffic import Plan, Planted, counted, named
from promptvc.analysis.reporting.changes import Change
from promptvc.analysis.reporting.figures import Figure
from promptvc.analysis.reporting.grouping import find_causes
from promptvc.analysis.reporting.periods import last_complete
from promptvc.analysis.reporting.report import Report
from promptvc.analysis.reporting.targets import targets
from promptvc.analysis.reporting.year import read_year
from promptvc.base.feedback_settings import TargetSettings
from tests.analysis.reporting.conftest import PLANTED, SMALL, end_of


def test_the_three_planted_problems_are_named_and_nothing_else(troubled: Report) -> None:
    sentences = [one.told() for one in troubled.problems]
    assert len(sentences) == 3, sentences
    assert all(named(sentences, one) for one in PLANTED), sentences


def test_a_problem_says_what_since_when_and_for_whom(troubled: Report) -> None:
    fall = next(one for one in troubled.problems if one.sign.measure == "success")
    assert fall.prompts == ("team0/task00",)
    assert fall.values == ("eu",)
    assert abs((fall.since - (SMALL.start + timedelta(days=197))).days) <= 3
    assert fall.until is None
    before, now = fall.sign.before.value, fall.sign.now.value
    assert before is not None
    assert now is not None
    assert 0.2 < before - now < 0.4
    assert "only with tag `eu`" in fall.told()
    assert [one.version for one in fall.deployments] == [2]


def test_what_is_over_is_told_as_over_and_asks_for_nothing(troubled: Report) -> None:
    place, errors = next((at, one) for at, one in enumerate(troubled.problems) if "error" in one.sign.measure)
    assert errors.until is not None
    assert abs((errors.until - (SMALL.start + timedelta(days=320))).days) <= 7
    assert "Timeout" in errors.told()
    assert place == 2
    assert not [one for one in troubled.actions if one.problem == place]


def test_each_action_has_one_reason_a_figure_and_a_command(troubled: Report) -> None:
    assert 0 < len(troubled.actions) <= 10
    for one in troubled.actions:
        assert sum(reason is not None for reason in (one.problem, one.decline, one.target)) == 1
        assert one.command.startswith("promptvc ")
        assert "--help" not in one.command
        assert re.search(r"[0-9]", one.why), one
    first = [one.command.split()[1] for one in troubled.actions if one.problem == 0]
    assert first in (["rollback", "feedback"], ["feedback", "analyze"])
    assert max(Counter(one.problem for one in troubled.actions if one.problem is not None).values()) == 2


def test_a_quiet_year_has_no_problem(quiet: Report) -> None:
    assert quiet.problems == ()
    assert not [one for one in quiet.actions if one.problem is not None]


def test_a_model_that_fails_everywhere_is_one_problem() -> None:
    planted = tuple(
        Planted("success", f"team{at}/task0{at}", 220, 0.3, model="openai:small") for at in range(3)
    )
    plan = Plan(prompts=4, calls=60_000, rated=0.5, between=0.01, planted=planted)
    year = read_year(counted(plan), last_complete("weekly", end_of(plan)))
    (cause,) = find_causes(year)
    assert cause.first.series.slice[1:] == ("model", "openai:small")
    assert {one.series.slice.prompt for one in cause.named} == {one.prompt for one in planted}


def test_targets_without_figures_are_unknown() -> None:
    found = targets(TargetSettings(), {})
    assert [one.state for one in found] == ["unknown"] * 5


def test_a_target_of_direction_is_missed_by_a_clear_change_only() -> None:
    fell = Change(None, "satisfaction", Figure(4.2, {}), Figure(3.8, {}), p=0.2, clear=False)
    wanted = TargetSettings(quality="rising", corrections="any")
    states = [
        next(one.state for one in targets(wanted, {"satisfaction": change}) if one.name == "quality")
        for change in (fell, replace(fell, clear=True))
    ]
    assert states == ["met", "not met"]
