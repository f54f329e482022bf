"""Variants of examples that are already there: fewer, others in the place of the weakest, another order.

Whatever made the parent, its examples are taken as they come out for the cases that may be learned from; so every
variant stays as cross-fitted as its parent. What people wrote is not touched, and the baseline's examples keep their
places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from promptvc.prompts.model import Example, Prompt
from promptvc.training.approach import Variant
from promptvc.training.approaches.few_shot.ablation import Setting, Worth, eliminated
from promptvc.training.approaches.few_shot.choosing import Room
from promptvc.training.approaches.few_shot.workshop import (
    CORRECT,
    COVER_ALL,
    LOOK_AHEAD,
    NARROW,
    Workshop,
    shown,
)
from promptvc.training.options import TrainingOptions
from promptvc.training.sizes import tokens_of

_Change = Callable[[Sequence[int], Prompt], tuple[Example, ...]]


class Refiner:
    """Variants of one parent."""

    def __init__(self, workshop: Workshop, options: TrainingOptions, parent: Variant) -> None:
        self._workshop, self._options, self._parent = workshop, options, parent
        self._orders: dict[tuple[int, ...], list[tuple[int, int]]] = {}

    def exchanged(self) -> Variant:
        """The quarter that adds least makes room for what helps most next to the others."""
        return self._variant("exchange the weakest quarter", self._exchange)

    def halved(self) -> Variant:
        """Half as many examples."""
        return self._variant(
            "keep the stronger half", lambda learn, prompt: self._without(learn, prompt, half=True)
        )

    def lean(self) -> Variant:
        """Without examples that add nothing next to the others."""
        return self._variant(
            "drop what adds nothing", lambda learn, prompt: self._without(learn, prompt, half=False)
        )

    def ordered(self) -> Variant:
        """The most typical last: a model gives what stands nearest to the question most weight.

        Lu et al. 2022, Fantastically ordered prompts and where to find them; Liu et al. 2022, What makes good
        in-context examples for GPT-3.
        """
        return self._variant("the most typical last", self._typical_last)

    def _variant(self, name: str, change: _Change) -> Variant:
        fit = self._parent.fit

        def made(learn: Sequence[int]) -> Prompt:
            prompt = fit(learn)
            return replace(prompt, examples=change(learn, prompt))

        cites: Mapping[str, tuple[str, ...]] = self._parent.cites
        return Variant(name, made, cites)

    def _loose(self, prompt: Prompt) -> list[int]:
        return [at for at, example in enumerate(prompt.examples) if example.because]

    def _spared(self, learn: Sequence[int], prompt: Prompt) -> list[tuple[int, int]]:
        """Positions in the prompt's examples with their loss, in the order in which they can be spared."""
        key = tuple(learn)
        if key not in self._orders:
            place, loose = self._workshop.place, self._loose(prompt)
            kept = tuple(example for example in prompt.examples if not example.because)
            setting = Setting(
                [place.cases[at] for at in learn if at < len(place.cases)],
                shown(prompt, kept),
                place.measure,
            )
            examples = [prompt.examples[at] for at in loose]
            order = eliminated(
                [self._workshop.point(example) for example in examples],
                [tokens_of(example) for example in examples],
                setting,
                Worth(self._workshop.by_answer, NARROW),
            )
            self._orders[key] = [(loose[at], loss) for at, loss in order]
        return self._orders[key]

    def _without(self, learn: Sequence[int], prompt: Prompt, *, half: bool) -> tuple[Example, ...]:
        order = self._spared(learn, prompt)
        if half:
            gone = {at for at, _ in order[: len(order) // 2]}
        else:
            gone = set()
            for at, loss in order:
                if loss > 0:
                    break
                gone.add(at)
        return tuple(example for at, example in enumerate(prompt.examples) if at not in gone)

    def _exchange(self, learn: Sequence[int], prompt: Prompt) -> tuple[Example, ...]:
        workshop, options = self._workshop, self._options
        order = self._spared(learn, prompt)
        free = next((number for number, (_, loss) in enumerate(order) if loss > 0), len(order))
        gone = {at for at, _ in order[: max(free, len(order) // 4)]}
        kept = tuple(example for at, example in enumerate(prompt.examples) if at not in gone)
        weight = sum(map(tokens_of, kept))
        room = Room(options.max_examples - len(kept), options.max_tokens - weight, workshop.tokens)
        if room.examples < 1:
            return kept
        place = workshop.place
        ground = place.ground(shown(prompt, kept), [None] * len(place.cases))
        pool = workshop.pool(learn, kept)
        for way in (LOOK_AHEAD, CORRECT) if workshop.by_answer else (COVER_ALL,):
            new = way(place, ground, learn, pool, room)
            if new:  # looking ahead finds nothing where every example speaks against many cases
                return (*kept, *(workshop.examples[at] for at in new))
        return kept

    def _typical_last(self, learn: Sequence[int], prompt: Prompt) -> tuple[Example, ...]:
        before = set(map(_key, self._workshop.task.prompt.examples))
        first = [example for example in prompt.examples if _key(example) in before]
        new = [example for example in prompt.examples if _key(example) not in before]
        place = self._workshop.place
        cases = [place.cases[at] for at in learn if at < len(place.cases)]
        close = place.measure.index(
            [self._workshop.point(each).text for each in new], [case.text for case in cases]
        )
        total = [0] * len(new)
        for case in cases:
            for at, value in enumerate(close(case.text)):
                total[at] += value
        order = sorted(range(len(new)), key=lambda at: (total[at], at))
        return (*first, *(new[at] for at in order))


def _key(example: Example) -> tuple[tuple[tuple[str, str], ...], str, tuple[str, ...]]:
    return tuple(sorted(example.input.items())), example.output, example.because
