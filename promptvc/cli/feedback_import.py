"""`promptvc feedback import` and `promptvc feedback quarantine`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import intake

MOST_REASONS = 20
MOST_RANGES = 8
MOST_COLUMNS = 12
MAP = click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="A=B",
    help="Read column A as B, or leave it out (A=); may be repeated.",
)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(intake.FORMATS),
    help="What FILE is; a tool's export has to be named, the others are told by the file.",
)
@click.option("--prompt", "prompt", type=NAME, help="The prompt of rows that name none.")
@MAP
@click.option("--table", help="The table, of a database.")
@click.option(
    "--with",
    "beside",
    type=click.Path(path_type=Path),
    help="A file with the traces or runs that the scores of FILE are about (langfuse, langsmith).",
)
@click.option("--skip-bad", is_flag=True, help="Import the good rows, and put the bad ones into quarantine.")
@edge_options
def import_(
    edge: Edge,
    file: Path,
    format_: str | None,
    prompt: str | None,
    columns: tuple[str, ...],
    table: str | None,
    beside: Path | None,
    skip_bad: bool,
) -> int:
    """Import feedback: JSON Lines, CSV, Parquet, a table in SQLite, or an export of another tool.

    Importing the same file again adds nothing, and an import that was killed goes on where it was. A bad row stops
    the import, and nothing is imported, unless --skip-bad is given. A row without the name of a prompt is told by
    the text that went to the model (`--map COLUMN=rendered`), else it is of --prompt.
    """
    request = intake.ImportRequest(
        edge.directory / file,
        prompt,
        _columns(columns),
        skip_bad,
        format_,
        table,
        None if beside is None else edge.directory / beside,
    )
    done = intake.import_file(edge.project(), request)
    report = done.report

    def text(ui: Ui) -> None:
        for line in _grouped([(one.line, one.reason) for one in report.rejected]):
            ui.line(line, "bad")
        counts = f"{report.imported} imported, {report.duplicates} already there, {len(report.rejected)} bad"
        ui.line(f"{report.read} read: {counts}")
        if report.redacted:
            found = (f"{count} {name}" for name, count in sorted(report.redacted.items()))
            ui.note("replaced: " + ", ".join(found))
        _extra(ui, report.extra, kept=done.accepted)
        if not done.accepted:
            ui.note("nothing was imported: mend the lines above, or pass --skip-bad")
        elif report.rejected:
            ui.note(
                f"{report.quarantined} in quarantine: promptvc feedback quarantine shows them, --retry tries again"
            )

    for remark in done.remarks:
        edge.ui.note(remark)
    edge.show(report.to_json(), text)
    return 0 if done.accepted else 2


@click.command("quarantine")
@click.option("--retry", is_flag=True, help="Try the rows again; what succeeds leaves the quarantine.")
@click.option("--clear", is_flag=True, help="Throw the rows away.")
@click.option("--prompt", "prompt", type=NAME, help="With --retry: the prompt of rows that name none.")
@MAP
@edge_options
def quarantine(edge: Edge, retry: bool, clear: bool, prompt: str | None, columns: tuple[str, ...]) -> int:
    """Rows that could not be events, with their reasons. They stay in this clone and are never committed.

    With --retry it ends with 1 when some could not be events again.
    """
    if retry and clear:
        raise Usage("--retry and --clear are two things", hint="retry first, then look, then clear")
    if not retry and (prompt or columns):
        raise Usage("--prompt and --map are for --retry")
    if clear:
        gone = intake.clear(edge.project())
        edge.show({"cleared": gone}, lambda ui: ui.line(f"{gone} thrown away"))
        return 0
    if not retry:
        rows = intake.quarantined(edge.project())
        edge.show({"rows": [one.to_json() for one in rows]}, lambda ui: _rows(ui, rows))
        return 0
    done = intake.retry(edge.project(), prompt, _columns(columns))

    def text(ui: Ui) -> None:
        _rows(ui, done.left, empty="")
        counts = f"{done.imported} imported, {done.duplicates} already there, {len(done.left)} still bad"
        ui.line(f"{done.read} tried: {counts}")

    edge.show(done.to_json(), text)
    return 1 if done.left else 0


def _rows(ui: Ui, rows: Sequence[intake.Quarantined], *, empty: str = "nothing is in quarantine") -> None:
    cells = [(one.origin, one.line or "", one.reason, one.time[:16].replace("T", " ")) for one in rows]
    if cells or empty:
        ui.table(("from", "line", "reason", "since"), cells, empty=empty)


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not (theirs and equals):
            raise Usage(f"--map takes A=B, not {pair!r}")
        columns[theirs] = ours
    return columns


def _grouped(lines: Sequence[tuple[int, str]]) -> Iterator[str]:
    """(line, reason) of bad lines, as one line for each reason; only so many reasons."""
    places: dict[str, list[int]] = {}
    for number, reason in lines:
        places.setdefault(reason, []).append(number)
    for reason, numbers in list(places.items())[:MOST_REASONS]:
        yield f"{_ranges(numbers)}: {reason}"
    rest = list(places.values())[MOST_REASONS:]
    if rest:
        yield f"{sum(map(len, rest)):,} more lines for {len(rest):,} more reasons: --json names them all"


def _ranges(numbers: Sequence[int]) -> str:
    """``lines 2-12, 14-53 (51 lines)``."""
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:MOST_RANGES]]
    more = ", ..." if len(runs) > MOST_RANGES else ""
    return f"lines {', '.join(shown)}{more} ({len(numbers):,} lines)"


def _extra(ui: Ui, names: Sequence[str], *, kept: bool) -> None:
    if not names:
        return
    more = f" and {len(names) - MOST_COLUMNS:,} more" if len(names) > MOST_COLUMNS else ""
    shown = ", ".join(names[:MOST_COLUMNS]) + more
    if kept:
        ui.note(f"kept as extra columns: {shown}; --map COLUMN= leaves one out")
    else:
        ui.note(f"columns that are no key of an event: {shown}; --map COLUMN=KEY says what one is")
