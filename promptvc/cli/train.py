"""`promptvc train`: learn from feedback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from promptvc.base.config import APPROACHES, MOST_DAYS
from promptvc.base.errors import Usage
from promptvc.cli import train_due
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.train_due import due_options
from promptvc.cli.train_jobs import Jobs, job_options, run_job
from promptvc.cli.training_reports import check_reports, report_option, write_reports
from promptvc.cli.ui import Ui
from promptvc.evaluation.reports.terminal import comparison_lines
from promptvc.workflows import hard_cases, improve, reporting, train_each, trainings


@click.command("train")
@click.argument("name", type=NAME, required=False)
@click.option(
    "--approach",
    metavar="NAME",
    default="auto",
    help=f"How to learn: {', '.join(APPROACHES)}; auto chooses one, all races them.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Same commit, same seed: the same bytes."
)
@click.option("--max-examples", type=click.IntRange(min=1), help="At most so many examples in the prompt.")
@click.option("--max-calls", type=click.IntRange(min=1), help="At most so many calls to the model.")
@click.option(
    "--max-tokens", type=click.IntRange(min=1), help="At most so many tokens, the comparison's too."
)
@click.option(
    "--max-cost", type=click.FloatRange(min=0, min_open=True), help="Spend at most so many dollars."
)
@click.option(
    "--max-time", type=click.FloatRange(min=0, min_open=True), help="End the search after so many seconds."
)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    help="Only events of the last N days before the newest.",
)
@click.option("--models", metavar="A,B", help="Train and compare on these models together.")
@click.option("--each", is_flag=True, help="With --models: a training of its own for each.")
@click.option("--optimizer", metavar="MODEL", help="The model that proposes edits, provider:model.")
@click.option("--reviewed-only", is_flag=True, help="Only feedback that an annotation approved.")
@click.option("--draft", is_flag=True, help="Commit the candidate even if the verdict is inconclusive.")
@click.option("--dry-run", is_flag=True, help="Show what would change; never look at the hold-out.")
@click.option("--push", is_flag=True, help="Push the look and the candidate to the remote.")
@click.option(
    "--pr", "propose", is_flag=True, help="Push, and open or update a pull request for a candidate."
)
@job_options
@report_option
@click.option(
    "--cases",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Add the hard cases that failed to this JSONL file.",
)
@click.option("--history", is_flag=True, help="List the trainings so far instead; --report tells the newest.")
@due_options
@edge_options
def train(
    edge: Edge,
    name: str | None,
    history: bool,
    models: str | None,
    each: bool,
    reports: tuple[Path, ...],
    file: Path | None,
    when: tuple[train_due.Mode, float | None] | None,
    jobs: Jobs | None,
    **options: Any,
) -> int | None:
    """Learn from feedback; commit a candidate that is better.

    Starts from main and writes the branch promptvc/NAME/vN, only if a paired test on cases that training never
    saw says that the candidate is better. "No improvement found" is a normal end.

    --due, --status and --watch go by what was said about each prompt since its last training, as main and the
    ledger have it; they fetch nothing, but for the ledger with --push.
    """
    if options["propose"]:
        options |= {"push": True, "draft": True}
    if jobs is not None:
        mode = None if when is None else when[0]
        request = improve.TrainRequest(models=_models(models, each=each)[0], **options)
        return run_job(edge, jobs, (name, mode), request)
    if when is not None:
        if reports or file is not None:
            which = "--report" if reports else "--cases"
            raise Usage(f"{which} goes with one training", hint=f"name the prompt, without --{when[0]}")
        requests = [improve.TrainRequest(models=chosen, **options) for chosen in _models(models, each=each)]
        return train_due.run(edge, name, when, requests, _print)
    if name is None:
        raise Usage("missing argument 'NAME'", hint="name a prompt, or train what needs it with --due")
    check_reports(reports)
    if file is not None:
        hard_cases.check_file(file)
    if history:
        given = click.get_current_context().get_parameter_source
        others = [
            one
            for one in ("models", "each", "file", *options)
            if given(one) is click.core.ParameterSource.COMMANDLINE
        ]
        if others:
            flag = "cases" if others[0] == "file" else others[0].replace("_", "-")
            raise Usage(f"--history does not go with --{flag}")
        _history(edge, name, reports)
        return None
    requests = [improve.TrainRequest(models=chosen, **options) for chosen in _models(models, each=each)]
    if each:
        return _each(edge, name, requests, reports, file)
    project = edge.project()
    outcome = hard_cases.keep_cases(train_due.trainer(edge, project)(name, requests[0]), file)
    if reports:
        write_reports(reports, [(",".join(requests[0].models), reporting.tell(project, outcome))])
    edge.show(outcome.to_json(), lambda ui: _print(ui, outcome))
    return None


def _each(
    edge: Edge,
    name: str,
    requests: Sequence[improve.TrainRequest],
    reports: tuple[Path, ...],
    file: Path | None,
) -> int:
    """Train for each model, and print each outcome as it comes; the exit code."""
    project, ui = edge.project(), edge.ui
    trainer = train_due.trainer(edge, project)

    def train_one(name: str, request: improve.TrainRequest) -> improve.Trained:
        return hard_cases.keep_cases(trainer(name, request), file)

    outcomes = []
    for one in train_each.train_each(project, name, requests, train_one):
        outcomes.append(one)
        if not ui.as_json:
            ui.line(f"{one.name} for {', '.join(one.models)}:", "title")
            if isinstance(one, train_each.Failed):
                _print_failed(ui, one)
            else:
                _print(ui, one)
            ui.flush()
    if ui.as_json:
        ui.json([one.to_json() for one in outcomes])
    ended = [one for one in outcomes if isinstance(one, improve.Trained)]
    if reports and ended:
        told = [(",".join(one.models), reporting.tell(project, one)) for one in ended]
        write_reports(reports, told, several=len(requests) > 1)
    return train_each.exit_code(outcomes)


def _models(given: str | None, *, each: bool) -> list[tuple[str, ...]]:
    """The models of each training: one training for all of them, or one for each."""
    parts = (part.strip() for part in (given or "").split(","))
    chosen = tuple(dict.fromkeys(part for part in parts if part))
    if given is not None and not chosen:
        raise Usage("--models takes one or more names with commas between them")
    if each and len(chosen) < 2:
        raise Usage("--each takes --models with two names or more")
    return [(model,) for model in chosen] if each else [chosen]


def _print(ui: Ui, outcome: improve.Trained) -> None:
    found = outcome.training
    if found.baseline is not None and found.candidate is not None:
        scores = f"{found.baseline:.3f} -> {found.candidate:.3f} on {found.cases} training cases"
        ui.line(f"{outcome.approach} from {len(found.events)} events: {scores}", "title")
    if found.chosen not in {"", "as asked"}:
        ui.line(f"approach: {outcome.approach}: {found.chosen}", "dim")
    for change in found.changes if outcome.candidate is None else ():
        _print_change(ui, change.kind, change.before, change.after)
    if outcome.left_out:
        ui.line(f"left out: {', '.join(f'{n:,} {why}' for why, n in outcome.left_out.items())}", "dim")
    if outcome.comparison is not None:
        first, *rest = comparison_lines(outcome.comparison)
        style = {"improvement": "good", "regression": "bad"}.get(outcome.comparison.verdict, "warn")
        ui.line(first, style)
        for line in rest:
            ui.line(f"  {line}")
        spent = f"look {outcome.look} at the hold-out, alpha {outcome.comparison.alpha:.4f}"
        fixed, broken = len(outcome.comparison.fixed), len(outcome.comparison.broken)
        ui.line(f"  {spent}; {fixed} cases fixed, {broken} broken; {outcome.calls:,} calls", "dim")
    if found.stopped is not None:
        ui.line(f"the search ended at its bound of {found.stopped}", "warn")
    _print_end(ui, outcome)


def _print_end(ui: Ui, outcome: improve.Trained) -> None:
    """What was committed, where it goes from there, and the remarks."""
    if outcome.candidate is None:
        ui.line(outcome.reason)
    else:
        kind = "committed" if outcome.promoted else "committed as a draft"
        ui.line(f"{kind}: {outcome.name} v{outcome.candidate} on {outcome.branch}", "good")
        ui.line(f"  read it:  promptvc diff {outcome.name}@v{outcome.baseline} @v{outcome.candidate}", "dim")
        if outcome.verdict == "improvement":
            ui.line(f"  merge it: git merge {outcome.branch}", "dim")
    if outcome.parcel is not None:
        ui.line(f"  left in {outcome.parcel}", "dim")
    if outcome.pull is not None:
        ui.line(f"  proposed: {outcome.pull['url']}", "good")
    for remark in outcome.remarks:
        ui.note(remark)


def _print_failed(ui: Ui, one: train_each.Failed) -> None:
    ui.line(f"failed: {one.error}", "bad")
    if one.error.hint:
        ui.line(f"  {one.error.hint}", "dim")


def _print_change(ui: Ui, kind: str, before: str | None, after: str | None) -> None:
    if kind != "added":
        ui.line(f"  - {ui.brief(before or '')}", "dim")
    if kind != "removed":
        ui.line(f"  + {ui.brief(after or '')}", "dim")


def _history(edge: Edge, name: str, reports: tuple[Path, ...]) -> None:
    project = edge.project()
    rows = trainings.history(project, name)
    if reports:
        write_reports(reports, [(name, reporting.newest(project, name))])

    def text(ui: Ui) -> None:
        cells = [
            (row["time"][:16], row["approach"], row["look"], row["verdict"], _version(row), row["reason"])
            for row in rows
        ]
        ui.table(("time", "approach", "look", "verdict", "candidate", "reason"), cells, empty="no trainings")

    edge.show(rows, text)


def _version(row: dict[str, Any]) -> str | None:
    candidate = row["candidate"]
    return f"v{candidate['version']}" if candidate else None
