"""`promptvc dataset`: data for fine-tuning, from feedback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from promptvc.base.clock import parse_time
from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.training.exporting.formats import FORMATS
from promptvc.training.exporting.query import GROUPINGS, KINDS, SPLITS
from promptvc.workflows import dataset as datasets

MOST_LABELS = 20
TABLE = {
    "create": Entry("promptvc.cli.dataset", "create", "Commit the manifest of a dataset."),
    "list": Entry("promptvc.cli.dataset", "list_", "List the datasets."),
    "show": Entry("promptvc.cli.dataset", "show", "Show the manifest of a dataset."),
    "stats": Entry("promptvc.cli.dataset", "stats", "Count what is in a dataset."),
    "propose": Entry("promptvc.cli.dataset", "propose", "Propose what to take out of a dataset."),
    "export": Entry("promptvc.cli.dataset", "export", "Write the rows of a dataset."),
}


@click.group("dataset", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def dataset(context: click.Context) -> None:
    """Make data for fine-tuning from feedback."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("create")
@click.argument("name")
@click.option("--prompt", type=NAME, metavar="NAME[@REV]", help="The prompt; its latest version on main.")
@click.option("--kinds", help=f"Events of these kinds only, with commas: {','.join(KINDS)}.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Only records that are so sure, 0 to 1.")
@click.option("--min-rating", type=click.FloatRange(0, 1), help="From where a rated output counts as right.")
@click.option("--since", help="Only events at or after this time (RFC 3339, or a date).")
@click.option("--until", help="Only events before this time.")
@click.option("--reviewed-only", is_flag=True, default=None, help="Only what an annotation approved.")
@click.option("--with-holdout", is_flag=True, default=None, help="Also inputs that the prompt is judged on.")
@click.option("--shares", metavar="A/B/C", help="Of train, validation and test; 0.8/0.1/0.1 if not given.")
@click.option("--group", "grouping", type=click.Choice(GROUPINGS), help="What stays in one split; user.")
@click.option("--update", is_flag=True, help="Make an existing dataset anew, from what main has now.")
@click.option("--propose", "proposing", is_flag=True, help="Then propose what to take out.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def create(
    edge: Edge,
    name: str,
    prompt: str | None,
    update: bool,
    proposing: bool,
    branch: str | None,
    **given: Any,
) -> None:
    """Commit the manifest of a dataset.

    Its records are the corrections, demonstrations, ratings and selections on main; inputs that the prompt is judged on
    are left out. The manifest says what was asked, what it gave and where it is from; rows are written by `dataset
    export`.
    """
    asked = {key: value for key, value in given.items() if value is not None}
    if update and asked:
        raise Usage("--update keeps the dataset's own filters", hint="create another dataset for others")
    project = edge.project()
    query = None if update else datasets.usual_query(project, **_query(asked))
    done = datasets.create(project, datasets.CreateRequest(name, prompt, query, update, branch))
    proposed = datasets.propose(project, name) if proposing else None

    def text(ui: Ui) -> None:
        if done.changed:
            _headline(ui, done.manifest)
            ui.line(f"  commit {done.commit[:10]} on {done.branch or 'the detached HEAD'}", "dim")
        else:
            ui.line(f"{name} is the same as it was: nothing to commit")
        _left_out(ui, done.manifest)
        if proposed is not None:
            _proposed(ui, proposed)

    for remark in done.remarks:
        edge.ui.note(remark)
    value = done.to_json()
    edge.show(value | proposed.to_json() if proposed is not None else value, text)


@click.command("list")
@edge_options
def list_(edge: Edge) -> None:
    """List the datasets."""
    found = datasets.list_all(edge.project())

    def text(ui: Ui) -> None:
        rows = [
            (one.name, f"{one.prompt} v{one.version}", one.made.total, *one.made.splits.values())
            for one in found
        ]
        headers = ("dataset", "prompt", "records", *SPLITS)
        ui.table(headers, rows, empty="no dataset: promptvc dataset create NAME --prompt P")

    edge.show([one.to_json() for one in found], text)


@click.command("show")
@click.argument("name")
@edge_options
def show(edge: Edge, name: str) -> None:
    """Show the manifest of a dataset."""
    found = datasets.show(edge.project(), name)

    def text(ui: Ui) -> None:
        _headline(ui, found)
        ui.line(f"  from {found.origin.commit[:10]}, {found.origin.segments:,} segments of events")
        ui.line(f"  by {found.by}, {found.to_json()['time'][:10]}")
        if found.curation is not None:
            ui.line("  a curation takes records out")
        _rows(ui, found)
        _left_out(ui, found)

    edge.show(found.to_json(), text)


@click.command("stats")
@click.argument("name")
@edge_options
def stats(edge: Edge, name: str) -> None:
    """Count what is in a dataset.

    The weights let rare labels count as much as frequent ones (inverse frequency), and bad answers as much as good ones
    for KTO.
    """
    found = datasets.stats(edge.project(), name)

    def text(ui: Ui) -> None:
        made = found.manifest.made
        _headline(ui, found.manifest)
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in made.kinds.items())
        ui.line(f"  {kinds}; {found.reviewed:,} reviewed")
        if found.lengths is not None:
            low, middle, high = found.lengths
            ui.line(f"  answers of {low:,} to {high:,} characters, half of them up to {middle:,}")
        _rows(ui, found.manifest)
        if made.weights["kto"]:
            ui.line("KTO: " + ", ".join(f"{key} {value:.3f}" for key, value in made.weights["kto"].items()))
        labels = list((found.labels or {}).get("train", {}).items())
        weights = made.weights["labels"]
        rows = [(label, count, f"{weights.get(label, 1.0):.3f}") for label, count in labels[:MOST_LABELS]]
        if rows:
            ui.table(("label (train)", "rows", "weight"), rows)
        if len(labels) > MOST_LABELS:
            ui.line(f"and {len(labels) - MOST_LABELS} more: --json lists them", "dim")

    edge.show(found.to_json(), text)


@click.command("propose")
@click.argument("name")
@edge_options
def propose(edge: Edge, name: str) -> None:
    """Propose what to take out of a dataset.

    Near-duplicates, inputs with several right answers, answers of unusual length, rare labels, unsure records that
    nobody reviewed and redacted answers become entries of datasets/NAME.curation.yaml. Edit it, commit it, and make the
    dataset anew with `dataset create NAME --update`.
    """
    done = datasets.propose(edge.project(), name)
    edge.show(done.to_json(), lambda ui: _proposed(ui, done))


@click.command("export")
@click.argument("name")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), required=True, help="The columns.")
@click.option("--split", type=click.Choice(SPLITS), help="Only this split; else all, one after the other.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; else it is printed.")
@click.option(
    "--at", metavar="REV", help="Read the events of this revision, not those of the manifest's commit."
)
@click.option("--with-users", is_flag=True, help="Also the pseudonyms of who said it, as `users`.")
@edge_options
def export(edge: Edge, name: str, form: str, output: Path | None, **options: Any) -> None:
    """Write the rows of a dataset.

    JSON Lines, the same bytes from every clone. Where they are not those that the manifest promises, it says why.
    """
    request = datasets.ExportRequest(name, form, **options)
    project = edge.project()
    if output is None and edge.ui.as_json:
        raise Usage("rows and a report cannot share the output", hint="give --output FILE with --json")
    if output is not None:
        done = datasets.export_to(project, request, edge.directory / output)
    else:
        opened = datasets.open_export(project, request)
        digests: dict[str, str] = {}
        rows: dict[str, int] = {}
        for line in opened.lines(digests, rows):
            edge.ui.raw(line.decode())
        done = datasets.finish(opened, digests, rows)
    for remark in done.remarks:
        edge.ui.note(remark)
    for change in done.changed:
        edge.ui.note(f"not what the manifest promises: {change}")

    def text(ui: Ui) -> None:
        if output is not None:
            counts = ", ".join(f"{count:,} {split}" for split, count in done.rows.items())
            ui.line(f"{sum(done.rows.values()):,} rows in {output} ({counts})", "good")
            if done.reproduced:
                ui.line("  as the manifest promises", "dim")

    edge.show(done.to_json(), text)


def _query(asked: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Callable[[str], Any]] = {
        "kinds": lambda text: tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip())),
        "since": lambda text: _time("--since", text),
        "until": lambda text: _time("--until", text),
        "shares": _shares,
    }
    return {key: read[key](value) if key in read else value for key, value in asked.items()}


def _time(option: str, text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise Usage(f"{option} is no time: {text}", hint="for example 2026-11-20") from None


def _shares(text: str) -> Sequence[float]:
    try:
        first, second, third = (float(part) for part in text.split("/"))
    except ValueError:
        raise Usage(f"--shares is three numbers, not {text}", hint="for example 0.8/0.1/0.1") from None
    return first, second, third


def _headline(ui: Ui, one: datasets.Manifest) -> None:
    splits = ", ".join(f"{count:,} {name}" for name, count in one.made.splits.items())
    records = "1 record" if one.made.total == 1 else f"{one.made.total:,} records"
    ui.line(f"{one.name}: {records} of {one.prompt} v{one.version} ({splits})", "title")


def _rows(ui: Ui, one: datasets.Manifest) -> None:
    rows = [(name, *(counts[split] for split in SPLITS)) for name, counts in one.made.rows.items()]
    ui.table(("rows", *SPLITS), rows)


def _left_out(ui: Ui, one: datasets.Manifest) -> None:
    for reason, count in one.made.left_out.items():
        if count:
            ui.line(f"  {count:,} left out: {reason}", "dim")


def _proposed(ui: Ui, done: datasets.Proposed) -> None:
    if not done.entries:
        ui.line("nothing new to propose")
        return
    counts: dict[str, int] = {}
    for entry in done.entries:
        counts[entry.rule] = counts.get(entry.rule, 0) + 1
    said = ", ".join(f"{count:,} {rule}" for rule, count in counts.items())
    entries = "1 entry" if len(done.entries) == 1 else f"{len(done.entries):,} entries"
    ui.line(f"{entries} proposed in {done.file}: {said}", "good")
