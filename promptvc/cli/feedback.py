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

TABLE = {
    "add": Entry("promptvc.cli.feedback", "add", "Record feedback on a prompt."),
    "import": Entry(
        "promptvc.cli.feedback_import", "import_", "Import feedback from a file or another tool."
    ),
    "quarantine": Entry("promptvc.cli.feedback_import", "quarantine", "Rows that could not be events."),
    "list": Entry("promptvc.cli.browse", "list_", "List events, oldest first."),
    "summary": Entry("promptvc.cli.browse", "summary", "Count events and what they say."),
    "tags": Entry("promptvc.cli.tags", "tags", "List tags by dimension, and those that are probably one."),
    "commit": Entry("promptvc.cli.feedback", "commit", "Commit the recorded events."),
    "keys": Entry("promptvc.cli.keys", "keys", "List and rotate the keys of pseudonyms."),
    "retain": Entry("promptvc.cli.retain", "retain", "Take the texts out of old events."),
    "compact": Entry("promptvc.cli.compact", "compact", "Merge small segments into few large ones."),
    "archive": Entry("promptvc.cli.archive", "archive", "Move old months into Parquet files outside of git."),
    "export": Entry(
        "promptvc.cli.feedback_export", "export", "Write events to a file, or those of one person."
    ),
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
