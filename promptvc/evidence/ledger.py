"""The ledger: every training and every look at a hold-out, as write-once files on one branch, and their fold.

The promise is at most 5 % false improvements per prompt and epoch. Look ``i`` of an epoch spends
``alpha_i = 0.05 * 6 / (pi^2 i^2)``, whose sum over all looks is 0.05 (the Basel series). A look counts once
it is reserved, whatever became of it. An epoch begins with the first look of whose hold-out cases at least
half were never looked at before; looks of earlier epochs no longer count.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from promptvc.base.errors import InvalidDocument
from promptvc.base.stats import alpha_at
from promptvc.evidence.fields import Fields, document
from promptvc.evidence.looks import Look, case_key, look_key
from promptvc.evidence.trainings import Events, Training

__all__ = [
    "BRANCH",
    "Events",
    "Ledger",
    "LedgerState",
    "Look",
    "NumberedLook",
    "Training",
    "case_key",
    "fold",
    "look_key",
    "number",
    "parse",
    "read",
    "to_bytes",
]

BRANCH = "promptvc/ledger"

_KINDS: dict[str, Callable[[Fields], Look | Training]] = {Look.kind: Look.read, Training.kind: Training.read}


@dataclass(frozen=True, slots=True)
class NumberedLook:
    """A look with its place: ``number`` counts from 1 within ``epoch``, which counts from 1."""

    look: Look
    epoch: int
    number: int

    @property
    def alpha(self) -> float:
        """What it may spend."""
        return alpha_at(self.number)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The records of one prompt: looks in the order they count, trainings newest first."""

    looks: tuple[Look, ...] = ()
    trainings: tuple[Training, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Where a prompt stands before its next look at a hold-out.

    Attributes:
        look: the number that the next look will have.
        epoch: the epoch that it will belong to.
        same_look: the look already reserved for the same three digests: it keeps its number and costs nothing
            again.
        looks: all looks so far, numbered.
    """

    look: int
    epoch: int
    same_look: NumberedLook | None
    looks: tuple[NumberedLook, ...]

    @property
    def alpha(self) -> float:
        """What the next look may spend: that of the same look, where there is one."""
        return self.same_look.alpha if self.same_look is not None else alpha_at(self.look)


def to_bytes(record: Look | Training) -> bytes:
    """The one text of a ledger record: indented, keys sorted, a final newline."""
    return document(record.to_json())


def parse(data: bytes, *, file: str) -> Look | Training:
    """Read one record of the ledger. Keys it does not know are kept in ``extra``.

    Raises:
        InvalidDocument: not a record, or its content contradicts its path.
    """
    fields, reader = Fields.parse(data, file=file, kinds=_KINDS)
    record = reader(fields)
    if not file.endswith(record.path):
        raise InvalidDocument(f"holds what belongs to {record.path}", file=file)
    return record


def read(files: Mapping[str, bytes], name: str) -> Ledger:
    """The ledger of one prompt, out of the files (path -> content) of the ledger branch.

    A look that was reserved ahead is given back once its training's record says that the training did not use it.
    """
    looks: list[Look] = []
    trainings: list[Training] = []
    for file, data in files.items():
        if file.rpartition("/")[0] not in (f"looks/{name}", f"trainings/{name}"):
            continue
        record = parse(data, file=file)
        if isinstance(record, Look):
            looks.append(record)
        else:
            trainings.append(record)
    used = {training.id: training.look_key for training in trainings}
    told = [
        replace(look, given_back=True) if look.is_ahead and used.get(look.id, look.key) != look.key else look
        for look in looks
    ]
    return Ledger(
        looks=tuple(sorted(told, key=lambda look: look.order)),
        trainings=tuple(sorted(trainings, key=lambda training: training.id, reverse=True)),
    )


def number(looks: Iterable[Look]) -> tuple[NumberedLook, ...]:
    """Give each look its epoch and number. The order of ``looks`` does not matter: they are sorted first.

    One that was given back has no number. For epochs it counts as before, so that giving it back takes one off the
    numbers of those after it in its epoch and changes nothing else: they spent less than they may.
    """
    return tuple(_Counted(looks).numbered)


def fold(looks: Iterable[Look], holdout: Collection[str], *, key: str | None = None) -> LedgerState:
    """Where a prompt stands before it looks at ``holdout`` (case keys).

    Args:
        looks: every look of the prompt.
        key: the key (:func:`look_key`) of the look about to be taken, to find it if it was reserved before.
    """
    counted = _Counted(looks)
    epoch, number = counted.place(holdout)
    same = next((entry for entry in counted.numbered if entry.look.key == key), None)
    return LedgerState(number, epoch, same, tuple(counted.numbered))


class _Counted:
    """Looks while they are counted, in their order."""

    def __init__(self, looks: Iterable[Look]) -> None:
        self.numbered: list[NumberedLook] = []
        self._seen: set[str] = set()
        self._begun = False
        self._epoch, self._count = 1, 0
        for look in sorted(looks, key=lambda look: look.order):
            self._epoch, number = self.place(look.cases)
            self._count = number - 1 if look.given_back else number
            self._begun = True
            self._seen.update(look.cases)
            if not look.given_back:
                self.numbered.append(NumberedLook(look, self._epoch, number))

    def place(self, cases: Collection[str]) -> tuple[int, int]:
        """The epoch and the number that a look at ``cases`` has next."""
        if self._begun and _is_fresh(cases, self._seen):
            return self._epoch + 1, 1
        return self._epoch, self._count + 1


def _is_fresh(cases: Collection[str], seen: Collection[str]) -> bool:
    distinct = set(cases)
    return bool(distinct) and 2 * len(distinct.difference(seen)) >= len(distinct)
