"""``testData`` as the cases of a suite, and back.

A column that a message names is a variable of the case. ``expected`` is what the case expects where an evaluator names
it, or where there is none at all. All other columns are kept in the case's metadata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from promptvc.base.nodes import Path
from promptvc.prompts.formats.github.testing import ANSWERED, EXPECTED

KEPT = "prompt_yml"
"""The key of a prompt's metadata, and of a case's, under which what has no key of its own is kept."""
_OWN_ID = r"row-[0-9]+"
_Lost = tuple[Path, Any, str]


class Rows:
    """The test data of one document.

    Attributes:
        columns: that any row has.
        only_asserted: columns that are variables because an evaluator names them, and no message does.
    """

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], table: Mapping[str, str], places: Collection[str]
    ) -> None:
        self._rows = rows
        self._table = table
        self._places = places
        self.columns = dict.fromkeys(str(key) for row in rows for key in row)
        self.only_asserted: tuple[str, ...] = ()

    def lacking(self, name: str) -> int:
        """How many rows have no column ``name``."""
        return sum(name not in row for row in self._rows)

    def suite(
        self, assertions: Sequence[tuple[Mapping[str, Any], frozenset[str]]]
    ) -> tuple[dict[str, Any], dict[Path, Path], list[_Lost]]:
        """The suite; (path in it -> path in the document, an evaluator by its place in ``assertions``); the losses.

        Args:
            assertions: each with the columns that it needs.
        """
        places: dict[Path, Path] = {}
        lost: list[_Lost] = []
        named = frozenset[str]().union(*(columns for _, columns in assertions))
        asserted = named.difference(self._places, (EXPECTED,))
        self.only_asserted = tuple(column for column in self.columns if column in asserted)
        shared: list[dict[str, Any]] = []
        partial: list[tuple[int, Mapping[str, Any], frozenset[str]]] = []
        for index, (assertion, columns) in enumerate(assertions):
            if not all(gradable(row, columns) for row in self._rows):
                partial.append((index, assertion, columns))
            else:
                places["default", "assert", len(shared)] = ("evaluators", index)
                shared.append(dict(assertion))
        expects = EXPECTED not in self._places and (EXPECTED in named or not assertions)
        cases, seen = [], set[str]()
        for number, row in enumerate(self._rows):
            case = self._case(row, asserted, expects=expects)
            own: list[dict[str, Any]] = []
            for index, assertion, columns in partial:
                missing = sorted(column for column in columns if not gradable(row, (column,)))
                if missing:
                    why = f"row {number + 1} has no {', '.join(missing)}: this evaluator does not grade it"
                    lost.append((("evaluators", index), assertion.get("metric", assertion["type"]), why))
                else:
                    places["cases", number, "assert", len(own)] = ("evaluators", index)
                    own.append(dict(assertion))
            if not shared and not own and EXPECTED not in case:
                own.append(dict(ANSWERED))
                why = "nothing is asserted of it: that there is an answer, here"
                lost.append((("testData", number), row, why))
            if own:
                case["assert"] = own
            key = json.dumps(case.get("vars", {}), sort_keys=True, default=str)
            if key in seen:
                case = {"id": f"row-{number + 1}", **case}
            seen.add(key)
            places["cases", number] = ("testData", number)
            cases.append(case)
        if expects and not assertions and self.lacking(EXPECTED) < len(self._rows):
            why = "there nothing is compared without evaluators; here the answer has to equal it"
            lost.append((("testData",), EXPECTED, why))
        lost += self._unused(asserted, expects=expects)
        suite: dict[str, Any] = {"default": {"assert": shared}} if shared else {}
        return {**suite, "cases": cases}, places, lost

    def _case(self, row: Mapping[str, Any], asserted: Collection[str], *, expects: bool) -> dict[str, Any]:
        variables: dict[str, Any] = {}
        kept: dict[str, Any] = {}
        case: dict[str, Any] = {}
        for column, item in row.items():
            name = str(column)
            if name in self._places or name in asserted:
                variables[self._table.get(name, name)] = "" if item is None else item
                if item is None:
                    kept[name] = None
            elif name == EXPECTED and expects and item is not None:
                plain = isinstance(item, str | int | float)
                case[EXPECTED] = item if plain else json.dumps(item, ensure_ascii=False)
                if not plain:
                    kept[name] = item
            else:
                kept[name] = item
        found = {"vars": variables} if variables else {}
        return {**found, **case, **({"metadata": {KEPT: kept}} if kept else {})}

    def _unused(self, asserted: Collection[str], *, expects: bool) -> list[_Lost]:
        lost: list[_Lost] = []
        if expects:
            lost += [
                (
                    ("testData", number, EXPECTED),
                    row[EXPECTED],
                    "it is compared as a JSON text, or not at all",
                )
                for number, row in enumerate(self._rows)
                if EXPECTED in row and not isinstance(row[EXPECTED], str | int | float)
            ]
        for column in self.columns:
            if column in self._places or column in asserted:
                lost += [
                    (("testData", number, column), None, "it is the empty text here")
                    for number, row in enumerate(self._rows)
                    if column in row and row[column] is None
                ]
            elif column != EXPECTED or not expects:
                what = "no evaluator compares with it" if column == EXPECTED else "no message names it"
                lost.append((("testData",), column, f"{what}: it is kept with the case, and does nothing"))
        return lost


def gradable(row: Mapping[str, Any], columns: Iterable[str]) -> bool:
    """Whether ``row`` has a text in each of ``columns``, as an evaluator that names them needs."""
    found = [row.get(column) for column in columns]
    return all(isinstance(item, str | int | float) and bool(str(item).strip()) for item in found)


def rows_of(
    cases: Sequence[Mapping[str, Any]], table: Mapping[str, str], default: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[tuple[Path, Any, str]]]:
    """The rows that ``cases`` are there, and what has no place in one."""
    back = {word: name for name, word in table.items()}
    rows, lost = [], list[_Lost]()
    for number, case in enumerate(cases):
        row: dict[str, Any] = {
            back.get(name, name): item
            for name, item in {**default.get("vars", {}), **case.get("vars", {})}.items()
        }
        if EXPECTED in case:
            row[EXPECTED] = case[EXPECTED]
        metadata = case.get("metadata", {})
        for name, item in metadata.get(KEPT, {}).items():
            if item is None and row.get(name) not in (None, ""):
                continue  # it has a value by now
            row[name] = item
        for key in ("id", "description", "threshold", "tags", "cluster", "split"):
            if key in case and not (key == "id" and re.fullmatch(_OWN_ID, str(case[key]))):
                lost.append((("cases", number, key), case[key], "a row has no such thing there"))
        for key, item in metadata.items():
            if key != KEPT:
                lost.append((("cases", number, "metadata", key), item, "a row has no metadata there"))
        rows.append(row)
    return rows, lost
