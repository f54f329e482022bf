"""A suite as it is written, with the cases of its datasets in it: for those who pass it on to another tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.cases.files import Files, is_glob, matching, resolved
from promptvc.evaluation.cases.rows import Csv, JsonLines
from promptvc.evaluation.cases.suite import load_suite


def plain_suite(data: bytes, *, file: str, files: Files) -> dict[str, Any]:
    """The keys of a suite; ``cases`` is a list of mappings. Read for all that is wrong first.

    Raises:
        InvalidDocument: as :func:`promptvc.evaluation.cases.suite.load_suite`.
    """
    load_suite(data, file=file, files=files)
    value: Mapping[str, Any] = load_yaml(data, file=file).value
    cases = value["cases"]
    written = [cases] if isinstance(cases, str) else cases
    match = str(value.get("match", "equals"))
    found = [
        case
        for one in written
        for case in ([one] if not isinstance(one, str) else _of(one, file, files, match))
    ]
    return {**value, "cases": found}


def _of(name: str, file: str, files: Files, match: str) -> Iterator[Any]:
    try:
        path = resolved(name, _folder(file))
    except ValueError as error:
        raise InvalidDocument(f"{name} {error}", file=file) from None
    for each in matching(path, files) if is_glob(path) else [path]:
        data = files.read(each)
        if data is None:
            raise InvalidDocument(f"there is no file {each}", file=file)
        if each.endswith((".yaml", ".yml")):
            yield from load_yaml(data, file=each).value
        else:
            rows = JsonLines(data, each) if each.endswith(".jsonl") else Csv(data, each, match)
            yield from (value for _, value in rows.scan())


def _folder(file: str) -> str:
    parent = PurePosixPath(file.rpartition(":")[2]).parent.as_posix()
    return "" if parent == "." else parent
