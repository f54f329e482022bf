"""`promptvc review`: the report on a candidate."""

from __future__ import annotations

import json
from pathlib import Path

import click

from promptvc.base.errors import Usage
from promptvc.base.outputs import write_output
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.workflows import review as reviews

_FORMATS = (".md", ".markdown", ".json")


@click.command("review")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option(
    "-o",
    "--output",
    "outputs",
    metavar="FILE",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to FILE, Markdown or by its ending JSON. Again for more.",
)
@click.option("--summary", is_flag=True, help="As long as a job's summary may be, instead of a comment.")
@edge_options
def review(edge: Edge, reference: str, outputs: tuple[Path, ...], summary: bool) -> None:
    """Tell a reviewer of a candidate: verdict and changes.

    The verdict in one line, what changes with the words of the users behind it, and the cases that it fixes and breaks.
    NAME alone is the newest candidate that main has not got. Everything comes from what is committed: evidence, the
    ledger, main's feedback. Nothing is run. What nobody measured is said to be unknown.
    """
    for output in outputs:
        if output.suffix not in _FORMATS:
            raise Usage(
                f"{output} ends in none of {', '.join(_FORMATS)}", hint="name it REPORT.md or REPORT.json"
            )
    found = reviews.review(edge.project(), reference, summary=summary)
    for output in outputs:
        text = (
            json.dumps(found.to_json(), ensure_ascii=False, indent=1)
            if output.suffix == ".json"
            else found.markdown
        )
        write_output(output, (text.rstrip("\n").encode("utf-8", "replace") + b"\n",), make=True)
    names = ", ".join(map(str, outputs))
    shown = f"wrote {names}: {found.headline}" if outputs else None
    edge.show(found.to_json(), lambda ui: ui.line(shown) if shown is not None else ui.raw(found.markdown))
