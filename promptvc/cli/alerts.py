"""`promptvc alerts`: what somebody should act on."""

from __future__ import annotations

import time
from datetime import datetime

import click

from promptvc.base.clock import parse_time
from promptvc.base.config import MOST_DAYS
from promptvc.base.errors import PromptvcError, Unfinished, Usage
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import alerting
from promptvc.workflows import check as checking
from promptvc.workflows import drift as drifting
from promptvc.workflows import suggest as suggesting
from promptvc.workflows.concerns import Stories

_STYLES = {"alert": "bad", "notice": "dim"}


@click.command("alerts")
@click.option(
    "--days",
    type=click.IntRange(min=0, max=MOST_DAYS),
    default=14,
    show_default=True,
    help="After so many days a lag, or a candidate that waits, is an alert.",
)
@click.option(
    "--as-of", metavar="TIME", help="As it was at this moment, RFC 3339 or a date; now when left out."
)
@click.option("--issue", is_flag=True, help="Keep one issue of the forge; close it when there is no alert.")
@click.option("--webhook", is_flag=True, help="Tell the URL in PROMPTVC_WEBHOOK.")
@edge_options
def alerts(edge: Edge, days: int, as_of: str | None, issue: bool, webhook: bool) -> int:
    """List what somebody should act on.

    Deployments that are no version of main, are held, lag behind or drift; errors that check finds; scores that went
    down; trainings that failed; prompts that are due; candidates that wait; edits that users suggest. Everything by
    what is committed. Exit code 1 when anything is an alert, 0 when all of it can wait.
    """
    request = alerting.AlertsRequest(days, _moment(as_of), issue, webhook)
    asking = alerting.Asking(
        Stories(
            check=lambda project: checking.check(project).problems,
            drift=lambda project: drifting.drift(project).prompts,
            suggest=lambda project: (
                suggesting.suggest(project, suggesting.SuggestRequest(optimizer="offline")).suggestions
            ),
        ),
        pause=time.sleep,
    )
    project = edge.project()
    found = alerting.alerts(project, request, asking)
    failure: PromptvcError | None = None
    if webhook:
        try:
            found = alerting.tell(project, found, asking)
        except Unfinished as error:
            failure = error
    if failure is not None and edge.ui.as_json:
        edge.ui.error(failure, beside=found.to_json())
        return failure.exit_code
    edge.show(found.to_json(), lambda ui: _print(ui, found))
    if failure is not None:
        raise failure
    return 1 if found.urgent else 0


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise Usage(f"--as-of {text} is not a time", hint="2026-11-21 or 2026-11-21T08:00:00Z") from None


def _print(ui: Ui, found: alerting.Alerts) -> None:
    rows = [(one.severity, one.kind, one.name, one.environment, one.message, one.hint) for one in found.found]
    if ui.terminal:
        for severity, kind, name, environment, message, hint in rows:
            about = " in ".join(each for each in (name, environment) if each is not None)
            ui.line(f"{severity}: {kind}{f' {about}' if about else ''}: {message}", _STYLES[severity])
            if hint is not None:
                ui.line(f"  {hint}", "dim")
    else:
        ui.table(("severity", "kind", "prompt", "environment", "message", "hint"), rows)
    if not found.found:
        ui.line("nothing to act on")
    if found.issue is not None:
        ui.line(f"issue {found.issue.number}: {found.issue.url}")
    for remark in found.remarks:
        ui.note(f"not looked at: {remark}")
