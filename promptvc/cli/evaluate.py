"""`promptvc evaluate`: run suites; and its relatives, which run nothing: `merge` and `trend`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from promptvc.base.errors import ProviderError
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.evaluated import (
    check_outputs,
    output_option,
    show_estimates,
    show_evaluated,
    show_plan,
    write_outputs,
)
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.evaluation.assessed import EvaluateRequest
from promptvc.workflows import assess

RELATED = {
    "run": Entry("promptvc.cli.evaluate", "run_suites", "Run suites: what evaluate does by itself."),
    "merge": Entry("promptvc.cli.merge", "merge", "Bring the results of several shards together."),
    "trend": Entry("promptvc.cli.trend", "trend", "Show how the versions of a prompt scored."),
    "flaky": Entry("promptvc.cli.flaky", "flaky", "List the cases whose repeats disagree."),
}
_SHARED = {"--json": 0, "--log": 0, "-C": 1}


class _RunByDefault(LazyGroup):
    """`evaluate NAME` is `evaluate run NAME`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` where no command is named, behind the options that every command has."""
        at = 0
        while at < len(args) and args[at] in _SHARED:
            at += 1 + _SHARED[args[at]]
        if at < len(args) and args[at] in self.table:
            return super().parse_args(ctx, [args[at], *args[:at], *args[at + 1 :]])
        return super().parse_args(ctx, ["run", *args])


@click.command("run")
@click.argument("references", metavar="[NAME[@REV]]...", nargs=-1, type=NAME)
@click.option("--baseline", metavar="REV", help="Compare against this revision, on the same cases.")
@click.option(
    "--model", "models", multiple=True, help="Answer with this model instead of the prompt's own; repeatable."
)
@click.option(
    "--repeat", type=click.IntRange(1, 100), help="Ask so many times; 3 with a provider, 1 offline."
)
@click.option(
    "--reduce",
    metavar="NAME",
    help="Make one score of repeats: mean, median, mode, max, pass_at_k:K, pass_k:K, at_least_k:K.",
)
@click.option("--concurrency", type=click.IntRange(min=1), help="At most so many calls at a time.")
@click.option("--judge", metavar="MODEL", help="Grade with this model what words alone do not decide.")
@click.option("--qualities", is_flag=True, help="Have the judge grade coherence, relevance and safety too.")
@click.option("--max-calls", type=click.IntRange(min=1), help="Make at most so many calls.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Use at most so many tokens.")
@click.option(
    "--max-cost", type=click.FloatRange(min=0, min_open=True), help="Spend at most so many dollars."
)
@click.option(
    "--max-time", type=click.FloatRange(min=0, min_open=True), help="Begin no call after so many seconds."
)
@click.option("--estimate", is_flag=True, help="Say what it would take, and ask nobody.")
@click.option("--plan", is_flag=True, help="Say what would be evaluated; needs no key.")
@click.option(
    "--offline", is_flag=True, help="Leave out prompts that ask a provider, or run code without leave."
)
@click.option("--tag", "tags", multiple=True, help="Only cases with this tag; repeatable.")
@click.option("--case", "cases", metavar="ID", multiple=True, help="Only this case; repeatable.")
@click.option("--failed", is_flag=True, help="Only cases that failed last time.")
@click.option(
    "--changed-since", metavar="REV", help="All prompts that changed since then, or their suites did."
)
@click.option("--shard", metavar="I/N", help="Only part I of N; `evaluate merge` brings the parts together.")
@click.option("--fresh", is_flag=True, help="Ask again instead of taking answers from the cache.")
@click.option(
    "--allow-code", is_flag=True, help="Let `python` assertions run the suite's code; never for forks."
)
@click.option("--gate", is_flag=True, help="Judge by new regressions against the approved baseline only.")
@click.option("--save", is_flag=True, help="Commit the result as evidence.")
@output_option
@edge_options
def run_suites(
    edge: Edge,
    references: tuple[str, ...],
    outputs: tuple[Path, ...],
    estimate: bool,
    plan: bool,
    **options: Any,
) -> int:
    """Run suites: what `evaluate` does by itself.

    `evaluate merge` brings shards together, `evaluate trend` shows how versions scored. Without a suite cases are
    generated, and said to be.

    Exit 0 if the score reaches the bar for success (with a baseline: is no regression; with --gate: shows no new
    regression), else 1.
    """
    check_outputs(outputs)
    request = EvaluateRequest(references, **options)
    if plan:
        show_plan(edge, assess.planned(edge.project(), request))
        return 0
    if estimate:
        show_estimates(edge, assess.estimates(edge.project(), request))
        return 0
    if request.offline:
        for one in assess.planned(edge.project(), request):
            if one.left is not None:
                edge.ui.note(f"left out: {one.left}")
    found = assess.evaluate(edge.project(), request, progress=edge.ui.progress)
    write_outputs(outputs, [one.report for one in found])
    dead = [one.dead for one in found if one.dead is not None]
    if dead and len(dead) == len(found):
        raise ProviderError(dead[0])
    show_evaluated(edge, found)
    for reason in dead:
        edge.ui.note(reason)
    if dead or any(one.missing for one in found):
        return ProviderError.exit_code
    return 0 if all(one.good for one in found) else 1


evaluate = _RunByDefault(
    "evaluate",
    table=RELATED,
    help="Run a suite, alone or against a baseline.",
    epilog="`promptvc evaluate NAME` is `promptvc evaluate run NAME`: see `promptvc evaluate run --help`.",
)
