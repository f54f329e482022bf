"""From a task to at most one candidate: choose the approaches, search, and see whether the gain is worth a look."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from promptvc.training.approach import Approach, Hardening, Proposer
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.data.items import stable_share
from promptvc.training.options import TrainingOptions
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.scoring import Tools
from promptvc.training.search.account import Account, Exhausted, counted
from promptvc.training.search.changes import difference
from promptvc.training.search.found import Found
from promptvc.training.search.rounds import MERGE, NOISE, Search
from promptvc.training.selector import select
from promptvc.training.task import TrainingTask

FEWEST_CASES = 10

MOST_CASES = 2000
"""More training cases than this add little to an estimate, and each costs answers."""

MOST_ITEMS = 3000
"""Of more inputs than this a sample is used: every input is compared with every other one."""

Clock = Callable[[], float]


def train(
    task: TrainingTask, options: TrainingOptions, tools: Tools, *, clock: Clock = time.monotonic
) -> TrainingOutcome:
    """Find a better version of ``task.prompt``, or say why there is none.

    Args:
        clock: seconds, for a bound on them.

    Raises:
        NotFound: unknown approach.
        ProviderError, OverBudget, Interrupted: from ``tools``.
    """
    task = task.sampled(MOST_ITEMS, f"item {options.seed}")
    selection = select(task, options)
    nothing = TrainingOutcome(options.approach, selection.reason, events=task.events)
    if not selection.stages:
        return nothing
    first = selection.stages[0]
    nothing = replace(
        nothing, approach=first[0].name if len(first) == 1 else options.approach, chosen=selection.reason
    )
    asked = _asked(task, options, tools.scorer.calls_per_case)
    few = len(asked) < FEWEST_CASES
    if few:
        short = options.bounds.calls < 2 * FEWEST_CASES * tools.scorer.calls_per_case
        why = f": {options.bounds.calls} calls are left for training" if short else ""
        nothing = replace(
            nothing,
            reason=f"only {len(asked)} training cases can be asked, and at least {FEWEST_CASES} are needed{why}",
        )
        # Who makes cases of its own can do without.
        if short or not any(
            isinstance(one, Hardening) for one in _begun(first, task, options, tools).values()
        ):
            return nothing
    account = Account(options.bounds, clock)
    tools = counted(tools, account, options.seed)
    stages = [partial(_begun, stage, task, options, tools) for stage in selection.stages]
    search = Search(task, stages, options, tools, account)
    try:
        found = search.run(asked, few=few)
    except Exhausted as reached:
        outcome = replace(nothing, reason=f"the bounds leave no room for the baseline: {reached}")
    else:
        outcome = _told(task, search, found, nothing, options, few=few)
        if found is not None:
            each_round = tools.scorer.calls_per_case * found.asked
            raced = sum(1 for one in found.tried if one.ended != "refused")
            outcome = replace(outcome, full_calls=each_round * (1 + raced))
    remarks = [remark for stage in search.begun for each in stage.values() for remark in each.remarks]
    return _spent(outcome, account, remarks)


def _told(
    task: TrainingTask,
    search: Search,
    found: Found | None,
    nothing: TrainingOutcome,
    options: TrainingOptions,
    *,
    few: bool,
) -> TrainingOutcome:
    """What a search that came to its end says; ``nothing`` is what stands where it says nothing."""
    if found is None:
        return replace(
            nothing,
            reason="the training cases are too much alike to judge a candidate by cases that it did not learn from",
        )
    if len(found.baseline.answers) < FEWEST_CASES:
        # With few cases of its own it rested on those that were made harder.
        why = "no harder form of an input failed in a way that could be raced"
        return replace(nothing, reason=why if few else "the baseline could not be scored", files=found.files)
    outcome = _outcome(task, found, _maker(found, search, nothing.approach), options)
    chosen = nothing.chosen
    if len(search.begun) > 1 and found.best is not found.baseline and outcome.approach not in search.begun[0]:
        before = [name for stage in search.begun for name in stage if name != outcome.approach]
        chosen += f"; {', '.join(before)} found nothing better"
    return replace(outcome, chosen=chosen)


def _maker(found: Found, search: Search, chosen: str) -> str:
    """The approach of what is best; of what was brought together, the one whose turn it was; ``chosen`` for several."""
    if found.best is found.baseline:
        return chosen
    if found.best.approach != MERGE:
        return found.best.approach
    names = list(search.begun[-1])
    return names[0] if len(names) == 1 else chosen


def _spent(outcome: TrainingOutcome, account: Account, remarks: Sequence[str]) -> TrainingOutcome:
    return replace(
        outcome,
        calls=account.calls,
        tokens=account.tokens,
        cost=account.cost,
        stopped=account.stopped,
        failed_after=account.failed_after,
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _begun(
    stage: Sequence[Approach], task: TrainingTask, options: TrainingOptions, tools: Tools
) -> dict[str, Proposer]:
    return {each.name: each.begin(task, options, tools) for each in stage}


def _asked(task: TrainingTask, options: TrainingOptions, calls_per_case: int) -> list[int]:
    """The positions of the cases to ask: none that the prompt holds as an example, and no more than can be paid for."""
    inputs = Inputs.of(task.prompt)
    shown = [inputs.form(example.input) for example in task.prompt.examples]
    repeated = {at for at, _ in alike([case.form for case in task.cases], shown)} if shown else set()
    usable = [at for at in range(len(task.cases)) if at not in repeated]
    # Room for the baseline and a round of variants; at least for the baseline and one of them.
    each = options.bounds.calls // calls_per_case
    most = min(MOST_CASES, max(each // (1 + options.variants), min(each // 2, 10 * FEWEST_CASES)))
    if len(usable) > most:
        usable.sort(key=lambda at: stable_share(task.cases[at].case.id, f"case {options.seed}"))
        usable = sorted(usable[:most])
    return usable


def _outcome(task: TrainingTask, found: Found, approach: str, options: TrainingOptions) -> TrainingOutcome:
    best, positions = found.best, found.pair.positions
    outcome = TrainingOutcome(
        approach=approach,
        reason="",
        baseline=found.baseline.mean(positions),
        candidate=best.mean(positions),
        cases=len(positions),
        events=task.events,
        tried=found.tried,
        blocks=found.blocks,
        files=found.files,
    )
    if best is found.baseline:
        tried = [one for one in found.tried if one.cases]
        refused = [one for one in found.tried if one.ended == "refused"]
        if tried:
            top = max(tried, key=lambda one: one.score - one.parent)
            names = ", ".join(dict.fromkeys(one.approach for one in tried))
            most = f"{(top.score - top.parent) * 100:+.1f} points on {top.cases} training cases"
            why = f"{names} tried {len(tried)}, and the best brought {most}"
            why += f": {top.reason}" if top.reason and top.score > top.parent else ""
        elif refused:
            why = f"what {approach} proposes is refused: {refused[0].reason}"
        elif found.cut:
            why = "the bounds ended the search before anything was raced"
        else:
            why = f"{approach} has nothing to change"
        return replace(outcome, candidate=None, reason=f"no improvement found: {why}")
    gain = found.pair.gain
    over = (
        f"{approach} brings {gain * 100:+.1f} points on {len(positions)} training cases"
        f" ({outcome.baseline:.3f} -> {outcome.candidate:.3f})"
    )
    chance = found.pair.chance()
    outcome = replace(outcome, p=chance)
    if gain < options.min_gain:
        return replace(
            outcome, reason=f"no improvement found: {over}, and {options.min_gain * 100:.1f} are needed"
        )
    if chance > NOISE:
        return replace(
            outcome, reason=f"no improvement found: {over}, which chance often does (p = {chance:.2f})"
        )
    candidate = best.variant.fit(range(len(task.cases)))
    changed = difference(task.prompt, candidate, best.variant.cites)
    if not changed.edits:
        return replace(outcome, reason=f"no improvement found: {approach} has nothing to change")
    return replace(
        outcome,
        reason=over,
        edits=changed.edits,
        changes=changed.changes,
        families=found.families,
    )
