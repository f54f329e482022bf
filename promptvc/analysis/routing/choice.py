"""Choosing among ways, and saying why."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from promptvc.analysis.routing.rated import Rates
from promptvc.analysis.routing.rule import Adjusted, adjusted
from promptvc.analysis.routing.thompson import Arm, draw, propensities, winner
from promptvc.base.feedback_settings import Route, RoutingSettings

How = Literal["configured", "rule", "thompson"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way that a task could take.

    Attributes:
        similarity: of the task to its prompt, 0..1. ``matched``: the words that they share.
        whole: its ratings in the window. ``alike``: those of the task's class; None where the task has none.
    """

    route: Route
    similarity: float
    matched: tuple[str, ...] = ()
    whole: Rates = field(default_factory=Rates)
    alike: Rates | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is chosen.

    Attributes:
        reason: why nothing is adapted to feedback; None where it is.
        tag: the task's class. ``seed``: of the draws.
    """

    routing: RoutingSettings
    min_samples: int
    seed: int
    reason: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate with what its ratings did.

    Attributes:
        score: similarity times confidence.
        drawn: its success in this draw; None without sampling. ``propensity``: how likely it was to be taken.
        reason: what raised or lowered it, a sentence.
    """

    candidate: Candidate
    adjusted: Adjusted
    score: float
    drawn: float | None
    propensity: float
    reason: str

    def to_json(self, queries: Sequence[str]) -> dict[str, Any]:
        """As `route --json` prints it; ``queries``: the commands that show its ratings."""
        way = self.candidate
        return {
            "prompt": way.route.prompt,
            "framework": way.route.framework,
            "model": way.route.model,
            "techniques": list(way.route.techniques),
            "similarity": round(way.similarity, 6),
            "matched": list(way.matched),
            "configured": way.route.confidence,
            "confidence": self.adjusted.confidence,
            "change": self.adjusted.change,
            "score": round(self.score, 6),
            "ratings": way.whole.to_json(),
            "alike": None if way.alike is None else way.alike.to_json(),
            "drawn": None if self.drawn is None else round(self.drawn, 6),
            "propensity": round(self.propensity, 6),
            "reason": self.reason,
            "list": list(queries),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The way that is taken, among all that could be, the best first by score."""

    chosen: Weighed
    weighed: tuple[Weighed, ...]
    how: How
    reasons: tuple[str, ...]


def choose(candidates: Sequence[Candidate], manner: Manner) -> Decision:
    """The way for a task: by similarity times confidence, or by sampling where that is asked for.

    Args:
        candidates: one at least, in order of preference.
    """
    shared = any(one.similarity > 0 for one in candidates)
    likeness = [one.similarity if shared else 1.0 for one in candidates]
    changes = [_adjusted(one, manner) for one in candidates]
    moved = [one.change != "too_few" for one in changes]
    scores = [alike * one.confidence for alike, one in zip(likeness, changes, strict=True)]
    taken, drawn, odds = scores.index(max(scores)), None, None
    how: How = "rule" if any(moved) else "configured"
    if manner.routing.explore and any(moved):
        how = "thompson"
        arms = [
            Arm(alike, one.route.confidence, one.whole, one.alike)
            for alike, one in zip(likeness, candidates, strict=True)
        ]
        drawn = draw(arms, random.Random(manner.seed))  # noqa: S311 - draws that can be repeated, no secret
        taken = winner(arms, drawn)
        odds = propensities(arms, random.Random(manner.seed + 1))  # noqa: S311 - the same
    weighed = [
        Weighed(
            candidate=one,
            adjusted=changes[at],
            score=scores[at],
            drawn=None if drawn is None else drawn[at],
            propensity=float(at == taken) if odds is None else odds[at],
            reason=_said(one, changes[at], manner),
        )
        for at, one in enumerate(candidates)
    ]
    order = sorted(range(len(candidates)), key=lambda at: (-scores[at], at))
    reasons = tuple(_reasons(weighed[taken], how, manner, shared=shared))
    return Decision(weighed[taken], tuple(weighed[at] for at in order), how, reasons)


def counted(candidate: Candidate, min_samples: int) -> Rates:
    """The ratings that the simple rule goes by: those of the task's class, if they are enough."""
    alike = candidate.alike
    return alike if alike is not None and alike.rated >= min_samples else candidate.whole


def _adjusted(one: Candidate, manner: Manner) -> Adjusted:
    rates = Rates() if manner.reason is not None else counted(one, manner.min_samples)
    return adjusted(one.route.confidence, rates, manner.routing, max(1, manner.min_samples))


def _said(one: Candidate, change: Adjusted, manner: Manner) -> str:
    configured = one.route.confidence
    if manner.reason is not None:
        return f"confidence {configured:.2f} as configured: {manner.reason}"
    rates = counted(one, manner.min_samples)
    where = f" of tasks tagged {manner.tag}" if rates is one.alike else ""
    told = f"{rates.positive:,} of {rates.rated:,} ratings{where} are good"
    success, routing = rates.success or 0.0, manner.routing
    if change.change == "too_few":
        return f"confidence {configured:.2f} as configured: {rates.rated:,} of {manner.min_samples:,} rated events"
    if change.change == "raised":
        return f"confidence {configured:.2f} -> {change.confidence:.2f}: {told}, {success:.2f} > {routing.good:.2f}"
    if change.change == "lowered":
        return f"confidence {configured:.2f} -> {change.confidence:.2f}: {told}, {success:.2f} < {routing.bad:.2f}"
    between = f"{success:.2f} is within {routing.bad:.2f} to {routing.good:.2f}"
    return f"confidence {configured:.2f} stays: {told}, {between}"


def _reasons(taken: Weighed, how: How, manner: Manner, *, shared: bool) -> Iterator[str]:
    one = taken.candidate
    if shared:
        words = f": {', '.join(one.matched)}" if one.matched else ""
        yield f"similarity {one.similarity:.2f} to the task{words}"
    else:
        yield "no way shares a word with the task: it is chosen by confidence alone"
    yield taken.reason
    if how == "thompson":
        yield (
            f"taken by Thompson sampling, seed {manner.seed}: success {taken.drawn or 0.0:.2f} was drawn;"
            f" it is taken {taken.propensity:.0%} of the time"
        )
    elif how == "rule":
        yield f"the highest similarity times confidence: {taken.score:.3f}"
    else:
        why = manner.reason or f"no way has {manner.min_samples:,} rated events in the window"
        yield f"the routing is as configured: {why}"
