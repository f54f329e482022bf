"""`promptvc feedback retain`: texts go after some days, what was counted stays."""

from __future__ import annotations

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows.retain import Retained, RetainRequest
from promptvc.workflows.retain import retain as retain_texts


@click.command("retain")
@click.option("--days", type=int, metavar="N", help="Keep texts for N days; else as the settings say.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def retain(edge: Edge, days: int | None, dry_run: bool, branch: str | None) -> None:
    """Take the texts out of events that are older than 90 days, or as the settings say.

    Inputs, answers, corrections and remarks go, of committed and of spooled events. Numbers, tags, labels, issues and
    pseudonyms stay, so that counts and rates stay what they are. It is a commit of its own; only rewriting git's
    history deletes.
    """
    done = retain_texts(edge.project(), RetainRequest(days, dry_run, branch))

    def text(ui: Ui) -> None:
        if not done.events and not done.spooled:
            ui.line(f"no event from before {done.before} holds texts")
            return
        for line in _told(done):
            ui.line(line, "good")
        for old, new in done.segments.items():
            ui.line(f"  {old} -> {new.rpartition('/')[2]}", "dim")

    for remark in done.remarks:
        edge.ui.note(remark)
    edge.show(done.to_json(), text)


def _told(done: Retained) -> list[str]:
    verb = "would take" if done.dry_run else "took"
    lines = []
    if done.events:
        where = f" on {done.branch or 'the detached HEAD'} ({done.commit[:10]})" if done.commit else ""
        lines.append(f"{verb} the texts out of {_events(done.events)} from before {done.before}{where}")
    if done.spooled:
        lines.append(f"{verb} the texts out of {_events(done.spooled)} in the spool")
    return lines


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"
