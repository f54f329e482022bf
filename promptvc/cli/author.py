"""`promptvc commit`."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import author


@click.command("commit")
@click.argument("name", type=NAME)
@click.option("-m", "message", required=True, help="What changed, in one line or more.")
@click.option("--renumber", is_flag=True, help="Give it the next free version, whatever number it has.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@click.option("--no-verify", is_flag=True, help="Do not run the pre-commit and commit-msg hooks.")
@edge_options
def commit(edge: Edge, name: str, message: str, renumber: bool, branch: str | None, no_verify: bool) -> None:
    """Commit an edited prompt as its next version.

    Only this prompt's file is committed; other staged and unstaged work stays as it is.
    """
    request = author.CommitRequest(name, message, renumber, branch, no_verify)
    done = author.commit(edge.project(), request)
    where = done.branch or "the detached HEAD"

    def text(ui: Ui) -> None:
        ui.line(f"committed {done.name} v{done.version} to {where} ({done.commit[:10]})", "good")
        for remark in done.remarks:
            ui.note(remark)

    edge.show(done.to_json(), text)
