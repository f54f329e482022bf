"""The split: what training may see, and the hold-out that it never sees.

With a suite, its cases are the hold-out, but for those marked ``split: train``. Without one, 30 % of the items
are, by a stable hash of the input: an item keeps its side when events are added.

A group never straddles. A group is one user, one ``cluster``, or inputs that are nearly the same
(:mod:`promptvc.training.data.texts`). The side on which a group was first seen is its side; an item that belongs to
groups of both sides is dropped. A group with more than 5 % of all items is no group: its inputs are split one by one.
An item that repeats a hold-out input, exactly or nearly, as a whole or in what the prompt requires, is not used.
With fewer than 30 hold-out groups the outcome of a training is at most a draft.

What items are held out is bounded, because of very many inputs only a stable sample becomes items
(:mod:`promptvc.training.data.sample`). A suite is looked at as a whole: who wrote it has chosen its size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promptvc.evaluation.cases.suite import Case
from promptvc.evidence.looks import case_key
from promptvc.prompts.model import Prompt
from promptvc.training.data.inputs import Form, Inputs, gathered, repeats
from promptvc.training.data.items import Item
from promptvc.training.data.sample import stable_share
from promptvc.training.data.split import Split, TrainingCase, case_of, match_of
from promptvc.training.data.texts import connected

SHARE = 0.3
LARGE = 0.05


def divide(items: Sequence[Item], suite: Sequence[Case] | None, prompt: Prompt) -> Split:
    """Split the ``items`` of ``prompt``, and the cases of its suite if it has any (``None`` or empty: it has not).

    A suite whose cases are all marked ``split: train`` gives no hold-out: that comes from the items then.
    """
    marked = [case for case in suite or () if case.split == "train"]
    holdout = [case for case in suite or () if case.split != "train"]
    inputs = Inputs.of(prompt)
    learnt = [_LearntCase(case, inputs.text(case.vars), inputs.form(case.vars)) for case in marked]
    if not holdout:
        return _by_hash(items, learnt)
    return _with_suite(items, holdout, [inputs.form(case.vars) for case in holdout], learnt)


def keys_of(cases: Iterable[Case], prompt: Prompt) -> tuple[str, ...]:
    """:attr:`Split.holdout_keys` of a suite's cases, without dividing anything: quick, whatever their number."""
    inputs = Inputs.of(prompt)
    return _keys(inputs.form(case.vars) for case in cases if case.split != "train")


@dataclass(frozen=True, slots=True)
class _LearntCase:
    """A case of the suite that is marked ``split: train``."""

    case: Case
    text: str
    form: Form


def _with_suite(
    items: Sequence[Item], holdout: Sequence[Case], forms: Sequence[Form], marked: Sequence[_LearntCase]
) -> Split:
    clusters = {case.cluster for case in holdout if case.cluster is not None}
    dropped: Counter[str] = Counter()
    repeated = repeats([item.form for item in items], forms)
    kept: list[Item] = []
    for at, item in enumerate(items):
        if at in repeated:
            dropped["repeat a hold-out input"] += 1
        elif clusters.intersection(item.users):
            dropped["belong to a cluster of the hold-out"] += 1
        else:
            kept.append(item)
    learnt = _unseen(marked, forms, clusters, dropped)
    roots = gathered(forms)
    names = [case.cluster or f"#{roots[at]}" for at, case in enumerate(holdout)]
    return _split(
        kept,
        learnt,
        _Holdout(tuple(holdout), tuple(names), tuple(forms), frozenset(clusters)),
        dropped,
    )


@dataclass(frozen=True, slots=True)
class _Holdout:
    cases: tuple[Case, ...]
    clusters: tuple[str, ...]
    forms: tuple[Form, ...]
    users: frozenset[str]


def _keys(forms: Iterable[Form]) -> tuple[str, ...]:
    return tuple(sorted({case_key(form.key.encode("utf-8", "surrogatepass")) for form in forms}))


def _unseen(
    marked: Sequence[_LearntCase], holdout: Sequence[Form], clusters: set[str], dropped: Counter[str]
) -> list[_LearntCase]:
    """The cases that training may see: none that repeats an input of the hold-out, or is of a cluster there."""
    repeated = repeats([each.form for each in marked], holdout)
    unseen = []
    for at, each in enumerate(marked):
        if at in repeated:
            dropped["training cases that repeat a hold-out input"] += 1
        elif each.case.cluster in clusters:
            dropped["training cases of a cluster of the hold-out"] += 1
        else:
            unseen.append(each)
    return unseen


def _by_hash(items: Sequence[Item], marked: Sequence[_LearntCase]) -> Split:
    everything = [item.form for item in items]
    roots = gathered(everything)
    memberships = [
        (f"#{items[roots[at]].key}", *(f"@{user}" for user in item.users)) for at, item in enumerate(items)
    ]
    sizes = Counter(group for groups in memberships for group in groups)
    large = {group for group, size in sizes.items() if size > LARGE * len(items) and size > 1}
    side: dict[str, bool] = {}
    dropped: Counter[str] = Counter()
    sides: list[bool | None] = []
    for item, groups in zip(items, memberships, strict=True):
        mine = [group for group in groups if group not in large]
        known = {side[group] for group in mine if group in side}
        if len(known) == 2:
            dropped["bridge training and hold-out"] += 1
            sides.append(None)
            continue
        held = known.pop() if known else stable_share(item.key, "holdout") < SHARE
        side.update((group, held) for group in mine)
        sides.append(held)
    holdout = [at for at, held in enumerate(sides) if held]
    kept = [at for at, held in enumerate(sides) if held is False]
    forms = [everything[at] for at in holdout]
    # Parts of a large group are split one by one, but a repetition is a repetition.
    parts = [at for at in kept if memberships[at][0] in large]
    repeated = {parts[at] for at in repeats([everything[at] for at in parts], forms)}
    dropped["repeat a hold-out input"] += len(repeated)
    used = [at for at in kept if at not in repeated]
    users = {user for at in holdout for user in items[at].users}
    learnt = _unseen(marked, forms, users, dropped)
    barred = frozenset(user for user in users if side.get(f"@{user}"))
    return _split(
        [items[at] for at in used],
        learnt,
        _Holdout(
            cases=tuple(case_of(items[at]) for at in holdout),
            clusters=_grouping([memberships[at] for at in holdout], len(items)),
            forms=tuple(forms),
            users=barred,
        ),
        +dropped,
        None if learnt else _regathered(everything, roots, used),
    )


def _regathered(forms: Sequence[Form], roots: Sequence[int], used: Sequence[int]) -> list[int]:
    """:func:`gathered` of the ``used`` ones alone: only where others stood between them it has to be done again."""
    sizes, left = Counter(roots), Counter(roots[at] for at in used)
    first: dict[int, int] = {}
    again: list[int] = []
    found: list[int] = []
    for position, at in enumerate(used):
        found.append(first.setdefault(roots[at], position))
        if left[roots[at]] < sizes[roots[at]]:
            again.append(position)
    for position, root in zip(again, gathered([forms[used[at]] for at in again]), strict=True):
        found[position] = again[root]
    return found


def _grouping(memberships: Sequence[tuple[str, ...]], total: int) -> tuple[str, ...]:
    """One name for all that is connected by groups.

    Where that is large, measured by the ``total`` of items, each thing's first group (its near repetitions).
    """
    first: dict[str, int] = {}
    pairs = [(first.setdefault(group, at), at) for at, groups in enumerate(memberships) for group in groups]
    roots = connected(len(memberships), pairs)
    sizes = Counter(roots)
    return tuple(
        f"group {root}" if sizes[root] <= max(1, LARGE * total) else memberships[at][0]
        for at, root in enumerate(roots)
    )


def _split(
    items: Sequence[Item],
    learnt: Sequence[_LearntCase],
    holdout: _Holdout,
    dropped: Mapping[str, int],
    roots: Sequence[int] | None = None,
) -> Split:
    """Everything put together; ``roots`` are :func:`gathered` of what may be learned from, where they are known."""
    forms = [item.form for item in items] + [each.form for each in learnt]
    roots = gathered(forms) if roots is None else roots
    own = [each.case.cluster for each in learnt]
    users = [item.users for item in items] + [(cluster,) if cluster else () for cluster in own]
    memberships = [(f"#{roots[at]}", *(f"@{user}" for user in users[at])) for at in range(len(forms))]
    groups = _grouping(memberships, len(forms))
    match = match_of((*holdout.cases, *(each.case for each in learnt)))
    cases = [
        TrainingCase(case_of(item, match), item.text, item.form, item.output, groups[at], at)
        for at, item in enumerate(items)
    ]
    cases += [
        TrainingCase(
            each.case,
            each.text,
            each.form,
            each.case.expected if isinstance(each.case.expected, str) else None,
            groups[len(items) + at],
            None,
        )
        for at, each in enumerate(learnt)
    ]
    return Split(
        items=tuple(items),
        groups=groups[: len(items)],
        cases=tuple(cases),
        holdout=holdout.cases,
        clusters=holdout.clusters,
        holdout_keys=_keys(holdout.forms),
        holdout_forms=holdout.forms,
        holdout_users=holdout.users,
        dropped=dict(sorted(dropped.items())),
    )
