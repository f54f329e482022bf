"""`promptvc route`."""

from __future__ import annotations

import click

from promptvc.base.errors import Usage
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import route as routing


@click.command("route")
@click.argument("task")
@click.option(
    "--days", type=click.IntRange(min=1), default=7, show_default=True, help="Ratings of so many days count."
)
@click.option(
    "--min-samples",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Fewer rated events leave a way as configured.",
)
@click.option(
    "--var", "variables", multiple=True, metavar="K=V", help="A value besides the task; may be repeated."
)
@click.option("--tag", help="The class of the task: ratings with this tag tell most.")
@click.option("--as-of", "as_of", metavar="TIME", help="Only events before this time (RFC 3339, or a date).")
@click.option("--seed", type=click.IntRange(min=0), help="Of the draws, where routing.explore is on.")
@click.option("--record", is_flag=True, help="Record the choice as an event.")
@click.option("--session", help="The session that a recorded choice belongs to.")
@click.option("--selected", metavar="NAME", help="With --record: the prompt that a person took.")
@edge_options
def route(edge: Edge, task: str, variables: tuple[str, ...], session: str | None, **given: object) -> int:
    """Choose prompt, framework and model for a task.

    TASK is a text that says what is to be done. Among the ways of `routing.routes` the one with the highest similarity
    times confidence is chosen; ratings raise and lower the configured confidence. Without such ways: all prompts of
    HEAD, by each framework, model and technique that has enough ratings. With `routing.explore` it is chosen by
    Thompson sampling. No model is called. Exit code 1: no prompt fits.
    """
    if session is not None and not given["record"]:
        raise Usage("--session is for --record", hint="give both")
    if given["selected"] is not None and not given["record"]:
        raise Usage("--selected is for --record", hint="give both")
    request = routing.RouteRequest(task, variables=_pairs(variables), session=session, **given)  # type: ignore[arg-type]
    routed = routing.route(edge.project(), request)
    if routed is None:
        edge.show({"task": task, "prompt": None}, lambda ui: ui.line("no prompt shares a word with the task"))
        return 1

    def text(ui: Ui) -> None:
        version = "" if routed.version.version is None else f"@v{routed.version.version}"
        for name, value in (
            ("prompt", f"{routed.version.name}{version}"),
            ("framework", routed.route.framework or "any"),
            ("model", routed.model or "any"),
            ("confidence", f"{routed.confidence:.2f}"),
            ("techniques", ", ".join(routed.techniques) or "none"),
        ):
            ui.line(f"{name}: {value}", "title" if name == "prompt" else None)
        ui.line("reasoning:")
        for reason in routed.reasoning:
            ui.line(f"  {reason}")
        others = [one for one in routed.decision.weighed if one is not routed.decision.chosen]
        if others:
            ui.line("not taken:")
        for one in others:
            way = one.candidate.route
            said = [way.prompt, way.framework, way.model, *way.techniques]
            ui.line(f"  {' '.join(part for part in said if part)}  {one.score:.3f}: {ui.brief(one.reason)}")
        ui.line("enhanced prompt:")
        for message in routed.enhanced:
            ui.line(f"[{message.role}]", "key")
            ui.line(message.content.rstrip("\n"))

    for remark in routed.remarks:
        edge.ui.note(remark)
    if routed.recorded is not None:
        edge.ui.note(f"recorded {routed.recorded}")
    edge.show(routed.to_json(), text)
    return 0


def _pairs(variables: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for pair in variables:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Usage(f"--var takes K=V, not {pair!r}")
        values[key] = value
    return values
