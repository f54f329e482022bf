"""How well prompts and versions do, by ratings that fade, each drawn towards what is known of its kind.

**Levels.** All prompts -> a prompt -> one of its versions. At each the prior is a Beta distribution with the mean of
the level above (empirical Bayes; Gelman et al. 2013, "Bayesian data analysis", chapter 5): with s of n fading ratings
positive, mean m and concentration k, the estimate is (k m + s) / (k + n). All prompts together start from 1 of 2.

**A version starts from its prompt's other versions**, whose mean it takes with less weight than they have: two sources
of doubt add up, 1 / k = 1 / k_version + 1 / (k_prompt + n of the others). Its own ratings are not counted a second time
by way of the prompt's mean.

**Concentrations** come from the spread that there is, by the method of moments: with rho the correlation within a
group, sum n_i (p_i - p)^2 is on average p (1 - p) [G - 1 + rho (N - sum n_i^2 / N - G + 1)] (Kleinman 1973,
"Proportions with extraneous variance"), and k = 1 / rho - 1, held within 2..100. With fewer than five groups k is
fixed: 10 between prompts, 20 between versions.

**Time.** A rating of d days before weighs (1 - decay_rate)^d, computed when it is read. The bounds are Wilson's for
prior and ratings together, at 80 %, so that nine times in ten the truth is above the lower one. A judge's ratings are
no user's, and do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from promptvc.base.feedback_settings import LearningSettings
from promptvc.base.stats import wilson
from promptvc.feedback.query.facts import Cell

JUDGE = "llm_judge"
BETWEEN_PROMPTS, BETWEEN_VERSIONS = 10.0, 20.0
LEAST, MOST = 2.0, 100.0
FEWEST_GROUPS = 5
CONFIDENCE = 0.80


@dataclass(frozen=True, slots=True)
class Success:
    """A success rate.

    Attributes:
        mean: the estimate, 0..1. ``low``, ``high``: its bounds.
        rated, positive: the ratings behind it, as they were given.
        prior: where the estimate started. ``weight``: how many ratings that counts for.
    """

    mean: float
    low: float
    high: float
    rated: int
    positive: int
    prior: float
    weight: float

    @property
    def plain(self) -> float | None:
        """The share of positive ratings, with nothing taken into account."""
        return self.positive / self.rated if self.rated else None


@dataclass(frozen=True, slots=True)
class _Sums:
    """Ratings: as they were given, and as they weigh now."""

    positive: int = 0
    rated: int = 0
    good: float = 0.0
    weight: float = 0.0

    def without(self, other: _Sums) -> _Sums:
        return _Sums(
            self.positive - other.positive,
            self.rated - other.rated,
            max(0.0, self.good - other.good),
            max(0.0, self.weight - other.weight),
        )


_NOTHING = _Sums()


class Relevance:
    """Success rates of prompts and versions.

    Attributes:
        day: as of which; later ratings do not count.
        rated: the ratings behind all of it.
        adapted: False where learning is off or the ratings are too few: then every rate is the plain share.
        reason: why it is not adapted; None where it is.
        between_prompts, between_versions: the concentrations.
    """

    def __init__(self, cells: Iterable[Cell], day: date, learning: LearningSettings) -> None:
        self.day = day
        self._versions = _fold(cells, day, learning)
        names: dict[str, list[_Sums]] = {}
        for (name, _), sums in self._versions.items():
            names.setdefault(name, []).append(sums)
        self._prompts = {name: _total(found) for name, found in names.items()}
        self._all = _total(self._prompts.values())
        self.rated = self._all.rated
        self.reason = why_not(learning, self.rated)
        self.adapted = self.reason is None
        families = [
            [sums for (name, version), sums in self._versions.items() if name == one and version is not None]
            for one in names
        ]
        self.between_prompts = _concentration([list(self._prompts.values())], BETWEEN_PROMPTS)
        self.between_versions = _concentration(families, BETWEEN_VERSIONS)

    def all(self) -> Success:
        """The success of all prompts together."""
        return self._judged(self._all, 0.5, 2.0)

    def prompt(self, name: str) -> Success:
        """The success of a prompt over all of its versions; of one that nobody rated what all prompts have."""
        return self._judged(self._prompts.get(name, _NOTHING), self.all().mean, self.between_prompts)

    def version(self, name: str, version: int | None) -> Success:
        """The success of one version; a new one starts from its prompt's others."""
        own = self._versions.get((name, version), _NOTHING)
        others = self._prompts.get(name, _NOTHING).without(own)
        above = self._judged(others, self.all().mean, self.between_prompts)
        weight = 1 / (1 / self.between_versions + 1 / (self.between_prompts + others.weight))
        return self._judged(own, above.mean, weight)

    def _judged(self, sums: _Sums, prior: float, weight: float) -> Success:
        if not self.adapted:
            low, high = wilson(sums.positive, sums.rated, CONFIDENCE) if sums.rated else (0.0, 1.0)
            mean = sums.positive / sums.rated if sums.rated else prior
            return Success(mean, low, high, sums.rated, sums.positive, prior, 0.0)
        good, n = weight * prior + sums.good, weight + sums.weight
        low, high = wilson(min(good, n), n, CONFIDENCE)
        return Success(good / n, low, high, sums.rated, sums.positive, prior, weight)


def why_not(learning: LearningSettings, rated: int) -> str | None:
    """Why nothing is adapted to feedback; None where it is."""
    if not learning.enabled:
        return "learning is off"
    if rated < learning.min_samples:
        return f"{rated:,} of {learning.min_samples:,} rated events (learning.min_samples)"
    return None


def faded(cell: date, day: date, decay_rate: float) -> float:
    """What evidence of the day ``cell`` weighs on ``day``."""
    return (1 - decay_rate) ** max(0, (day - cell).days)


def counts(cell: Cell, day: date) -> bool:
    """Whether a cell has ratings of people, up to ``day``."""
    return cell.tally.rated > 0 and cell.source != JUDGE and cell.day <= day


def _fold(
    cells: Iterable[Cell], day: date, learning: LearningSettings
) -> dict[tuple[str, int | None], _Sums]:
    parts: dict[tuple[str, int | None], list[tuple[int, int, float]]] = {}
    weights: dict[date, float] = {}
    for cell in cells:
        if not counts(cell, day):
            continue
        weight = weights.get(cell.day)
        if weight is None:
            weight = weights[cell.day] = faded(
                cell.day, day, learning.decay_rate if learning.enabled else 0.0
            )
        found = parts.setdefault((cell.prompt, cell.version), [])
        found.append((cell.tally.positive, cell.tally.rated, weight))
    return {
        key: _Sums(
            sum(positive for positive, _, _ in found),
            sum(rated for _, rated, _ in found),
            math.fsum(positive * weight for positive, _, weight in found),
            math.fsum(rated * weight for _, rated, weight in found),
        )
        for key, found in parts.items()
    }


def _total(sums: Iterable[_Sums]) -> _Sums:
    found = list(sums)
    return _Sums(
        sum(one.positive for one in found),
        sum(one.rated for one in found),
        math.fsum(one.good for one in found),
        math.fsum(one.weight for one in found),
    )


def _concentration(families: Iterable[list[_Sums]], usual: float) -> float:
    """By the method of moments over families of groups, each around a mean of its own."""
    groups, above, below = 0, [], []
    for family in families:
        rated = [one for one in family if one.weight > 0]
        if len(rated) < 2:
            continue
        groups += len(rated)
        n = math.fsum(one.weight for one in rated)
        p = math.fsum(one.good for one in rated) / n
        spread = math.fsum(one.weight * (one.good / one.weight - p) ** 2 for one in rated)
        chance = p * (1 - p)
        above.append(spread - chance * (len(rated) - 1))
        below.append(chance * (n - math.fsum(one.weight**2 for one in rated) / n - len(rated) + 1))
    room = math.fsum(below)
    if groups < FEWEST_GROUPS or room <= 0:
        return usual
    rho = math.fsum(above) / room
    return MOST if rho <= 0 else min(MOST, max(LEAST, 1 / rho - 1))
