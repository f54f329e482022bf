"""The formats of a report, found by the ending of a file's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptvc.analysis.reporting.markdown import markdown
from promptvc.analysis.reporting.page import page
from promptvc.analysis.reporting.report import Report
from promptvc.base.errors import Usage


def whole(report: Report) -> Iterator[str]:
    """Everything, as JSON: what `report --json` prints."""
    yield json.dumps(report.to_json(), indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a report: the ending of its files, and the text, piece by piece."""

    ending: str
    write: Callable[[Report], Iterator[str]]


FORMATS = (Format(".md", markdown), Format(".html", page), Format(".json", whole))


def format_of(path: str | Path) -> Format:
    """The format that the end of a file's name stands for.

    Raises:
        Usage: it stands for none.
    """
    name = Path(path).name.lower()
    found = next((each for each in FORMATS if name.endswith(each.ending)), None)
    if found is None:
        endings = ", ".join(each.ending for each in FORMATS)
        raise Usage(
            f"no report is written as `{Path(path).name}`", hint=f"end the name with one of: {endings}"
        )
    return found
