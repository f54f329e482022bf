"""Three-way merge of lists: rules, examples and messages as items, tags and citations as sets."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.store.matching import exact, match
from promptvc.store.merging.conflict import ABSENT, Conflict, Outcome

MergeOne = Callable[[Any, Any, Any], Outcome]


@dataclass(frozen=True, slots=True)
class Kind:
    """How the items of one list are merged.

    Attributes:
        identity: what makes two items the same one; None for an item that has nothing of the kind.
        one: brings the base's, our and their form of an item together.
        placed: whether what stands next to each other matters, so that two additions at one place are a conflict.
    """

    identity: Callable[[Any], Hashable]
    one: MergeOne
    placed: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of the result; ``ours`` and ``theirs`` are its positions there, None where it is not."""

    outcome: Outcome
    ours: int | None
    theirs: int | None
    base: int | None = None


def merge_items(base: Sequence[Any], ours: Sequence[Any], theirs: Sequence[Any], kind: Kind) -> Outcome:
    """The merged list. Conflicts have paths that begin with an index into it."""
    return _Merge(base, ours, theirs, kind).outcome()


def merge_set(base: Sequence[Any], ours: Sequence[Any], theirs: Sequence[Any]) -> list[Any]:
    """What both have of the base, and what either added, once: our order, then what they added."""
    keys_base, keys_ours, keys_theirs = ({exact(item) for item in side} for side in (base, ours, theirs))
    kept = (keys_base & keys_ours & keys_theirs) | (keys_ours - keys_base) | (keys_theirs - keys_base)
    items = {exact(item): item for item in (*ours, *theirs)}
    return [item for key, item in items.items() if key in kept]


def woven(ours: Sequence[Hashable], theirs: Sequence[Hashable], *, by_theirs: bool = False) -> list[Any]:
    """One order out of two: what both have in our order (or theirs), and behind each what a side has after it.

    What a side alone has keeps its neighbour: it follows the last common item before it, ours before theirs.
    """
    common = set(ours) & set(theirs)
    groups: dict[Hashable, list[Hashable]] = defaultdict(list)
    start = object()
    for side in (ours, theirs):
        anchor: Hashable = start
        for item in side:
            if item in common:
                anchor = item
            else:
                groups[anchor].append(item)
    result = list(groups[start])
    for item in theirs if by_theirs else ours:
        if item in common:
            result += [item, *groups[item]]
    return result


class _Merge:
    """One merge under way."""

    def __init__(self, base: Sequence[Any], ours: Sequence[Any], theirs: Sequence[Any], kind: Kind) -> None:
        self.base, self.ours, self.theirs, self.kind = base, ours, theirs, kind
        self.items: list[_Item] = []
        self.conflicts: list[Conflict] = []
        # What both sides have and the base has not is one item, however near it is to one of the base.
        known = {self._key(item) for item in base}
        self.counted = Counter(map(self._key, ours)), Counter(map(self._key, theirs))
        both = self.counted[0] & self.counted[1]
        self.new = {key for key in both if key not in known}
        self.in_ours, self.in_theirs = self._pairs(ours), self._pairs(theirs)

    def outcome(self) -> Outcome:
        for at in range(len(self.base)):
            self._base_item(at)
        self._additions()
        by_theirs = self._order()
        ours = sorted((n for n, item in enumerate(self.items) if item.ours is not None), key=self._in_ours)
        theirs = sorted(
            (n for n, item in enumerate(self.items) if item.theirs is not None), key=self._in_theirs
        )
        placed = woven(ours, theirs, by_theirs=by_theirs)
        if self.kind.placed:
            placed = self._without_rivals(placed)
        values = []
        for at, n in enumerate(placed):
            found = self.items[n].outcome
            values.append(found.value)
            self.conflicts += [one.below((at,)) for one in found.conflicts]
        counted = Counter(map(self._key, values))
        if self._is_short(counted):
            reason = "an item stands there several times, and each side changed another one of them"
            sides = self.base, self.ours, self.theirs
            return Outcome(list(self.ours), (Conflict((), reason, *map(list, sides)),))
        self._twice(values, counted)
        return Outcome(values, tuple(self.conflicts))

    def _in_ours(self, n: int) -> int:
        return self.items[n].ours or 0

    def _in_theirs(self, n: int) -> int:
        return self.items[n].theirs or 0

    def _pairs(self, side: Sequence[Any]) -> dict[int, int]:
        """Index in the base -> index in a side, of what is the same item, edited or not."""
        if self.kind.placed and _roles(self.base) == _roles(side):
            return {at: at for at in range(len(self.base))}
        places = [at for at, item in enumerate(side) if self._key(item) not in self.new]
        found = match(self.base, [side[at] for at in places], self.kind.identity)
        return {i: places[j] for i, j in (*found.same, *found.moved, *found.changed)}

    def _base_item(self, at: int) -> None:
        item, j, k = self.base[at], self.in_ours.get(at), self.in_theirs.get(at)
        if j is None and k is None:
            return
        ours = ABSENT if j is None else self.ours[j]
        theirs = ABSENT if k is None else self.theirs[k]
        if j is not None and k is not None:
            self.items.append(_Item(merged(item, ours, theirs, self.kind.one), j, k, at))
        elif exact(item) != exact(ours if k is None else theirs):
            side, other = ("we", "they") if k is None else ("they", "we")
            conflict = Conflict((), f"{side} changed what {other} removed", item, ours, theirs)
            if k is None:
                self.items.append(_Item(Outcome(ours, (conflict,)), j, None))
            else:
                self.conflicts.append(conflict.below((at,)))

    def _additions(self) -> None:
        paired_ours, paired_theirs = set(self.in_ours.values()), set(self.in_theirs.values())
        new_ours = [j for j in range(len(self.ours)) if j not in paired_ours]
        new_theirs = [k for k in range(len(self.theirs)) if k not in paired_theirs]
        in_both: set[int] = set()
        gone_ours = self._gone(self.in_ours, self.in_theirs)
        gone_theirs = self._gone(self.in_theirs, self.in_ours)
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for k in new_theirs:
            waiting[self._key(self.theirs[k])].append(k)
        for j in new_ours:
            item, queue = self.ours[j], waiting[self._key(self.ours[j])]
            if queue:
                k = queue.popleft()
                self.items.append(_Item(merged(ABSENT, item, self.theirs[k], self.kind.one), j, k))
                in_both.add(k)
            elif exact(item) in gone_theirs:
                conflict = Conflict((), "we wrote again what they removed", item, item, ABSENT)
                self.items.append(_Item(Outcome(item, (conflict,)), j, None))
            else:
                self.items.append(_Item(Outcome(item), j, None))
        for k in new_theirs:
            if k in in_both:
                continue
            item = self.theirs[k]
            if exact(item) in gone_ours:
                reason = "they wrote again what we removed"
                self.conflicts.append(Conflict((gone_ours[exact(item)],), reason, item, ABSENT, item))
            else:
                self.items.append(_Item(Outcome(item), None, k))

    def _gone(self, here: dict[int, int], there: dict[int, int]) -> dict[str, int]:
        """What one side alone removed, with its index in the base."""
        return {exact(item): at for at, item in enumerate(self.base) if at not in here and at in there}

    def _key(self, item: Any) -> Hashable:
        found = self.kind.identity(item)
        return ("whole", exact(item)) if found is None else ("same", found)

    def _order(self) -> bool:
        """Whether the order of what both kept is theirs; a conflict where both moved items differently."""
        common = [item for item in self.items if item.base is not None]
        base = [item.base for item in common]
        ours = [item.base for item in sorted(common, key=lambda item: item.ours or 0)]
        theirs = [item.base for item in sorted(common, key=lambda item: item.theirs or 0)]
        if base not in (ours, theirs) and ours != theirs:
            sides = [[self.base[at] for at in order if at is not None] for order in (base, ours, theirs)]
            self.conflicts.append(Conflict((), "both sides moved items, differently", *sides))
        return ours == base

    def _without_rivals(self, placed: list[int]) -> list[int]:
        """``placed`` without what they added where we added something else: which comes first would be a guess."""
        kept: list[int] = []
        for n in placed:
            item = self.items[n]
            before = self.items[kept[-1]] if kept else item
            if item.ours is None and before.theirs is None and not before.outcome.conflicts:
                sides = ABSENT, before.outcome.value, item.outcome.value
                self.conflicts.append(Conflict((len(kept) - 1,), "both sides added something here", *sides))
            else:
                kept.append(n)
        return kept

    def _twice(self, values: Sequence[Any], counted: Counter[Hashable]) -> None:
        """What stands there more often than on either side: one edited an item into what the other added."""
        ours, theirs = self.counted
        for at, value in enumerate(values):
            key = self._key(value)
            most = max(ours[key], theirs[key])
            if 0 < most < counted[key]:
                reason = "both sides came to the same item in different places"
                self.conflicts.append(Conflict((at,), reason, ABSENT, value, value))
                counted[key] = 0

    def _is_short(self, counted: Counter[Hashable]) -> bool:
        """Whether an item is lost that both sides have: of equal ones, each removed or edited another.

        Which copy is which cannot be told, so the pairs of one side need not be those of the other.
        """
        both = self.counted[0] & self.counted[1]
        short = {key for key, number in both.items() if counted[key] < number}
        return bool(short) and not short <= self._told()

    def _told(self) -> set[Hashable]:
        """The items that a conflict speaks of already."""
        forms = [form for one in self.conflicts for form in (one.base, one.ours, one.theirs)]
        for item in self.items:
            if item.outcome.conflicts:
                sides = (self.base, item.base), (self.ours, item.ours), (self.theirs, item.theirs)
                forms += [side[at] for side, at in sides if at is not None]
        return {self._key(form) for form in forms}


def merged(base: Any, ours: Any, theirs: Any, both: MergeOne) -> Outcome:
    """What only one side changed is taken; ``both`` decides where the two changed it differently."""
    one, other, before = (None if each is ABSENT else exact(each) for each in (ours, theirs, base))
    if one in {other, before}:
        return Outcome(theirs)
    return Outcome(ours) if other == before else both(base, ours, theirs)


def _roles(messages: Sequence[Any]) -> list[Any]:
    return [item.get("role") if isinstance(item, dict) else None for item in messages]
