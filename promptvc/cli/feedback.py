"""`promptvc feedback`: record, import, list, count and commit what people say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import collect

MEASURES = ("rating_mean", "success_rate", "error_rate")
MOST_REASONS = 20
MOST_RANGES = 8
MOST_COLUMNS = 12
TABLE = {
    "add": Entry("promptvc.cli.feedback", "add", "Record feedback on a prompt."),
    "import": Entry("promptvc.cli.feedback", "import_", "Import feedback from a JSONL or CSV file."),
    "list": Entry("promptvc.cli.feedback", "list_", "List events, oldest first."),
    "summary": Entry("promptvc.cli.feedback", "summary", "Count events and what they say."),
    "commit": Entry("promptvc.cli.feedback", "commit", "Commit the recorded events."),
    "to-cases": Entry("promptvc.cli.feedback_cases", "to_cases", "Propose cases of a suite from feedback."),
}


@click.group("feedback", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def feedback(context: click.Context) -> None:
    """Record, import, list and commit feedback."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("add")
@click.argument("name", type=NAME)
@click.option("--rating", type=click.FloatRange(0, 1), help="A rating, 0 to 1.")
@click.option("--stars", type=click.IntRange(1, 5), help="A rating in stars, 1 to 5.")
@click.option("--thumbs-up/--thumbs-down", "thumbs", default=None, help="Thumbs up or down.")
@click.option("--effectiveness", type=click.FloatRange(0, 1), help="How well it did its work, 0 to 1.")
@click.option("--comment", help="What the user said.")
@click.option("--suggestion", help="How the prompt should change, in words.")
@click.option("--error", "error", help="The message of an error that the call ended in.")
@click.option("--input", "input_", help="What went in: text, or a JSON object of variables.")
@click.option("--output", help="What came out.")
@click.option("--corrected", help="What should have come out.")
@click.option("--issue", "issues", multiple=True, help="An issue category; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--framework", help="The framework that made the call.")
@click.option("--model", help="The model that answered.")
@click.option("--notes", help="Anything else.")
@click.option("--session", help="The session it belongs to.")
@click.option("--user", help="Who said it; stored as a pseudonym only.")
@edge_options
def add(edge: Edge, name: str, thumbs: bool | None, input_: str | None, **given: Any) -> None:
    """Record feedback on a prompt.

    NAME may carry a revision (support/triage@v3); without one it is the version in the working tree. E-mail
    addresses, phone and card numbers, IBANs, IP addresses and secrets are replaced before anything is written.
    """
    values = {key: value for key, value in given.items() if value not in {None, ()}}
    if thumbs is not None:
        values["thumbs"] = "up" if thumbs else "down"
    if input_ is not None:
        values["input"] = input_
    if not values:
        raise Usage("there is nothing to record", hint="give a rating, a comment, a correction: see --help")
    result = collect.add(edge.project(), name, values)

    def text(ui: Ui) -> None:
        ui.line(f"recorded {', '.join(result.ids)}", "good")
        _redacted(ui, result.redacted)

    _notes(edge.ui, result.remarks)
    edge.show({"ids": list(result.ids)}, text)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--prompt", "prompt", type=NAME, help="The prompt of rows that name none.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="A=B",
    help="Read column A as B, or leave it out (A=); may be repeated.",
)
@click.option("--skip-bad", is_flag=True, help="Import the good lines even if some are bad.")
@edge_options
def import_(edge: Edge, file: Path, prompt: str | None, columns: tuple[str, ...], skip_bad: bool) -> int:
    """Import feedback from a JSONL or CSV file.

    Importing the same file again adds nothing. A bad line stops the import, and nothing is imported, unless
    --skip-bad is given.
    """
    request = collect.ImportRequest(edge.directory / file, prompt, _columns(columns), skip_bad)
    done = collect.import_file(edge.project(), request)
    report = done.report

    def text(ui: Ui) -> None:
        for line in _grouped([(one.line, one.reason) for one in report.rejected]):
            ui.line(line, "bad")
        counts = f"{report.imported} imported, {report.duplicates} already there, {len(report.rejected)} bad"
        ui.line(f"{report.read} read: {counts}")
        _redacted(ui, report.redacted)
        _extra(ui, report.extra, kept=done.accepted)
        if not done.accepted:
            ui.note("nothing was imported: mend the lines above, or pass --skip-bad")

    edge.show(report.to_json(), text)
    return 0 if done.accepted else 2


@click.command("list")
@click.argument("name", type=NAME, required=False)
@click.option("--kind", help="Only events of this kind.")
@click.option("--tag", help="Only events with this tag.")
@click.option("--since", help="Only events at or after this time (RFC 3339, or a date).")
@click.option("--until", help="Only events before this time.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@click.option("--spooled", is_flag=True, help="Also events that are not committed yet.")
@edge_options
def list_(edge: Edge, name: str | None, **query: Any) -> None:
    """List events, oldest first."""
    listing = collect.browse(edge.project(), name, collect.ListRequest(**query))
    events = listing.events

    def text(ui: Ui) -> None:
        rows = [(e.time, e.prompt, e.kind, e.score, e.words) for e in map(collect.brief, events)]
        ui.table(("time", "prompt", "kind", "score", "says"), rows, empty="no events")

    _notes(edge.ui, listing.remarks)
    edge.show([event.to_json() for event in events], text)


@click.command("summary")
@click.argument("name", type=NAME, required=False)
@edge_options
def summary(edge: Edge, name: str | None) -> None:
    """Count events and what they say, committed and spooled."""
    tally = collect.tally(edge.project(), name)
    result = tally.figures

    def text(ui: Ui) -> None:
        kinds = sorted(result["by_kind"].items(), key=lambda item: (-item[1], item[0]))
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds)
        ui.line(f"{_events(result['total'])}: {counts}" if kinds else "no events", "title")
        versions = [
            (f"v{name}" if name.isdigit() else name, one) for name, one in result["by_version"].items()
        ]
        rows = [
            (label, one["total"], *(_share(one[key]) for key in MEASURES))
            for label, one in [*versions, ("all", result)]
        ]
        ui.table(("version", "events", *MEASURES), rows)

    _notes(edge.ui, tally.remarks)
    edge.show(result, text)


@click.command("commit")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def commit(edge: Edge, branch: str | None) -> None:
    """Commit the recorded events."""
    result = collect.commit(edge.project(), branch)

    def text(ui: Ui) -> None:
        if not result.events:
            ui.line("nothing to commit")
            return
        where = result.branch or "the detached HEAD"
        ui.line(f"committed {_events(result.events)} to {where} ({(result.commit or '')[:10]})", "good")
        for segment in result.segments:
            ui.line(f"  {segment}", "dim")

    _notes(edge.ui, result.remarks)
    edge.show(result.to_json(), text)


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


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


def _notes(ui: Ui, remarks: Sequence[str]) -> None:
    for remark in remarks:
        ui.note(remark)


def _redacted(ui: Ui, counts: Mapping[str, int]) -> None:
    if counts:
        ui.note("replaced: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
