"""`promptvc deploy` and `promptvc rollback`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import ship, ship_changed
from promptvc.workflows.landing import Landing

_ENVIRONMENT = click.option(
    "--env",
    "environment",
    metavar="ENV",
    help="The environment; `default_environment` of promptvc.yaml when not given.",
)


def landing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--push`` and ``--pr``; the command gets ``landing``."""

    @click.option("--push", is_flag=True, help="Commit to main and push it, by compare-and-swap.")
    @click.option("--pr", "propose", is_flag=True, help="Propose it in a pull request.")
    @functools.wraps(function)
    def command(*args: Any, push: bool, propose: bool, **kwargs: Any) -> Any:
        return function(*args, landing=Landing(push, propose), **kwargs)

    return command


@click.command("deploy")
@click.argument("reference", metavar="NAME[@REV]", type=NAME, required=False)
@_ENVIRONMENT
@click.option("--changed-since", "since", metavar="REV", help="Every prompt of main that changed since REV.")
@landing_options
@click.option("--branch", help="Commit to this branch instead of the current one.")
@click.option("--force", is_flag=True, help="Deploy although a gate is closed; needs --reason.")
@click.option("--reason", help="Why; kept in the commit.")
@click.option("--new-env", is_flag=True, help="Make ENV although another one has a name like it.")
@edge_options
def deploy(
    edge: Edge,
    reference: str | None,
    environment: str | None,
    since: str | None,
    landing: Landing,
    **options: Any,
) -> int | None:
    """Put a version into an environment.

    Copies the version's file to deployments/ENV/NAME.yaml in one commit. Without REV it is the latest on main.

    --changed-since deploys whatever a merge brought, and is made for CI. A prompt that a gate keeps out is told of, the
    others go on, and the exit code is 1.
    """
    if since is not None:
        given = next((key for key, value in options.items() if value), None)
        if reference is not None or given is not None:
            what = "NAME" if reference is not None else f"--{given}".replace("_", "-")
            raise Usage(f"--changed-since does not go with {what}")
        request = ship_changed.ChangedRequest(since, environment, landing)
        return _shipped_all(edge, ship_changed.deploy_changed(edge.project(), request))
    if reference is None:
        hint = "name a prompt, or deploy what changed with --changed-since REV"
        raise Usage("missing argument 'NAME[@REV]'", hint=hint)
    options["new_environment"] = options.pop("new_env")
    one = ship.DeployRequest(reference, environment, landing=landing, **options)
    _shipped(edge, ship.deploy(edge.project(), one))
    return None


@click.command("rollback")
@click.argument("name", type=NAME)
@_ENVIRONMENT
@click.option(
    "--to", "to", metavar="REV", help="The version to go back to; the newest other one when not given."
)
@click.option("--reason", required=True, help="Why; kept in the hold and in the commit.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@landing_options
@edge_options
def rollback(
    edge: Edge,
    name: str,
    environment: str | None,
    to: str | None,
    reason: str,
    branch: str | None,
    landing: Landing,
) -> None:
    """Go back to an earlier version; hold the bad one.

    The hold keeps anything from deploying the bad version again; deleting its file lifts it.
    """
    request = ship.RollbackRequest(name, environment, to, reason, branch, landing)
    _shipped(edge, ship.rollback(edge.project(), request))


def _shipped_all(edge: Edge, done: ship_changed.ShippedAll) -> int | None:
    def text(ui: Ui) -> None:
        for one in done.shipped:
            before = "" if one.previous is None else f" (was v{one.previous})"
            runs = (
                f"runs {one.name} v{one.version}{before}"
                if one.changed
                else f"runs {one.name} v{one.version} already"
            )
            ui.line(f"{one.environment} {runs}", "good" if one.changed else "dim")
        for name, why, hint in done.refused:
            ui.line(f"{name} stays as it is: {why}", "bad")
            if hint is not None:
                ui.line(f"  {hint}", "dim")
        if not done.shipped and not done.refused:
            ui.line("no prompt has changed")
        if done.pull is not None:
            ui.line(f"proposed: #{done.pull.number} {done.pull.url}", "good")

    edge.show(done.to_json(), text)
    return 1 if done.refused else None


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
        if done.pull is not None:
            ui.line(f"proposed: #{done.pull['number']} {done.pull['url']}", "good")
        for remark in done.remarks:
            ui.note(remark)

    edge.show(done.to_json(), text)
