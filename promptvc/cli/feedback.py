"""`promptvc feedback`: record, import, list, count and commit what people say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import collect

MEASURES = ("rating_mean", "success_rate", "error_rate")
TABLE = {
    "add": Entry("promptvc.cli.feedback", "add", "Record feedback on a prompt."),
    "import": Entry("promptvc.cli.feedback_import", "import_", "Import feedback from a file or another tool."),
    "quarantine": Entry("promptvc.cli.feedback_import", "quarantine", "Rows that could not be events."),
    "list": Entry("promptvc.cli.feedback", "list_", "List events, oldest first."),
    "summary": Entry("promptvc.cli.feedback", "summary", "Count events and what they say."),
    "commit": Entry("promptvc.cli.feedback", "commit", "Commit the recorded events."),
    "keys": Entry("promptvc.cli.keys", "keys", "List and rotate the keys of pseudonyms."),
    "retain": Entry("promptvc.cli.retain", "retain", "Take the texts out of old events."),
    "compact": Entry("promptvc.cli.compact", "compact", "Merge small segments into few large ones."),
    "archive": Entry("promptvc.cli.archive", "archive", "Move old months into Parquet files outside of git."),
    "export": Entry("promptvc.cli.feedback_export", "export", "Write events to a file, or those of one person."),
    "forget": Entry("promptvc.cli.forget", "forget", "Take a person out of feedback and what rests on it."),
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


def _notes(ui: Ui, remarks: Sequence[str]) -> None:
    for remark in remarks:
        ui.note(remark)


def _redacted(ui: Ui, counts: Mapping[str, int]) -> None:
    if counts:
        ui.note("replaced: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
