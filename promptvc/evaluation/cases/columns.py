"""The columns of a CSV dataset: variables by their names, and promptfoo's columns that begin with two underscores.

::

    message,__expected,__expected2,__description,__metadata:ticket
    I was charged twice,billing,not-contains: refund,a double charge,4711

``__expected``, ``__expected1``, ``__expected2``: one assertion each, in the grammar of
:mod:`promptvc.evaluation.cases.expected`; the first that is a text alone is what the case expects, held as the suite's
``match`` says. ``__metric`` names the score of all of them. ``__description``, ``__threshold`` (0..1),
``__metadata:KEY`` and ``__metadata:KEY[]`` (a list, by commas) are as in promptfoo; ``__id``, ``__cluster``,
``__split`` and ``__tags`` (by commas) are the keys of a case that promptfoo has no column for. A cell is text, also
where it looks like a number; an empty one is the empty text in a variable, and otherwise not there.

Source: https://www.promptfoo.dev/docs/configuration/test-cases (CSV format).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.schema_messages import nearest_word
from promptvc.evaluation.cases.case import EXPECTED
from promptvc.evaluation.cases.expected import parse_expected

SPECIAL = "__"
_EXPECTED = re.compile(r"__expected[0-9]*")
_METADATA = "__metadata:"
_KEYS = {
    "__description": "description",
    "__id": "id",
    "__cluster": "cluster",
    "__split": "split",
    "__threshold": "threshold",
    "__tags": "tags",
}
KNOWN = ("__expected", "__metric", "__metadata:KEY", *_KEYS)


@dataclass(frozen=True, slots=True)
class Columns:
    """The header of one file.

    Attributes:
        match: how a text that is expected is asserted.
        names: by position.
    """

    file: str
    match: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, cells: Sequence[str], match: str, *, file: str, line: int) -> Columns:
        """The columns of a header.

        Raises:
            InvalidDocument: a column without a name, a name twice, or one that begins with ``__`` and is not known.
        """
        names = tuple(cell.strip() for cell in cells)
        for name in names:
            if not name:
                raise InvalidDocument("a column of the header has no name", file=file, line=line)
            if names.count(name) > 1:
                raise InvalidDocument(f"the header has two columns `{name}`", file=file, line=line)
            if name.startswith(SPECIAL) and not _is_known(name):
                near = nearest_word(name, KNOWN)
                hint = f"did you mean `{near}`?" if near else f"known are {', '.join(KNOWN)}"
                raise InvalidDocument(f"there is no column `{name}`", hint=hint, file=file, line=line)
        return cls(file, match, names)

    def value(self, cells: Sequence[str], line: int) -> dict[str, Any]:
        """One row as a case is written.

        Raises:
            InvalidDocument: too few or too many cells, or one that its column cannot take.
        """
        if len(cells) != len(self.names):
            fields = f"{len(cells)} field{'s' * (len(cells) != 1)}"
            message = f"{fields} where the header has {len(self.names)}"
            raise InvalidDocument(message, hint="quote a text with commas", file=self.file, line=line)
        case: dict[str, Any] = {"vars": {}}
        expected: list[tuple[str, str]] = []
        metric = None
        for name, cell in zip(self.names, cells, strict=True):
            if not name.startswith(SPECIAL):
                case["vars"][name] = cell
            elif not cell.strip():
                continue
            elif _EXPECTED.fullmatch(name):
                expected.append((name, cell))
            elif name == "__metric":
                metric = cell.strip()
            elif name.startswith(_METADATA):
                key, value = _metadata(name, cell)
                case.setdefault("metadata", {})[key] = value
            else:
                case[_KEYS[name]] = self._key(name, cell, line)
        self._assert(case, expected, metric, line)
        return case

    def _key(self, name: str, cell: str, line: int) -> Any:
        if name == "__threshold":
            try:
                return int(cell) if cell.strip().isdecimal() else float(cell)
            except ValueError:
                message = f"`{name}` must be a number from 0 to 1, not {cell!r}"
                raise InvalidDocument(message, file=self.file, line=line) from None
        return _parts(cell) if name == "__tags" else cell.strip()

    def _assert(
        self, case: dict[str, Any], expected: Sequence[tuple[str, str]], metric: str | None, line: int
    ) -> None:
        assertions = []
        for name, cell in expected:
            found = _parsed(cell)
            if isinstance(found, str):
                raise InvalidDocument(f"`{name}` is {cell!r}: {found}", file=self.file, line=line)
            if EXPECTED not in case and found == {"type": "equals", "value": cell}:
                case[EXPECTED] = cell
                if metric is None:
                    continue
                found = {"type": self.match, "value": "{{ expected }}"}
            assertions.append(found if metric is None else {**found, "metric": metric})
        if assertions:
            case["assert"] = assertions


@functools.lru_cache(maxsize=4096)
def _parsed(cell: str) -> dict[str, Any] | str:
    # Labels come again in every other row; what is found is never changed.
    return parse_expected(cell)


def _is_known(name: str) -> bool:
    metadata = name.startswith(_METADATA) and bool(name.removeprefix(_METADATA).removesuffix("[]"))
    return metadata or name in _KEYS or name == "__metric" or _EXPECTED.fullmatch(name) is not None


def _metadata(name: str, cell: str) -> tuple[str, Any]:
    key = name.removeprefix(_METADATA)
    return (key.removesuffix("[]"), _parts(cell)) if key.endswith("[]") else (key, cell)


def _parts(cell: str) -> list[str]:
    return [part for part in (each.strip() for each in cell.split(",")) if part]
