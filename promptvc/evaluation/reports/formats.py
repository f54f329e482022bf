"""The formats of a report: a table of what can be written, found by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import Usage
from promptvc.evaluation.reports.junit import junit
from promptvc.evaluation.reports.lines import lines, nothing
from promptvc.evaluation.reports.markdown import markdown
from promptvc.evaluation.reports.page import page
from promptvc.evaluation.reports.report import Report
from promptvc.evaluation.reports.sheet import sheet
from promptvc.evaluation.reports.telemetry import telemetry
from promptvc.evaluation.reports.whole import whole


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a report.

    Attributes:
        ending: of the files that are written in it.
        write: the text, piece by piece: UTF-8 can hold it, lines end with LF (CSV: CRLF), and memory stays flat
            however many cases there are.
        nothing: the text of a file for no report at all; None where then no file is written.
    """

    ending: str
    write: Callable[[Report], Iterator[str]]
    nothing: Callable[[], str] | None = None


FORMATS: dict[str, Format] = {
    "json": Format(".json", whole),
    "jsonl": Format(".jsonl", lines, nothing),
    "csv": Format(".csv", sheet),
    "markdown": Format(".md", markdown),
    "junit": Format(".xml", junit),
    "html": Format(".html", page),
    "otel": Format(".otel.jsonl", telemetry),
}


def format_of(path: str | Path) -> Format:
    """The format that the end of a file's name stands for; the longest ending that fits.

    Raises:
        Usage: it stands for none.
    """
    name = Path(path).name.lower()
    fitting = [each for each in FORMATS.values() if name.endswith(each.ending)]
    if not fitting:
        endings = ", ".join(f"{each.ending} ({key})" for key, each in FORMATS.items())
        raise Usage(
            f"no report is written as `{Path(path).name}`", hint=f"end the name with one of: {endings}"
        )
    return max(fitting, key=lambda each: len(each.ending))
