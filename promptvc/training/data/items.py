"""From events to training items: one right answer for each input, with all the events that say so.

Claims about the same input are merged. Where users differ, evidence decides: only the highest rank of claim that
is there votes (reviewed, then stated or rated), each user once per answer, with 2 for a correction or
demonstration and 1 for a rating, less with age (half after 180 days). An answer wins with at least 1.25 times
the votes of the next; otherwise the input is dropped and reported. Of very many inputs a stable sample is used
(:mod:`promptvc.training.data.sample`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from promptvc.feedback.events import Event
from promptvc.feedback.people import as_persons
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import input_text
from promptvc.training.data.claims import REVIEWED, Claim, ClaimOptions, read_claims
from promptvc.training.data.inputs import Form, Inputs
from promptvc.training.data.sample import MOST_INPUTS, sampled, stable_share

__all__ = ["CLEAR", "HALF_AFTER_DAYS", "Conflict", "Dataset", "Item", "build", "stable_share"]

HALF_AFTER_DAYS = 180.0
CLEAR = 1.25


@dataclass(frozen=True, slots=True)
class Item:
    """One input with its right answer.

    Attributes:
        form: what the input is compared by; no two items share its key.
        because: ids of every event that says so, sorted.
        users: who said so, sorted.
        seen: when the input was first seen.
        votes: the evidence for the answer.
    """

    form: Form
    input: Mapping[str, str]
    output: str
    because: tuple[str, ...]
    users: tuple[str, ...]
    seen: datetime
    votes: float

    @property
    def key(self) -> str:
        """The normalised input."""
        return self.form.key

    @property
    def text(self) -> str:
        """The input as one text."""
        return input_text(self.input)


@dataclass(frozen=True, slots=True)
class Conflict:
    """An input whose answers are too close to tell: votes by answer, and every event that took part."""

    input: Mapping[str, str]
    votes: Mapping[str, float]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Items in the order in which their inputs were first seen, and what did not become one.

    Attributes:
        rejected: ids of events that an annotation rejected.
        left_out: numbers of events by reason.
    """

    items: tuple[Item, ...]
    conflicts: tuple[Conflict, ...]
    rejected: frozenset[str]
    left_out: Mapping[str, int]


def build(events: Iterable[Event], prompt: Prompt, options: ClaimOptions | None = None) -> Dataset:
    """The training items that ``events`` give for ``prompt``. Events of other prompts are ignored."""
    mine = as_persons(event for event in events if event.prompt == prompt.name)
    inputs = Inputs.of(prompt)
    read = read_claims(mine, inputs, options or ClaimOptions())
    by_input: dict[Form, list[Claim]] = {}
    for claim in read.claims:
        by_input.setdefault(inputs.form(claim.input), []).append(claim)
    newest = max((claim.time for claim in read.claims), default=None)
    left_out = Counter(read.left_out)
    kept = sampled((form.key for form in by_input), MOST_INPUTS)
    if kept is not None:
        beyond = sum(len(claims) for form, claims in by_input.items() if form.key not in kept)
        left_out[f"beyond the sample of {len(kept):,} inputs"] += beyond
        by_input = {form: claims for form, claims in by_input.items() if form.key in kept}
    items: list[Item] = []
    conflicts: list[Conflict] = []
    for form, claims in by_input.items():
        assert newest is not None
        settled = _settle(form, claims, newest)
        if isinstance(settled, Item):
            items.append(settled)
        else:
            conflicts.append(settled)
            left_out["users differ"] += len(settled.events)
    return Dataset(tuple(items), tuple(conflicts), read.rejected, dict(sorted(left_out.items())))


def _settle(form: Form, claims: Sequence[Claim], newest: datetime) -> Item | Conflict:
    reviewed = [claim for claim in claims if claim.rank == REVIEWED]
    voting = reviewed or claims
    votes: dict[str, dict[str, float]] = {}
    for claim in voting:
        age = (newest - claim.time).total_seconds() / 86400
        weight = claim.rank / (1 + age / HALF_AFTER_DAYS)
        by_user = votes.setdefault(claim.output, {})
        by_user[claim.user] = max(by_user.get(claim.user, 0.0), weight)
    totals = {output: _sum(by_user.values()) for output, by_user in votes.items()}
    ranked = sorted(totals, key=lambda output: (-totals[output], output))
    if len(ranked) > 1 and totals[ranked[0]] < CLEAR * totals[ranked[1]]:
        events = sorted({event for claim in claims for event in claim.because})
        return Conflict(
            claims[0].input, {output: round(totals[output], 3) for output in ranked}, tuple(events)
        )
    agreeing = [claim for claim in claims if claim.output == ranked[0]]
    return Item(
        form=form,
        input=agreeing[0].input,
        output=ranked[0],
        because=tuple(sorted({event for claim in agreeing for event in claim.because})),
        users=tuple(sorted({claim.user for claim in claims})),
        seen=claims[0].time,
        votes=totals[ranked[0]],
    )


def _sum(values: Iterable[float]) -> float:
    total = 0.0
    for value in values:  # not sum(): its rounding differs between releases of Python
        total += value
    return total
