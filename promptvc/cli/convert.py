"""`promptvc convert`: one prompt as another tool writes it."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.base.losses import told
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import converting


@click.command("convert")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.argument("format_", metavar="FORMAT")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Write the files there instead."
)
@click.option("--force", is_flag=True, help="With -o: replace files that differ.")
@edge_options
def convert(edge: Edge, reference: str, format_: str, output: Path | None, force: bool) -> None:
    """Print a prompt in another tool's format.

    FORMAT is promptfoo, prompt-yml, prompty, dotprompt, langchain, openai, langfuse, mlflow or text. What the
    format has no place for is listed on stderr.
    """
    if output is not None:
        request = converting.ExportRequest(edge.directory / output, format_, (reference,), force=force)
        exported = converting.export_as(edge.project(), request)
        for loss in told(exported.dropped):
            edge.ui.note(str(loss))

        def paths(ui: Ui) -> None:
            for path in exported.written:
                ui.line(path)

        edge.show(exported.to_json(), paths)
        return
    done = converting.convert(edge.project(), reference, format_)
    for loss in told(done.dropped):
        edge.ui.note(str(loss))

    def text(ui: Ui) -> None:
        for path, data in done.files.items():
            if len(done.files) > 1:
                ui.line(f"{path}:", "title")
            ui.raw(data.decode())

    edge.show(done.to_json(), text)
