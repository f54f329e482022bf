"""Datasets: files of cases that a suite names instead of writing them down, read once for all that is wrong in them.

====================  =========================================
``.yaml``, ``.yml``   a list of cases, as in a suite
``.jsonl``            a case a line, as JSON
``.csv``              :mod:`promptvc.evaluation.cases.columns`
====================  =========================================

Reading a dataset of rows finds every mistake and keeps each row's place, id and digest; the cases themselves are made
anew whenever they are asked for.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.schemas import problems
from promptvc.evaluation.cases.case import Case, Split
from promptvc.evaluation.cases.fields import is_case
from promptvc.evaluation.cases.grammar import InDocument, OnLine, Place
from promptvc.evaluation.cases.making import CaseMaker
from promptvc.evaluation.cases.rows import Csv, JsonLines, Rows
from promptvc.evaluation.cases.sequence import Cases, Lacking

YAML = (".yaml", ".yml")
ROWS = (".jsonl", ".csv")
_SCHEMA = "suite"
_FIRST = "cases[0]"
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file that gave cases: its path from the prompt root, the SHA-256 of its bytes as hex, and how many."""

    path: str
    digest: str
    cases: int


class Names:
    """Which ids are taken, and where: an id counts once in a suite, over all its files."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._files: list[str] = []
        self._file_of = array("L")
        self._lines = array("L")

    def claim(self, name: str, place: Place, file: str, *, derived: bool) -> None:
        """Take ``name`` for the case at ``place``.

        Raises:
            InvalidDocument: it is taken.
        """
        at = self._taken.setdefault(name, len(self._lines))
        if at < len(self._lines):
            what = "the same `vars`" if derived else f"the id `{name}`"
            other = self._files[self._file_of[at]]
            where = f"line {self._lines[at]}" if other == file else f"{other}:{self._lines[at]}"
            hint = "give each an `id` of its own" if derived else None
            raise place.error(f"this case has {what} too, like the one at {where}", hint=hint)
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        self._file_of.append(len(self._files) - 1)
        self._lines.append(place.line())

    def __len__(self) -> int:
        return len(self._lines)

    def since(self, count: int) -> list[str]:
        """The names that were taken after the first ``count``, in order."""
        names = iter(self._taken)
        for _ in range(count):
            next(names)
        return list(names)


class RowCases(Cases):
    """The cases of one file of rows.

    Raises:
        InvalidDocument: with the line, when it is made: a row that cannot be read or is no case.
    """

    def __init__(self, rows: Rows, file: str, maker: CaseMaker, names: Names) -> None:
        self._rows = rows
        self._file = file
        self._maker = maker
        self._digests = bytearray()
        self._train = bytearray()
        self._shapes: dict[tuple[str, ...], Lacking] = {}
        before = len(names)
        for line, value in rows.scan():
            place = OnLine(file, line)
            check_case(value, place)
            name = maker.name(value, place)
            names.claim(name, place, file, derived="id" not in value)
            made = maker.case(value, name, place)
            self._digests += bytes.fromhex(made.digest)
            self._note(made)
        self._ids = names.since(before)

    def _note(self, made: Case) -> None:
        """Keep what has to be known of every case; for its variables, which cases are the first of their kind."""
        shape = tuple(made.vars)
        known = self._shapes.get(shape)
        first = len(self._train) if known is None else known.first
        self._shapes[shape] = Lacking(first, 1 if known is None else known.count + 1)
        self._train.append(made.split == "train")

    def __len__(self) -> int:
        return len(self._ids)

    def case(self, position: int) -> Case:
        """The case at ``position``, made anew."""
        line, value = self._rows.row(position)
        start = position * _DIGEST
        digest = self._digests[start : start + _DIGEST].hex()
        return self._maker.again(value, self._ids[position], digest, OnLine(self._file, line))

    def ids(self) -> Iterator[str]:
        """The ids, in order."""
        return iter(self._ids)

    def digests(self) -> Iterator[str]:
        """The digests, in order."""
        digests = self._digests
        return (digests[at : at + _DIGEST].hex() for at in range(0, len(digests), _DIGEST))

    def splits(self) -> Iterator[Split]:
        """Which split each belongs to, in order."""
        return ("train" if train else "holdout" for train in self._train)

    def lacking(self, names: Collection[str]) -> Lacking:
        """The cases that lack one of the variables ``names``."""
        wanted = set(names)
        lacking = [found for shape, found in self._shapes.items() if not wanted.issubset(shape)]
        if not lacking:
            return Lacking()
        return Lacking(min(one.first or 0 for one in lacking), sum(one.count for one in lacking))


def read_dataset(data: bytes, file: str, maker: CaseMaker, names: Names) -> Sequence[Case]:
    """The cases of one file; ``file`` is its name in messages.

    Raises:
        InvalidDocument: with file and line: not of the format that its name says, no cases, a case that is none.
    """
    if file.endswith(YAML):
        cases: Sequence[Case] = _yaml_cases(data, file, maker, names)
    elif file.endswith(ROWS):
        rows: Callable[..., Rows] = JsonLines if file.endswith(".jsonl") else Csv
        more = () if file.endswith(".jsonl") else (maker.match,)
        cases = RowCases(rows(data, file, *more), file, maker, names)
    else:
        known = ", ".join((*YAML, *ROWS))
        raise InvalidDocument("is no dataset by its name", hint=f"datasets end in {known}", file=file)
    if not cases:
        raise InvalidDocument("has no cases", file=file, line=1)
    return cases


def described(path: str, data: bytes, cases: Sequence[Case]) -> DatasetFile:
    """What is told of a file that was read."""
    return DatasetFile(path, hashlib.sha256(data).hexdigest(), len(cases))


def check_case(value: Any, place: Place) -> None:
    """Make sure that ``value`` is a case by the schema.

    Raises:
        InvalidDocument: it is not, in the schema's words.
    """
    if is_case(value):
        return
    if not isinstance(value, Mapping):
        raise place.error("a case is an object with `vars`, `expected` and such")
    for wrong in problems({"cases": [value]}, _SCHEMA):
        message = wrong.message.replace(f"`{_FIRST}.", "`", 1).replace(f"`{_FIRST}`", "the case", 1)
        raise place.error(message, *wrong.path[2:], hint=wrong.hint)


def _yaml_cases(data: bytes, file: str, maker: CaseMaker, names: Names) -> tuple[Case, ...]:
    document = load_yaml(data, file=file)
    if not isinstance(document.value, list):
        hint = "write `- vars: ...`, a case after the other, without `cases:`"
        raise InvalidDocument("a dataset in YAML is a list of cases", hint=hint, file=file, line=1)
    cases = []
    for position, value in enumerate(document.value):
        place = InDocument(document, position, dataset=file)
        check_case(value, place)
        name = maker.name(value, place)
        names.claim(name, place, file, derived="id" not in value)
        cases.append(maker.case(value, name, place))
    return tuple(cases)
