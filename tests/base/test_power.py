"""Power: the exact test's, by its own simulation and by known figures."""

from __future__ import annotations

import random

import pytest

from promptvc.base.paired import paired_test
from promptvc.base.power import cases_needed, detectable, power
from promptvc.base.stats import alpha_at


@pytest.mark.parametrize(("n", "expected"), [(50, 0.278), (100, 0.515), (200, 0.803)])
def test_ten_points_at_thirty_percent_discordance(n: int, expected: float) -> None:
    assert power(n, 0.1, 0.3, 0.05) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("n", "effect", "discordance", "alpha", "expected"),
    # the sum over k of binom.pmf(k, n, discordance) * binom.sf(least - 1, k, (discordance + effect) / 2 / discordance),
    # `least` the fewest x with binom.sf(x - 1, k, 0.5) <= alpha; scipy.stats 1.17
    [
        (80, 0.15, 0.35, 0.05, 0.6924301683699295),
        (200, 0.1, 0.3, 0.0304, 0.7320561831539869),
        (40, 0.2, 0.2, 0.05, 0.9240855045501053),
    ],
)
def test_power_is_scipys_sum(
    n: int, effect: float, discordance: float, alpha: float, expected: float
) -> None:
    assert power(n, effect, discordance, alpha) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("look", "expected"), [(1, 0.73), (2, 0.52), (5, 0.29), (10, 0.165), (50, 0.04)])
def test_looks_cost_power(look: int, expected: float) -> None:
    assert power(200, 0.1, 0.3, alpha_at(look)) == pytest.approx(expected, abs=0.005)


def test_power_is_what_the_test_does() -> None:
    source = random.Random(7)
    found = 0
    for _ in range(600):
        draws = [source.random() for _ in range(80)]
        differences = [1.0 if draw < 0.25 else -1.0 if draw < 0.35 else 0.0 for draw in draws]
        found += paired_test(differences, alpha=0.05).low > 0
    expected = power(80, 0.15, 0.35, 0.05)
    assert found / 600 == pytest.approx(expected, abs=3.5 * (expected * (1 - expected) / 600) ** 0.5)


def test_exact_and_approximate_power_meet() -> None:
    assert power(1000, 0.04, 0.3, 0.05) == pytest.approx(power(1001, 0.04, 0.3, 0.05), abs=0.02)


def test_no_cases_no_power_and_no_effect_no_more_than_alpha() -> None:
    assert power(0, 0.1, 0.3) == 0.0
    assert power(100, 0.0, 0.0) == 0.0
    assert power(100, 0.0, 0.3, 0.05) <= 0.05
    with pytest.raises(ValueError, match="no power"):
        power(10, 0.5, 0.3)


def test_the_cases_needed_find_the_difference() -> None:
    """Wins 20 %, losses 10 %: mean 0.1, variance 0.3 - 0.01."""
    n = cases_needed(0.1, 0.29**0.5, 0.05, 0.05)
    assert n is not None
    assert power(n, 0.1, 0.3, 0.05) == pytest.approx(0.8, abs=0.06)
    assert detectable(n, 0.29**0.5, 0.05) == pytest.approx(0.1, abs=0.001)


def test_equivalence_takes_cases_even_when_nothing_differs() -> None:
    n = cases_needed(0.0, 0.0, 0.05, 0.05)
    assert n is not None
    shown = paired_test([0.0] * n, alpha=0.05)
    assert shown.high < 0.05
    assert paired_test([0.0] * (n // 3), alpha=0.05).high > 0.05


@pytest.mark.parametrize("alpha", [0.05, alpha_at(1), alpha_at(3)])
@pytest.mark.parametrize("discordance", [0.0, 0.05, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("n", [30, 50, 100, 200, 500])
def test_a_detectable_difference_is_found_four_times_in_five(
    n: int, discordance: float, alpha: float
) -> None:
    """By the exact power: never below what is stated, and not far above where the sample is no small one."""
    least = detectable(n, discordance**0.5, alpha, unit=1.0)
    found = power(n, least, max(discordance, least), alpha)
    assert found >= 0.8
    if n * discordance >= 50:
        assert found <= 0.9
    less = power(n, 0.6 * least, max(discordance, 0.6 * least), alpha)
    assert less < found


def test_the_least_that_can_be_found_when_no_difference_was_seen() -> None:
    """Five wins and no loss are the fewest that the test accepts: what is found brings them with a good chance."""
    for n in (30, 100, 400):
        least = detectable(n, 0.0, 0.05, unit=1.0)
        assert power(n, least, least, 0.05) == pytest.approx(0.9, abs=0.01)
    assert detectable(4, 0.3, 0.05) == float("inf")
    assert detectable(5, 0.3, 0.05) < float("inf")
    assert cases_needed(0.5, 0.0, 0.05, 0.05) == 5


@pytest.mark.parametrize("alpha", [0.05, 0.0076])
@pytest.mark.parametrize(("wins", "losses"), [(0.2, 0.1), (0.1, 0.02), (0.4, 0.2), (0.3, 0.0)])
def test_the_cases_needed_have_the_stated_power(wins: float, losses: float, alpha: float) -> None:
    effect, discordance = wins - losses, wins + losses
    spread = (discordance - effect * effect) ** 0.5
    n = cases_needed(effect, spread, 0.0, alpha, unit=1.0)
    assert n is not None
    assert 0.78 <= power(n, effect, discordance, alpha) <= (0.9 if losses else 0.95)


def test_no_number_of_cases_decides_what_has_no_difference_and_no_margin() -> None:
    assert cases_needed(0.0, 0.5, 0.0) is None
    assert detectable(0, 0.5) == float("inf")
