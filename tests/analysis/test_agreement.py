"""Coefficients of agreement, held against scikit-learn 1.9.1 and SciPy 1.17.1, whose values are frozen here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.analysis.agreement import Confusion, mean_difference, spearman

# (tp, fp, fn, tn), sklearn.metrics.cohen_kappa_score(people, judge), matthews_corrcoef(people, judge), with
# people = [1] * tp + [0] * fp + [1] * fn + [0] * tn and judge = [1] * tp + [1] * fp + [0] * fn + [0] * tn.
COEFFICIENTS = [
    ((20, 5, 10, 15), 0.4, 0.4082482904638631),
    ((45, 15, 25, 15), 0.13043478260869568, 0.1336306209562122),
    ((90, 3, 2, 5), 0.6397694524495677, 0.6414363515326532),
    ((1, 9, 8, 2), -0.7, -0.7035264706814485),
    ((10, 0, 0, 10), 1.0, 1.0),
    ((3, 0, 5, 2), 0.19354838709677413, 0.3273268353539886),
]

# scipy.stats.spearmanr(left, right).statistic
RANKS = [
    ([0.1, 0.5, 0.5, 0.9, 1.0], [0.2, 0.4, 0.7, 0.7, 0.95], 0.9210526315789475),
    ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
    ([0, 0.25, 0.25, 0.5, 0.75, 1, 1], [0.9, 0.1, 0.4, 0.4, 0.2, 1, 0.6], 0.2660662432388705),
]

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize(("counts", "kappa", "mcc"), COEFFICIENTS)
def test_kappa_and_mcc_are_scikit_learn_s(
    counts: tuple[int, int, int, int], kappa: float, mcc: float
) -> None:
    confusion = Confusion(*counts)
    assert confusion.kappa == pytest.approx(kappa, abs=1e-12)
    assert confusion.mcc == pytest.approx(mcc, abs=1e-12)


@pytest.mark.parametrize(("left", "right", "statistic"), RANKS)
def test_the_rank_correlation_is_scipy_s(left: list[float], right: list[float], statistic: float) -> None:
    assert spearman(left, right) == pytest.approx(statistic, abs=1e-12)


@pytest.mark.parametrize("counts", [(5, 0, 3, 0), (0, 4, 0, 2), (4, 3, 0, 0), (0, 0, 2, 9), (7, 0, 0, 0)])
def test_where_one_side_always_says_the_same_nothing_is_known(counts: tuple[int, int, int, int]) -> None:
    confusion = Confusion(*counts)
    assert (confusion.kappa, confusion.mcc) == (None, None)


def test_constant_scores_have_no_ranks_to_compare() -> None:
    assert spearman([0.5, 0.5, 0.5], [0.1, 0.2, 0.3]) is None
    assert spearman([0.5], [0.4]) is None
    assert spearman([], []) is None
    assert mean_difference([], []) is None
    assert mean_difference([0.5, 1.0], [0.25, 1.0]) == 0.125


def test_lists_of_different_lengths_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        spearman([1.0], [1.0, 2.0])


@given(PAIRS)
def test_laws_of_agreement(pairs: list[tuple[bool, bool]]) -> None:
    confusion = Confusion.of(pairs)
    assert confusion.n == len(pairs)
    assert confusion.agreeing == sum(people == judge for people, judge in pairs)
    exchanged = Confusion.of((judge, people) for people, judge in pairs)
    opposite = Confusion.of((people, not judge) for people, judge in pairs)
    if confusion.kappa is None or confusion.mcc is None:
        assert len({people for people, _ in pairs}) == 1 or len({judge for _, judge in pairs}) == 1
        return
    assert -1 <= confusion.kappa <= 1
    assert -1 - 1e-12 <= confusion.mcc <= 1 + 1e-12
    # McNemar's pair of marginals bounds kappa: it is never further from 0 than MCC.
    assert abs(confusion.kappa) <= abs(confusion.mcc) + 1e-12
    assert exchanged.kappa == pytest.approx(confusion.kappa)
    assert exchanged.mcc == pytest.approx(confusion.mcc)
    assert opposite.mcc == pytest.approx(-confusion.mcc)


@given(st.lists(st.tuples(st.sampled_from([0, 0.25, 0.5, 0.75, 1]), st.floats(0, 1)), max_size=20))
def test_only_the_order_of_scores_counts(pairs: list[tuple[float, float]]) -> None:
    left, right = [one for one, _ in pairs], [one for _, one in pairs]
    found = spearman(left, right)
    assert spearman([one**3 for one in left], right) == found
    assert spearman(left[::-1], right[::-1]) == found
    assert found is None or -1 - 1e-12 <= found <= 1 + 1e-12
