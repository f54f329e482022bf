"""Means, percentiles, a proportion's interval, the spending of alpha; held against NumPy's and SciPy's values."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.stats import alpha_at, mean, percentile

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
