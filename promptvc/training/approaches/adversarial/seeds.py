"""The inputs that are made harder, and the cases that come of it.

Only what training may see is changed: the items, whose right answer is known, and inputs of errors, where only the
answer to the unchanged input is there to compare with. The hold-out never is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.adversarial.families import FAMILIES, Family
from promptvc.training.approaches.adversarial.shape import Shape
from promptvc.training.data.inputs import Inputs
from promptvc.training.data.items import Item, stable_share
from promptvc.training.data.split import TrainingCase
from promptvc.training.task import TrainingTask

PREFIX = "adversarial-"
OBEYING = 3.0
"""What it weighs that an attack was obeyed, next to the form of the answer, where nothing else is known."""


@dataclass(frozen=True, slots=True)
class Seed:
    """An input to be made harder.

    Attributes:
        because: the events that it comes from.
        at: position of its case in the task, for an item; None for the input of an error.
        item: position of the item; ``output``: the right answer. Both None for an error.
        user: whose input it is.
    """

    input: Mapping[str, str]
    because: tuple[str, ...]
    case: Case
    group: str
    user: str
    at: int | None = None
    item: int | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Mutant:
    """An input that was made harder.

    Attributes:
        case: asks for it.
        canary: what an answer that obeys an attack holds.
        graded: its case is held against the right answer, as the case of the unchanged input is.
    """

    family: Family
    seed: Seed
    input: Mapping[str, str]
    case: Case
    canary: str | None
    graded: bool


def main_variable(prompt: Prompt, items: Sequence[Item]) -> str | None:
    """The variable that is changed: the required one with the most text; None where the prompt takes none."""
    inputs = Inputs.of(prompt)
    names = inputs.required or tuple(sorted(inputs.optional))
    sizes = {name: sum(len(item.input.get(name, "")) for item in items) for name in names}
    return min(names, key=lambda name: (-sizes[name], name)) if names else None


def called(variable: str) -> str:
    """What rules call the input: the variable's name where that is a word, else "input"."""
    words = variable.replace("_", " ").strip().lower()
    return words if len(words) >= 4 and words.replace(" ", "").isalpha() else "input"


class Ground:
    """What can be made harder in one task, in an order that the seed of the training decides.

    Attributes:
        free: the answers are free text: nearly every item has an answer of its own.
        hostile: seeds that are inputs of errors.
    """

    def __init__(self, task: TrainingTask, variable: str, seed: int) -> None:
        self.task, self.variable, self._seed = task, variable, seed
        self.free = len({item.output for item in task.items}) * 2 > len(task.items)
        self.shape = Shape.of(task.prompt, task.items, free=self.free)
        self.items = self._items()
        self.hostile = self._hostile()

    def _items(self) -> tuple[Seed, ...]:
        found = []
        for at, case in enumerate(self.task.cases):
            if case.item is None:
                continue
            item = self.task.items[case.item]
            if not item.input.get(self.variable, "").strip():
                continue
            found.append(
                Seed(
                    item.input, item.because, case.case, case.group, item.users[0], at, case.item, item.output
                )
            )
        salt = f"adversarial {self._seed}"
        return tuple(sorted(found, key=lambda each: (stable_share(each.case.id, salt), each.case.id)))

    def _hostile(self) -> tuple[Seed, ...]:
        known = {item.key for item in self.task.items}
        found: dict[str, Seed] = {}
        for signal in self.task.signals:
            form = signal.form
            if signal.kind != "error" or signal.input is None or form is None or form.key in known:
                continue
            if form.key in found or not signal.input.get(self.variable, "").strip():
                continue
            case = _case(f"clean-{_digest(signal.input)[:10]}", signal.input, self.shape.assertions())
            found[form.key] = Seed(signal.input, signal.because, case, "", signal.user)
        return tuple(found.values())

    def mutant(self, seed: Seed, family: Family) -> Mutant | None:
        """``seed`` made harder; None where that changes nothing."""
        changed = family.change(seed.input[self.variable], self._seed)
        return None if changed is None else self.made(seed, family, *changed)

    def made(self, seed: Seed, family: Family, text: str, canary: str | None = None) -> Mutant:
        """The mutant whose input has ``text`` in its main variable."""
        given = {**seed.input, self.variable: text}
        name = f"{PREFIX}{family.name}-{_digest(given)[:10]}"
        graded = family.kind != "shape" and seed.output is not None and self._comparable(seed.case)
        assertions = seed.case.assertions if graded else self.shape.assertions()
        # An answer that is held to equality cannot hold a canary besides.
        if canary is not None and not (graded and any(each.type == "equals" for each in assertions)):
            assertions += (Assertion("not-icontains", canary, weight=1.0 if graded else OBEYING),)
        threshold = seed.case.threshold if graded else None
        case = _case(name, given, assertions, seed.case.expected if graded else None, threshold)
        return Mutant(family, seed, given, case, canary, graded)

    def _comparable(self, case: Case) -> bool:
        """Nobody words a free text twice in the same way: equality with one says nothing."""
        return not self.free or all(each.type != "equals" for each in case.assertions)

    def training_case(self, mutant: Mutant) -> TrainingCase:
        """``mutant`` as the race takes it, in the group of what it was made from."""
        inputs = Inputs.of(self.task.prompt)
        text, form = inputs.text(mutant.input), inputs.form(mutant.input)
        output = mutant.seed.output if mutant.graded else None
        return TrainingCase(mutant.case, text, form, output, mutant.seed.group, None)


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
    given: Mapping[str, str],
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


def _digest(given: Mapping[str, str]) -> str:
    return hashlib.sha256(canonical_json(dict(given))).hexdigest()
