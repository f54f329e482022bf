"""`promptvc deploy` and `promptvc rollback`."""

from __future__ import annotations

from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import ship

_ENVIRONMENT = click.option(
    "--env",
    "environment",
    metavar="ENV",
    help="The environment; `default_environment` of promptvc.yaml when not given.",
)


@click.command("deploy")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@_ENVIRONMENT
@click.option("--branch", help="Commit to this branch instead of the current one.")
@click.option("--force", is_flag=True, help="Deploy although a gate is closed; needs --reason.")
@click.option("--reason", help="Why; kept in the commit.")
@click.option("--new-env", is_flag=True, help="Make ENV although another one has a name like it.")
@edge_options
def deploy(edge: Edge, reference: str, environment: str | None, **options: Any) -> None:
    """Put a version into an environment.

    Copies the version's file to deployments/ENV/NAME.yaml in one commit. Without REV it is the latest on main.
    """
    options["new_environment"] = options.pop("new_env")
    request = ship.DeployRequest(reference, environment, **options)
    _shipped(edge, ship.deploy(edge.project(), request))


@click.command("rollback")
@click.argument("name", type=NAME)
@_ENVIRONMENT
@click.option(
    "--to", "to", metavar="REV", help="The version to go back to; the newest other one when not given."
)
@click.option("--reason", required=True, help="Why; kept in the hold and in the commit.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def rollback(
    edge: Edge, name: str, environment: str | None, to: str | None, reason: str, branch: str | None
) -> None:
    """Go back to an earlier version; hold the bad one.

    The hold keeps anything from deploying the bad version again; deleting its file lifts it.
    """
    request = ship.RollbackRequest(name, environment, to, reason, branch)
    _shipped(edge, ship.rollback(edge.project(), request))


def _shipped(edge: Edge, done: ship.Shipped) -> None:
    before = "" if done.previous is None else f" (was v{done.previous})"
    where, coming = done.branch or "the detached HEAD", done.branch or "this commit"

    def text(ui: Ui) -> None:
        version = f"{done.name} v{done.version}"
        if not done.changed:
            place = "" if done.in_force else f" on {where}"
            ui.line(f"{done.environment} runs {version} already{place}")
        else:
            line = f"{done.environment} runs {version}{before}"
            if not done.in_force:
                line = f"{done.environment} will run {version}{before} once {coming} is on main"
            ui.line(line, "good")
            ui.line(f"  commit {done.commit[:10]} on {where}", "dim")
        for remark in done.remarks:
            ui.note(remark)

    edge.show(done.to_json(), text)
