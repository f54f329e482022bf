"""One paired comparison: the sign-flip test of the mean difference, and the interval that belongs to it.

**Test.** If candidate and baseline are equally good, each case's difference is as likely as its negative; so the sum of
differences is compared with the sums under random signs (Fisher 1935, The Design of Experiments, section 21). Cases of
one cluster keep a common sign: a cluster's *sum* is flipped, not its mean, so that what is tested is the mean over
cases that is printed, and a large cluster weighs what its cases weigh (clusters as in Miller 2024, "Adding error
bars to evals", arXiv:2411.00640). For wins and losses without clusters this is McNemar's exact test. The test is
one-sided at ``alpha``, in both directions.

**Interval.** The shifts d for which "the mean difference is d" is not rejected at ``alpha`` on its side: the test
inverted, two-sided at level 1 - 2 alpha. The tail of the flip distribution is taken from its saddlepoint approximation
(Robinson 1982, "Saddlepoint approximations for permutation tests and confidence intervals"; Lugannani & Rice 1980),
which is smooth, needs no draws and is close far out in the tail, where alpha spending leads. Few or no changed cases
say little about how many more could change, so a few imagined pairs enter, z^2/2 that the candidate wins and as
many that it loses, each as large as the largest difference seen (as can be, when none was seen) and of the weight of a
typical cluster (the idea of Agresti & Coull 1998, for matched pairs Agresti & Min 2005, Bonett & Price 2012): ten ties
do not show equivalence. By simulation each side misses the truth at most about alpha of the time; it is more careful
than that below some 100 cases, and at worst 1.3 alpha when nearly all differences are wins.

**Never at odds.** The exact test decides: ``low > 0`` exactly when ``greater <= alpha`` and ``high < 0`` exactly when
``less <= alpha``. Where the approximation, or the imagined pairs, would contradict the test, the bound is 0 or one
step of the scale on the test's side of it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from promptvc.base.flips import flip_test
from promptvc.base.stats import ALPHA, NORMAL

_FINEST = 10**9
_FAR = 64


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What paired differences say.

    Attributes:
        mean: the mean difference over cases, candidate minus baseline; the scale of the scores.
        low, high: the interval, at ``level`` = 1 - 2 alpha, two-sided.
        p_greater, p_less: one-sided p-values for "the candidate is better" and "is worse".
        n, clusters: cases, and groups whose signs were flipped together.
        draws: Monte Carlo draws behind the p-values; 0 when they are exact.
    """

    mean: float
    low: float
    high: float
    level: float
    p_greater: float
    p_less: float
    n: int
    clusters: int
    draws: int

    @property
    def exact(self) -> bool:
        """Whether the p-values were counted rather than drawn."""
        return self.draws == 0


def paired_test(
    differences: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    alpha: float = ALPHA,
    seed: int = 0,
    bound: float | None = 1.0,
) -> PairedTest:
    """Test paired ``differences`` (candidate minus baseline, one a case).

    Args:
        clusters: one key a case; cases with equal keys are flipped together. None: every case by itself.
        alpha: the level of each of the two one-sided tests.
        seed: of the Monte Carlo draws, where there are any.
        bound: no difference can be larger than this; 1 for scores in 0..1. None where nothing is known (latency):
            then too few cases leave a side of the interval infinite.

    Raises:
        ValueError: no differences, one that is not finite or beyond ``bound``, or not 0 < alpha < 0.5.
    """
    _check(differences, clusters, alpha, bound)
    numbers, scale = _as_integers(differences)
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, number in enumerate(numbers):
        groups[position if clusters is None else clusters[position]].append(number)
    sums = [(sum(members), len(members)) for members in groups.values()]
    flips = flip_test([total for total, _ in sums], alpha=alpha, seed=seed)
    n = len(numbers)
    low, high = _interval([(total / scale, size) for total, size in sums], alpha, bound)
    step = math.gcd(*numbers) / scale / n
    if (low > 0) != (flips.greater <= alpha):
        low = step if low <= 0 else 0.0
    if (high < 0) != (flips.less <= alpha):
        high = -step if high >= 0 else 0.0
    return PairedTest(
        mean=sum(numbers) / scale / n,
        low=low,
        high=high,
        level=1 - 2 * alpha,
        p_greater=flips.greater,
        p_less=flips.less,
        n=n,
        clusters=len(sums),
        draws=flips.draws,
    )


def _check(
    differences: Sequence[float], clusters: Sequence[Hashable] | None, alpha: float, bound: float | None
) -> None:
    if not differences:
        raise ValueError("no differences to test")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, not at {alpha}")
    if clusters is not None and len(clusters) != len(differences):
        raise ValueError(f"{len(clusters)} clusters for {len(differences)} differences")
    limit = math.inf if bound is None else bound + 1e-9
    if not all(math.isfinite(value) and abs(value) <= limit for value in differences):
        raise ValueError(f"a difference is not finite, or beyond {bound}")


def _as_integers(values: Sequence[float]) -> tuple[list[int], int]:
    """``values`` times ``scale`` as integers, so that what ought to tie does tie whatever floating point did.

    Scores are mostly fractions with a small denominator; then so is the scale. Else it is a billionth.
    """
    scale = 1
    for value in set(values):
        fraction = Fraction(value).limit_denominator(1000)
        scale = math.lcm(scale, fraction.denominator)
        if abs(value - fraction) > 1e-9 or scale > 10_000:
            scale = _FINEST
            break
    return [round(value * scale) for value in values], scale


def _interval(sums: Sequence[tuple[float, int]], alpha: float, bound: float | None) -> tuple[float, float]:
    n = sum(size for _, size in sums)
    typical = sum(size * size for _, size in sums) / n
    largest = max(abs(total) / size for total, size in sums) or bound or 0.0
    if largest == 0:
        return 0.0, 0.0
    limit = math.inf if bound is None else bound
    z = -NORMAL.inv_cdf(alpha)
    imagined = (largest * typical, math.ceil(z * z / 2))
    low = _lower(Counter(sums), z, limit, imagined)
    high = -_lower(Counter((-total, size) for total, size in sums), z, limit, imagined)
    return low, high


def _lower(sums: Counter[tuple[float, int]], z: float, limit: float, imagined: tuple[float, int]) -> float:
    """The smallest mean that is not rejected: where the test's z-value has come down to ``z``.

    Found between -limit and the observed mean, where the z-value is 0 and falls almost in a straight line:
    false position with the Illinois rule. -limit where too few cases reject nothing.
    """
    groups = sorted((total, size, count) for (total, size), count in sums.items())
    n = sum(size * count for _, size, count in groups)
    mean = math.fsum(total * count for total, _, count in groups) / n
    weight, pairs = imagined
    spread = math.fsum(count * (total - size * mean) ** 2 for total, size, count in groups)
    reach = 1.25 * z * math.sqrt(spread + 2 * pairs * weight * weight) / n
    right, left = mean, max(-limit, mean - reach)
    while (at_left := _z_value(groups, left, imagined) - z) <= 0:
        if left == -limit or mean - left > _FAR * weight:
            return -limit
        left = max(-limit, left - 2 * (mean - left))
    at_right, kept = -z, ""
    for _ in range(60):
        middle = (left * at_right - right * at_left) / (at_right - at_left)
        if not left < middle < right:
            break
        at_middle = _z_value(groups, middle, imagined) - z
        if abs(at_middle) < 1e-7:
            return middle
        if at_middle > 0:
            left, at_left = middle, at_middle
            at_right /= 2 if kept == "right" else 1
            kept = "right"
        else:
            right, at_right = middle, at_middle
            at_left /= 2 if kept == "left" else 1
            kept = "left"
    return (left + right) / 2


def _z_value(groups: Sequence[tuple[float, int, int]], shift: float, imagined: tuple[float, int]) -> float:
    """How far out the observed sum lies, in standard deviations of a normal tail as heavy, once ``shift`` is taken off.

    The sum of x_i s_i with random signs s_i has the cumulant function K(t) = sum of log cosh(t x_i). The saddlepoint
    t solves K'(t) = observed; r and u as in Lugannani & Rice, in Barndorff-Nielsen's form r + log(u / r) / r.
    """
    weight, pairs = imagined
    values = [(total - size * shift, count) for total, size, count in groups]
    observed = math.fsum(x * count for x, count in values)
    values.append((weight, 2 * pairs))
    spread = math.fsum(x * x * count for x, count in values)
    if observed <= 1e-6 * math.sqrt(spread):
        return observed / math.sqrt(spread)
    t, slope = _saddlepoint(values, observed, spread)
    cumulant = math.fsum(
        count * (abs(t * x) + math.log1p(math.exp(-2 * abs(t * x))) - math.log(2)) for x, count in values
    )
    r = math.sqrt(2 * (t * observed - cumulant))
    u = t * math.sqrt(slope)
    return r + math.log(u / r) / r


def _saddlepoint(values: Sequence[tuple[float, int]], observed: float, spread: float) -> tuple[float, float]:
    """The t with K'(t) = observed > 0, and K''(t) there.

    K' is concave for t > 0 and starts below its tangent at 0, so Newton's steps from ``observed / spread`` climb to the
    root and never pass it.
    """
    t = observed / spread
    slope = spread
    for _ in range(100):
        reached = slope = 0.0
        for x, count in values:
            bent = math.tanh(t * x)
            reached += count * x * bent
            slope += count * x * x * (1 - bent * bent)
        step = (observed - reached) / slope
        t += step
        if abs(step) <= 1e-10 * t:
            break
    return t, slope
