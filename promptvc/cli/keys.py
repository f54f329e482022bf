"""`promptvc feedback keys`: the keys of pseudonyms."""

from __future__ import annotations

import click

from promptvc.base.errors import Usage
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows.keys import KeyLine, list_keys, rotate


@click.command("keys")
@click.argument("action", required=False, type=click.Choice(["rotate"]))
@click.option("--cut", is_flag=True, help="With rotate: do not link new pseudonyms to old ones.")
@edge_options
def keys(edge: Edge, action: str | None, *, cut: bool) -> None:
    """List and rotate the keys of pseudonyms.

    The earlier keys stay on this machine, so that a person's older events are found. Events that are written
    after a rotation name the person under both keys, unless --cut is given, as after a leak. No secret is printed.
    """
    if cut and action is None:
        raise Usage("--cut is for `feedback keys rotate`")
    found = list_keys(edge.project()) if action is None else rotate(edge.project(), cut=cut)

    def text(ui: Ui) -> None:
        if found.rotated:
            ui.line(f"the key is {found.keys[0].id} now", "good")
        rows = [(key.id, _role(key), key.since or "unknown") for key in found.keys]
        ui.table(
            ("key", "role", "since"), rows, empty="no key yet: the first event that names a user makes one"
        )

    for remark in found.remarks:
        edge.ui.note(remark)
    edge.show(found.to_json(), text)


def _role(key: KeyLine) -> str:
    if key.current:
        return "current"
    return "earlier, linked" if key.linked else "earlier"
