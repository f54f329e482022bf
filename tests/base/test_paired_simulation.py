"""The promises of the paired test by simulation, with fixed seeds: false claims, and how often an interval is right."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from promptvc.base.paired import paired_test

Draw = Callable[[random.Random], float]


def trinomial(wins: float, losses: float) -> Draw:
    def draw(source: random.Random) -> float:
        at = source.random()
        return 1.0 if at < wins else -1.0 if at < wins + losses else 0.0

    return draw


def graded(source: random.Random) -> float:
    """A difference of two means of four assertions with the same chances: symmetric around 0."""
    return sum(source.choice((-0.25, 0.0, 0.0, 0.25)) for _ in range(4))


def at_most(rate: float, trials: int) -> float:
    """The rate, and three standard errors."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / trials)


@pytest.mark.parametrize(
    ("draw", "n", "alpha"),
    [
        (trinomial(0.15, 0.15), 40, 0.05),
        (trinomial(0.02, 0.02), 200, 0.05),
        (trinomial(0.25, 0.25), 120, 0.03),
        (graded, 60, 0.05),
    ],
)
def test_false_claims_stay_below_alpha_each_way(draw: Draw, n: int, alpha: float) -> None:
    source = random.Random(11)
    trials = 1200
    better = worse = 0
    for _ in range(trials):
        test = paired_test([draw(source) for _ in range(n)], alpha=alpha)
        better += test.low > 0
        worse += test.high < 0
    assert better / trials <= at_most(alpha, trials)
    assert worse / trials <= at_most(alpha, trials)
    assert better + worse > 0  # the test is not simply silent


def test_false_claims_of_drawn_p_values_stay_below_alpha() -> None:
    source = random.Random(12)
    trials = 150
    claims = sum(
        paired_test([source.uniform(-1, 1) for _ in range(150)], alpha=0.1).low > 0 for _ in range(trials)
    )
    assert 0 < claims / trials <= at_most(0.1, trials)


def test_clusters_that_move_together_need_to_be_named() -> None:
    """Ten cases of one user succeed or fail together: unclustered, the test is wrong far too often."""
    source = random.Random(13)
    trials = 400
    named = unnamed = 0
    for _ in range(trials):
        moves = [source.choice((-1.0, 0.0, 1.0)) for _ in range(20)]
        differences = [move for move in moves for _ in range(10)]
        clusters = [cluster for cluster in range(20) for _ in range(10)]
        named += paired_test(differences, clusters=clusters, alpha=0.05).low > 0
        unnamed += paired_test(differences, alpha=0.05).low > 0
    assert named / trials <= at_most(0.05, trials)
    assert unnamed / trials > 0.15


@pytest.mark.parametrize(
    ("wins", "losses", "n"),
    [(0.2, 0.1, 60), (0.3, 0.05, 200), (0.1, 0.02, 100), (0.05, 0.0, 100), (0.25, 0.25, 200), (0.6, 0.1, 40)],
)
@pytest.mark.parametrize("alpha", [0.05, 0.0304])
def test_each_bound_misses_the_truth_at_most_so_often(
    wins: float, losses: float, n: int, alpha: float
) -> None:
    source = random.Random(17)
    draw = trinomial(wins, losses)
    trials = 700
    above = below = 0
    for _ in range(trials):
        test = paired_test([draw(source) for _ in range(n)], alpha=alpha)
        above += test.low > wins - losses + 1e-12
        below += test.high < wins - losses - 1e-12
    assert above / trials <= at_most(1.15 * alpha, trials)
    assert below / trials <= at_most(1.15 * alpha, trials)


def test_intervals_of_graded_clusters_cover_too() -> None:
    source = random.Random(19)
    trials = 500
    missed = 0
    for _ in range(trials):
        differences: list[float] = []
        clusters: list[int] = []
        for cluster in range(40):
            shared = source.gauss(0.1, 0.2)
            for _ in range(source.randrange(1, 6)):
                differences.append(max(-1.0, min(1.0, shared + source.gauss(0, 0.1))))
                clusters.append(cluster)
        test = paired_test([round(value, 2) for value in differences], clusters=clusters, alpha=0.05)
        missed += not test.low <= 0.1 <= test.high
    assert missed / trials <= at_most(0.1, trials)
