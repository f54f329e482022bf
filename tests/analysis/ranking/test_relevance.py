from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.ranking.relevance import Relevance, Success
from promptvc.base.feedback_settings import LearningSettings
from promptvc.base.stats import wilson
from promptvc.feedback.query.facts import Cell
from tests.analysis.ranking.worlds import START, cell

PLAIN = LearningSettings(decay_rate=0.0, min_samples=1)
DAY = START + timedelta(100)


def rates(*cells: Cell, learning: LearningSettings = PLAIN, day: date = DAY) -> Relevance:
    return Relevance(cells, day, learning)


def test_the_levels_are_what_the_docstring_says() -> None:
    found = rates(
        cell(START, "a", 45, 50, version=1), cell(START, "a", 4, 10, version=2), cell(START, "b", 3, 6)
    )
    prior = (52 + 1) / (66 + 2)
    assert found.all().mean == pytest.approx(prior)
    assert found.prompt("a").mean == pytest.approx((10 * prior + 49) / 70)
    assert found.prompt("a").prior == pytest.approx(prior)
    weight = 1 / (1 / 20 + 1 / (10 + 50))
    above = (10 * prior + 45) / 60
    second = found.version("a", 2)
    assert second.weight == pytest.approx(weight)
    assert second.mean == pytest.approx((weight * above + 4) / (weight + 10))
    assert (second.low, second.high) == wilson(weight * above + 4, weight + 10, 0.8)
    assert (second.rated, second.positive, second.plain) == (10, 4, 0.4)


def test_a_new_version_starts_from_its_prompt_with_less_weight() -> None:
    found = rates(cell(START, "a", 90, 100, version=1), cell(START, "b", 40, 100))
    new, whole, unknown = found.version("a", 2), found.prompt("a"), found.prompt("c")
    assert new.mean == pytest.approx(whole.mean)
    assert new.weight < whole.rated
    assert new.low < whole.low
    assert new.plain is None
    assert unknown.mean == found.all().mean
    assert unknown.weight < new.weight  # nothing is known of it, not even its prompt


def test_a_versions_own_ratings_count_once() -> None:
    """With one version only, the version's estimate starts from all prompts, not from itself."""
    found = rates(cell(START, "a", 50, 50, version=1), cell(START, "b", 0, 50))
    assert found.version("a", 1).prior == found.all().mean


def test_ratings_fade_by_day() -> None:
    fading = replace(PLAIN, decay_rate=0.1)
    cells = (cell(DAY - timedelta(10), "a", 10, 10), cell(DAY, "a", 0, 10))
    found = rates(*cells, learning=fading)
    good = 10 * 0.9**10
    prior = (1 + good) / (2 + 10 + good)
    assert found.prompt("a").mean == pytest.approx((10 * prior + good) / (10 + 10 + good))
    assert found.prompt("a").rated == 20
    still = rates(*cells, learning=fading, day=DAY - timedelta(1))
    assert still.prompt("a").rated == 10  # what comes later is not known yet


def test_a_judge_is_no_user() -> None:
    found = rates(cell(START, "a", 1, 2), cell(START, "a", 50, 50, source="llm_judge"))
    assert found.rated == found.prompt("a").rated == 2


@pytest.mark.parametrize(
    ("learning", "reason"),
    [
        (replace(PLAIN, min_samples=11), "10 of 11 rated events (learning.min_samples)"),
        (replace(PLAIN, enabled=False, decay_rate=0.5), "learning is off"),
    ],
)
def test_without_learning_rates_are_plain(learning: LearningSettings, reason: str) -> None:
    found = rates(cell(START, "a", 3, 8), cell(START, "b", 2, 2), learning=learning)
    assert (found.adapted, found.reason) == (False, reason)
    low, high = wilson(3, 8, 0.8)
    assert found.version("a", 1) == Success(0.375, low, high, 8, 3, 0.5, 0.0)
    assert rates(
        cell(START, "a", 3, 8), cell(START, "b", 2, 2), learning=replace(PLAIN, min_samples=10)
    ).adapted


def test_no_ratings_at_all() -> None:
    found = rates()
    assert found.all().mean == 0.5
    assert found.version("a", 1).low < 0.5 < found.version("a", 1).high


@pytest.mark.parametrize(("truth", "low", "high"), [(4.0, 2.0, 8.0), (40.0, 20.0, 100.0)])
def test_the_concentration_comes_from_the_spread(truth: float, low: float, high: float) -> None:
    chance = random.Random(3)
    cells = []
    for number in range(300):
        rate = chance.betavariate(0.6 * truth, 0.4 * truth)
        cells.append(cell(START, f"p{number}", sum(chance.random() < rate for _ in range(40)), 40))
    assert low <= rates(*cells).between_prompts <= high


def test_few_groups_have_the_usual_concentration() -> None:
    cells = [cell(START, f"p{good}", good, 10) for good in (2, 4, 5, 6, 8)]
    assert rates(*cells[:4]).between_prompts == 10
    assert rates(*cells).between_prompts == pytest.approx(8)
    assert rates(*(cell(START, f"p{number}", 5, 10) for number in range(9))).between_prompts == 100


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(1, 4), st.integers(0, 9)), max_size=12
    )
)
@settings(max_examples=60)
def test_laws(rows: list[tuple[int, int, int, int]]) -> None:
    cells = [
        cell(START + timedelta(day), f"p{name}", good, 9, version=version)
        for day, name, version, good in rows
    ]
    found, turned = (
        rates(*order, learning=replace(PLAIN, decay_rate=0.01)) for order in (cells, cells[::-1])
    )
    for name in ("p0", "p1", "p2", "p9"):
        for version in (1, 2, 3, 4, None):
            one = found.version(name, version)
            assert 0 <= one.low <= one.mean <= one.high <= 1
            assert one == turned.version(name, version)
    better = rates(*cells, cell(START, "p0", 9, 9), learning=replace(PLAIN, decay_rate=0.01))
    worse = rates(*cells, cell(START, "p0", 0, 9), learning=replace(PLAIN, decay_rate=0.01))
    assert better.version("p0", 1).mean > worse.version("p0", 1).mean
