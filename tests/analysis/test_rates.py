"""Rates, differences and tests: against published values, and the laws that they keep."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.patterns.versions import rank_p
from promptvc.analysis.rates import (
    adjusted,
    mean_difference,
    mean_of,
    percentile_of,
    share,
    share_difference,
    table_p,
)
from promptvc.base.stats import discoveries, fisher_exact
from promptvc.feedback.query.facts import MILLION, Tally


def tally(scores: list[float]) -> Tally:
    return Tally(
        n=len(scores),
        rated=len(scores),
        score=sum(round(one * MILLION) for one in scores),
        squares=sum(round(one * 1000) ** 2 for one in scores),
    )


def test_the_difference_of_shares_is_newcombes() -> None:
    """Newcombe (1998), table II, method 10: 56/70 against 48/80, and 10/10 against 0/20."""
    found = share_difference(56, 70, 48, 80)
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
    ends = share_difference(10, 10, 0, 20)
    assert (ends.value, round(ends.low, 4), ends.high) == (1.0, 0.6791, 1.0)


def test_the_rank_test_is_scipys() -> None:
    """scipy.stats.mannwhitneyu's own example, with method="asymptotic"; ties: by the formula with its correction."""
    assert rank_p([19, 22, 16, 29, 24], [20, 11, 17, 12]) == pytest.approx(0.11134688653314041)
    assert rank_p([1.0, 1.0], [1.0]) == rank_p([], [0.5]) == 1.0
    assert rank_p([0.0] * 30, [1.0] * 30) < 1e-12


def test_the_approximation_meets_fishers_test() -> None:
    """Where the counts grow too large for the exact test its p-value does not jump."""
    for hits, n, others, m in ((230, 500, 180, 500), (300, 1000, 260, 1000), (450, 900, 1400, 2400)):
        assert table_p(hits, n, others, m) == pytest.approx(
            fisher_exact(hits, n - hits, others, m - others), rel=0.05
        )
    assert table_p(50_000, 60_000, 1, 60_000) > 0


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.5))
@settings(max_examples=60)
def test_an_adjusted_level_says_what_a_discovery_says(p_values: list[float], q: float) -> None:
    levels = adjusted(p_values)
    for p, level, stands in zip(p_values, levels, discoveries(p_values, q), strict=True):
        assert p <= level <= 1
        # Only where the two products differ in their last bit can the answers differ.
        assert (level <= q) == stands or level == pytest.approx(q)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=60)
def test_intervals_hold_their_values(one: list[float], other: list[float]) -> None:
    found = mean_of(tally(one))
    assert found is not None
    assert 0 <= found.low <= found.value + 1e-6
    assert found.value - 1e-6 <= found.high <= 1
    between = mean_difference(tally(one), tally(other))
    back = mean_difference(tally(other), tally(one))
    assert between is not None
    assert back is not None
    assert between.low <= between.value <= between.high
    assert (between.low, between.high) == (-back.high, -back.low)


def test_equal_scores_leave_something_open() -> None:
    found = mean_of(tally([1.0] * 5))
    assert found is not None
    assert found.low < 0.8
    assert (share(0, 0), mean_of(Tally()), mean_difference(Tally(), tally([1.0]))) == (None, None, None)


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile_of({10.0: 1, 20.0: 1, 30.0: 2}, 50) == 20.0
    assert percentile_of({10.0: 1, 20.0: 1, 30.0: 2}, 95) == 30.0
    assert percentile_of({}, 50) is None
