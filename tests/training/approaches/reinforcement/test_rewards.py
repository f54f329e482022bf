"""What outputs were worth: laws of shrinkage and of raters' habits, and what each kind of event says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.config import FeedbackSettings
from promptvc.training.approaches.reinforcement.rewards import (
    CONSTANT,
    SUCCESS,
    answered,
    rewarded,
    shrunk,
    without_habits,
)
from promptvc.training.scoring import Scored
from tests.training.approaches.reinforcement.samples import rated, signal, task_of
from tests.training.makers import an_id

SHARES = st.floats(0, 1).map(lambda value: round(value, 3))
RATINGS = st.lists(st.tuples(st.sampled_from("abcd"), SHARES), max_size=30)


@given(RATINGS, SHARES, st.integers(CONSTANT, 30))
def test_a_rater_who_always_says_the_same_moves_nothing(
    ratings: list[tuple[str, float]], number: float, times: int
) -> None:
    found = without_habits([*ratings, *[("constant", number)] * times])
    assert found[: len(ratings)] == without_habits(ratings)
    assert found[len(ratings) :] == [None] * times


@given(RATINGS, st.randoms(use_true_random=False))
def test_the_order_of_ratings_does_not_matter(ratings: list[tuple[str, float]], draw: random.Random) -> None:
    order = list(range(len(ratings)))
    draw.shuffle(order)
    found = without_habits(ratings)
    assert without_habits([ratings[at] for at in order]) == [found[at] for at in order]


@given(SHARES, SHARES, st.integers(1, 50))
def test_more_counts_move_further_from_the_prior(value: float, prior: float, count: int) -> None:
    some, more = shrunk([value] * count, prior), shrunk([value] * (count + 1), prior)
    assert min(value, prior) - 1e-12 <= some <= max(value, prior) + 1e-12
    assert abs(more - prior) >= abs(some - prior) - 1e-12
    if abs(value - prior) > 0.01:
        assert abs(more - prior) > abs(some - prior)
    assert shrunk([], prior) == pytest.approx(prior)


@given(st.lists(SHARES, max_size=20), SHARES)
def test_the_order_of_values_does_not_matter(values: list[float], prior: float) -> None:
    assert shrunk(values, prior) == shrunk(reversed(values), prior)


def test_a_strict_and_a_mild_rater_are_brought_nearer_the_more_they_rated() -> None:
    def apart(times: int) -> float:
        ratings = [("mild", 0.8), ("mild", 1.0)] * times + [("strict", 0.0), ("strict", 0.2)] * times
        found = [value for value in without_habits(ratings) if value is not None]
        mild, strict = found[: 2 * times], found[2 * times :]
        return sum(mild) / len(mild) - sum(strict) / len(strict)

    assert 0.8 > apart(1) > apart(5) > apart(50) > 0
    assert apart(50) < 0.1


def test_each_kind_of_event_says_what_it_says() -> None:
    found = rewarded([
        signal(1, "correction", output="bad", corrected="right"),
        signal(2, "error", output="broken", error="ValueError: x"),
        signal(3, "success", output="went well"),
        signal(4, "demonstration", output="shown"),
        signal(5, "rating", output="loved", score=1.0, thumbs=True),
        signal(6, "rating", output="so so", score=0.5),
        signal(7, "suggestion", words=("be short",)),
        signal(8, "rating", score=1.0),
        signal(9, "correction", output="same", corrected="same "),
    ])  # fmt: skip
    values = {reward.output: reward.value for reward in found.rewards}
    assert values["bad"] == values["broken"] == 0.0
    assert values["right"] == values["shown"] == values["same"] == 1.0
    assert values["went well"] == SUCCESS
    assert values["loved"] > 0.9 > values["so so"] > 0.4
    assert set(values) == {"bad", "right", "broken", "went well", "shown", "loved", "so so", "same"}
    assert {reward.output: reward.right for reward in found.rewards if reward.right} == {"bad": "right"}
    assert found.rewards[0].because == found.rewards[1].because == (an_id(1),)
    assert found.labelled == 6


def test_a_judges_scores_teach_nothing() -> None:
    people = [signal(number, output=f"o{number}", score=number % 2 * 1.0) for number in range(12)]
    judge = [
        signal(100 + number, output=f"j{number}", score=1.0 - number % 3 / 2, user="judge", judged=True)
        for number in range(30)
    ]
    assert rewarded([*people, *judge]) == rewarded(people)
    assert rewarded(judge).rewards == ()
    stated = rewarded([signal(1, "correction", output="bad", corrected="right", score=0.9, judged=True)])
    assert [(each.output, each.value) for each in stated.rewards] == [("bad", 0.0), ("right", 1.0)]


def test_good_and_bad_are_what_the_settings_say() -> None:
    signals = [signal(number, output=f"o{number}", score=number / 10) for number in range(11)]
    usual, strict = rewarded(signals), rewarded(signals, FeedbackSettings(positive=0.9, negative=0.1))
    assert [each.value for each in strict.rewards] == [each.value for each in usual.rewards]
    assert strict.labelled < usual.labelled
    task = task_of(rated(30, 1))
    (scored,) = answered(task, {0: Scored(0.8, ("a",))}, FeedbackSettings(positive=0.9))
    assert not scored.good
    assert answered(task, {0: Scored(0.8, ("a",))})[0].good


def test_ratings_that_tell_nothing_are_counted() -> None:
    found = rewarded([signal(number, output=f"o{number}", score=1.0, user="mild") for number in range(7)])
    assert (found.rewards, found.aside, found.labelled) == ((), 7, 0)
    assert found.mean == 0.5


def test_answers_are_worth_their_score_and_cite_what_says_so() -> None:
    task = task_of(rated(30, 1))
    found = answered(task, {1: Scored(0.0, ("b", "b")), 0: Scored(1.0, ("a",)), 2: Scored(None)})
    assert [(reward.output, reward.value) for reward in found] == [("a", 1.0), ("b", 0.0)]
    assert found[1].because == task.items[1].because
    assert (found[0].right, found[1].right) == (None, task.cases[1].output)
