"""Which cases of a suite are asked: by tag, by id, those that failed last time, one shard of several."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from promptvc.base.errors import NotFound, Usage
from promptvc.base.schema_messages import nearest_word
from promptvc.evaluation.cases.sequence import chosen, ids_of
from promptvc.evaluation.cases.suite import Case


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``number`` (from 1) of ``count``; which part a case is in hangs on its id alone."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, case: str) -> bool:
        """Whether the case with this id is in it."""
        digest = hashlib.sha256(case.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8]) % self.count == self.number - 1


def parse_shard(text: str) -> Shard:
    """``2/5``, the second of five.

    Raises:
        Usage: it is no such thing.
    """
    first, slash, second = text.partition("/")
    if slash and first.isascii() and second.isascii() and first.isdigit() and second.isdigit():
        number, count = int(first), int(second)
        if 1 <= number <= count <= 10_000:
            return Shard(number, count)
    raise Usage(f"{text!r} is no shard", hint="write the number of the part and of all parts: 2/5")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases are asked; everything that is given must hold.

    Attributes:
        tags: cases with one of them.
        ids: these cases.
        failed: ids that failed last time; None where that does not matter.
        shard: None for all of them.
    """

    tags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    failed: Collection[str] | None = None
    shard: Shard | None = None

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return not self.tags and not self.ids and self.failed is None and self.shard is None

    def of(self, cases: Sequence[Case]) -> Sequence[Case]:
        """The selected ones, in their order.

        Raises:
            NotFound: an id or a tag that no case has; nothing is left.
        """
        if self.all:
            return cases
        self._require(cases)
        tags, ids = set(self.tags), set(self.ids)
        found = chosen(
            cases,
            lambda case: (
                (not tags or not tags.isdisjoint(case.tags))
                and (not ids or case.id in ids)
                and (self.failed is None or case.id in self.failed)
                and (self.shard is None or self.shard.has(case.id))
            ),
        )
        if not found and self.shard is None:
            raise NotFound("no case is left to ask", hint="the filters leave out all of them")
        return found

    def _require(self, cases: Sequence[Case]) -> None:
        if self.ids:
            _known(self.ids, set(ids_of(cases)), "case")
        if self.tags:
            _known(self.tags, {tag for case in cases for tag in case.tags}, "case with the tag")


def _known(asked: Sequence[str], known: Collection[str], what: str) -> None:
    for name in asked:
        if name not in known:
            near = nearest_word(name, sorted(known))
            hint = f"did you mean {near}?" if near else f"there are {len(known):,}"
            raise NotFound(f"there is no {what} {name}", hint=hint)
