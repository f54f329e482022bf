"""`promptvc forge`: keep a comment or an issue on the forge."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO

import click

from promptvc.base.errors import Usage
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import posting

TABLE = {
    "comment": Entry("promptvc.cli.forge", "comment", "Keep one comment on a pull request."),
    "issue": Entry("promptvc.cli.forge", "issue", "Keep one issue, or close it."),
}
_MARKER = "By what it is found again: small letters, digits and / _ . : -"


@click.group("forge", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def forge(context: click.Context) -> None:
    """Keep a comment or an issue on the forge.

    The forge is the one that hosts the remote.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("comment")
@click.argument("words", nargs=-1, required=True, metavar="[NUMBER] FILE")
@click.option("--marker", metavar="KEY", required=True, help=_MARKER)
@click.option("--remote", help="The remote; by default the one of promptvc.yaml.")
@edge_options
def comment(edge: Edge, words: tuple[str, ...], marker: str, remote: str | None) -> None:
    """Keep one comment on a pull request.

    It says what FILE says, which is Markdown; `-` is standard input. The comment with the marker that the same
    account wrote before is updated, else one is made. In CI that runs for a pull request NUMBER may be left out.
    """
    if len(words) > 2:
        raise Usage(f"one file at a time, not {' '.join(words[1:])}")
    number = _number(words[0]) if len(words) == 2 else None
    body = posting.read_body(words[-1], _stdin)
    request = posting.CommentRequest(marker, body, number, remote)
    _show(edge, posting.comment(edge.project(), request))


@click.command("issue")
@click.argument("file", required=False)
@click.option("--marker", metavar="KEY", required=True, help=_MARKER)
@click.option("--title", metavar="TEXT", help="The title of the issue.")
@click.option("--label", "labels", multiple=True, help="A label; made where it is missing. May be repeated.")
@click.option("--close", is_flag=True, help="Close it; FILE is then its last word.")
@click.option("--remote", help="The remote; by default the one of promptvc.yaml.")
@edge_options
def issue(edge: Edge, file: str | None, close: bool, title: str | None, **options: Any) -> None:
    """Keep one issue, or close it.

    It says what FILE says, which is Markdown; `-` is standard input. The open issue with the marker that the same
    account wrote before is updated, else one is made. Closing what is not open is fine.
    """
    if close and (title is not None or options["labels"]):
        raise Usage("--close goes without --title and --label")
    if not close and (file is None or title is None):
        raise Usage("an issue needs FILE and --title", hint="or say --close")
    body = posting.read_body(file, _stdin) if file is not None else ""
    request = posting.IssueRequest(
        options["marker"], body, title or "", tuple(options["labels"]), close, options["remote"]
    )
    _show(edge, posting.issue(edge.project(), request))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise Usage(f"{text} is not the number of a pull request")
    return int(text)


def _stdin() -> BinaryIO:
    return sys.stdin.buffer


def _show(edge: Edge, posted: posting.Posted) -> None:
    def text(ui: Ui) -> None:
        if posted.url is None:
            ui.line("no issue is open")
        else:
            ui.line(posted.url)
            changed = "changed" if posted.changed else "it said the same already"
            ui.note("made" if posted.made else changed)

    edge.show(posted.to_json(), text)
