"""`promptvc pr` and `promptvc publish`: candidates become branches and pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import publishing, pull, reserving


@click.command("pr")
@click.argument("reference", metavar="NAME[@vN]", type=NAME)
@click.option("--branch", metavar="BRANCH", help="Propose NAME as this branch of yours has it.")
@click.option("--deploy", metavar="ENV", help="Let ENV run the version once the pull request is merged.")
@click.option(
    "--draft/--ready", "draft", default=None, help="Instead of a draft unless it is an improvement."
)
@click.option("--label", "labels", metavar="TEXT", multiple=True, help="A further label; repeatable.")
@click.option(
    "--reviewer", "reviewers", metavar="WHO", multiple=True, help="A login or ORG/TEAM; repeatable."
)
@edge_options
def pr(
    edge: Edge,
    reference: str,
    branch: str | None,
    deploy: str | None,
    draft: bool | None,
    labels: tuple[str, ...],
    reviewers: tuple[str, ...],
) -> int | None:
    """Open or update the pull request of a candidate.

    Pushes its branch, asks the owners that CODEOWNERS names for a review, and keeps the report in one comment. Without
    @vN it is the newest candidate that waits. Safe to repeat; what a person changed there stays.

    The token comes from the environment: GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN or the like.
    """
    request = pull.PullRequest(reference, branch, deploy, draft, labels, reviewers)
    done = pull.propose(edge.project(), request)
    edge.show(done.to_json(), lambda ui: _print(ui, done))
    return None if done.state == "open" else 1


@click.command("publish")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--reserved",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take only trainings that FILE reserves.",
)
@click.option("--pr", "propose", is_flag=True, help="Open or update a pull request for each candidate.")
@edge_options
def publish(edge: Edge, folder: Path, reserved: Path | None, propose: bool) -> int:
    """Commit and push what trainings in another job made.

    DIR holds what `promptvc train --reserved FILE --parcel DIR` left. Each parcel is checked against main and the
    ledger first: it can bring a candidate of a prompt that main has, and nothing else. Publishing twice does no harm.
    """
    project = edge.project()
    reservation = None if reserved is None else reserving.read_reservation(reserved)
    opened: dict[str, pull.Proposal] = {}

    def open_one(reference: str) -> Mapping[str, Any]:
        opened[reference] = pull.propose(project, pull.PullRequest(reference))
        return opened[reference].to_json()

    done = publishing.publish(
        project, edge.directory / folder, reservation, propose=open_one if propose else None
    )

    def text(ui: Ui) -> None:
        for one in done:
            if one.version is None and one.error is not None:
                ui.line(f"refused: {one.name}: {one.error}", "bad")
                continue
            made = f"v{one.version} on {one.branch}" if one.version is not None else "no candidate"
            before = " (merged already)" if one.merged else " (was published before)" if one.again else ""
            ui.line(f"{one.name}: {made}{before}: {one.reason}")
            if one.error is not None:
                ui.line(f"  not proposed: {one.error}", "bad")
            elif (proposal := opened.get(f"{one.name}@v{one.version}")) is not None:
                _print(ui, proposal)
        if not done:
            ui.line("there are no parcels")

    edge.show([one.to_json() for one in done], text)
    return max((one.error.exit_code for one in done if one.error is not None), default=0)


def _print(ui: Ui, done: pull.Proposal) -> None:
    what = "opened" if done.created else "updated" if done.state == "open" else "left closed"
    ui.line(f"{what} #{done.number}{' (draft)' if done.draft else ''}: {done.name} v{done.version}", "good")
    ui.line(f"  {done.url}")
    if done.deploys:
        ui.line(f"  merging it deploys to {', '.join(done.deploys)}", "dim")
    if done.reviewers:
        ui.line(f"  asked: {', '.join(done.reviewers)}", "dim")
    for who, why in done.refused:
        ui.note(f"{who} could not be asked: {why}")
    for remark in done.remarks:
        ui.note(remark)
