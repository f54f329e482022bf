"""What outputs were worth, 0..1: by ratings and thumbs, corrections, errors, successes, and scores of assertions.

A rating counts as it was given, less its rater's habit. Habits are estimated by shrinkage: a rater's mean counts in
proportion n / (n + k) to the n ratings that it is a mean of (the best linear unbiased predictor of a random effect;
Robinson 1991, "That BLUP is a good thing"). A rater who says the same of everything tells no output from another, and
is set aside from :data:`CONSTANT` ratings on, as persons of perfect or zero score are where conditional likelihood
estimates items (Rasch 1960; Andersen 1973).

Means of few rewards are drawn towards the prompt's own: (k m + sum) / (k + n), the posterior mean under a Beta prior
of mean m that is worth k observations (Gelman et al., Bayesian Data Analysis, section 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS
from promptvc.prompts.render import input_text
from promptvc.training.data.signals import Signal
from promptvc.training.scoring import Scored
from promptvc.training.task import TrainingTask

CONSTANT = 5
HABIT = 5.0
PRIOR = 4.0
"""What a habit and a prior weigh, in ratings."""

SUCCESS = 0.6
"""That a call went well says little of its answer: better than nothing, and no praise."""


@dataclass(frozen=True, slots=True)
class Reward:
    """What one output was worth.

    Attributes:
        value: 0..1, less the rater's habit.
        user: who said so; what one user says is not independent.
        because: the events that say so, sorted; none for a case that a person wrote into the suite.
        input: as one text; empty when unknown.
        right: what is right instead, where somebody said it.
        bars: where it counts as good and as bad.
    """

    output: str
    value: float
    user: str
    because: tuple[str, ...]
    input: str = ""
    right: str | None = None
    bars: FeedbackSettings = THRESHOLDS

    @property
    def good(self) -> bool:
        """At or above the bar of positive events."""
        return self.value >= self.bars.positive

    @property
    def bad(self) -> bool:
        """At or below the bar of negative events."""
        return self.value <= self.bars.negative


@dataclass(frozen=True, slots=True)
class Rewards:
    """Rewards in the order of their signals.

    Attributes:
        mean: what the prompt's outputs are worth on average; one half without any reward.
        aside: how many ratings were set aside, since their rater says the same of everything.
    """

    rewards: tuple[Reward, ...]
    mean: float
    aside: int = 0

    @property
    def labelled(self) -> int:
        """How many are good or bad, and not between."""
        return sum(1 for reward in self.rewards if reward.good or reward.bad)


def rewarded(signals: Sequence[Signal], thresholds: FeedbackSettings = THRESHOLDS) -> Rewards:
    """What ``signals`` say of outputs. One that names no output says nothing of any.

    A judge's scores say nothing either: they are no one's who uses the outputs, and a judge has habits of its own.
    """
    signals = [replace(signal, score=None) if signal.judged else signal for signal in signals]
    rated = [
        signal.score is not None and signal.output is not None and signal.corrected is None
        for signal in signals
    ]
    pairs = [
        (signal.user, signal.score)
        for signal, mine in zip(signals, rated, strict=True)
        if mine and signal.score is not None
    ]
    values = iter(without_habits(pairs))
    found: list[Reward] = []
    aside = 0
    for signal, mine in zip(signals, rated, strict=True):
        if not mine:
            found += _told(signal)
        elif (value := next(values)) is None:
            aside += 1
        else:
            found.append(_reward(signal, signal.output or "", value))
    found = [replace(reward, bars=thresholds) for reward in found if reward.output.strip()]
    return Rewards(tuple(found), _mean([reward.value for reward in found], 0.5), aside)


def _told(signal: Signal) -> list[Reward]:
    """What an event says that is no mere rating: this is wrong, this is right."""
    if signal.corrected is not None:
        right = _reward(signal, signal.corrected, 1.0)
        if signal.output is None or signal.output.strip() == signal.corrected.strip():
            return [right]
        return [_reward(signal, signal.output, 0.0, signal.corrected.strip()), right]
    if signal.output is None:
        return []
    known = {"demonstration": 1.0, "error": 0.0, "success": SUCCESS}
    return [_reward(signal, signal.output, known[signal.kind])] if signal.kind in known else []


def _reward(signal: Signal, output: str, value: float, right: str | None = None) -> Reward:
    given = "" if signal.input is None else input_text(signal.input)
    return Reward(output.strip(), value, signal.user, signal.because, given, right)


def answered(
    task: TrainingTask, answers: Mapping[int, Scored], thresholds: FeedbackSettings = THRESHOLDS
) -> tuple[Reward, ...]:
    """What the answers of a prompt to training cases were worth, by the score of their assertions.

    Args:
        answers: by position of a case in the task.
    """
    found: list[Reward] = []
    for at in sorted(answers):
        case, answer = task.cases[at], answers[at]
        if answer.score is None:
            continue
        because = () if case.item is None else task.items[case.item].because
        for output in dict.fromkeys(text.strip() for text in answer.outputs):
            right = case.output if answer.score < 1 else None
            found.append(Reward(output, answer.score, case.group, because, case.text, right, thresholds))
    return tuple(found)


def without_habits(ratings: Sequence[tuple[str, float]]) -> list[float | None]:
    """(rater, rating 0..1) as ratings 0..1 that raters of different habits would have given alike.

    Each is moved by how far its rater's mean is from what raters give, shrunk by how often they rated; None for one of
    a rater who has given at least :data:`CONSTANT` and always the same. The order of the ratings does not matter.
    """
    given: dict[str, list[float]] = {}
    for user, value in ratings:
        given.setdefault(user, []).append(value)
    telling = {
        user: values for user, values in given.items() if len(values) < CONSTANT or min(values) < max(values)
    }
    weight = {user: len(values) / (len(values) + HABIT) for user, values in telling.items()}
    means = {user: math.fsum(values) / len(values) for user, values in telling.items()}
    total = math.fsum(weight.values())
    centre = math.fsum(weight[user] * means[user] for user in telling) / total if total else 0.5
    moved = {user: weight[user] * (means[user] - centre) for user in telling}
    return [
        None if user not in moved else min(1.0, max(0.0, round(value - moved[user], 9)))
        for user, value in ratings
    ]


def shrunk(values: Iterable[float], prior: float, strength: float = PRIOR) -> float:
    """The mean of ``values`` (0..1), drawn to ``prior`` as if ``strength`` more had been equal to it."""
    kept = list(values)
    return (strength * prior + math.fsum(kept)) / (strength + len(kept))


def _mean(values: Sequence[float], nothing: float) -> float:
    return math.fsum(values) / len(values) if values else nothing
