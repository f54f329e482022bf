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

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case, digest_of
from promptvc.evidence.looks import case_key
from promptvc.prompts.model import Prompt
from promptvc.training.data.inputs import Form, Inputs, gathered, repeats
from promptvc.training.data.items import Item
from promptvc.training.data.sample import stable_share
from promptvc.training.data.signals import Signal
from promptvc.training.data.texts import connected

SHARE = 0.3
LARGE = 0.05
FEWEST_GROUPS = 30


@dataclass(frozen=True, slots=True)
class TrainingCase:
    """A case that training may be scored on.

    Attributes:
        case: as evaluation takes it.
        text: its input as one text; ``form`` is what it is compared by.
        output: the right answer, where there is one text for it.
        group: cases and examples of one group never judge each other.
        item: position of the item in :attr:`Split.items` that it comes from; None for a case of the suite.
    """

    case: Case
    text: str
    form: Form
    output: str | None
    group: str
    item: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """What training sees (``items``, ``cases``), and the hold-out, which is handed to nothing that trains.

    Attributes:
        groups: of each item, in the order of ``items``.
        holdout_keys: the hold-out's cases as the ledger remembers them: by their input, whatever their id or
            assertions; sorted, each once.
        clusters: the group of each hold-out case, for the paired test.
        holdout_forms: what its inputs are compared by; ``holdout_users``: whose inputs they are, as far as users make
            groups. What repeats the one or comes from the other, training does not hear.
        dropped: numbers of items and training cases that are not used, by reason.
    """

    items: tuple[Item, ...]
    groups: tuple[str, ...]
    cases: tuple[TrainingCase, ...]
    holdout: tuple[Case, ...]
    clusters: tuple[str, ...]
    holdout_keys: tuple[str, ...]
    holdout_forms: tuple[Form, ...]
    holdout_users: frozenset[str]
    dropped: Mapping[str, int]

    @property
    def holdout_groups(self) -> int:
        """How many independent groups the hold-out has."""
        return len(set(self.clusters))

    @property
    def promotable(self) -> bool:
        """Whether the hold-out is large enough for more than a draft."""
        return self.holdout_groups >= FEWEST_GROUPS

    @property
    def holdout_digest(self) -> str:
        """The digest of the hold-out, as a look records it."""
        return digest_of(self.holdout)

    def audible(self, signals: Sequence[Signal]) -> tuple[tuple[Signal, ...], Mapping[str, int]]:
        """The signals that training may hear, and how many it may not, by reason."""
        # Most is said by users, or of inputs, whose side is known.
        known = {item.form: False for item in self.items} | dict.fromkeys(self.holdout_forms, True)
        asked = list(
            dict.fromkeys(
                signal.form
                for signal in signals
                if signal.form is not None
                and signal.form not in known
                and signal.user not in self.holdout_users
            )
        )
        near = repeats(asked, self.holdout_forms)
        known.update((form, at in near) for at, form in enumerate(asked))
        kept: list[Signal] = []
        dropped: Counter[str] = Counter()
        for signal in signals:
            if signal.form is not None and known.get(signal.form):
                dropped["repeat a hold-out input"] += 1
            elif signal.user in self.holdout_users:
                dropped["come from a user of the hold-out"] += 1
            else:
                kept.append(signal)
        return tuple(kept), dict(sorted(dropped.items()))

    def without(self, cases: Collection[str]) -> Split:
        """The same without these cases (ids) in the hold-out: they are in quarantine.

        Training still never sees them, and the ledger still counts them as looked at. The hold-out's digest is another:
        taking a case out after a look does not make that look again for nothing.
        """
        kept = [
            (case, cluster)
            for case, cluster in zip(self.holdout, self.clusters, strict=True)
            if case.id not in cases
        ]
        return replace(
            self,
            holdout=tuple(case for case, _ in kept),
            clusters=tuple(cluster for _, cluster in kept),
        )


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


def case_of(item: Item, match: str = "equals") -> Case:
    """The case that asks for an item's answer; its id depends on the input alone."""
    variables = dict(item.input)
    assertion = Assertion(match, item.output)
    name = f"event-{hashlib.sha256(canonical_json(variables)).hexdigest()[:10]}"
    content = {
        "id": name,
        "vars": variables,
        "assert": [assertion.to_json()],
        "threshold": None,
        "cluster": None,
    }
    return Case(
        id=name,
        line=0,
        vars=variables,
        assertions=(assertion,),
        expected=item.output,
        split="train",
        digest=hashlib.sha256(canonical_json(content)).hexdigest(),
    )


def match_of(suite: Iterable[Case]) -> str:
    """How the suite most often holds an answer against a text that is ``expected``; ``equals`` if it never does."""
    counts = Counter(
        assertion.type
        for case in suite
        for assertion in case.assertions
        if isinstance(case.expected, str) and assertion.value == case.expected
    )
    return min(counts, key=lambda name: (-counts[name], name)) if counts else "equals"


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
