"""Arms: edits that are worth a pull, the most hopeful first. The race of the search is the pull.

An arm's hope is what it is expected to gain plus one standard deviation of that: where little is known there is more to
learn (upper confidence bounds; Lai & Robbins 1985, Auer et al. 2002). No draw is made, so a training is the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from promptvc.prompts.model import Prompt
from promptvc.training.approach import Variant
from promptvc.training.options import TrainingOptions
from promptvc.training.proposal import Proposal, applied, variant
from promptvc.training.search.growth import FLOOR
from promptvc.training.sizes import instructions_length

UNKNOWN = 0.05
"""The standard deviation of what nothing is known about: some edits help by a few points, as many do harm."""

MOST_TOGETHER = 5


@dataclass(frozen=True, slots=True)
class Arm:
    """An edit of a parent.

    Attributes:
        name: says what is done, the same in every round.
        expected: the gain in score, 0..1; ``error``: its standard deviation.
        pull: from the parent to the variant.
        proposals: the edits of rules it is made of; none for examples.
    """

    name: str
    expected: float
    error: float
    pull: Callable[[Variant], Variant]
    proposals: tuple[Proposal, ...] = ()

    @property
    def hope(self) -> float:
        """The upper confidence bound of the gain; to four decimals, so that near ties are ties."""
        return round(self.expected + self.error, 4)

    def also(self, because: Sequence[str]) -> Arm:
        """The same with further events for its only rule."""
        (only,) = self.proposals
        more = replace(only, because=tuple(sorted({*only.because, *because})))
        return of_rule(more, self.error)


def of_rule(proposal: Proposal, error: float = UNKNOWN) -> Arm:
    """Add, reword or remove one rule."""
    return _made(_name(proposal), (proposal,), proposal.effect or 0.0, error, proposal.why)


def together(arms: Sequence[Arm], prompt: Prompt, baseline: Prompt, options: TrainingOptions) -> Arm | None:
    """The rules of several arms at once, the most hopeful that fit; None where fewer than two do.

    No rule of ``prompt`` is touched twice, and instructions grow no further beyond ``baseline`` than they may.
    """
    before = instructions_length(baseline)
    most = before + max(FLOOR, int(before * options.max_growth))
    chosen: list[Arm] = []
    touched: set[int] = set()
    for arm in ranked(arms):
        places = {each.at for each in arm.proposals if each.at is not None}
        edits = [each for other in (*chosen, arm) for each in other.proposals]
        if not arm.proposals or touched & places or instructions_length(applied(prompt, edits)) > most:
            continue
        touched |= places
        chosen.append(arm)
        if len(chosen) == MOST_TOGETHER:
            break
    if len(chosen) < 2:
        return None
    edits = [each for arm in chosen for each in arm.proposals]
    name = "together: " + "; ".join(arm.name for arm in chosen)
    error = max(arm.error for arm in chosen)
    return _made(
        name, tuple(edits), sum(arm.expected for arm in chosen), error, "each of them is worth trying alone"
    )


def ranked(arms: Iterable[Arm]) -> list[Arm]:
    """The most hopeful first; among equals by name."""
    return sorted(arms, key=lambda arm: (-arm.hope, arm.name))


def _made(name: str, proposals: tuple[Proposal, ...], expected: float, error: float, note: str) -> Arm:
    return Arm(
        name,
        expected,
        error,
        lambda parent: variant(name, parent, proposals, note=note),
        proposals,
    )


def _name(proposal: Proposal) -> str:
    doing = {"add_rule": "add", "reword_rule": "reword to", "remove_rule": "remove"}[proposal.action]
    return f"{doing}: {proposal.text}"
