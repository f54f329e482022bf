"""Cases in blocks: what is asked at a time, and what must not have been learned from for it.

Cases are split into folds by their group, and each fold into parts. A block is one part: every variant is fitted on
the other folds and scored on it (cross-fitting: Stone 1974, Cross-validatory choice and assessment of statistical
predictions). After each block the race may let variants go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from promptvc.training.data.items import stable_share
from promptvc.training.data.split import TrainingCase

FOLDS = 5
PARTS = 2


@dataclass(frozen=True, slots=True)
class Block:
    """Positions of cases that are asked together, and of all cases that may be learned from for them.

    ``learn`` is one and the same value for all blocks of a fold, so that a prompt is fitted once for them.
    """

    asked: tuple[int, ...]
    learn: tuple[int, ...]
    fold: int


def blocks_of(
    cases: Sequence[TrainingCase], asked: Sequence[int], teaching: Collection[int], seed: int
) -> tuple[Block, ...]:
    """The blocks of the positions ``asked``; a group is in one fold, whole. Empty with fewer than two folds.

    Args:
        teaching: positions that may be learned from, when their fold is not the one that is asked.
    """
    parts: list[list[list[int]]] = [[[] for _ in range(PARTS)] for _ in range(FOLDS)]
    for at in sorted(asked):
        place = int(stable_share(cases[at].group, f"fold {seed}") * FOLDS * PARTS)
        parts[place // PARTS][place % PARTS].append(at)
    folds = [fold for fold in parts if any(fold)]
    if len(folds) < 2:
        return ()
    learns = []
    for fold in folds:
        held = {cases[at].group for part in fold for at in part}
        learns.append(tuple(at for at in sorted(teaching) if cases[at].group not in held))
    # The first parts of all folds before the second ones: what comes early tells of all folds.
    return tuple(
        Block(tuple(fold[part]), learns[number], number)
        for part in range(PARTS)
        for number, fold in enumerate(folds)
        if fold[part]
    )
