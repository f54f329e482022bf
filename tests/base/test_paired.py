"""The paired test: against SciPy and against brute force, and the laws that it owes its readers."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.flips import flip_test
from promptvc.base.paired import PairedTest, paired_test

ALPHA = 0.05

quarters = st.sampled_from([-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0])
binary = st.sampled_from([-1.0, 0.0, 0.0, 1.0])
any_score = st.floats(-1, 1, allow_nan=False)
samples = st.one_of(
    st.lists(binary, min_size=1, max_size=60),
    st.lists(quarters, min_size=1, max_size=40),
    st.lists(any_score, min_size=1, max_size=20),
)
alphas = st.sampled_from([0.05, 0.03, 0.0076, 0.0003, 0.2])


def brute_force(sums: Sequence[float]) -> tuple[float, float]:
    """All sign patterns, one by one."""
    observed = math.fsum(sums)
    totals = [
        math.fsum(sign * value for sign, value in zip(signs, sums, strict=True))
        for signs in itertools.product((1, -1), repeat=len(sums))
    ]
    greater = sum(total >= observed - 1e-9 for total in totals) / len(totals)
    less = sum(total <= observed + 1e-9 for total in totals) / len(totals)
    return greater, less


@pytest.mark.parametrize(
    ("wins", "losses", "greater", "less"),  # scipy.stats.binomtest(wins, wins + losses) 1.17
    [
        (15, 5, 0.020694732666015625, 0.9940910339355469),
        (9, 2, 0.03271484375, 0.994140625),
        (60, 40, 0.028443966820490444, 0.9823998998911476),
        (3, 0, 0.125, 1.0),
        (5, 12, 0.9754791259765625, 0.0717315673828125),
        (130, 101, 0.03260168079309327, 0.9759184732796279),
    ],
)
@pytest.mark.parametrize("ties", [0, 80])
def test_wins_and_losses_are_mcnemars_exact_test(
    wins: int, losses: int, greater: float, less: float, ties: int
) -> None:
    test = paired_test([1.0] * wins + [-1.0] * losses + [0.0] * ties, alpha=ALPHA)
    assert (test.p_greater, test.p_less) == pytest.approx((greater, less), rel=1e-12)
    assert test.exact


@pytest.mark.parametrize(
    (
        "differences",
        "greater",
        "less",
    ),  # scipy.stats.permutation_test(permutation_type="samples") 1.17, exact
    [
        ([0.5, 0.25, -0.25, 1, 0, 0.75, 0.5, -0.5, 0.25, 0.25], 0.060546875, 0.97265625),
        (
            [1 / 3, 2 / 3, -1 / 3, 1, 0, 1 / 3, -2 / 3, 1 / 3, 1 / 3, 1, -1 / 3, 2 / 3],
            0.068359375,
            0.96826171875,
        ),
        (
            [0.31, -0.12, 0.07, 0.22, 0.18, -0.05, 0.4, 0.02, -0.21, 0.15, 0.11, -0.03],
            0.060546875,
            0.943603515625,
        ),
    ],
)
def test_graded_scores_are_scipys_exact_permutations(
    differences: list[float], greater: float, less: float
) -> None:
    test = paired_test(differences, alpha=ALPHA)
    assert (test.p_greater, test.p_less) == pytest.approx((greater, less), rel=1e-12)
    assert test.exact


def test_clusters_are_scipys_permutations_of_their_sums() -> None:
    """scipy.stats.permutation_test((sums,), sum, permutation_type="samples", n_resamples=inf) 1.17, of ten sums."""
    differences = [
        0.5,
        0.75,
        -0.75,
        0.75,
        0.0,
        0.25,
        0.5,
        -0.25,
        1.0,
        -0.75,
        -0.25,
        0.0,
        0.25,
        0.0,
        -0.5,
        -0.75,
    ]
    differences += [-0.75, -0.75]
    clusters = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9]
    together = paired_test(differences, clusters=clusters, alpha=ALPHA)
    assert (together.p_greater, together.p_less) == pytest.approx((0.646484375, 0.431640625), rel=1e-12)
    alone = paired_test(differences, alpha=ALPHA)
    assert (alone.p_greater, alone.p_less) == pytest.approx((0.656158447265625, 0.420745849609375), rel=1e-12)


@settings(deadline=None)
@given(st.lists(quarters, min_size=1, max_size=9))
def test_counting_is_brute_force(differences: list[float]) -> None:
    test = paired_test(differences, alpha=ALPHA)
    assert (test.p_greater, test.p_less) == pytest.approx(brute_force(differences))


@settings(deadline=None)
@given(st.lists(st.tuples(quarters, st.integers(0, 3)), min_size=1, max_size=12))
def test_a_cluster_flips_as_one(members: list[tuple[float, int]]) -> None:
    test = paired_test(
        [value for value, _ in members], clusters=[cluster for _, cluster in members], alpha=ALPHA
    )
    sums = [
        math.fsum(value for value, cluster in members if cluster == key)
        for key in {cluster for _, cluster in members}
    ]
    assert (test.p_greater, test.p_less) == pytest.approx(brute_force(sums))
    assert test.clusters == len(sums)
    assert test.n == len(members)


@settings(deadline=None, max_examples=60)
@given(samples, alphas)
def test_interval_and_test_never_contradict(differences: list[float], alpha: float) -> None:
    test = paired_test(differences, alpha=alpha)
    assert (test.low > 0) == (test.p_greater <= alpha)
    assert (test.high < 0) == (test.p_less <= alpha)
    assert -1 <= test.low <= test.mean + 1e-9
    assert test.mean - 1e-9 <= test.high <= 1
    assert test.level == pytest.approx(1 - 2 * alpha)


@settings(deadline=None, max_examples=60)
@given(samples, alphas)
def test_the_other_way_round_is_the_mirror_image(differences: list[float], alpha: float) -> None:
    there = paired_test(differences, alpha=alpha)
    back = paired_test([-value for value in differences], alpha=alpha)
    assert (back.low, back.high, back.mean) == (-there.high, -there.low, -there.mean)
    assert (back.p_greater, back.p_less) == (there.p_less, there.p_greater)


@settings(deadline=None, max_examples=60)
@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_does_not_matter(differences: list[float], source: random.Random) -> None:
    clusters = [source.randrange(4) if source.random() < 0.5 else None for _ in differences]
    positions = list(range(len(differences)))
    source.shuffle(positions)
    keys = [position if key is None else ("c", key) for position, key in enumerate(clusters)]
    first = paired_test(differences, clusters=keys, alpha=ALPHA)
    second = paired_test(
        [differences[position] for position in positions],
        clusters=[keys[position] for position in positions],
        alpha=ALPHA,
    )
    assert first == second


@settings(deadline=None, max_examples=60)
@given(samples, st.integers(1, 30))
def test_identical_pairs_do_not_change_the_test(differences: list[float], ties: int) -> None:
    """They say nothing about which side is better: the p-value stays, and so does whether 0 is in the interval."""
    without = paired_test(differences, alpha=ALPHA)
    along = paired_test([*differences, *[0.0] * ties], alpha=ALPHA)
    assert along.p_greater == without.p_greater
    assert (along.low > 0, along.high < 0) == (without.low > 0, without.high < 0)


@settings(deadline=None)
@given(st.lists(quarters, min_size=1, max_size=30))
def test_floating_point_noise_breaks_no_tie(differences: list[float]) -> None:
    noisy = [value + (1e-13 if position % 2 else -1e-13) for position, value in enumerate(differences)]
    assert paired_test(noisy, alpha=ALPHA) == paired_test(differences, alpha=ALPHA)


def drawn(n: int, alpha: float = ALPHA, seed: int = 0, shift: float = 0.02) -> tuple[list[float], PairedTest]:
    source = random.Random(5)
    differences = [max(-1.0, min(1.0, source.gauss(shift, 0.2))) for _ in range(n)]
    return differences, paired_test(differences, alpha=alpha, seed=seed)


def test_many_ungridded_differences_are_drawn_reproducibly() -> None:
    differences, test = drawn(400)
    assert not test.exact
    assert test.draws >= 20 / ALPHA
    assert drawn(400)[1] == test
    assert drawn(400, seed=1)[1].p_greater != test.p_greater
    assert paired_test(list(reversed(differences)), alpha=ALPHA) == test
    mirrored = paired_test([-value for value in differences], alpha=ALPHA)
    assert (mirrored.p_less, mirrored.p_greater) == (test.p_greater, test.p_less)
    assert (mirrored.low, mirrored.high) == (-test.high, -test.low)


def test_draws_are_close_to_the_normal_tail_where_that_is_right() -> None:
    differences, test = drawn(400)
    z = math.fsum(differences) / math.sqrt(math.fsum(value * value for value in differences))
    assert test.p_greater == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), abs=0.01)


def test_draws_by_size_and_by_table_agree_with_counting() -> None:
    source = random.Random(3)
    values = [source.choice((-3, -2, -1, 1, 2, 3, 4)) for _ in range(300)]
    counted = flip_test(values, alpha=ALPHA, seed=0)
    fine = [value * 10**8 + source.randrange(-5, 6) for value in values]  # no grid: drawn through tables
    tables = flip_test(fine, alpha=ALPHA, seed=0)
    many = values * 20
    sizes = flip_test([value * 10**7 + (value > 0) for value in many], alpha=ALPHA, seed=0)
    assert counted.draws == 0
    assert tables.draws > 0
    assert sizes.draws > 0
    assert tables.greater == pytest.approx(counted.greater, abs=0.02)
    z = sum(many) / math.sqrt(sum(value * value for value in many))
    assert sizes.greater == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), abs=0.02)


def test_a_drawn_sum_that_ties_counts_for_both_sides() -> None:
    """Eleven huge wins, nine huge losses, and a small one of each: in half of the subsets the small ones cancel."""
    huge = 10**9
    test = flip_test([huge] * 11 + [-huge] * 9 + [1, -1], alpha=ALPHA, seed=0)
    below = sum(math.comb(20, k) for k in range(9)) / 2**20
    level = math.comb(20, 9) / 2**20
    assert test.draws > 0
    assert test.greater == pytest.approx(below + 0.75 * level, abs=0.015)
    assert test.less == pytest.approx(1 - below - 0.25 * level, abs=0.015)


def test_a_small_alpha_takes_more_draws_and_never_claims_zero() -> None:
    _, test = drawn(60, alpha=0.0003, shift=0.5)
    assert test.draws >= 20 / 0.0003
    assert 0 < test.p_greater <= 0.0003


def test_a_symmetric_sample_favours_no_side() -> None:
    source = random.Random(9)
    half = [source.random() for _ in range(120)]
    test = paired_test([*half, *(-value for value in half)], alpha=ALPHA)
    assert not test.exact
    assert test.p_greater == test.p_less
    assert test.low == -test.high


def test_the_interval_inverts_the_test() -> None:
    """By brute force over shifts: the bound is where the chance of the shifted sample comes to alpha."""
    differences = [0.31, -0.12, 0.07, 0.22, 0.18, -0.05, 0.4, 0.02, -0.21, 0.15, 0.11, -0.03, 0.28, 0.09]
    test = paired_test(differences, alpha=0.1)
    at_low, _ = brute_force([value - test.low for value in differences])
    _, at_high = brute_force([value - test.high for value in differences])
    assert 0.02 <= at_low <= 0.1  # wider than the plain inversion, by the imagined pairs
    assert 0.02 <= at_high <= 0.1


def test_ties_alone_show_no_equivalence_until_there_are_many() -> None:
    few = paired_test([0.0] * 10, alpha=ALPHA)
    many = paired_test([0.0] * 200, alpha=ALPHA)
    assert few.high > 0.2
    assert many.high < 0.05
    assert few.p_greater == few.p_less == 1.0


def test_few_unbounded_differences_leave_the_interval_open() -> None:
    test = paired_test([3.0, 5.0], alpha=ALPHA, bound=None)
    assert (test.low, test.high) == (-math.inf, math.inf)
    assert paired_test([0.0, 0.0], alpha=ALPHA, bound=None).low == 0.0


def test_large_samples_of_every_kind() -> None:
    source = random.Random(1)
    wins = paired_test([source.choice((-1.0, 0.0, 0.0, 1.0)) for _ in range(20_000)], alpha=ALPHA)
    graded = paired_test([source.choice((-0.5, 0.0, 0.25, 1.0)) for _ in range(20_000)], alpha=ALPHA)
    free = paired_test([source.uniform(-1, 1) for _ in range(5_000)], alpha=ALPHA)
    assert wins.exact
    assert not graded.exact
    assert graded.low > 0
    assert free.low < free.mean < free.high


@pytest.mark.parametrize(
    ("differences", "options", "message"),
    [
        ([], {}, "no differences"),
        ([0.5], {"alpha": 0.5}, "alpha"),
        ([0.5], {"clusters": [1, 2]}, "2 clusters for 1"),
        ([1.5], {}, "beyond"),
        ([math.nan], {}, "not finite"),
    ],
)
def test_what_cannot_be_tested(differences: list[float], options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_test(differences, **options)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(st.lists(binary, min_size=30, max_size=120))
def test_one_more_win_never_hurts(differences: list[float]) -> None:
    before = paired_test(differences, alpha=ALPHA)
    after = paired_test([*differences, 1.0], alpha=ALPHA)
    assert after.p_greater <= before.p_greater
    assert after.p_less >= before.p_less
