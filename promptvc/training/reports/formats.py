"""The formats of a training's report: a table of what can be written, found by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import Usage
from promptvc.training.reports.markdown import markdown
from promptvc.training.reports.plot import plot
from promptvc.training.reports.report import Report
from promptvc.training.reports.whole import whole


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a report: the text, piece by piece, for files that end in ``ending``; lines end with LF."""

    ending: str
    write: Callable[[Report], Iterator[str]]


FORMATS: dict[str, Format] = {
    "markdown": Format(".md", markdown),
    "json": Format(".json", whole),
    "svg": Format(".svg", plot),
}


def format_of(path: str | Path) -> Format:
    """The format that the end of a file's name stands for.

    Raises:
        Usage: it stands for none.
    """
    name = Path(path).name
    for each in FORMATS.values():
        if name.lower().endswith(each.ending):
            return each
    endings = ", ".join(f"{each.ending} ({key})" for key, each in FORMATS.items())
    raise Usage(
        f"no report of a training is written as `{name}`", hint=f"end the name with one of: {endings}"
    )
