"""`promptvc evaluate merge`."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.base.errors import ProviderError
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.evaluated import check_outputs, output_option, show_evaluated, write_outputs
from promptvc.workflows import merge as merging


@click.command("merge")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--gate", is_flag=True, help="Judge by new regressions against the approved baseline only.")
@click.option("--save", is_flag=True, help="Commit the result as evidence.")
@output_option
@edge_options
def merge(edge: Edge, files: tuple[Path, ...], outputs: tuple[Path, ...], *, gate: bool, save: bool) -> int:
    """Bring the results of several shards together.

    FILES are what `evaluate --shard I/N -o FILE.jsonl` wrote, one for each part; those of several prompts are told
    apart. Exit codes are those of `evaluate`.
    """
    check_outputs(outputs)
    found = merging.merge(edge.project(), merging.MergeRequest(files, gate, save))
    write_outputs(outputs, [one.report for one in found])
    show_evaluated(edge, found)
    if any(one.dead is not None for one in found):
        return ProviderError.exit_code
    return 0 if all(one.good for one in found) else 1
