"""Means, percentiles, a proportion's interval, the spending of alpha; held against NumPy's and SciPy's values."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.stats import (
    alpha_at,
    discoveries,
    fisher_exact,
    mean,
    mean_interval,
    percentile,
    wilson,
)

VALUES = [3.0, 1.5, 9.25, 4.0, 4.0, 7.5, -2.0]


@pytest.mark.parametrize(
    ("q", "expected"),  # numpy.percentile 2.4
    [(0, -2.0), (5, -0.95), (37.5, 3.25), (50, 4.0), (95, 8.725), (100, 9.25)],
)
def test_percentiles_are_numpys(q: float, expected: float) -> None:
    found = percentile(VALUES, q)
    assert found == pytest.approx(expected)


def test_a_percentile_of_nothing_is_nothing_and_of_one_value_is_it() -> None:
    assert percentile([], 50) is None
    assert percentile([7.0], 95) == 7.0
    with pytest.raises(ValueError, match=r"0\.\.100"):
        percentile([1.0], 101)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_lies_among_the_values(values: list[float], q: float) -> None:
    found = percentile(values, q)
    assert found is not None
    assert min(values) - 1e-6 <= found <= max(values) + 1e-6


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1)))
def test_a_mean_does_not_depend_on_the_order(values: list[float]) -> None:
    turned = list(reversed(values))
    assert mean(values) == mean(turned)


def test_all_looks_together_spend_five_percent() -> None:
    spent = math.fsum(alpha_at(look) for look in range(1, 200_001))
    assert spent < 0.05
    assert spent == pytest.approx(0.05, abs=1e-6)
    assert alpha_at(1) == pytest.approx(0.0303963551)
    assert all(later < earlier for earlier, later in pairwise(alpha_at(look) for look in range(1, 50)))
    with pytest.raises(ValueError, match="look 0"):
        alpha_at(0)


@pytest.mark.parametrize(
    (
        "successes",
        "n",
        "confidence",
        "low",
        "high",
    ),  # scipy.stats.binomtest(...).proportion_ci(..., "wilson") 1.17
    [
        (0, 10, 0.95, 0.0, 0.27753279986288926),
        (10, 10, 0.95, 0.7224672001371109, 1.0),
        (3, 17, 0.9, 0.07281446654706444, 0.3689669780690258),
        (950, 1000, 0.99, 0.9290930273094663, 0.9649749242774676),
        (1, 1, 0.95, 0.20654931437723745, 1.0),
    ],
)
def test_a_proportions_interval_is_scipys(
    successes: int, n: int, confidence: float, low: float, high: float
) -> None:
    assert wilson(successes, n, confidence) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(successes, n)


shares = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 30))
def test_the_interval_of_zeros_and_ones_is_wilsons(ones: int, zeros: int) -> None:
    if ones + zeros:
        found = mean_interval([1.0] * ones + [0.0] * zeros)
        assert found == pytest.approx(wilson(ones, ones + zeros))


@settings(deadline=None)
@given(shares)
def test_an_interval_lies_around_its_mean_and_is_mirrored(values: list[float]) -> None:
    low, high = mean_interval(values)
    centre = math.fsum(values) / len(values)
    assert 0 <= low <= centre + 1e-9
    assert centre - 1e-9 <= high <= 1
    assert high - low > 0
    mirrored = mean_interval([1 - value for value in values])
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-6)


@settings(deadline=None)
@given(shares, st.integers(2, 5))
def test_copies_in_one_cluster_say_no_more_than_one_of_them(values: list[float], copies: int) -> None:
    once = mean_interval(values)
    many = mean_interval(
        [value for value in values for _ in range(copies)],
        [position for position in range(len(values)) for _ in range(copies)],
    )
    assert many == pytest.approx(once, abs=1e-9)


@pytest.mark.parametrize("values", [[], [1.5], [math.nan]])
def test_what_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match="interval"):
        mean_interval(values)


@pytest.mark.parametrize(
    ("table", "expected"),  # as in the documentation of scipy.stats.fisher_exact and R's fisher.test
    [
        ((3, 1, 1, 3), 0.48571428571428565),  # the lady and her tea
        ((8, 2, 1, 5), 0.03496503496503495),
        ((1, 9, 11, 3), 0.0027594561852200836),
        ((0, 0, 4, 6), 1.0),
    ],
)
def test_fishers_test_gives_scipys_values(table: tuple[int, int, int, int], expected: float) -> None:
    assert fisher_exact(*table) == pytest.approx(expected, rel=1e-9)


COUNTS = st.integers(0, 30)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_fishers_test_counts_the_tables_that_are_no_likelier(a: int, b: int, c: int, d: int) -> None:
    row, column, n = a + b, a + c, a + b + c + d
    tables = {
        at: math.comb(row, at) * math.comb(n - row, column - at)
        for at in range(max(0, row + column - n), min(row, column) + 1)
    }
    exact = sum(count for count in tables.values() if count <= tables[a]) / math.comb(n, column)
    assert fisher_exact(a, b, c, d) == pytest.approx(exact, rel=1e-6)
    assert fisher_exact(a, b, c, d) == pytest.approx(fisher_exact(d, c, b, a), rel=1e-9)
    assert fisher_exact(a, b, c, d) == pytest.approx(fisher_exact(a, c, b, d), rel=1e-9)


def test_fishers_test_of_a_huge_table_is_small_and_never_zero() -> None:
    assert 0 < fisher_exact(50_000, 0, 0, 50_000) < 1e-300
    assert fisher_exact(25_000, 25_000, 25_000, 25_000) == 1.0
    with pytest.raises(ValueError, match="negative"):
        fisher_exact(1, -1, 2, 3)


def test_discoveries_are_those_of_benjamini_and_hochbergs_own_example() -> None:
    # Their table of thrombolysis, 15 comparisons: four stand at 0.05.
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p_values += [0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert discoveries(p_values, 0.05) == (True,) * 4 + (False,) * 11
    assert discoveries([], 0.1) == ()
    with pytest.raises(ValueError, match=r"0\.\.1"):
        discoveries([0.5], 1.5)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0, 1))
def test_discoveries_are_between_bonferroni_and_no_correction(p_values: list[float], q: float) -> None:
    found = discoveries(p_values, q)
    assert all(stands for p, stands in zip(p_values, found, strict=True) if p * len(p_values) < q)
    assert all(p <= q for p, stands in zip(p_values, found, strict=True) if stands)
