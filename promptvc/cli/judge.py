"""`promptvc judge`: score logged answers, and hold the judges against people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from promptvc.analysis.calibration import FEW, Calibration, Disagreement
from promptvc.base.config import MOST_DAYS
from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import judge as judging

SHOWN = 5
TABLE = {
    "run": Entry("promptvc.cli.judge", "run", "Score logged answers into events."),
    "calibrate": Entry("promptvc.cli.judge", "calibrate", "Show how far judges agree with people."),
}
HEADERS = ("judge", "metric", "n", "agreement", "95 % interval", "kappa", "mcc", "tp/fp/fn/tn", "how")


@click.group("judge", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def judge(context: click.Context) -> None:
    """Score logged answers, and hold judges against people."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("run")
@click.argument("name", type=NAME)
@click.option("--metric", "metrics", metavar="A,B", help="Of coherence, relevance, safety; all by default.")
@click.option("--rubric", help="Score by this description of a good answer instead.")
@click.option(
    "--judge", metavar="MODEL", help="The model that judges; by default evaluation.judge of the settings."
)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    help="Only answers of the last N days before the newest.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many answers.")
@click.option("--sample", is_flag=True, help="With --limit: a fixed sample instead of the newest.")
@click.option("--max-calls", type=click.IntRange(min=1), help="At most so many calls to the judge.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="At most so many tokens, both directions.")
@click.option("--max-cost", type=click.FloatRange(min=0), help="At most so many US dollars; needs its price.")
@click.option("--max-time", type=click.FloatRange(min=0), metavar="SECONDS", help="At most so many seconds.")
@click.option("--estimate", is_flag=True, help="Only say what it would take.")
@edge_options
def run(edge: Edge, name: str, estimate: bool, metrics: str | None, **options: Any) -> None:
    """Score logged answers into events.

    Every event of NAME, committed or spooled, that has an input and an output is scored, unless this judge has
    scored it before. A score is an annotation with the source llm_judge. Without a judge answers are measured by
    words alone, without a model; the source is code then. `feedback commit` commits them.
    """
    names = tuple(part.strip() for part in metrics.split(",") if part.strip()) if metrics else ()
    if metrics is not None and not names:
        raise Usage("--metric takes one or more names with commas between them")
    request = judging.JudgeRequest(names, **options)
    if estimate:
        _estimate(edge, name, request)
        return
    done = judging.run(edge.project(), name, request, progress=edge.ui.progress)

    def text(ui: Ui) -> None:
        how = "by words alone, without a model" if done.model == judging.LEXICAL else f"by {done.model}"
        ui.line(f"{len(done.ids):,} scores {how}; {done.skipped:,} were there", "good" if done.ids else None)
        if done.model != judging.LEXICAL:
            ui.line(f"  {_spent(done)}", "dim")
        if done.errors:
            ui.line(f"  {done.errors:,} could not be judged; the first: {done.error}", "bad")

    for remark in done.remarks:
        edge.ui.note(remark)
    edge.show(done.to_json(), text)


@click.command("calibrate")
@click.argument("name", type=NAME)
@click.option("--metric", help="Only this metric.")
@click.option("--since", help="Only answers at or after this time (RFC 3339, or a date).")
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    help="Only answers of the last N days before the newest.",
)
@edge_options
def calibrate(edge: Edge, name: str, **options: Any) -> None:
    """Show how far judges agree with people.

    Compares the scores of `judge run` with what people said of the same answers: annotations, ratings, corrections.
    Lists the answers on which they differ most.
    """
    findings = judging.calibrate(edge.project(), name, judging.CalibrateRequest(**options))

    def text(ui: Ui) -> None:
        if findings.advice is not None:
            ui.line(findings.advice)
            return
        ui.table(HEADERS, [_row(one) for one in findings.calibrations])
        for line in _doubts(findings.calibrations):
            ui.line(line, "warn")
        _disagreements(ui, findings.calibrations)

    edge.show(findings.to_json(), text)


def _estimate(edge: Edge, name: str, request: judging.JudgeRequest) -> None:
    found = judging.estimated(edge.project(), name, request)
    takes = found.takes

    def text(ui: Ui) -> None:
        cost = "unknown cost" if takes.cost is None else f"about ${takes.cost:.4f}"
        ui.line(
            f"{found.judgements:,} scores by {found.model}: {takes.calls:,} calls, {takes.cached:,} are kept; "
            f"about {takes.tokens:,} tokens, {cost}; {found.skipped:,} scores are there"
        )

    edge.show(found.to_json(), text)


def _spent(done: judging.Judged) -> str:
    spent = done.spent
    known = spent.tokens_in is not None and spent.tokens_out is not None
    tokens = f"{(spent.tokens_in or 0) + (spent.tokens_out or 0):,} tokens" if known else "tokens unknown"
    cost = "cost unknown" if spent.cost is None else f"${spent.cost:.4f}"
    return f"{spent.calls:,} calls, {spent.cached:,} kept answers, {tokens}, {cost}"


def _row(one: Calibration) -> tuple[str, ...]:
    counts = "/".join(str(one.confusion[key]) for key in ("tp", "fp", "fn", "tn"))
    interval = f"{one.low:.3f} to {one.high:.3f}"
    how = "" if one.prompt is None else one.prompt + ("" if one.version is None else f" v{one.version}")
    return (
        one.judge,
        one.metric,
        str(one.n),
        f"{one.agreement:.3f}",
        interval,
        _number(one.kappa),
        _number(one.mcc),
        counts,
        f"{how}: {one.rubric}" if one.rubric else how,
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _doubts(calibrations: Sequence[Calibration]) -> list[str]:
    """What keeps a reader from taking the figures for more than they are."""
    lines = []
    few = [f"{one.judge} {one.metric} ({one.n})" for one in calibrations if one.few]
    if few:
        lines.append(f"too few answers to trust, below {FEW}: {', '.join(few)}")
    for one in calibrations:
        whole = one.n - one.own
        if whole:
            lines.append(
                f"{one.judge} {one.metric}: people judged {whole:,} of {one.n:,} answers as a whole, not by this metric"
            )
        if one.ties:
            lines.append(f"{one.judge} {one.metric}: {one.ties:,} left out, as many people said yes as no")
    return lines


def _disagreements(ui: Ui, calibrations: Sequence[Calibration]) -> None:
    rows = [
        (each.event, one.judge, one.metric, f"{each.people:.2f}", f"{each.judge:.2f}", _words(each))
        for one in calibrations
        for each in one.disagreements[:SHOWN]
    ]
    if rows:
        ui.line("where they differ most:", "title")
        ui.table(("event", "judge", "metric", "people say", "judge says", "in words"), rows)
    more = sum(max(0, len(one.disagreements) - SHOWN) for one in calibrations)
    if more:
        ui.line(f"and {more:,} more: --json lists them", "dim")


def _words(one: Disagreement) -> str:
    said = (("people", one.comment), ("judge", one.reason))
    return "; ".join(f"{who}: {words}" for who, words in said if words)
