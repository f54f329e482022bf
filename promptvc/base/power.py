"""How much a comparison can see: the power of the paired test, the difference it would find, the cases it needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from promptvc.base.stats import ALPHA, NORMAL

POWER = 0.8
_EXACT_UP_TO = 1_000
_TAIL = 8.0
_NOTHING = 1e-9


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


def deviation(differences: Sequence[float]) -> float:
    """The standard deviation of differences around their mean (divisor n); 0 of nothing."""
    if not differences:
        return 0.0
    centre = math.fsum(differences) / len(differences)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in differences) / len(differences))


def detectable(n: int, spread: float, alpha: float = ALPHA, chance: float = POWER) -> float:
    """The smallest true mean difference that ``n`` cases of standard deviation ``spread`` find with ``chance``.

    ``(z(alpha) + z(1 - chance)) * spread / sqrt(n)``, the normal approximation.
    """
    return _quantiles(alpha, chance) * spread / math.sqrt(n) if n else math.inf


def cases_needed(
    difference: float, spread: float, margin: float, alpha: float = ALPHA, chance: float = POWER
) -> int | None:
    """Cases in all with which a verdict falls with ``chance``, if what was seen so far is the truth.

    A mean difference of ``difference`` with standard deviation ``spread`` a case is either found (improvement or
    regression), or, where it lies within ``margin``, shown to lie there (equivalence), whichever takes fewer cases.
    The second counts the imagined pairs that the interval carries (:mod:`promptvc.base.paired`): even without any
    difference in sight it takes some cases to show that there is none. None where no number would do.
    """
    factor = _quantiles(alpha, chance) ** 2
    imagined = 2 * math.ceil(NORMAL.inv_cdf(alpha) ** 2 / 2)
    needs = []
    if abs(difference) > _NOTHING:
        needs.append(factor * (spread / difference) ** 2)
    if margin - abs(difference) > _NOTHING:
        goal = (margin - abs(difference)) ** 2
        tight = factor * spread * spread / (2 * goal)
        needs.append(tight + math.sqrt(tight * tight + factor * imagined / goal))
    return max(1, math.ceil(min(needs))) if needs else None


def _quantiles(alpha: float, chance: float) -> float:
    return -NORMAL.inv_cdf(alpha) + NORMAL.inv_cdf(chance)


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
