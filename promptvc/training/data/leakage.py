"""Leakage: hold-out cases whose input the prompt already shows as an example, exactly or nearly.

Such a case asks whether the model can copy. Inputs are compared as everywhere in training
(:mod:`promptvc.training.data.inputs`): by the prompt's variables, as a whole or in what it requires. Cases are
looked at as they come and not kept, so that a suite may have 100,000: most are soon told apart from every example, for
what is nearly one shares one of a few of its pieces (:mod:`promptvc.training.data.texts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from promptvc.base.errors import InputError
from promptvc.base.findings import Problem
from promptvc.evaluation.cases.case import Case
from promptvc.evaluation.cases.suite import Suite
from promptvc.prompts.model import Prompt
from promptvc.training.data.inputs import Form, Inputs, alike
from promptvc.training.data.texts import MOST_CHARACTERS, NEAR, PIECE

MOST_NAMED = 20
"""Cases of a suite that are named one by one because the prompt gives them away."""
How = Literal["exact", "near"]
_BATCH = 1000
_ROUGHLY = NEAR - 0.02  # pieces are texts here and checksums there, of which two in a billion may be equal


@dataclass(frozen=True, slots=True)
class Leak:
    """A case that the prompt shows.

    Attributes:
        case: its id; ``file`` is the dataset that it stands in, None for the suite.
        example: number of the example, from 1; of several that of the first that is exact, else of the first.
        how: ``exact`` where the inputs are the same after normalising, as a whole or in what the prompt requires.
    """

    case: str
    file: str | None
    line: int
    example: int
    how: How


def find_leaks(cases: Iterable[Case], prompt: Prompt) -> tuple[Leak, ...]:
    """The hold-out cases of ``cases`` that an example of ``prompt`` gives away, in their order."""
    if not prompt.examples:
        return ()
    inputs = Inputs.of(prompt)
    shown = _Shown([inputs.form(example.input) for example in prompt.examples])
    found: list[tuple[int, Leak]] = []
    waiting: list[tuple[int, Case, Form]] = []
    for position, case in enumerate(cases):
        if case.split != "holdout":
            continue
        form = inputs.form(case.vars)
        number = shown.exact(form)
        if number is not None:
            found.append((position, _leak(case, number, "exact")))
        elif shown.might(form):
            waiting.append((position, case, form))
        if len(waiting) == _BATCH:
            found += shown.near(waiting)
            waiting.clear()
    found += shown.near(waiting)
    return tuple(leak for _, leak in sorted(found, key=lambda each: each[0]))


def leak_problems(suite: Suite, prompt: Prompt) -> Iterator[Problem]:
    """The cases of ``suite`` that the prompt's own examples give away, for `check`."""
    try:
        leaks = find_leaks(suite.cases, prompt)
    except InputError:  # a template that is none, which is a finding of its own
        return
    for leak in leaks[:MOST_NAMED]:
        how = "is" if leak.how == "exact" else "is nearly"
        message = f"the input of case `{leak.case}` {how} that of example {leak.example} of the prompt"
        hint = "a model can copy the answer: mark the case `split: train`, or take the example out"
        yield Problem("leak", "warning", leak.file or suite.file, leak.line, message, hint)
    more = len(leaks) - MOST_NAMED
    if more > 0:
        cases = "1 more case repeats" if more == 1 else f"{more} more cases repeat"
        yield Problem("leak", "warning", suite.file, None, f"{cases} an example of the prompt", None)


def _leak(case: Case, example: int, how: How) -> Leak:
    return Leak(case.id, case.file, case.line, example, how)


class _Shown:
    """The inputs of a prompt's examples, ready to be compared with many others."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = forms
        self._keys: dict[str, int] = {}
        self._cores: dict[str, int] = {}
        for number, form in enumerate(forms, 1):
            self._keys.setdefault(form.key, number)
            self._cores.setdefault(form.core, number)
        self._bags = [_pieces(text) for text in {text for form in forms for text in (form.key, form.core)}]
        often = Counter(piece for bag in self._bags for piece in bag)
        self._holders: dict[str, list[int]] = {}
        for number, bag in enumerate(self._bags):
            for mark in _marks(bag, often):
                self._holders.setdefault(mark, []).append(number)
        self._marks = frozenset(self._holders)

    def exact(self, form: Form) -> int | None:
        """The number of the example that has the same input."""
        return self._keys.get(form.key) or self._cores.get(form.core)

    def might(self, form: Form) -> bool:
        """Whether ``form`` may be near an example: rarely a wrong yes, never a wrong no."""
        return self._close(form.key) or (form.core != form.key and self._close(form.core))

    def _close(self, text: str) -> bool:
        bag = _pieces(text)
        holders = {number for mark in bag & self._marks for number in self._holders[mark]}
        for number in holders:
            both = len(bag & self._bags[number])
            if both >= _ROUGHLY * (len(bag) + len(self._bags[number]) - both):
                return True
        return False

    def near(self, waiting: Sequence[tuple[int, Case, Form]]) -> Iterator[tuple[int, Leak]]:
        """Those of ``waiting`` that are near an example, each with the first."""
        first: dict[int, int] = {}
        for at, example in alike([form for _, _, form in waiting], self._forms):
            first.setdefault(at, example + 1)
        for at, number in first.items():
            position, case, _ = waiting[at]
            yield position, _leak(case, number, "near")


def _marks(bag: frozenset[str], often: Counter[str]) -> list[str]:
    """Pieces of a text of which everything that is near it holds at least one.

    Of n different pieces what is near misses at most a fifth, so any fifth and one more will do; the rarest tell most.
    """
    return sorted(bag, key=lambda piece: (often[piece], piece))[: len(bag) // 5 + 1]


def _pieces(text: str) -> frozenset[str]:
    text = text[:MOST_CHARACTERS]
    if len(text) <= PIECE:
        return frozenset((text,))
    return frozenset([text[at : at + PIECE] for at in range(len(text) - PIECE + 1)])
