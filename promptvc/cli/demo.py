"""`promptvc demo`: the loop as commands, each printed before it runs, with its real output."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from promptvc.base.errors import Unfinished
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import FORCE_TERMINAL
from promptvc.workflows.demo import STEPS, Step, commit_sample, prepare
from promptvc.workflows.start import init as initialise


@click.command("demo")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@edge_options
def demo(edge: Edge, directory: Path | None) -> None:
    """Run the whole loop on a sample in a new folder.

    DIRECTORY must not exist yet, or be empty; without it a temporary folder is made and kept for you to look at.
    """
    place = edge.directory / directory if directory else Path(tempfile.mkdtemp(prefix="promptvc-demo-"))
    created = prepare(place, environ=os.environ)
    if not edge.ui.as_json:
        edge.ui.line(f"A sample of {len(created)} files is in {place}")
    initialise(place, environ=os.environ)
    commit_sample(place, environ=os.environ)
    for step in STEPS:
        _run(edge, step, place)
    edge.show(
        {"created": list(created)}, lambda ui: ui.line(f"\nLook around: cd {shlex.quote(str(place))}", "dim")
    )


def _run(edge: Edge, step: Step, place: Path) -> None:
    if not edge.ui.as_json:
        if step.words:
            edge.ui.line(f"\n# {step.words}", "dim")
        edge.ui.line(f"$ {shlex.join(step.command)}", "title")
        edge.ui.flush()
    program, *arguments = step.command
    words = [sys.executable, "-m", "promptvc", *arguments] if program == "promptvc" else [program, *arguments]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environ |= {"GIT_PAGER": "cat", FORCE_TERMINAL: str(edge.ui.width)}
    out = subprocess.DEVNULL if edge.ui.as_json else None
    code = subprocess.run(words, cwd=place, env=environ, stdout=out, check=False).returncode
    if code not in step.ends:
        raise Unfinished(f"`{shlex.join(step.command)}` ended with {code}", hint=f"look at it in {place}")
