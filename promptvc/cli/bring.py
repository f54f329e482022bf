"""`promptvc merge`."""

from __future__ import annotations

import sys

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import bring


@click.command("merge")
@click.argument("branch")
@click.option("-m", "--message", help="The commit's message; by default it names the branch.")
@click.option("--conflicts", is_flag=True, help="Leave conflicts in the working tree, as git merge does.")
@click.option("--no-verify", is_flag=True, help="Do not run the pre-commit and commit-msg hooks.")
@edge_options
def merge(edge: Edge, branch: str, message: str | None, conflicts: bool, no_verify: bool) -> int:
    """Merge BRANCH into the current branch, prompts by items.

    Rules, examples, messages and keys are merged one by one; what both sides changed differently is a conflict, and
    then nothing is touched and the exit code is 1. A text that is neither side's, and a version that both took, get the
    next free number. Needs no configuration; other files are merged as git merges them.
    """
    request = bring.BringRequest(branch, message, conflicts, sys.executable, no_verify)
    done = bring.bring(edge.project(), request)
    edge.show(done.to_json(), lambda ui: _tell(ui, done))
    return 1 if done.conflicts else 0


def _tell(ui: Ui, done: bring.Brought) -> None:
    for one in done.conflicts:
        ui.line(f"{one.file}: {one.conflict.name}: {one.conflict.reason}", "bad")
    if done.conflicts:
        number = len(done.conflicts)
        ui.line(f"{number} {'conflict' if number == 1 else 'conflicts'}: {done.branch} is not merged", "bad")
        if done.begun:
            ui.note("edit the marked files, `git add` them, then `git commit`; or `git merge --abort`")
        else:
            ui.note("nothing was touched; --conflicts leaves them in the working tree, marked")
        return
    if not done.changed:
        ui.line(f"{done.into} has all of {done.branch} already")
        return
    for prompt in done.prompts:
        version = "" if prompt.version is None else f" v{prompt.version}"
        ui.line(f"{prompt.name}{version}: {prompt.result}")
    ui.line(f"merged {done.branch} into {done.into} ({(done.commit or '')[:10]})", "good")
    for remark in done.remarks:
        ui.note(remark)
