"""`promptvc feedback forget`: take a person out of feedback, and of everything that rests on what they said."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from promptvc.base.errors import Usage
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import forget as story


@click.command("forget")
@click.option("--user", required=True, help="The person as the program called them, or a pseudonym (u-...).")
@click.option("--history", is_flag=True, help="Also rewrite git's history, with git-filter-repo.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@edge_options
def forget(edge: Edge, user: str, *, history: bool, dry_run: bool, yes: bool) -> int:
    """Take a person out of feedback, and of everything that rests on what they said.

    Their events go, under every pseudonym, with rules, examples and cases that rest on them alone; other items lose a
    citation. A prompt that changes gets a new version. Exit code 1 tells that something is left for you to do.
    """
    project = edge.project()
    plan = story.plan(project, user, history=history)
    if plan.nothing or dry_run:
        edge.show({**plan.to_json(), "done": False}, lambda ui: _plan(ui, plan))
        return 1 if plan.left and not dry_run else 0
    if not yes:
        if edge.ui.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Usage(
                "this cannot be undone, and nobody is here to be asked",
                hint="look with --dry-run, then pass --yes",
            )
        _plan(edge.ui, plan)
        if not click.confirm("Forget them?", err=True):
            return 1
    done = story.forget(project, plan)

    def text(ui: Ui) -> None:
        if yes:
            _plan(ui, plan, told=False)
        if done.history is not None:
            ui.line(f"history is rewritten: {_many(done.history.contents, 'content')}", "good")
        elif done.commit is not None:
            ui.line(f"committed to {done.branch or 'the detached HEAD'} ({done.commit[:10]})", "good")
        _left(ui, done.left)
        if done.next:
            ui.line("now:", "title")
        for step in done.next:
            ui.line(f"  {step}")

    edge.show(done.to_json(), text)
    return 1 if done.left else 0


def _plan(ui: Ui, plan: story.Forgetting, *, told: bool = True) -> None:
    if plan.nothing:
        ui.line("nothing here is theirs")
    else:
        found = plan.found
        counts = [
            (found.events, "event names them", "events name them"),
            (found.about, "event is about those alone", "events are about those alone"),
            (found.spooled, "of these is not committed", "of these are not committed"),
            (found.rollups, "rollup has a unit of theirs", "rollups have a unit of theirs"),
            (sum(plan.rows.values()), "refused row names them", "refused rows name them"),
        ]
        for count, one, many in counts:
            if count:
                ui.line(f"{count:,} {one if count == 1 else many}", "title")
        for file in found.touched:
            ui.line(f"  {file.path}: {_said(file)}")
        for path in sorted(plan.drafts):
            ui.line(f"  {path}: not committed, cleaned in place")
        for branch in sorted(plan.elsewhere.candidates):
            ui.line(f"  {branch}: a candidate that rests on them, deleted")
        if plan.elsewhere.ledger:
            ui.line(f"  promptvc/ledger: {_many(len(plan.elsewhere.ledger), 'record')} changed")
        ui.line("  .promptvc: everything that is derived, deleted")
        if plan.history is not None:
            ui.line(
                f"  history: {_many(plan.history.blobs, 'content')} rewritten in every commit that has one"
            )
    for remark in plan.remarks:
        ui.note(remark)
    if told:
        _left(ui, plan.left)


def _said(file: story.Touched) -> str:
    if file.deleted:
        return f"deleted, nothing else is in it ({file.removed:,} removed)"
    parts = [f"{file.removed:,} removed"] if file.removed else []
    parts += [f"{file.uncited:,} changed"] if file.uncited else []
    parts += [f"becomes v{file.version}"] if file.version is not None else []
    return ", ".join(parts) or "the version above"


def _left(ui: Ui, left: Sequence[story.Left]) -> None:
    for one in left:
        ui.line(f"left: {one.place}: {one.reason}", "bad")
        if one.command:
            ui.line(f"  {one.command}")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
