"""The learned ranker: LightGBM's trees as numbers of our own, and the backtest that decides over them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from promptvc.analysis.ranking.backtest import Against, Backtest, backtest, ndcg, split
from promptvc.analysis.ranking.features import FEATURES, POSITION, Group, groups_of
from promptvc.analysis.ranking.forest import Forest, Tree, read_forest
from promptvc.analysis.ranking.learned import PARAMETERS, ROUNDS, learn
from promptvc.base.feedback_settings import LearningSettings
from tests.analysis.ranking.worlds import Taste, World, by_fit, by_success

STUMP = Tree((0, -1, -1), (0.5, 1.0, 2.0), (1, 0, 0), (2, 0, 0))


def groups(taste: Taste, choices: int, seed: int = 1) -> list[Group]:
    world = World(taste, choices=choices, seed=seed)
    return groups_of(world.cells, world.choices, world.similar, LearningSettings())


@pytest.fixture(scope="module")
def fitted() -> list[Group]:
    return groups(by_fit, 400)


def test_where_people_choose_by_fit_the_learned_ranker_wins(fitted: list[Group]) -> None:
    result = backtest(fitted, learn)
    assert result.won
    assert (result.trained, result.tested, result.sessions) == (280, 120, 60)
    assert {one.other for one in result.against} == {"success", "similarity x success"}
    assert all(one.difference > 0.1 and one.low > 0 for one in result.against)
    assert result.reason.startswith("it is better on 120 later choices: NDCG@5 0.")
    assert backtest(fitted[::-1], learn) == result


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_people_choose_by_success_it_is_not_used(seed: int) -> None:
    result = backtest(groups(by_success, 400, seed), learn)
    assert not result.won
    (success,) = (one for one in result.against if one.other == "success")
    assert not success.won
    assert result.reason.startswith("it is not shown to be better on 120 later choices: NDCG@5")
    assert "of success, p = " in result.reason


def test_where_people_choose_by_chance_it_is_not_used() -> None:
    assert not backtest(groups(lambda success, similarity: 0 * success * similarity, 400), learn).won


def test_what_only_the_position_explains_does_not_win() -> None:
    """The position is learned from, so that it explains what it explains, and is not told afterwards."""
    placed = [replace(one, taken=0) for one in groups(by_success, 300)]
    result = backtest(placed, learn)
    forest = learn(placed)
    assert forest.uses(len(FEATURES))[POSITION] > 0
    assert not result.won


def test_our_trees_answer_as_the_library_does(fitted: list[Group]) -> None:
    import lightgbm

    forest = learn(fitted)
    rows = np.array([row for one in fitted for row in one.rows])
    labels = np.array([float(at == one.taken) for one in fitted for at in range(len(one.rows))])
    data = lightgbm.Dataset(rows, labels, group=[len(one.rows) for one in fitted], params=PARAMETERS)
    theirs = lightgbm.train(PARAMETERS, data, num_boost_round=ROUNDS).predict(rows, num_threads=1)
    assert [forest.score(row) for row in rows.tolist()] == pytest.approx(list(theirs), abs=1e-9)
    assert len(set(np.round(theirs, 6))) > 100
    assert read_forest(json.loads(json.dumps(forest.to_json())), len(FEATURES)) == forest
    assert learn(fitted) == forest


def test_a_tree_goes_left_up_to_its_value() -> None:
    assert [STUMP.score([value]) for value in (0.0, 0.5, 0.50001)] == [1.0, 1.0, 2.0]
    assert Forest((STUMP, STUMP)).score([9.0]) == 4.0
    assert Forest((STUMP,)).uses(2) == (1, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"left": [0, 0, 0]},  # a walk that never ends
        {"left": [1, 0]},
        {"right": [3, 0, 0]},
        {"features": [2, -1, -1]},
        {"features": [-2, -1, -1]},
        {"features": [0.0, -1, -1]},
        {"values": [math.nan, 1.0, 2.0]},
        {"values": ["0.5", 1.0, 2.0]},
        {"values": None},
        {"features": [], "values": [], "left": [], "right": []},
    ],
)
def test_another_tree_is_refused(change: dict[str, object]) -> None:
    (good,) = Forest((STUMP,)).to_json()
    assert read_forest([good], 1) == Forest((STUMP,))
    with pytest.raises(ValueError, match="no tree"):
        read_forest([good | change], 1)


def test_another_forest_is_refused() -> None:
    others: tuple[object, ...] = ({}, None, [3], [[]] * 2000)
    for given in others:
        with pytest.raises(ValueError, match=r"no (forest|tree)"):
            read_forest(given, 1)


@pytest.mark.parametrize(
    ("scores", "taken", "gain"),
    [
        ([3, 2, 1], 0, 1.0),
        ([3, 2, 1], 2, 1 / 2),
        ([6, 5, 4, 3, 2, 1], 5, 0.0),
        ([1, 1], 0, (1 + 1 / math.log2(3)) / 2),
        ([1] * 10, 3, sum(1 / math.log2(1 + rank) for rank in range(1, 6)) / 10),
    ],
)
def test_ndcg(scores: list[float], taken: int, gain: float) -> None:
    assert ndcg(scores, taken) == pytest.approx(gain)


def test_no_session_is_on_both_sides(fitted: list[Group]) -> None:
    later = fitted[-1].time + timedelta(1)
    older, newer = split([*fitted, replace(fitted[0], time=later)])
    assert {one.key for one in older}.isdisjoint(one.key for one in newer)
    assert max(one.time for one in older) <= min(one.time for one in newer)
    assert len(older) + len(newer) == len(fitted)  # the one that came back is in neither
    together = [replace(one, key="s") for one in fitted]
    with pytest.raises(ValueError, match="no choices"):
        backtest(together, learn)


def test_the_ranker_of_the_backtest_never_saw_the_newer_choices(fitted: list[Group]) -> None:
    seen: list[Group] = []

    def watching(given: Sequence[Group]) -> Forest:
        seen.extend(given)
        return Forest(())

    result = backtest(fitted, watching)
    assert max(one.time for one in seen) < sorted(one.time for one in fitted)[-result.tested]
    assert not result.won


def test_both_comparisons_must_hold_by_enough() -> None:
    won = Against("success", 0.7, 0.05, 0.01, 0.09, 0.001)
    for other in (replace(won, p=0.02), replace(won, difference=0.009)):
        result = Backtest(70, 30, 30, 0.75, (won, replace(other, other="similarity x success")))
        assert won.won
        assert not result.won
        assert "of similarity x success" in result.reason
    assert "by less than 0.01" in result.reason
