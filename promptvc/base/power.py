"""How much a comparison can see: the power of the paired test, the difference it would find, the cases it needs."""

from __future__ import annotations

import math

from promptvc.base.stats import ALPHA, NORMAL

POWER = 0.8
_EXACT_UP_TO = 1_000
_TAIL = 8.0
_NOTHING = 1e-9
_FAR = 1e6


def power(n: int, effect: float, discordance: float, alpha: float = ALPHA) -> float:
    """The chance that the exact one-sided test of wins against losses finds a true difference.

    Args:
        n: cases.
        effect: the true difference of the pass rates, 0..1.
        discordance: the share of cases on which the two sides differ; at least ``effect``.
        alpha: the level of the one-sided test.

    Summed over the number of differing cases and, within it, over the wins that the test needs (Connor 1987,
    "Sample size for testing differences in proportions for the paired-sample design"); above 1,000 cases by that
    paper's normal approximation.

    Raises:
        ValueError: the numbers cannot be shares of cases.
    """
    if n < 0 or not 0 <= abs(effect) <= discordance <= 1 or not 0 < alpha < 1:
        raise ValueError(f"no power for n={n}, effect {effect}, discordance {discordance}, alpha {alpha}")
    if n == 0 or discordance == 0:
        return 0.0
    if n > _EXACT_UP_TO:
        z = -NORMAL.inv_cdf(alpha)
        spread = math.sqrt(max(discordance - effect * effect, 1e-12))
        return NORMAL.cdf((math.sqrt(n) * effect - z * math.sqrt(discordance)) / spread)
    winning = (discordance + effect) / (2 * discordance)
    reach = _TAIL * math.sqrt(n * discordance * (1 - discordance)) + 1
    first = max(0, math.floor(n * discordance - reach))
    last = min(n, math.ceil(n * discordance + reach))
    differing = _binomial(n, discordance)
    return math.fsum(
        differing[k] * math.fsum(_binomial(k, winning)[_wins_needed(k, alpha) :])
        for k in range(first, last + 1)
    )


def detectable(
    n: int, spread: float, alpha: float = ALPHA, chance: float = POWER, *, unit: float = 0.0
) -> float:
    """The smallest true mean difference that ``n`` cases (or clusters) find with ``chance``; infinite for too few.

    The d that solves ``d sqrt(n) = z(alpha) sqrt(s^2 + d^2) + z(1 - chance) s + unit / sqrt(n)``: Connor's (1987)
    approximation, in which the test's own spread grows with the difference, with a correction for continuity.

    Args:
        spread: standard deviation of the differences.
        unit: the smallest difference but 0 that a case can have: 1 where answers are right or wrong. A mean of d is
            then at least d / unit cases that differ, so that s is never below what that takes:
            ``s^2 = max(spread^2, unit d - d^2)``. 0 where differences are of any size.
    """
    if n < _fewest(alpha):
        return math.inf
    z, z_chance = -NORMAL.inv_cdf(alpha), NORMAL.inv_cdf(chance)

    def short(d: float) -> bool:
        s = math.sqrt(max(spread * spread, unit * d - d * d))
        need = z * math.sqrt(s * s + d * d) + z_chance * s + unit / math.sqrt(n)
        return d * math.sqrt(n) < need

    low, high = 0.0, max(spread, unit, _NOTHING)
    while short(high):
        low, high = high, 2 * high
        if high > _FAR * max(spread, unit):
            return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return high


def cases_needed(
    difference: float,
    spread: float,
    margin: float,
    alpha: float = ALPHA,
    chance: float = POWER,
    *,
    unit: float = 0.0,
) -> int | None:
    """Cases in all with which a verdict falls with ``chance``, if what was seen so far is the truth.

    A mean difference of ``difference`` with standard deviation ``spread`` a case is either found (improvement or
    regression, by the equation of :func:`detectable`), or, where it lies within ``margin``, shown to lie there
    (equivalence), whichever takes fewer cases. The second counts the imagined pairs that the interval carries
    (:mod:`promptvc.base.paired`): even without any difference in sight it takes some cases to show that there is
    none. None where no number would do.
    """
    z, z_chance = -NORMAL.inv_cdf(alpha), NORMAL.inv_cdf(chance)
    imagined = 2 * math.ceil(z * z / 2)
    needs: list[float] = []
    size = abs(difference)
    if size > _NOTHING:
        need = z * math.hypot(spread, size) + z_chance * spread
        root = (need + math.sqrt(need * need + 4 * size * unit)) / (2 * size)
        needs.append(max(root * root, _fewest(alpha)))
    if margin - size > _NOTHING:
        factor = (z + z_chance) ** 2
        goal = (margin - size) ** 2
        tight = factor * spread * spread / (2 * goal)
        needs.append(tight + math.sqrt(tight * tight + factor * imagined / goal))
    return max(1, math.ceil(min(needs))) if needs else None


def _fewest(alpha: float) -> int:
    """The fewest differences that can be significant: all of one sign, which has a chance of 1 in 2^n."""
    return math.ceil(-math.log2(alpha))


def _binomial(n: int, share: float) -> list[float]:
    """The chances of 0..n successes."""
    if share in {0.0, 1.0}:
        return [float(k == n * share) for k in range(n + 1)]
    log_yes, log_no = math.log(share), math.log1p(-share)
    whole = math.lgamma(n + 1)
    return [
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log_yes + (n - k) * log_no)
        for k in range(n + 1)
    ]


def _wins_needed(differing: int, alpha: float) -> int:
    """The fewest wins among ``differing`` cases that the test accepts; one more than there are if none."""
    tail, term, wins = 0, 1, differing
    limit = alpha * 2.0**differing if differing < 1000 else None
    while wins >= 0:
        tail += term
        over = tail > limit if limit is not None else tail / (1 << differing) > alpha
        if over:
            return wins + 1
        term = term * wins // (differing - wins + 1)
        wins -= 1
    return 0
