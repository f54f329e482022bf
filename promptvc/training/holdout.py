"""The split: what training may see, and the hold-out that it never sees.

With a suite, its cases are the hold-out, but for those marked ``split: train``. Without one, 30 % of the items
are, by a stable hash of the input: an item keeps its side when events are added.

A group never straddles. A group is one user, one ``cluster``, or inputs that are nearly the same
(:mod:`promptvc.training.texts`). The side on which a group was first seen is its side; an item that belongs to
groups of both sides is dropped. A group with more than 5 % of all items is no group: its inputs are split one by one.
An item that repeats a hold-out input, exactly or nearly, is not used. With fewer than 30 hold-out groups
the outcome of a training is at most a draft.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertion import Assertion
from promptvc.evaluation.suite import Case, digest_of
from promptvc.evidence.looks import case_key
from promptvc.training.datasets import Item, stable_share
from promptvc.training.texts import connected, near_pairs, normalised

SHARE = 0.3
LARGE = 0.05
FEWEST_GROUPS = 30


@dataclass(frozen=True, slots=True)
class TrainingCase:
    """A case that training may be scored on.

    Attributes:
        case: as evaluation takes it.
        text: its input as one text.
        output: the right answer, where there is one text for it.
        group: cases and examples of one group never judge each other.
        item: position of the item in :attr:`Split.items` that it comes from; None for a case of the suite.
    """

    case: Case
    text: str
    output: str | None
    group: str
    item: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """What training sees (``items``, ``cases``), and the hold-out, which is handed to nothing that trains.

    Attributes:
        groups: of each item, in the order of ``items``.
        holdout_groups: how many independent groups the hold-out has.
        clusters: the group of each hold-out case, for the paired test.
        dropped: numbers of items and training cases that are not used, by reason.
    """

    items: tuple[Item, ...]
    groups: tuple[str, ...]
    cases: tuple[TrainingCase, ...]
    holdout: tuple[Case, ...]
    clusters: tuple[str, ...]
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

    @property
    def holdout_keys(self) -> tuple[str, ...]:
        """The hold-out's cases as the ledger remembers them: by their input, whatever their id or assertions."""
        return tuple(sorted({case_key(canonical_json(dict(case.vars))) for case in self.holdout}))


def divide(items: Sequence[Item], suite: Sequence[Case] | None) -> Split:
    """Split ``items``, and the cases of the prompt's suite if it has any (``None`` or empty: it has not).

    A suite whose cases are all marked ``split: train`` gives no hold-out: that comes from the items then.
    """
    marked = [case for case in suite or () if case.split == "train"]
    holdout = [case for case in suite or () if case.split != "train"]
    return _with_suite(items, holdout, marked) if holdout else _by_hash(items, marked)


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


def text_of(case: Case) -> str:
    """The input of a case as one text: its variables that are text, in the order of their names."""
    values = [(name, case.vars[name]) for name in sorted(case.vars)]
    texts = [(name, value) for name, value in values if isinstance(value, str)]
    return texts[0][1] if len(texts) == 1 else "\n".join(f"{name}: {value}" for name, value in texts)


def match_of(suite: Iterable[Case]) -> str:
    """How the suite most often holds an answer against a text that is ``expected``; ``equals`` if it never does."""
    counts = Counter(
        assertion.type
        for case in suite
        for assertion in case.assertions
        if isinstance(case.expected, str) and assertion.value == case.expected
    )
    return min(counts, key=lambda name: (-counts[name], name)) if counts else "equals"


def _with_suite(items: Sequence[Item], holdout: Sequence[Case], marked: Sequence[Case]) -> Split:
    texts = [normalised(text_of(case)) for case in holdout]
    clusters = {case.cluster for case in holdout if case.cluster is not None}
    dropped: Counter[str] = Counter()
    repeated = {at for at, _ in near_pairs([item.key for item in items], texts)}
    kept: list[Item] = []
    for at, item in enumerate(items):
        if at in repeated:
            dropped["repeats a hold-out input"] += 1
        elif clusters.intersection(item.users):
            dropped["belongs to a cluster of the hold-out"] += 1
        else:
            kept.append(item)
    learnt = _unseen(marked, texts, clusters, dropped)
    alike = connected(len(texts), near_pairs(texts))
    names = [case.cluster or f"#{alike[at]}" for at, case in enumerate(holdout)]
    return _split(kept, learnt, tuple(holdout), tuple(names), dropped)


def _unseen(
    marked: Sequence[Case], holdout: Sequence[str], clusters: set[str], dropped: Counter[str]
) -> list[Case]:
    """The cases that training may see: none that repeats an input of the hold-out, or is of a cluster there."""
    repeated = {at for at, _ in near_pairs([normalised(text_of(case)) for case in marked], holdout)}
    unseen = []
    for at, case in enumerate(marked):
        if at in repeated:
            dropped["training case that repeats a hold-out input"] += 1
        elif case.cluster in clusters:
            dropped["training case of a cluster of the hold-out"] += 1
        else:
            unseen.append(case)
    return unseen


def _by_hash(items: Sequence[Item], marked: Sequence[Case]) -> Split:
    alike = connected(len(items), near_pairs([item.key for item in items]))
    memberships = [
        (f"#{items[alike[at]].key}", *(f"@{user}" for user in item.users)) for at, item in enumerate(items)
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
            dropped["bridges training and hold-out"] += 1
            sides.append(None)
            continue
        held = known.pop() if known else stable_share(item.key, "holdout") < SHARE
        side.update((group, held) for group in mine)
        sides.append(held)
    holdout = [at for at, held in enumerate(sides) if held]
    kept = [at for at, held in enumerate(sides) if held is False]
    # Parts of a large group are split one by one, but a repetition is a repetition.
    repeated = {at for at, _ in near_pairs([items[at].key for at in kept], [items[at].key for at in holdout])}
    dropped["repeats a hold-out input"] += len(repeated)
    used = [items[at] for position, at in enumerate(kept) if position not in repeated]
    cases = tuple(case_of(items[at]) for at in holdout)
    clusters = _grouping([memberships[at] for at in holdout], len(items))
    users = {user for at in holdout for user in items[at].users}
    learnt = _unseen(marked, [items[at].key for at in holdout], users, dropped)
    return _split(used, learnt, cases, clusters, +dropped)


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
    learnt: Sequence[Case],
    holdout: tuple[Case, ...],
    clusters: tuple[str, ...],
    dropped: Mapping[str, int],
) -> Split:
    texts = [item.key for item in items] + [normalised(text_of(case)) for case in learnt]
    alike = connected(len(texts), near_pairs(texts))
    users = [item.users for item in items] + [(case.cluster,) if case.cluster else () for case in learnt]
    memberships = [(f"#{alike[at]}", *(f"@{user}" for user in users[at])) for at in range(len(texts))]
    groups = _grouping(memberships, len(texts))
    match = match_of((*holdout, *learnt))
    cases = [
        TrainingCase(case_of(item, match), item.text, item.output, groups[at], at)
        for at, item in enumerate(items)
    ]
    cases += [
        TrainingCase(
            case,
            text_of(case),
            case.expected if isinstance(case.expected, str) else None,
            groups[len(items) + at],
            None,
        )
        for at, case in enumerate(learnt)
    ]
    return Split(
        tuple(items), groups[: len(items)], tuple(cases), holdout, clusters, dict(sorted(dropped.items()))
    )
