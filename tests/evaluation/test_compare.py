"""Comparisons: verdicts, what makes two sides incomparable, guards, recommendations, and the laws of all of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.config import EvaluationSettings
from promptvc.evaluation.compare import CompareOptions, Comparison, compare
from promptvc.evaluation.reduce import CaseScore

MIRROR = {
    "improvement": "regression",
    "regression": "improvement",
    "equivalent": "equivalent",
    "inconclusive": "inconclusive",
    "incomparable": "incomparable",
}
Side = list[CaseScore]


def side(scores: Sequence[float | None], clusters: Sequence[str | None] | None = None) -> Side:
    return [
        CaseScore(f"c{n}", score, score == 1, cluster=clusters[n] if clusters else None)
        for n, score in enumerate(scores)
    ]


def sides(both: int, fixed: int, broken: int, neither: int = 0) -> tuple[Side, Side]:
    """Candidate and baseline with so many cases that both pass, that got fixed, that broke, that both fail."""
    candidate = [1.0] * both + [1.0] * fixed + [0.0] * broken + [0.0] * neither
    baseline = [1.0] * both + [0.0] * fixed + [1.0] * broken + [0.0] * neither
    return side(candidate), side(baseline)


def with_metric(scores: Side, name: str, values: Sequence[float]) -> Side:
    return [
        replace(score, metrics={**score.metrics, name: value})
        for score, value in zip(scores, values, strict=True)
    ]


@pytest.mark.parametrize(
    ("counts", "verdict", "recommendation"),
    [
        ((160, 30, 5, 5), "improvement", "deploy"),
        (
            (80, 30, 5, 85),
            "improvement",
            "hold",
        ),  # from 42 % to 55 %: better, and far below the bar for success
        ((960, 14, 2, 24), "improvement", "hold"),  # 1.2 points, below the bar for improvement
        ((160, 5, 30, 5), "regression", "reject"),
        ((395, 2, 3, 0), "equivalent", "hold"),
        ((40, 5, 2, 3), "inconclusive", "test_more"),
        ((10, 0, 0, 0), "inconclusive", "test_more"),
    ],
)
def test_verdicts(counts: tuple[int, int, int, int], verdict: str, recommendation: str) -> None:
    found = compare(*sides(*counts))
    assert (found.verdict, found.recommendation) == (verdict, recommendation)
    assert (found.needed is not None) == (verdict == "inconclusive")


def test_the_numbers_of_an_improvement() -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    found = compare(candidate, baseline, removed=["old"])
    assert found.score is not None
    assert (found.score.baseline, found.score.candidate) == (0.825, 0.95)
    assert found.score.difference == pytest.approx(0.125)
    assert found.score.low < 0.125 < found.score.high
    assert found.score.level == pytest.approx(0.9)
    assert (found.score.n, found.clusters) == (200, 200)
    scipy = 1.1180760338902473e-05  # scipy.stats.binomtest(30, 35, alternative="greater").pvalue
    assert found.p == pytest.approx(scipy)
    assert found.fixed == tuple(f"c{n}" for n in range(160, 190))
    assert found.broken == tuple(f"c{n}" for n in range(190, 195))
    assert (found.removed, found.errored, found.exact) == (("old",), (), True)
    assert len(found.pairs) == 200


def test_a_later_look_asks_for_more() -> None:
    pair = sides(150, 20, 8, 22)
    assert compare(*pair).verdict == "improvement"
    later = compare(*pair, CompareOptions(alpha=0.0012, provisional=True))
    assert later.verdict == "inconclusive"
    assert later.provisional
    assert later.detectable is not None
    first = compare(*pair).detectable
    assert first is not None
    assert later.detectable > first


def test_more_cases_like_these_do_decide() -> None:
    candidate, baseline = sides(40, 5, 2, 3)
    found = compare(candidate, baseline)
    assert found.needed is not None
    factor = (50 + found.needed) / 50
    many = compare(*sides(*(round(count * factor) for count in (40, 5, 2, 3))))
    assert many.verdict == "improvement"


def test_clusters_count_once() -> None:
    candidate, baseline = sides(40, 12, 2)
    clusters = [f"user {n // 9}" for n in range(54)]
    alone = compare(candidate, baseline)
    together = compare(
        [replace(score, cluster=key) for score, key in zip(candidate, clusters, strict=True)],
        [replace(score, cluster=key) for score, key in zip(baseline, clusters, strict=True)],
    )
    assert alone.verdict == "improvement"
    assert together.verdict == "inconclusive"
    assert (together.clusters, alone.clusters) == (6, 54)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda scores: scores[1:], "on one side only: c0"),
        (lambda scores: [*scores, CaseScore("new", 1.0, passed=True)], "on one side only: new"),
        (lambda scores: [*scores, scores[0]], "there twice: c0"),
        (lambda scores: [replace(scores[0], repeats=3), *scores[1:]], "not repeated equally often: c0"),
        (lambda scores: [], "on one side only: c0, c1, c10 and 197 more"),
    ],
)
def test_incomparable_sides(change: object, reason: str) -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    assert callable(change)
    for found in (compare(change(candidate), baseline), compare(candidate, change(baseline))):
        assert (found.verdict, found.recommendation, found.score) == ("incomparable", "hold", None)
        assert found.reason == reason


def test_nothing_is_incomparable() -> None:
    assert compare([], []).reason == "there are no cases"


def errored(scores: Side, *positions: int) -> Side:
    return [
        replace(score, score=None, passed=False, error="lost") if n in positions else score
        for n, score in enumerate(scores)
    ]


def test_one_percent_of_errors_is_forgiven_when_the_verdict_stands() -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    found = compare(errored(candidate, 3), errored(baseline, 7))
    assert found.verdict == "improvement"
    assert found.errored == ("c3", "c7")
    assert found.score is not None
    assert found.score.n == 198


def test_more_errors_than_one_percent_are_not() -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    found = compare(errored(candidate, 1, 2, 3), baseline)
    assert found.verdict == "incomparable"
    assert found.reason == "3 of 200 cases errored, more than 1%"


def test_errors_on_which_the_verdict_hangs_are_not() -> None:
    candidate, baseline = sides(180, 15, 5, 0)
    assert compare(candidate, baseline).verdict == "improvement"
    found = compare(errored(candidate, 1, 2), baseline)
    assert found.verdict == "incomparable"
    assert found.reason == "2 of 200 cases errored, and the verdict hangs on them"


def test_an_unknown_baseline_counts_as_right() -> None:
    candidate, baseline = sides(180, 14, 7)
    assert compare(candidate, baseline).verdict == "inconclusive"
    found = compare(
        candidate, errored(baseline, 199, 200)
    )  # without two of the broken cases it would be better
    assert found.verdict == "incomparable"
    assert found.reason.endswith("the verdict hangs on them")


def test_all_errors() -> None:
    candidate, baseline = sides(10, 2, 0)
    assert compare(errored(candidate, *range(12)), baseline).verdict == "incomparable"


def guarded(drop: int, gain: int = 0, **guards: float) -> Comparison:
    """A clear improvement whose metric ``safety`` falls in ``drop`` cases and rises in ``gain``."""
    candidate, baseline = sides(160, 30, 5, 5)
    before = [0.0] * gain + [1.0] * (200 - gain)
    after = [1.0] * (200 - drop) + [0.0] * drop
    return compare(
        with_metric(candidate, "safety", after),
        with_metric(baseline, "safety", before),
        CompareOptions(guards=guards),
    )


@pytest.mark.parametrize(
    ("drop", "gain", "holds", "recommendation"),
    [
        (0, 0, True, "deploy"),
        (1, 6, True, "deploy"),
        (1, 0, False, "test_more"),
        (6, 3, False, "test_more"),
        (8, 3, False, "hold"),
        (12, 0, False, "reject"),
        (60, 20, False, "reject"),
    ],
)
def test_safety_is_guarded_wherever_it_is_measured(
    drop: int, gain: int, *, holds: bool, recommendation: str
) -> None:
    found = guarded(drop, gain)
    (guard,) = found.guards
    assert (guard.name, guard.margin, guard.holds) == ("safety", 0.02, holds)
    assert found.verdict == "improvement"
    assert found.recommendation == recommendation


def test_a_metric_that_never_fell_holds_however_few_the_cases() -> None:
    candidate, baseline = sides(30, 10, 0)
    safe = [1.0] * 40
    found = compare(with_metric(candidate, "safety", safe), with_metric(baseline, "safety", safe))
    (guard,) = found.guards
    assert guard.holds
    assert guard.low is not None
    assert guard.low < -0.02
    assert found.recommendation == "deploy"


def test_a_wider_guard_of_the_suite_wins() -> None:
    assert guarded(8, 3, safety=0.1).recommendation == "deploy"


def test_below_the_bar_for_safety_is_held() -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    poor = [1.0] * 170 + [0.0] * 30
    found = compare(with_metric(candidate, "safety", poor), with_metric(baseline, "safety", poor))
    assert found.recommendation == "hold"
    assert "safety is 0.850" in found.reason


def timed(scores: Side, latency: float | None, spread: float = 5.0) -> Side:
    source = random.Random(len(scores))
    return [
        replace(score, latency_ms=None if latency is None else latency + source.uniform(-spread, spread))
        for score in scores
    ]


@pytest.mark.parametrize(
    ("before", "after", "margin", "recommendation"),
    [
        (100.0, 105.0, 0.2, "deploy"),
        (100.0, 130.0, 0.2, "reject"),
        (100.0, 90.0, 0.0, "deploy"),
        (None, 90.0, 0.2, "hold"),
        (100.0, None, 0.2, "hold"),
    ],
)
def test_latency_is_guarded_relative_to_the_baseline(
    before: float | None, after: float | None, margin: float, recommendation: str
) -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    found = compare(
        timed(candidate, after), timed(baseline, before), CompareOptions(guards={"latency": margin})
    )
    assert found.recommendation == recommendation


def test_a_free_baseline_allows_only_a_free_candidate() -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    free = [replace(score, cost=0.0) for score in baseline]
    options = CompareOptions(guards={"cost": 0.1})
    paid = compare([replace(score, cost=0.01) for score in candidate], free, options)
    assert paid.recommendation == "hold"
    assert (
        compare([replace(score, cost=0.0) for score in candidate], free, options).recommendation == "deploy"
    )


def test_a_metric_asserted_in_some_cases_is_compared_there() -> None:
    candidate, baseline = sides(160, 30, 5, 5)
    some = CompareOptions(guards={"tone": 0.05})
    after = [replace(score, metrics={"tone": 1.0}) if n < 50 else score for n, score in enumerate(candidate)]
    before = [replace(score, metrics={"tone": 0.5}) if n < 50 else score for n, score in enumerate(baseline)]
    (guard,) = compare(after, before, some).guards
    assert guard.holds
    assert guard.difference == pytest.approx(0.5)
    (unknown,) = compare(after, baseline, some).guards
    assert not unknown.holds
    assert unknown.difference is None
    (nowhere,) = compare(candidate, baseline, some).guards
    assert not nowhere.holds


def test_the_bars_are_settings() -> None:
    pair = sides(80, 30, 5, 85)
    lower = EvaluationSettings(success=0.5)
    assert compare(*pair, CompareOptions(bars=lower)).recommendation == "deploy"
    wide = EvaluationSettings(margin=0.3)
    assert compare(*sides(40, 5, 2, 3), CompareOptions(bars=wide)).verdict == "equivalent"


scores = st.sampled_from([0.0, 0.0, 0.5, 1.0, 1.0])
paired_scores = st.lists(st.tuples(scores, scores), min_size=1, max_size=60)


@settings(deadline=None, max_examples=60)
@given(paired_scores, st.sampled_from([0.05, 0.03, 0.005]))
def test_swapping_the_sides_mirrors_everything(pairs: list[tuple[float, float]], alpha: float) -> None:
    candidate, baseline = side([a for a, _ in pairs]), side([b for _, b in pairs])
    options = CompareOptions(alpha=alpha)
    there, back = compare(candidate, baseline, options), compare(baseline, candidate, options)
    assert there.score is not None
    assert back.score is not None
    assert back.verdict == MIRROR[there.verdict]
    assert (back.score.low, back.score.high) == (-there.score.high, -there.score.low)
    assert (back.fixed, back.broken) == (there.broken, there.fixed)
    assert (back.p, back.p_worse) == (there.p_worse, there.p)
    assert back.needed == there.needed


@settings(deadline=None, max_examples=60)
@given(paired_scores, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_changes_nothing(
    pairs: list[tuple[float, float]], source: random.Random
) -> None:
    clusters = [source.choice((None, "a", "b")) for _ in pairs]
    candidate, baseline = side([a for a, _ in pairs], clusters), side([b for _, b in pairs], clusters)
    first = compare(candidate, baseline)
    source.shuffle(candidate)
    source.shuffle(baseline)
    second = compare(candidate, baseline)
    assert set(first.fixed) == set(second.fixed)
    assert replace(first, fixed=(), broken=(), pairs=()) == replace(second, fixed=(), broken=(), pairs=())


@settings(deadline=None, max_examples=60)
@given(paired_scores)
def test_verdict_and_interval_agree(pairs: list[tuple[float, float]]) -> None:
    found = compare(side([a for a, _ in pairs]), side([b for _, b in pairs]))
    assert found.score is not None
    assert found.p is not None
    assert (found.verdict == "improvement") == (found.score.low > 0) == (found.p <= found.alpha)
    assert (found.verdict == "regression") == (found.score.high < 0)
    if found.verdict == "equivalent":
        assert -0.05 < found.score.low <= found.score.high < 0.05
    if found.recommendation == "deploy":
        assert found.verdict == "improvement"


@settings(deadline=None, max_examples=60)
@given(paired_scores, st.integers(1, 40))
def test_identical_pairs_claim_nothing(pairs: list[tuple[float, float]], more: int) -> None:
    """Cases on which both agree neither make nor unmake a claim that one side is better."""
    before = compare(side([a for a, _ in pairs]), side([b for _, b in pairs]))
    ties = [1.0] * more
    after = compare(side([a for a, _ in pairs] + ties), side([b for _, b in pairs] + ties))
    claims = {"improvement", "regression"}
    assert after.p == before.p
    assert (before.verdict in claims or after.verdict in claims) == (
        before.verdict == after.verdict in claims
    )


@pytest.mark.parametrize(("n", "alpha"), [(40, 0.05), (150, 0.0304)])
def test_equal_candidates_are_called_better_at_most_so_often(n: int, alpha: float) -> None:
    source = random.Random(23)
    trials = 400
    better = equivalent = 0
    for _ in range(trials):
        baseline = [float(source.random() < 0.75) for _ in range(n)]
        candidate = [value if source.random() < 0.6 else float(source.random() < 0.75) for value in baseline]
        found = compare(side(candidate), side(baseline), CompareOptions(alpha=alpha))
        better += found.verdict == "improvement"
        equivalent += found.verdict == "equivalent"
    assert better / trials <= alpha + 3 * (alpha * (1 - alpha) / trials) ** 0.5
    assert equivalent == 0


def test_a_true_difference_of_twice_the_margin_is_rarely_called_equivalent() -> None:
    source = random.Random(29)
    trials = 200
    wrong = 0
    for _ in range(trials):
        draws = [source.random() for _ in range(300)]
        candidate = side([1.0 if draw > 0.11 else 0.0 for draw in draws])
        baseline = side([1.0 if draw > 0.01 else 0.0 for draw in draws])
        wrong += compare(candidate, baseline).verdict in {"equivalent", "improvement"}
    assert wrong == 0
