"""`promptvc import ...`."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import switch

TABLE = {
    "promptfoo": Entry(
        "promptvc.cli.import_", "promptfoo", "Import a configuration or a CSV of promptfoo's."
    ),
}


@click.group("import", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def import_(context: click.Context) -> None:
    """Import prompts and suites from other tools."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("promptfoo")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name", type=NAME, help="What the prompt is called here; by default after the file or its folder."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written and lost, and write nothing.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@edge_options
def promptfoo(edge: Edge, file: Path, name: str | None, dry_run: bool, force: bool) -> None:
    """Import a configuration or a CSV of promptfoo's.

    FILE is a promptfooconfig.yaml, its like in JSON, or a CSV of tests. The files that it names are read, programs are
    not run. Everything that is dropped or changed on the way is listed.
    """
    request = switch.SwitchRequest(edge.directory / file, name, dry_run, force)
    done = switch.import_promptfoo(edge.project(), request)

    def text(ui: Ui) -> None:
        for path in done.created:
            ui.line(f"would create {path}" if dry_run else f"created {path}")
        ui.line(f"{done.cases:,} case{'' if done.cases == 1 else 's'}")
        if done.dropped:
            count = len(done.dropped)
            ui.line(f"{count:,} thing{'' if count == 1 else 's'} dropped or changed:", "title")
            for loss in done.dropped:
                ui.line(f"  {loss.path}: {loss.what}")
                ui.line(f"    {loss.why}", "dim")

    for remark in done.remarks:
        edge.ui.note(remark)
    edge.show(done.to_json(), text)
