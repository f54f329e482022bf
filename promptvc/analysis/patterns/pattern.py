"""One pattern: what some events have in common that come out better, or worse, than the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from promptvc.analysis.patterns.block import Candidate
from promptvc.analysis.rates import Estimate, optional

Type = Literal["success", "failure"]
Measure = Literal["high", "low"]
HIGH, LOW = 0.8, 0.3
"""A score above the one is a success here, below the other a failure: what is plain, not what is in between."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What separates events.

    Attributes:
        type: ``success``: with it more scores are above 0.8, or fewer below 0.3. ``failure``: the other way round.
        measure: which of the two was tested: ``high``, the share of scores above 0.8, or ``low``, below 0.3.
        events: how many have it; ``hits`` of them have the measure.
        without, without_hits: the same of the events that could have it and have not.
        effect: the share among those with it minus the share among the others.
        difference: the mean score with it minus without it.
        p, adjusted: of the test, and after control of false discoveries over everything tested in the run.
        ids: the newest events that have it and, where the share rises, the measure.
        aliases: what the same events have in common too, strongest first; ``merged``: how many there are.
    """

    prompt: str
    type: Type
    candidate: Candidate
    measure: Measure
    events: int
    hits: int
    without: int
    without_hits: int
    effect: Estimate
    difference: Estimate | None
    p: float
    adjusted: float
    ids: tuple[str, ...]
    aliases: tuple[Candidate, ...] = ()
    merged: int = 0

    @property
    def confidence(self) -> float:
        """1 minus the adjusted p-value: of patterns with this or a higher one, at most the rest is false on average."""
        return round(1 - self.adjusted, 6)

    def to_json(self) -> dict[str, Any]:
        """As `analyze --json` prints it."""
        return {
            "prompt": self.prompt,
            "type": self.type,
            **_named(self.candidate),
            "measure": self.measure,
            "events": self.events,
            "hits": self.hits,
            "without": self.without,
            "without_hits": self.without_hits,
            "effect": self.effect.to_json(),
            "difference": optional(self.difference),
            "p": self.p,
            "adjusted": self.adjusted,
            "confidence": self.confidence,
            "ids": list(self.ids),
            "aliases": [_named(one) for one in self.aliases],
            "merged": self.merged,
        }


def _named(candidate: Candidate) -> dict[str, Any]:
    return {"kind": candidate.kind, "where": candidate.where, "text": candidate.text}
