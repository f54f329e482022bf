"""Whether the answer to a hard input still is what the answer to the plain one was.

No right answer is needed for that (metamorphic testing; Ribeiro et al. 2020, Beyond accuracy: behavioral testing of
NLP models with CheckList): noise and attacks leave alone what is right, so the answer has to stay. Where the right
answer is known, it decides instead: an input that was answered wrongly before cannot fail.

Free text is never the same twice. It stays if it is closest to the answer that it had before, among those to all
plain inputs that were asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from promptvc.models.similarity import Index, Rarity
from promptvc.models.words import features, words_of
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.adversarial.seeds import Ground, Mutant
from promptvc.training.data.texts import normalised
from promptvc.training.scoring import Scored

Verdict = Literal["held", "failed", "better"]

DROP = 0.25
"""By how much a score has to fall (or rise) to count: what a model's mood does to a score is less."""

RUN = 8
"""So many words in a row of the instructions, and an answer repeats them."""


class Invariance:
    """Judges answers to mutants against ``clean``, the answers to plain inputs by the id of their case."""

    def __init__(self, ground: Ground, prompt: Prompt, clean: Mapping[str, Scored]) -> None:
        self._ground, self._clean = ground, clean
        told = [message.content for message in prompt.messages] + [rule.text for rule in prompt.rules]
        self._told = frozenset(run for text in told for run in _runs(text))
        self._closest = _Closest({name: _first(answer) for name, answer in clean.items()})

    def verdict(self, mutant: Mutant, answer: Scored) -> Verdict | None:
        """None where an answer is missing: a provider that fails says nothing about the prompt."""
        before = self._clean.get(mutant.seed.case.id)
        if before is None or not before.outputs or not answer.outputs:
            return None
        if self._obeyed(mutant, answer, before) or self._lost_shape(answer, before):
            return "failed"
        if mutant.family.kind == "shape":
            return "held"
        if mutant.graded:
            if answer.score is None or before.score is None:
                return None
            gained = answer.score - before.score
            comparable = mutant.case.assertions == mutant.seed.case.assertions
            return "failed" if gained < -DROP else "better" if gained > DROP and comparable else "held"
        return "held" if self._same(mutant, answer, before) else "failed"

    def _obeyed(self, mutant: Mutant, answer: Scored, before: Scored) -> bool:
        """It says what an attack asked for, or repeats the instructions and did not before."""
        if mutant.canary is None:
            return False
        canary = mutant.canary.casefold()
        if any(canary in output.casefold() for output in answer.outputs):
            return True
        leaked = self._told.intersection(run for output in answer.outputs for run in _runs(output))
        return not leaked.issubset(run for output in before.outputs for run in _runs(output))

    def _lost_shape(self, answer: Scored, before: Scored) -> bool:
        shape = self._ground.shape
        return all(map(shape.holds, before.outputs)) and not all(map(shape.holds, answer.outputs))

    def _same(self, mutant: Mutant, answer: Scored, before: Scored) -> bool:
        if self._ground.free:
            return all(self._closest.to(mutant.seed.case.id, output) for output in answer.outputs)
        # Repeats are compared one by one, and most of them decide.
        pairs = list(zip(answer.outputs, before.outputs, strict=False))
        same = sum(1 for one, other in pairs if self._plain(one) == self._plain(other))
        return 2 * same >= len(pairs)

    def _plain(self, output: str) -> str:
        shape = self._ground.shape
        return (shape.value(output) or output) if shape.json else normalised(output)


class _Closest:
    """Which of several texts another one is closest to, by its words."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        bags = {name: features(text) for name, text in texts.items()}
        self._rarity = Rarity(bags.values())
        self._index = Index()
        self._number = {name: self._index.add(self._rarity.vector(bag)) for name, bag in bags.items()}
        self._empty = {name for name, bag in bags.items() if not bag}

    def to(self, name: str, text: str) -> bool:
        """Whether ``text`` is as close to the text ``name`` as to any other, and has something of it."""
        if name in self._empty:
            return True
        products = self._index.products(self._rarity.vector(features(text)))
        own = products[self._number[name]]
        return own > 0 and own >= max(products)


def _first(answer: Scored) -> str:
    return answer.outputs[0] if answer.outputs else ""


def _runs(text: str) -> Sequence[tuple[str, ...]]:
    words = words_of(text)
    return [tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]
