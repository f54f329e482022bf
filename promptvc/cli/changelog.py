"""`promptvc changelog`: what changed in each version, as Markdown."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.base.outputs import write_output
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import changelog as changelogs


@click.command("changelog")
@click.argument("name", type=NAME, required=False)
@click.option(
    "--since", metavar="REV", help="The versions after this one: v3, an environment, a git revision."
)
@click.option("--until", metavar="REV", help="The versions up to this one.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a file.",
)
@edge_options
def changelog(
    edge: Edge, name: str | None, since: str | None, until: str | None, output: Path | None
) -> None:
    """Tell what changed in each version.

    Of one prompt, the newest version first: its verdict, what changed item by item, the events behind it, and its
    deployments, rollbacks and holds with their reasons. Without a NAME: of every prompt. `--since production` tells
    what production does not run yet.
    """
    found = changelogs.changelog(edge.project(), changelogs.ChangelogRequest(name, since, until))
    text = found.markdown()
    if output is not None:
        write_output(edge.directory / output, (text.encode("utf-8", "replace"),), make=True)

    def show(ui: Ui) -> None:
        if output is None:
            ui.raw(text)
        else:
            ui.line(f"wrote {output}")

    edge.show(found.to_json(), show)
