"""What each example of a prompt is worth next to the others, without asking any model: leave it out and count.

The picture is that of :mod:`promptvc.training.approaches.few_shot.neighbours`. Greedy choosing never looks back: an
example that helped when it was chosen may be worth nothing once others stand beside it. So examples are taken away one
by one, each time the one whose absence costs least (backward elimination).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from promptvc.models.showing import FULL, Shown
from promptvc.training.approaches.few_shot.measures import Measure
from promptvc.training.approaches.few_shot.neighbours import Point


@dataclass(frozen=True, slots=True)
class Worth:
    """What counts: a case is right from a lead of 0 on, fully so from ``span`` on.

    With ``by_answer`` false every example is an answer to every case, and how close the closest one is counts.
    """

    by_answer: bool
    span: int

    def of(self, right: int, wrong: int) -> int:
        """Of one case, by how close the closest right and wrong answers are."""
        return min(max(right - wrong, 0), self.span) if self.by_answer else right


@dataclass(frozen=True, slots=True)
class Setting:
    """What examples stand in: the cases that may be learned from, and what the prompt shows without the examples."""

    cases: Sequence[Point]
    shown: Sequence[Shown]
    measure: Measure


def eliminated(
    examples: Sequence[Point], tokens: Sequence[int], setting: Setting, worth: Worth
) -> list[tuple[int, int]]:
    """(position, loss) of all examples in the order in which they can best be spared.

    A loss of 0 or less says that nothing is lost next to those still there. Of equals the heavier goes first, then the
    later.
    """
    cases = _cases(examples, setting, worth)
    losses = [0] * len(examples)
    touching: list[list[_Case]] = [[] for _ in examples]
    for case in cases:
        case.count(losses, 1)
        for at in case.positions():
            touching[at].append(case)
    there = set(range(len(examples)))
    order: list[tuple[int, int]] = []
    while there:
        at = min(there, key=lambda each: (losses[each], -tokens[each], -each))
        order.append((at, losses[at]))
        there.remove(at)
        for case in touching[at]:
            case.count(losses, -1)
            case.remove(at)
            case.count(losses, 1)
    return order


class _Case:
    """One case with the examples near it that are still there, closest first on each side."""

    def __init__(
        self, sides: tuple[list[tuple[int, int]], list[tuple[int, int]]], floors: tuple[int, int]
    ) -> None:
        self._sides, self._floors = sides, floors
        self.worth = Worth(by_answer=True, span=0)

    def positions(self) -> Iterator[int]:
        for side in self._sides:
            yield from (at for _, at in side)

    def remove(self, at: int) -> None:
        for side in self._sides:
            for place, (_, other) in enumerate(side):
                if other == at:
                    del side[place]
                    return

    def count(self, losses: list[int], sign: int) -> None:
        """Add what each example's absence would cost this case; only the closest of a side can cost anything."""
        right, wrong = self._top(0, 0), self._top(1, 0)
        now = self.worth.of(right, wrong)
        good, bad = self._sides
        if good:
            losses[good[0][1]] += sign * (now - self.worth.of(self._top(0, 1), wrong))
        if bad:
            losses[bad[0][1]] += sign * (now - self.worth.of(right, self._top(1, 1)))

    def _top(self, side: int, place: int) -> int:
        found = self._sides[side]
        return max(found[place][0], self._floors[side]) if len(found) > place else self._floors[side]


def _cases(examples: Sequence[Point], setting: Setting, worth: Worth) -> list[_Case]:
    asked = [case.text for case in setting.cases]
    near = setting.measure.index([example.text for example in examples], asked)
    told = setting.measure.index([item.text for item in setting.shown], asked)
    found = []
    for case in setting.cases:
        sides: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        for at, (example, close) in enumerate(zip(examples, near(case.text), strict=True)):
            if close > setting.measure.stranger and example.group != case.group:
                agrees = not worth.by_answer or example.output == case.output
                sides[0 if agrees else 1].append((close, at))
        if not any(sides):
            continue
        for side in sides:
            side.sort(key=lambda pair: (-pair[0], pair[1]))
        floors = [0, 0]
        for item, close in zip(setting.shown, told(case.text), strict=True):
            place = 0 if not worth.by_answer or item.answer == case.output else 1
            floors[place] = max(floors[place], close * item.strength // FULL)
        one = _Case(sides, (floors[0], floors[1]))
        one.worth = worth
        found.append(one)
    return found
