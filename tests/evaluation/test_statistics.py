"""What a comparison promises, by simulation with fixed seeds: false claims, coverage, power, guards, looks.

Each bound is the promise and three standard errors of the simulation. `docs/design/statistics.md` cites these.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from promptvc.base.stats import alpha_at, mean_interval
from promptvc.evaluation.compare import CompareOptions, Comparison, compare
from promptvc.evaluation.guards import check_guard
from promptvc.evaluation.reduce import CaseScore, parse_reducer, reduce_repeats
from promptvc.evidence.runs import CaseResult
from promptvc.evidence.values import Guard

Side = Sequence[CaseScore]
World = Callable[[random.Random], tuple[Side, Side]]
ALPHA = 0.05


def at_most(rate: float, trials: int) -> float:
    """The rate, and three standard errors."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / trials)


def side(scores: Sequence[float], clusters: Sequence[str] | None = None) -> Side:
    return [
        CaseScore(f"c{n}", score, score == 1, cluster=clusters[n] if clusters else None)
        for n, score in enumerate(scores)
    ]


def answers(source: random.Random, chances: Sequence[float]) -> list[float]:
    return [float(source.random() < chance) for chance in chances]


def binary(n: int, gain: float = 0.0) -> World:
    """Hard and easy cases, right or wrong; the candidate's chances are higher by ``gain``."""

    def draw(source: random.Random) -> tuple[Side, Side]:
        chances = [source.choice((0.2, 0.5, 0.8)) for _ in range(n)]
        return side(answers(source, [chance + gain for chance in chances])), side(answers(source, chances))

    return draw


def graded(n: int, gain: float = 0.0) -> World:
    """The mean of four assertions."""

    def draw(source: random.Random) -> tuple[Side, Side]:
        chances = [source.uniform(0.2, 0.8) for _ in range(n)]
        candidate = [sum(answers(source, [chance + gain] * 4)) / 4 for chance in chances]
        return side(candidate), side([sum(answers(source, [chance] * 4)) / 4 for chance in chances])

    return draw


def clustered(groups: int, gain: float = 0.0) -> World:
    """Users with one to six cases each; a user likes one side or the other, which moves all of the user's cases."""

    def draw(source: random.Random) -> tuple[Side, Side]:
        candidate: list[float] = []
        baseline: list[float] = []
        names: list[str] = []
        for group in range(groups):
            taste = source.choice((-0.2, 0.2))
            for _ in range(source.randint(1, 6)):
                candidate += answers(source, [0.5 + gain + taste])
                baseline += answers(source, [0.5 - taste])
                names.append(f"u{group}")
        return side(candidate, names), side(baseline, names)

    return draw


def repeated(n: int, reducer: str = "mean", gain: float = 0.0) -> World:
    """Three repeats a case; some cases are flaky, with a chance of their own, the others sure."""

    def results(source: random.Random, chances: Sequence[float]) -> Side:
        drawn = (
            CaseResult(f"c{n}", score, score == 1, repeat=repeat)
            for n, chance in enumerate(chances)
            for repeat, score in enumerate(answers(source, [chance] * 3))
        )
        return reduce_repeats(drawn, None, parse_reducer(reducer))

    def draw(source: random.Random) -> tuple[Side, Side]:
        chances = [source.choice((0.0, 1.0, 1.0, source.uniform(0.1, 0.9))) for _ in range(n)]
        better = [min(1.0, chance + gain) for chance in chances]
        return results(source, better), results(source, chances)

    return draw


def found(world: World, trials: int, seed: int, options: CompareOptions | None = None) -> list[Comparison]:
    source = random.Random(seed)
    return [compare(*world(source), options) for _ in range(trials)]


def share(comparisons: Sequence[Comparison], verdict: str) -> float:
    return sum(one.verdict == verdict for one in comparisons) / len(comparisons)


@pytest.mark.parametrize(
    ("world", "alpha"),
    [
        (binary(60), ALPHA),
        (binary(150), alpha_at(1)),
        (graded(60), ALPHA),
        (clustered(30), ALPHA),
        (repeated(80), ALPHA),
        (repeated(80, "pass_k:2"), ALPHA),
        (repeated(80, "median"), ALPHA),
    ],
    ids=["binary", "binary at look 1", "graded", "clustered", "repeated", "pass_k of 3", "median of 3"],
)
def test_equal_sides_are_rarely_called_different(world: World, alpha: float) -> None:
    trials = 400
    comparisons = found(world, trials, 31, CompareOptions(alpha=alpha))
    better, worse = share(comparisons, "improvement"), share(comparisons, "regression")
    assert better <= at_most(alpha, trials)
    assert worse <= at_most(alpha, trials)
    assert better + worse > 0  # the test is not simply silent


@pytest.mark.parametrize(
    ("world", "truth"),
    [(graded(80, 0.1), 0.1), (clustered(40, 0.1), 0.1), (binary(120, 0.15), 0.15)],
    ids=["graded", "clustered", "binary"],
)
def test_intervals_cover_the_truth(world: World, truth: float) -> None:
    trials = 400
    scores = [one.score for one in found(world, trials, 37)]
    assert len(scores) == trials
    above = sum(score is not None and score.low > truth for score in scores) / trials
    below = sum(score is not None and score.high < truth for score in scores) / trials
    assert above <= at_most(ALPHA, trials)
    assert below <= at_most(ALPHA, trials)


@pytest.mark.parametrize(
    "world_of",
    [lambda gain: binary(200, gain), lambda gain: graded(60, gain), lambda gain: clustered(80, gain)],
    ids=["binary", "graded", "clustered"],
)
def test_the_detectable_difference_is_detected(world_of: Callable[[float], World]) -> None:
    """What equal sides print as detectable is found in about 80 of 100 samples where it is true."""
    printed = [one.detectable for one in found(world_of(0.0), 30, 41)]
    least = sum(one for one in printed if one is not None) / len(printed)
    assert 0 < least < 0.2
    trials = 250
    power = share(found(world_of(least), trials, 43), "improvement")
    assert 0.72 <= power <= 0.93


def test_the_margin_itself_is_rarely_called_equivalent() -> None:
    trials = 200

    def margin_apart(source: random.Random) -> tuple[Side, Side]:
        draws = [source.random() for _ in range(500)]
        return side([float(draw > 0.08) for draw in draws]), side([float(draw > 0.03) for draw in draws])

    assert share(found(margin_apart, trials, 47), "equivalent") <= at_most(ALPHA, trials)

    def alike(source: random.Random) -> tuple[Side, Side]:
        return side([float(source.random() > 0.03) for _ in range(500)]), side([1.0] * 485 + [0.0] * 15)

    assert share(found(alike, 40, 47), "equivalent") >= 0.9


def metric(source: random.Random, drop: float, n: int) -> tuple[list[float], list[float]]:
    """A safety metric that the baseline mostly holds, and the candidate less often by ``drop``."""
    before = answers(source, [0.95] * n)
    chance = (0.95 - drop - 0.05 * 0.5) / 0.95
    return [float(source.random() < (chance if one else 0.5)) for one in before], before


def latencies(source: random.Random, drop: float, n: int) -> tuple[list[float], list[float]]:
    """Skewed milliseconds; the candidate takes ``drop`` more of the baseline's mean."""
    lengths = [source.lognormvariate(6, 0.5) for _ in range(n)]
    noise = [(source.lognormvariate(0, 0.3), source.lognormvariate(0, 0.3)) for _ in range(n)]
    return [one * (1 + drop) * a for one, (a, _) in zip(lengths, noise, strict=True)], [
        one * b for one, (_, b) in zip(lengths, noise, strict=True)
    ]


def guards(name: str, margin: float, drop: float, n: int, trials: int) -> list[Guard]:
    source = random.Random(53)
    held = []
    for _ in range(trials):
        after, before = (metric if name == "safety" else latencies)(source, drop, n)
        pairs = [(of(name, k, a), of(name, k, b)) for k, (a, b) in enumerate(zip(after, before, strict=True))]
        held.append(check_guard(name, margin, pairs, seed=0))
    return held


def of(name: str, k: int, value: float) -> CaseScore:
    if name == "latency":
        return CaseScore(f"c{k}", 1.0, passed=True, latency_ms=value)
    if name == "cost":
        return CaseScore(f"c{k}", 1.0, passed=True, cost=value)
    return CaseScore(f"c{k}", 1.0, passed=True, metrics={name: value})


@pytest.mark.parametrize(
    ("name", "margin", "n", "trials"),
    [("safety", 0.02, 300, 300), ("safety", 0.1, 80, 300), ("latency", 0.2, 80, 120), ("cost", 0.1, 80, 120)],
)
def test_a_guard_rarely_holds_where_it_must_not(name: str, margin: float, n: int, trials: int) -> None:
    """The true drop is the margin: non-inferiority may be claimed in at most 5 of 100 samples."""
    at_margin = guards(name, margin, margin, n, trials)
    assert sum(guard.holds for guard in at_margin) / trials <= at_most(ALPHA, trials)
    assert any(guard.holds for guard in at_margin)


@pytest.mark.parametrize(
    ("name", "margin", "n"), [("safety", 0.02, 300), ("latency", 0.2, 80), ("cost", 0.1, 80)]
)
def test_nobody_is_rejected_for_nothing(name: str, margin: float, n: int) -> None:
    """No true drop: `worse`, which rejects, in at most 5 of 100 samples; and a wide guard mostly holds."""
    trials = 120
    level = guards(name, margin, 0.0, n, trials)
    assert sum(bool(guard.extra["worse"]) for guard in level) / trials <= at_most(ALPHA, trials)
    wide = guards(name, 5 * margin, 0.0, n, 40)
    assert sum(guard.holds for guard in wide) >= 36


def test_a_guard_that_no_case_offends_is_no_proof() -> None:
    """As documented: with n cases a true drop of d is not seen at all with a chance of (1 - d)^n."""
    trials, n, drop = 400, 40, 0.02
    source = random.Random(59)
    held = 0
    for _ in range(trials):
        after = answers(source, [1 - drop] * n)
        pairs = [(of("safety", k, value), of("safety", k, 1.0)) for k, value in enumerate(after)]
        guard = check_guard("safety", drop, pairs, seed=0)
        held += guard.holds
        assert guard.holds == guard.extra["untouched"]
    expected = (1 - drop) ** n
    assert held / trials == pytest.approx(expected, abs=3 * math.sqrt(expected * (1 - expected) / trials))


def test_many_looks_at_one_hold_out_claim_less_than_one_in_twenty() -> None:
    """Twelve equal candidates after one another on the same cases; the baseline's answers stay."""
    source = random.Random(61)
    trials = looks = 0
    claimed = unspent = 0
    for _ in range(150):
        trials += 1
        chances = [source.choice((0.2, 0.5, 0.8)) for _ in range(100)]
        baseline = side(answers(source, chances))
        verdicts = [compare(side(answers(source, chances)), baseline) for _ in range(12)]
        looks += len(verdicts)
        p_values = [one.p for one in verdicts if one.p is not None]
        claimed += any(p <= alpha_at(look) for look, p in enumerate(p_values, start=1))
        unspent += any(p <= ALPHA for p in p_values)
    assert looks == 12 * trials
    assert claimed / trials <= at_most(ALPHA, trials)
    assert unspent / trials > 0.15  # what a fixed level would have done


@pytest.mark.parametrize("kind", ["binary", "graded", "clustered"])
def test_the_interval_of_one_version_covers_its_score(kind: str) -> None:
    source = random.Random(67)
    trials = 800
    missed = 0
    for _ in range(trials):
        values: list[float] = []
        clusters: list[int] | None = None
        if kind == "binary":
            values = answers(source, [0.8] * 80)
        elif kind == "graded":
            values = [sum(answers(source, [0.8] * 4)) / 4 for _ in range(30)]
        else:
            clusters = []
            for group in range(25):
                chance = source.betavariate(1.6, 0.4)
                count = 1 + group % 8
                values += answers(source, [chance] * count)
                clusters += [group] * count
        low, high = mean_interval(values, clusters)
        missed += not low <= 0.8 <= high
    assert missed / trials <= at_most(0.05, trials)


@pytest.mark.parametrize("losses", range(8))
@pytest.mark.parametrize("lost", [None, 0.0, 1.0])
def test_a_claim_with_an_errored_case_stands_however_it_would_have_gone(
    losses: int, lost: float | None
) -> None:
    """One case in 150 has no score: what is claimed is so for every score it could have had, and the rest is left."""
    left = 0
    for wins in range(losses, losses + 20):
        ties = [1.0] * (149 - wins - losses)
        candidate = side([1.0] * wins + [0.0] * losses + ties)
        baseline = side([0.0] * wins + [1.0] * losses + ties)
        known = CaseScore("x", lost, passed=lost == 1, error="lost" if lost is None else None)
        claim = compare([*candidate, CaseScore("x", None, passed=False, error="lost")], [*baseline, known])
        left += claim.verdict == "incomparable"
        if claim.verdict == "improvement":
            for after in (0.0, 0.5, 1.0):
                for before in (0.0, 0.5, 1.0) if lost is None else (lost,):
                    whole = compare(
                        [*candidate, CaseScore("x", after, passed=after == 1)],
                        [*baseline, CaseScore("x", before, passed=before == 1)],
                    )
                    assert whole.verdict == "improvement"
    # A case that the baseline fails cannot be lost by the candidate: nothing hangs on it.
    assert (left > 0) == (lost != 0.0)
