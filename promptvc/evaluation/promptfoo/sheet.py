"""promptfoo's CSV: a row as the test that their configuration would write.

``__expected``, ``__expected1`` ... are assertions (:mod:`promptvc.evaluation.cases.expected`). ``__prefix``,
``__suffix``, ``__description``, ``__metric``, ``__threshold``, ``__metadata:KEY``, ``__metadata:KEY[]`` (a list, by
commas) and ``__config:__expected1:threshold`` are what they say; every other column is a variable.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any

from promptvc.base.losses import Losses
from promptvc.evaluation.cases.expected import parse_expected

_EXPECTED = re.compile(r"__expected[0-9]*")
_CONFIG = re.compile(r"__config:(__expected[0-9]*):(\w+)")
_METADATA = "__metadata:"
_OPTIONS = {"__prefix": "prefix", "__suffix": "suffix"}
_MOST_CELL = 10_000_000


def rows_of_csv(text: str, file: str, losses: Losses) -> Iterator[tuple[str, dict[str, Any]]]:
    """(``file:line``, test) of every row. Cells and columns that do not come over are losses."""
    limit = csv.field_size_limit(_MOST_CELL)
    reader = csv.reader(text.splitlines(keepends=True), skipinitialspace=False)
    try:
        header = [name.strip() for name in next(reader, [])]
        for name in header:
            if name.startswith("__") and not _known(name):
                losses.add(f"{file} {name}", name, "there is no such column here")
        while True:
            cells = next(reader, None)
            if cells is None:
                return
            line = reader.line_num
            if any(cell.strip() for cell in cells):
                if len(cells) > len(header):
                    losses.add(
                        f"{file}:{line}", cells[len(header) :], "the row has more cells than the header"
                    )
                cells += [""] * (len(header) - len(cells))
                yield (
                    f"{file}:{line}",
                    _test(dict(zip(header, cells, strict=False)), f"{file}:{line}", losses),
                )
    except csv.Error as error:
        losses.add(f"{file}:{reader.line_num}", str(error), "this row and what follows cannot be read as CSV")
    finally:
        csv.field_size_limit(limit)


def _known(name: str) -> bool:
    return bool(
        name in {"__description", "__metric", "__threshold", *_OPTIONS}
        or _EXPECTED.fullmatch(name)
        or _CONFIG.fullmatch(name)
        or name.startswith(_METADATA)
    )


def _test(row: Mapping[str, str], where: str, losses: Losses) -> dict[str, Any]:
    test: dict[str, Any] = {
        "vars": {name: cell for name, cell in row.items() if name and not name.startswith("__")}
    }
    asserted: dict[str, dict[str, Any]] = {}
    for name, cell in row.items():
        if not name.startswith("__") or not cell.strip():
            continue
        if _EXPECTED.fullmatch(name):
            found = parse_expected(cell)
            if isinstance(found, str):
                losses.add(f"{where} {name}", cell, found)
            else:
                asserted[name] = dict(found)
        elif name == "__description":
            test["description"] = cell.strip()
        elif name in _OPTIONS:
            test.setdefault("options", {})[_OPTIONS[name]] = cell
        elif name.startswith(_METADATA):
            key = name.removeprefix(_METADATA)
            parts = [part.strip() for part in cell.split(",")]
            test.setdefault("metadata", {})[key.removesuffix("[]")] = parts if key.endswith("[]") else cell
    _numbers(row, asserted, test, where, losses)
    metric = row.get("__metric", "").strip()
    test["assert"] = [{**each, "metric": metric} if metric else each for each in asserted.values()]
    return test


def _numbers(
    row: Mapping[str, str],
    asserted: Mapping[str, dict[str, Any]],
    test: dict[str, Any],
    where: str,
    losses: Losses,
) -> None:
    for name, cell in row.items():
        config = _CONFIG.fullmatch(name)
        if not cell.strip() or (config is None and name != "__threshold"):
            continue
        target: dict[str, Any] | None = test if config is None else asserted.get(config[1])
        if config is not None and config[2] != "threshold":
            losses.add(f"{where} {name}", cell, "an assertion has a `threshold` and no more to configure")
            continue
        try:
            number = float(cell)
        except ValueError:
            losses.add(f"{where} {name}", cell, "it is no number")
            continue
        if target is not None:
            target["threshold"] = int(number) if number.is_integer() else number
