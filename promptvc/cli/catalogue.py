"""`promptvc list`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import catalogue


@click.command("list")
@edge_options
def list_(edge: Edge) -> None:
    """List the prompts and what runs where."""
    prompts = catalogue.list_prompts(edge.project())

    def text(ui: Ui) -> None:
        rows = [
            (one.name, _version(one), one.model, _where(one.environments), ", ".join(one.tags))
            for one in prompts
        ]
        ui.table(("prompt", "version", "model", "runs in", "tags"), rows, empty="no prompts yet")

    edge.show([one.to_json() for one in prompts], text)


def _version(one: catalogue.Listed) -> str:
    """With a word where the number of a file that says none is not main's."""
    return _v(one.version) + (f" {one.counted}" if one.counted in {"branch", "uncommitted"} else "")


def _v(version: int | None) -> str:
    return "?" if version is None else f"v{version}"


def _where(environments: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} {_v(version)}" for name, version in sorted(environments.items()))
