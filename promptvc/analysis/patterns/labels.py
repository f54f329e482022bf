"""What events say of themselves as candidates: their tags, and the model, framework and technique of their call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptvc.analysis.patterns.block import Block, Candidate, Kind, rows_of
from promptvc.feedback.query.facts import Said

_TOLD: tuple[Kind, ...] = ("model", "framework", "technique")


def labels(said: Sequence[Said], support: int) -> Iterator[Block]:
    """A block of tags, and one for each of model, framework and technique: an event that tells none is in none."""
    yield _block("tag", [tuple(dict.fromkeys(one.tags)) for one in said], support)
    for kind in _TOLD:
        told = [getattr(one, kind) for one in said]
        yield _block(kind, [None if value is None else (value,) for value in told], support)


def _block(kind: Kind, values: Sequence[tuple[str, ...] | None], support: int) -> Block:
    numbers, of = rows_of(values)
    counts: dict[str, int] = {}
    for value in values:
        for label in value or ():
            counts[label] = counts.get(label, 0) + 1
    kept = {label: at for at, label in enumerate(sorted(one for one in counts if counts[one] >= support))}
    rows = [tuple(kept[label] for label in value if label in kept) for value in numbers]
    return Block([Candidate(kind, None, label) for label in kept], rows, of)
