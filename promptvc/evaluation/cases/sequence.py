"""Many cases, made when they are asked for: a dataset of 100,000 is its bytes and some 100 more a case.

What a suite has to know of every case (its id, digest and split) is kept. Everything else is read again from the
dataset's bytes by whoever asks for the case, and kept by nobody.
"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TypeVar, overload

from promptvc.evaluation.cases.case import Case, Split, digest_of_digests

T = TypeVar("T")


class Cases(Sequence[Case]):
    """A sequence of cases that knows some things of them without making them."""

    @abstractmethod
    def case(self, position: int) -> Case:
        """The case at ``position``, 0 or more."""

    @abstractmethod
    def ids(self) -> Iterator[str]:
        """The ids, in order."""

    @abstractmethod
    def digests(self) -> Iterator[str]:
        """The digests, in order."""

    @abstractmethod
    def splits(self) -> Iterator[Split]:
        """Which split each belongs to, in order."""

    def lacking(self, names: Collection[str]) -> Lacking:
        """The cases that lack one of the variables ``names``."""
        return _count(iter(self), names)

    @overload
    def __getitem__(self, index: int) -> Case: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Case]: ...
    def __getitem__(self, index: int | slice) -> Case | Sequence[Case]:
        if isinstance(index, slice):
            return Chosen(self, array("Q", range(len(self))[index]))
        size = len(self)
        if not -size <= index < size:
            raise IndexError(index)
        return self.case(index % size)

    def __iter__(self) -> Iterator[Case]:
        return map(self.case, range(len(self)))


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many cases lack something, and the position of the first that does; None where none does."""

    first: int | None = None
    count: int = 0


class Joined(Cases):
    """Several sequences, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Case]]) -> None:
        self._parts = tuple(parts)
        self._ends = list(accumulate(map(len, self._parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Case]:
        return chain.from_iterable(self._parts)

    def case(self, position: int) -> Case:
        """The case at ``position``."""
        part = bisect_right(self._ends, position)
        return self._parts[part][position - (self._ends[part - 1] if part else 0)]

    def ids(self) -> Iterator[str]:
        """The ids, in order."""
        return chain.from_iterable(map(ids_of, self._parts))

    def digests(self) -> Iterator[str]:
        """The digests, in order."""
        return chain.from_iterable(map(digests_of, self._parts))

    def splits(self) -> Iterator[Split]:
        """Which split each belongs to, in order."""
        return chain.from_iterable(map(splits_of, self._parts))

    def lacking(self, names: Collection[str]) -> Lacking:
        """The cases that lack one of the variables ``names``."""
        found = Lacking()
        for part, end in zip(self._parts, self._ends, strict=True):
            more = lacking_of(part, names)
            if more.first is not None:
                first = end - len(part) + more.first if found.first is None else found.first
                found = Lacking(first, found.count + more.count)
        return found


class Chosen(Cases):
    """Some cases of a sequence, by their positions in it."""

    def __init__(self, cases: Cases, positions: array[int]) -> None:
        self._cases = cases
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def case(self, position: int) -> Case:
        """The case at ``position``."""
        return self._cases.case(self._positions[position])

    def ids(self) -> Iterator[str]:
        """The ids, in order."""
        return self._of(list(self._cases.ids()))

    def digests(self) -> Iterator[str]:
        """The digests, in order."""
        return self._of(list(self._cases.digests()))

    def splits(self) -> Iterator[Split]:
        """Which split each belongs to, in order."""
        return self._of(list(self._cases.splits()))

    def _of(self, values: Sequence[T]) -> Iterator[T]:
        return (values[position] for position in self._positions)


def ids_of(cases: Sequence[Case]) -> Iterator[str]:
    """The ids of ``cases``, in order, without making the cases where that can be."""
    return cases.ids() if isinstance(cases, Cases) else (case.id for case in cases)


def digests_of(cases: Iterable[Case]) -> Iterator[str]:
    """The same for digests."""
    return cases.digests() if isinstance(cases, Cases) else (case.digest for case in cases)


def splits_of(cases: Sequence[Case]) -> Iterator[Split]:
    """The same for splits."""
    return cases.splits() if isinstance(cases, Cases) else (case.split for case in cases)


def lacking_of(cases: Sequence[Case], names: Collection[str]) -> Lacking:
    """The cases that lack one of the variables ``names``."""
    return cases.lacking(names) if isinstance(cases, Cases) else _count(cases, names)


def _count(cases: Iterable[Case], names: Collection[str]) -> Lacking:
    lacking = [at for at, case in enumerate(cases) if any(name not in case.vars for name in names)]
    return Lacking(lacking[0], len(lacking)) if lacking else Lacking()


def digest_of(cases: Iterable[Case]) -> str:
    """SHA-256, as hex, of a set of cases, whatever their order."""
    return digest_of_digests(digests_of(cases))


def of_split(cases: Sequence[Case], name: Split) -> Sequence[Case]:
    """The cases of one split, in order; ``cases`` itself where that is all of them."""
    return _at(cases, (at for at, split in enumerate(splits_of(cases)) if split == name))


def chosen(cases: Sequence[Case], wanted: Callable[[Case], bool]) -> Sequence[Case]:
    """The cases that are ``wanted``, in order; not kept where ``cases`` keeps none."""
    return _at(cases, (at for at, case in enumerate(cases) if wanted(case)))


def _at(cases: Sequence[Case], positions: Iterable[int]) -> Sequence[Case]:
    if not isinstance(cases, Cases):
        return tuple(cases[at] for at in positions)
    found = array("Q", positions)
    return cases if len(found) == len(cases) else Chosen(cases, found)
