"""`--report` of `promptvc train`: the option, and the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from promptvc.base.errors import Usage
from promptvc.base.outputs import write_output
from promptvc.training.reports.formats import format_of
from promptvc.training.reports.report import Report

report_option = click.option(
    "--report",
    "reports",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="Write what was tried, what it cost and why: .md, .json or .svg; repeatable.",
)


def check_reports(paths: Sequence[Path]) -> None:
    """Find a wrong ending before anything is asked.

    Raises:
        Usage: a file's ending is no format, or its folder is not there.
    """
    for path in paths:
        format_of(path)
        if not path.parent.is_dir():
            raise Usage(f"there is no folder {path.parent}", hint="make it first")


def write_reports(
    paths: Sequence[Path], reports: Sequence[tuple[str, Report]], *, several: bool = False
) -> None:
    """Write each report in each format; of ``several`` each gets its label, such as a model, into the file's name.

    Raises:
        StorageError: a file cannot be written; what was there is as it was.
    """
    labelled = several or len(reports) > 1
    for path in paths:
        kind = format_of(path)
        for label, report in reports:
            plain = "".join(c if c.isalnum() or c in "._" else "-" for c in label)
            stem = path.name[: -len(kind.ending)]
            own = path.with_name(f"{stem}-{plain}{kind.ending}") if labelled else path
            write_output(
                own, (part.encode("utf-8", "surrogatepass") for part in kind.write(report)), make=True
            )
