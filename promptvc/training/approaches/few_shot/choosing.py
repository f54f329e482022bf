"""Choosing examples one by one, each the one that helps most next to those chosen before.

What "helps" means is an aim: :class:`Correct` brings cases over to their right answer, :class:`Cover` gives
every case a close example. Both count in whole numbers over
:class:`~promptvc.training.approaches.few_shot.neighbours.Ground`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from promptvc.training.approaches.few_shot.neighbours import Ground, Neighbour


@dataclass(frozen=True, slots=True)
class Room:
    """What may still be added: a number of examples, and tokens; ``cost`` in tokens by example of the pool."""

    examples: int
    tokens: int
    cost: Sequence[int]


class Aim(Protocol):
    """What chosen examples are to achieve, and how far they have come."""

    def effects(self, case: int) -> Iterable[tuple[int, int]]:
        """(example, what choosing it now does for the case), where that is not 0."""
        ...

    def add(self, case: int, chosen: Neighbour) -> bool:
        """Note that an example near the case was chosen; whether that changes anything for the case."""
        ...


class Correct:
    """Bring cases over to their right answer, and do not lose others.

    How right a case is rises from 0 to 1 while the lead of its right answer (closeness) rises from ``low`` to
    ``high``. From 0 on, what is wrong cannot get worse, so it counts answers; from below 0 it looks ahead.
    """

    def __init__(self, ground: Ground, low: int, high: int) -> None:
        self._near, self._low, self._high = ground.near, low, high
        self._right, self._wrong = list(ground.right), list(ground.wrong)

    def _lead(self, right: int, wrong: int) -> int:
        return min(max(right - wrong, self._low), self._high)

    def effects(self, case: int) -> Iterable[tuple[int, int]]:
        """See :class:`Aim`."""
        right, wrong, low, high = self._right[case], self._wrong[case], self._low, self._high
        now = self._lead(right, wrong)
        # The innermost loop of a training: most neighbours are too far away to move anything, and no call is made.
        for example, close, agrees in self._near[case]:
            if agrees:
                if close <= right:
                    continue
                lead = close - wrong
            elif close > wrong:
                lead = right - close
            else:
                continue
            effect = (low if lead < low else min(lead, high)) - now
            if effect:
                yield example, effect

    def add(self, case: int, chosen: Neighbour) -> bool:
        """See :class:`Aim`."""
        side = self._right if chosen.agrees else self._wrong
        if chosen.close <= side[case]:
            return False
        side[case] = chosen.close
        return True


class Cover:
    """Give every case a close example, cases that went wrong first (facility location).

    With ``by_answer`` only an example with the case's answer covers it; otherwise any does, for answers in free text.
    """

    def __init__(self, ground: Ground, *, by_answer: bool) -> None:
        self._ground, self._by_answer = ground, by_answer
        self._covered = [0] * len(ground.near)

    def effects(self, case: int) -> Iterable[tuple[int, int]]:
        """See :class:`Aim`."""
        covered, weight = self._covered[case], self._ground.weight[case]
        for near in self._ground.near[case]:
            if near.close > covered and (near.agrees or not self._by_answer):
                yield near.example, (near.close - covered) * weight

    def add(self, case: int, chosen: Neighbour) -> bool:
        """See :class:`Aim`."""
        if chosen.close <= self._covered[case] or (self._by_answer and not chosen.agrees):
            return False
        self._covered[case] = chosen.close
        return True


def choose(aim: Aim, ground: Ground, cases: Iterable[int], allowed: Collection[int], room: Room) -> list[int]:
    """The examples to take, the most helpful first, until nothing helps any more or has room.

    Args:
        cases: positions of the cases that count.
        allowed: positions of the examples that may be taken. Of equally helpful ones the one with fewer tokens is.
    """
    gains = _Gains(aim, allowed)
    touched: dict[int, list[tuple[int, Neighbour]]] = {example: [] for example in gains.values}
    for case in cases:
        for near in ground.near[case]:
            if near.example in touched:
                touched[near.example].append((case, near))
        gains.count(case)
    chosen: list[int] = []
    tokens = room.tokens
    while len(chosen) < room.examples:
        best = _best(gains.values, room.cost, tokens)
        if best is None:
            break
        chosen.append(best)
        tokens -= room.cost[best]
        del gains.values[best]
        for case, near in touched[best]:
            gains.update(case, near)
    return chosen


class _Gains:
    """What each example that may still be taken would do for all cases together."""

    def __init__(self, aim: Aim, allowed: Collection[int]) -> None:
        self._aim = aim
        self.values: dict[int, int] = dict.fromkeys(sorted(allowed), 0)

    def count(self, case: int) -> None:
        """Add the case's part."""
        values = self.values
        for example, effect in self._aim.effects(case):
            if example in values:
                values[example] += effect

    def update(self, case: int, chosen: Neighbour) -> None:
        """The case's part changes, as an example near it was chosen."""
        before = [pair for pair in self._aim.effects(case) if pair[0] in self.values]
        if self._aim.add(case, chosen):
            for example, effect in before:
                self.values[example] -= effect
            self.count(case)


def _best(gains: Mapping[int, int], cost: Sequence[int], tokens: int) -> int | None:
    best, most = None, 0
    for example, gain in gains.items():
        if gain < most or gain <= 0 or cost[example] > tokens:
            continue
        if best is None or gain > most or cost[example] < cost[best]:
            best, most = example, gain
    return best
