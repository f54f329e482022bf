"""A split: what training sees, and the hold-out, as values."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case, digest_of
from promptvc.training.data.inputs import Form, repeats
from promptvc.training.data.items import Item
from promptvc.training.data.quoting import Quoted
from promptvc.training.data.signals import Signal

FEWEST_GROUPS = 30
"""With fewer independent hold-out cases the outcome of a training is at most a draft."""


@lru_cache(maxsize=1)
def _quoted(forms: tuple[Form, ...]) -> Quoted:
    return Quoted(text for form in forms for text in (form.key, form.core))


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
        quoted = self.quoted
        kept: list[Signal] = []
        dropped: Counter[str] = Counter()
        for signal in signals:
            if signal.form is not None and known.get(signal.form):
                dropped["repeat a hold-out input"] += 1
            elif signal.user in self.holdout_users:
                dropped["come from a user of the hold-out"] += 1
            elif any(quoted.by(text) for text in signal.texts):
                dropped["quote a hold-out input"] += 1
            else:
                kept.append(signal)
        return tuple(kept), dict(sorted(dropped.items()))

    @property
    def quoted(self) -> Quoted:
        """Tells whether a text quotes an input of the hold-out."""
        return _quoted(self.holdout_forms)

    def taught(self, items: Sequence[Item]) -> Split:
        """The same with only those of ``items`` to learn from that are on training's side, as they are there.

        So the hold-out goes by everything that was ever said, and what is learned from by a window of it.
        """
        place = {item.key: at for at, item in enumerate(self.items)}
        kept = [item for item in items if item.key in place]
        by_item = {case.item: case for case in self.cases if case.item is not None}
        cases = []
        for at, item in enumerate(kept):
            case = by_item[place[item.key]]
            match = case.case.assertions[0].type
            cases.append(
                replace(case, case=case_of(item, match), text=item.text, output=item.output, item=at)
            )
        cases += [case for case in self.cases if case.item is None]
        groups = tuple(self.groups[place[item.key]] for item in kept)
        return replace(self, items=tuple(kept), groups=groups, cases=tuple(cases))

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


def event_case_id(variables: Mapping[str, object]) -> str:
    """The id of the case that an event's input makes."""
    return f"event-{hashlib.sha256(canonical_json(dict(variables))).hexdigest()[:10]}"


def case_of(item: Item, match: str = "equals") -> Case:
    """The case that asks for an item's answer; its id depends on the input alone."""
    variables = dict(item.input)
    assertion = Assertion(match, item.output)
    name = event_case_id(variables)
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
