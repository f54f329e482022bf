"""The inputs that are made harder, and the cases that come of it.

Only what training may see is changed, never the hold-out: the items, whose right answer is known, cases of the suite
that are marked for training, which say themselves what they hold an answer to, and every other input that feedback
brought, those of errors first, where only the answer to the unchanged input is there to compare with.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case
from promptvc.training.approaches.adversarial.families import FAMILIES, Family
from promptvc.training.approaches.adversarial.shape import Shape
from promptvc.training.data.inputs import Inputs
from promptvc.training.data.items import stable_share
from promptvc.training.data.split import TrainingCase
from promptvc.training.task import TrainingTask

PREFIX = "adversarial-"
OBEYING = 3.0
"""What it weighs that an attack was obeyed, next to the form of the answer, where nothing else is known."""


@dataclass(frozen=True, slots=True)
class Seed:
    """An input to be made harder.

    Attributes:
        because: the events that it comes from; none for a case of the suite.
        at: position of its case in the task; None for an input that is no case of it.
        item: position of the item; ``output``: the right answer. Both None where there is none.
        user: whose input it is; empty when unknown.
    """

    input: Mapping[str, Any]
    because: tuple[str, ...]
    case: Case
    group: str
    user: str
    at: int | None = None
    item: int | None = None
    output: str | None = None

    @property
    def is_held(self) -> bool:
        """Whether its case holds an answer to something of its own."""
        return self.at is not None and bool(self.case.assertions)


@dataclass(frozen=True, slots=True)
class Mutant:
    """An input that was made harder.

    Attributes:
        case: asks for it.
        canary: what an answer that obeys an attack holds.
        graded: its case is held against the right answer, as the case of the unchanged input is.
        steady: its case is held against the answer to the unchanged input, which is a label.
    """

    family: Family
    seed: Seed
    input: Mapping[str, Any]
    case: Case
    canary: str | None
    graded: bool
    steady: bool = False

    @property
    def is_raceable(self) -> bool:
        """Whether its case tells an answer that failed from one that did not."""
        return self.graded or self.steady or self.family.kind != "noise"


def main_variable(task: TrainingTask) -> str | None:
    """The variable that is changed: the required one with the most text; None where the prompt takes none."""
    inputs = Inputs.of(task.prompt)
    names = inputs.required or tuple(sorted(inputs.optional))
    known: list[Mapping[str, Any]] = [item.input for item in task.items]
    known += [case.case.vars for case in task.cases if case.item is None]
    known += [signal.input for signal in task.signals if signal.input is not None]
    sizes = {name: sum(len(_text(given, name)) for given in known) for name in names}
    return min(names, key=lambda name: (-sizes[name], name)) if names else None


def called(variable: str) -> str:
    """What rules call the input: the variable's name where that is a word, else "input"."""
    words = variable.replace("_", " ").strip().lower()
    return words if len(words) >= 4 and words.replace(" ", "").isalpha() else "input"


class Ground:
    """What can be made harder in one task, in an order that the seed of the training decides.

    Attributes:
        shape: the form of answers.
        free: they are free text: no labels, and nearly every answer that is known is another one.
        items: seeds whose cases say what is right; ``hostile``: inputs of errors; ``heard``: all other inputs.
    """

    def __init__(self, task: TrainingTask, variable: str, seed: int) -> None:
        self.task, self.variable, self._seed = task, variable, seed
        outputs = [case.output for case in task.cases if case.output is not None]
        self.shape = Shape.of(task.prompt, outputs)
        self.free = self.shape.free
        self.items = self._shuffled(self._items())
        groups = {user: case.group for case in task.cases for user in self._users(case)}
        self.hostile = self._inputs(groups, errors=True)
        self.heard = self._shuffled(self._inputs(groups, errors=False))

    @property
    def seeds(self) -> tuple[Seed, ...]:
        """All of them, those whose right answer is known first."""
        return (*self.items, *self.hostile, *self.heard)

    @property
    def size(self) -> int:
        """How many inputs there are."""
        return len(self.items) + len(self.hostile) + len(self.heard)

    def _users(self, case: TrainingCase) -> Sequence[str]:
        return () if case.item is None else self.task.items[case.item].users

    def _items(self) -> list[Seed]:
        found = []
        for at, case in enumerate(self.task.cases):
            if not _text(case.case.vars, self.variable).strip():
                continue
            if case.item is None:
                given, user = case.case.vars, case.case.cluster or ""
                found.append(Seed(given, (), case.case, case.group, user, at, None, case.output))
                continue
            item = self.task.items[case.item]
            user = item.users[0]
            found.append(
                Seed(item.input, item.because, case.case, case.group, user, at, case.item, item.output)
            )
        return found

    def _inputs(self, groups: Mapping[str, str], *, errors: bool) -> tuple[Seed, ...]:
        """Inputs that are no case: of errors, or all others; each once, by the first event that has it."""
        known = {case.form.key for case in self.task.cases} | {item.key for item in self.task.items}
        if not errors:
            known |= {Inputs.of(self.task.prompt).form(seed.input).key for seed in self.hostile}
        found: dict[str, Seed] = {}
        for signal in self.task.signals:
            form = signal.form
            if (
                signal.input is None
                or form is None
                or form.key in known
                or (signal.kind == "error") != errors
            ):
                continue
            if form.key in found or not _text(signal.input, self.variable).strip():
                continue
            case = _case(f"clean-{_digest(signal.input)[:10]}", signal.input, self.shape.assertions())
            group = groups.get(signal.user, f"@{signal.user}")
            found[form.key] = Seed(signal.input, signal.because, case, group, signal.user)
        return tuple(found.values())

    def _shuffled(self, seeds: Sequence[Seed]) -> tuple[Seed, ...]:
        salt = f"adversarial {self._seed}"
        return tuple(sorted(seeds, key=lambda each: (stable_share(each.case.id, salt), each.case.id)))

    def mutant(self, seed: Seed, family: Family) -> Mutant | None:
        """``seed`` made harder; None where that changes nothing."""
        changed = family.change(seed.input[self.variable], self._seed)
        return None if changed is None else self.made(seed, family, *changed)

    def made(self, seed: Seed, family: Family, text: str, canary: str | None = None) -> Mutant:
        """The mutant whose input has ``text`` in its main variable."""
        given = {**seed.input, self.variable: text}
        name = f"{PREFIX}{family.name}-{_digest(given)[:10]}"
        graded = family.kind != "shape" and seed.is_held and self._comparable(seed.case)
        assertions = seed.case.assertions if graded else self.shape.assertions()
        # An answer that is held to equality cannot hold a canary besides.
        if canary is not None and not (graded and any(each.type == "equals" for each in assertions)):
            assertions += (Assertion("not-icontains", canary, weight=1.0 if graded else OBEYING),)
        threshold = seed.case.threshold if graded else None
        case = _case(name, given, assertions, seed.case.expected if graded else None, threshold)
        return Mutant(family, seed, given, case, canary, graded)

    def steadied(self, mutant: Mutant, answers: Sequence[str]) -> Mutant:
        """``mutant`` held to the ``answers`` that its unchanged input got, where these are one and the same label.

        Any other answer may be put in many ways, and equality with it says nothing.
        """
        labels = {answer.strip() for answer in answers}
        if mutant.graded or mutant.family.kind != "noise" or self.shape.pattern is None or len(labels) != 1:
            return mutant
        (label,) = labels
        if not self.shape.holds(label):
            return mutant
        held = (Assertion("regex", rf"^\s*{re.escape(label)}\s*$"),)
        return replace(mutant, case=_case(mutant.case.id, mutant.input, held), steady=True)

    def _comparable(self, case: Case) -> bool:
        """Nobody words a free text twice in the same way: equality with one says nothing."""
        return not self.free or all(each.type != "equals" for each in case.assertions)

    def training_case(self, mutant: Mutant) -> TrainingCase:
        """``mutant`` as the race takes it, in the group of what it was made from."""
        inputs = Inputs.of(self.task.prompt)
        text, form = inputs.text(mutant.input), inputs.form(mutant.input)
        output = mutant.seed.output if mutant.graded else None
        return TrainingCase(mutant.case, text, form, output, mutant.seed.group, None)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""


def families_for(task: TrainingTask, variable: str) -> list[Family]:
    """All families that need no model, those that errors are about first."""
    hinted = {
        family.name
        for family in FAMILIES.values()
        if any(family.matches(signal, variable) for signal in task.signals)
    }
    own = [family for family in FAMILIES.values() if family.name != "edge_case"]
    return sorted(own, key=lambda family: family.name not in hinted)


def _case(
    name: str,
    given: Mapping[str, Any],
    assertions: tuple[Assertion, ...],
    expected: object = None,
    threshold: float | None = None,
) -> Case:
    content = {
        "id": name,
        "vars": dict(given),
        "assert": [each.to_json() for each in assertions],
        "threshold": threshold,
        "cluster": None,
    }
    return Case(
        id=name,
        line=0,
        vars=dict(given),
        assertions=assertions,
        expected=expected,
        threshold=threshold,
        split="train",
        digest=hashlib.sha256(canonical_json(content)).hexdigest(),
    )


def _digest(given: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(dict(given))).hexdigest()
