"""`promptvc feedback compact`: small segments become large ones."""

from __future__ import annotations

import re

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows.compact import CompactRequest, compact_segments

_SIZE = re.compile(r"([0-9]{1,9})\s*(B|KiB|MiB)?", re.IGNORECASE).fullmatch
_UNITS = {"b": 1, "kib": 1024, "mib": 1024 * 1024}


@click.command("compact")
@click.argument("name", required=False, type=NAME)
@click.option(
    "--below", default="1MiB", show_default=True, metavar="SIZE", help="Merge segments smaller than this."
)
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def compact(edge: Edge, name: str | None, below: str, branch: str | None) -> None:
    """Merge small segments into few large ones.

    Those of one prompt and month become one, or a few of at most 40 MiB. Every event stays as it is, in a commit of
    its own. What is committed on another branch meanwhile is not lost, and an old segment that comes back by a merge
    counts once.
    """
    done = compact_segments(edge.project(), CompactRequest(name, _bytes(below), branch))

    def text(ui: Ui) -> None:
        if done.commit is None:
            ui.line("nothing to compact")
            return
        where = done.branch or "the detached HEAD"
        ui.line(
            f"merged {done.before:,} segments into {done.after:,} on {where} ({done.commit[:10]})", "good"
        )
        ui.note(f"{done.events:,} lines, each as it was")

    edge.show(done.to_json(), text)


def _bytes(text: str) -> int:
    found = _SIZE(text.strip())
    if found is None:
        raise Usage(f"--below takes a size, not {text!r}", hint="such as 1MiB, 256KiB or 100000")
    return int(found[1]) * _UNITS[(found[2] or "b").lower()]
