"""One training: from a task to at most one candidate.

Deterministic: the same task, options and answers of the model give the same edits. Nothing is written, and
the hold-out is not among the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.prompts.edit import AddItem, Edit, RemoveItem
from promptvc.prompts.model import Example, Prompt
from promptvc.training.approach import Approach, Variant
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.data.items import stable_share
from promptvc.training.search.race import Baseline, Race, race
from promptvc.training.selector import select
from promptvc.training.task import Scorer, TrainingOptions, TrainingOutcome, TrainingTask

FEWEST_CASES = 10
MOST_CASES = 2000
"""More training cases than this add little to an estimate, and each costs answers."""

MOST_ITEMS = 3000
"""Of more inputs than this a sample is used: every input is compared with every other one."""

NOISE = 0.1
"""A gain that noise alone would give with at least this chance is not worth a look at the hold-out."""


def train(task: TrainingTask, scorer: Scorer, options: TrainingOptions) -> TrainingOutcome:
    """Find a better version of ``task.prompt``, or say why there is none.

    Raises:
        NotFound: unknown approach.
        ProviderError, OverBudget, Interrupted: from ``scorer``.
    """
    task = task.sampled(MOST_ITEMS, f"item {options.seed}")
    selection = select(task, options)
    if selection.approach is None:
        return TrainingOutcome(options.approach, selection.reason, events=task.events)
    approach = selection.approach
    positions = _judged(task, scorer, options)
    if len(positions) < FEWEST_CASES:
        return TrainingOutcome(
            approach.name,
            f"only {len(positions)} training cases can be asked, at least {FEWEST_CASES} are needed"
            f" (answers allowed: {options.max_calls})",
            events=task.events,
        )
    asked = scorer.scores(task.prompt, [task.cases[at].case for at in positions])
    calls = len(positions) * scorer.calls_per_case
    scores = {at: score for at, score in zip(positions, asked, strict=True) if score is not None}
    if len(scores) < FEWEST_CASES:
        return TrainingOutcome(
            approach.name, "the baseline could not be scored", calls=calls, events=task.events
        )
    variants = _affordable(task, approach, scores, calls, options)
    found = race(task, variants, Baseline(scores), scorer, seed=options.seed)
    if found is None:
        return TrainingOutcome(
            approach.name,
            "the training cases are too much alike to judge a candidate by cases that it did not learn from",
            calls=calls,
            events=task.events,
        )
    return _outcome(task, approach, found, calls, options)


def _judged(task: TrainingTask, scorer: Scorer, options: TrainingOptions) -> list[int]:
    """The positions of the cases to ask: none that the prompt holds as an example, and no more than can be paid for."""
    inputs = Inputs.of(task.prompt)
    shown = [inputs.form(example.input) for example in task.prompt.examples]
    repeated = {at for at, _ in alike([case.form for case in task.cases], shown)} if shown else set()
    usable = [at for at in range(len(task.cases)) if at not in repeated]
    # The baseline and at least one variant have to answer each case.
    most = min(MOST_CASES, options.max_calls // (2 * scorer.calls_per_case))
    if len(usable) > most:
        usable.sort(key=lambda at: stable_share(task.cases[at].case.id, f"case {options.seed}"))
        usable = sorted(usable[:most])
    return usable


def _affordable(
    task: TrainingTask,
    approach: Approach,
    scores: dict[int, float],
    a_round: int,
    options: TrainingOptions,
) -> Sequence[Variant]:
    """As many variants as rounds of ``a_round`` answers are left; cases that failed were paid for too."""
    answered = [None if at not in scores else scores[at] >= 0.5 for at in range(len(task.cases))]
    variants = approach.variants(task, answered, options)
    return variants[: max(1, options.max_calls // a_round - 1)]


def _outcome(
    task: TrainingTask, approach: Approach, found: Race, calls: int, options: TrainingOptions
) -> TrainingOutcome:
    gain = found.candidate - found.baseline
    over = f"{gain * 100:+.1f} points on {found.cases} training cases ({found.baseline:.3f} -> {found.candidate:.3f})"
    edits: tuple[Edit, ...] | None = None
    added: tuple[Example, ...] = ()
    removed: tuple[Example, ...] = ()
    if gain < options.min_gain:
        reason = f"no improvement found: {approach.name} brings {over}, and {options.min_gain * 100:.1f} are needed"
    elif found.p > NOISE:
        reason = f"no improvement found: {approach.name} brings {over}, which chance often does (p = {found.p:.2f})"
    else:
        candidate = found.winner.fit(list(range(len(task.cases))))
        edits, added, removed = changes(task.prompt, candidate)
        reason = f"{approach.name} brings {over}"
        if not edits:
            edits, reason = None, f"no improvement found: {approach.name} has nothing to change"
    return TrainingOutcome(
        approach=approach.name,
        reason=reason,
        edits=edits,
        added=added,
        removed=removed,
        baseline=found.baseline,
        candidate=found.candidate,
        cases=found.cases,
        calls=calls + found.calls,
        events=task.events,
        tried=found.tried,
    )


def changes(
    before: Prompt, after: Prompt
) -> tuple[tuple[Edit, ...], tuple[Example, ...], tuple[Example, ...]]:
    """The edits that turn the examples of ``before`` into those of ``after``, what is added, what is removed.

    Examples of ``before`` that stay keep their place; new ones follow them.
    """
    staying = list(after.examples)
    gone: list[int] = []
    for at, example in enumerate(before.examples):
        if example in staying:
            staying.remove(example)
        else:
            gone.append(at)
    edits: list[Edit] = [RemoveItem(("examples",), at) for at in reversed(gone)]
    edits += [AddItem(("examples",), _value(example)) for example in staying]
    return tuple(edits), tuple(staying), tuple(before.examples[at] for at in gone)


def _value(example: Example) -> dict[str, object]:
    value: dict[str, object] = {"input": dict(example.input), "output": example.output}
    return value | {"because": list(example.because)} if example.because else value
