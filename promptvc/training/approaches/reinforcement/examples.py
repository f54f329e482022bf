"""Examples as arms: add what the parent gets wrong, and swap or drop those that mislead it.

All of it is fitted: what a prompt learns for a fold comes from the answers and items of the other folds alone. Examples
that people wrote stay as they are.

An example misleads where answers to the cases nearest to it are wrong more often than right, and wrong in its own
words: they were copied from it. What users said of the same input and output counts as such an answer. Added are items
that the parent fails at, each the one that is nearest to most failures with the same right answer which those before it
leave far (facility location, greedily; Nemhauser, Wolsey & Fisher 1978), more so the more events vouch for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from promptvc.models.similarity import UNIT, Index, Rarity
from promptvc.models.words import features
from promptvc.prompts.model import Example, Prompt
from promptvc.prompts.render import input_text
from promptvc.training.approach import Fit, Variant
from promptvc.training.approaches.reinforcement.rewards import Reward
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.data.items import stable_share
from promptvc.training.data.texts import normalised
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Scored
from promptvc.training.sizes import tokens_of
from promptvc.training.task import TrainingTask

MOST_FAILURES = 200
MOST_ANSWERS = 1000
MISLED = 2
"""An example has to mislead so often, at least, and more often than it helps."""

_NEAR = UNIT * UNIT // 4
_RIGHT = 0.5


class Examples:
    """What the answers of one parent say about examples."""

    def __init__(
        self,
        task: TrainingTask,
        answers: Mapping[int, Scored],
        rewards: Sequence[Reward],
        options: TrainingOptions,
    ) -> None:
        self._task, self._options = task, options
        self._inputs = Inputs.of(task.prompt)
        scores = {at: answer.score for at, answer in sorted(answers.items()) if answer.score is not None}
        drawn = _drawn(task, list(scores), MOST_ANSWERS)
        self._right = {at: scores[at] >= _RIGHT for at in drawn}
        self._outputs = {at: {text.strip() for text in answers[at].outputs} for at in drawn}
        wrong = [at for at in drawn if not self._right[at] and task.cases[at].item is not None]
        self._failures = [at for at in _drawn(task, wrong, MOST_FAILURES) if self._light(at)]
        bags = {at: features(task.cases[at].text) for at in drawn}
        self._rarity = Rarity(bags.values())
        self._vectors = {at: self._rarity.vector(bag) for at, bag in bags.items()}
        self._closeness = self._close()
        self._rewards = rewards
        self._orders: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}

    @cached_property
    def _said(self) -> dict[tuple[str, str], list[bool]]:
        """By input and output whether users called it good, each time one did."""
        said: dict[tuple[str, str], list[bool]] = {}
        for reward in self._rewards:
            if reward.input and (reward.good or reward.bad):
                said.setdefault((normalised(reward.input), reward.output), []).append(reward.good)
        return said

    def _light(self, at: int) -> bool:
        # One example that eats a quarter of the room stands for a document, not for an example.
        return tokens_of(self._example(at)) * 4 <= max(self._options.max_tokens, 400)

    def _example(self, at: int) -> Example:
        position = self._task.cases[at].item
        assert position is not None
        item = self._task.items[position]
        return Example(item.input, item.output, item.because)

    def _close(self) -> dict[int, dict[int, int]]:
        """By failure the others that are near and want the same answer, each with its closeness."""
        index = Index()
        for at in self._failures:
            index.add(self._vectors[at])
        cases = self._task.cases
        recurring = len({cases[at].output for at in self._failures}) * 2 <= len(self._failures)
        found: dict[int, dict[int, int]] = {}
        for at in self._failures:
            products = index.products(self._vectors[at])
            found[at] = {
                other: product
                for other, product in zip(self._failures, products, strict=True)
                if product > 0 and (not recurring or cases[at].output == cases[other].output)
            }
        return found

    @property
    def failures(self) -> int:
        """How many of the answers are wrong and have an item that could be shown."""
        return len(self._failures)

    @property
    def promise(self) -> float:
        """The share of answers that an example of another group might mend: a failure with the same answer is near."""
        mended = sum(
            1
            for at, near in self._closeness.items()
            if any(
                product >= _NEAR and self._task.cases[other].group != self._task.cases[at].group
                for other, product in near.items()
            )
        )
        return mended / len(self._right) if self._right else 0.0

    def misleading(self, prompt: Prompt, learn: Sequence[int] | None = None) -> list[int]:
        """Positions of the examples of ``prompt`` that mislead, by the answers in ``learn``; None: by all."""
        examples = prompt.examples
        if not any(example.because for example in examples):
            return []
        index = Index()
        for example in examples:
            index.add(self._rarity.vector(features(self._inputs.text(example.input))))
        helped, misled = [0] * len(examples), [0] * len(examples)
        for at in self._right if learn is None else [at for at in learn if at in self._right]:
            products = index.products(self._vectors[at])
            nearest = max(range(len(products)), key=lambda each: (products[each], -each), default=None)
            if nearest is None or not products[nearest]:
                continue
            if self._right[at]:
                helped[nearest] += 1
            elif examples[nearest].output.strip() in self._outputs[at]:
                misled[nearest] += 1
        for at, example in enumerate(examples):
            key = (normalised(input_text(example.input)), example.output.strip())
            for good in self._said.get(key, ()):
                helped[at] += good
                misled[at] += not good
        return [
            at
            for at, example in enumerate(examples)
            if example.because and misled[at] >= MISLED and misled[at] > helped[at]
        ]

    def adding(self, parent: Variant, most: int) -> Variant:
        """``parent`` with at most ``most`` examples of what it gets wrong."""

        def fit(learn: Sequence[int]) -> Prompt:
            prompt = parent.fit(learn)
            return replace(prompt, examples=(*prompt.examples, *self._chosen(prompt.examples, learn, most)))

        name = f"add examples of what goes wrong, {most} at most"
        return Variant(name, fit, parent.cites, "the answers to their inputs are wrong so far")

    def dropping(self, parent: Variant) -> Variant:
        """``parent`` without the examples that mislead it."""
        return Variant(
            "drop examples that mislead",
            self._without(parent.fit, swap=False),
            parent.cites,
            "wrong answers to the inputs nearest to them are copies of them",
        )

    def swapping(self, parent: Variant) -> Variant:
        """``parent`` with an example of what it gets wrong for each that misleads it."""
        return Variant(
            "swap examples that mislead",
            self._without(parent.fit, swap=True),
            parent.cites,
            "wrong answers to the inputs nearest to them are copies of them",
        )

    def _without(self, parent: Fit, *, swap: bool) -> Fit:
        def fit(learn: Sequence[int]) -> Prompt:
            prompt = parent(learn)
            gone = self.misleading(prompt, learn)
            kept = tuple(example for at, example in enumerate(prompt.examples) if at not in gone)
            new = self._chosen(kept, learn, len(gone)) if swap else ()
            return replace(prompt, examples=(*kept, *new))

        return fit

    def _chosen(self, kept: Sequence[Example], learn: Sequence[int], most: int) -> tuple[Example, ...]:
        """At most ``most`` examples of failures in ``learn``, next to ``kept`` and within the bounds."""
        options = self._options
        room = min(most, options.max_examples - len(kept))
        tokens = options.max_tokens - sum(map(tokens_of, kept))
        chosen: list[Example] = []
        for at in self._order(kept, learn):
            if len(chosen) >= room:
                break
            example = self._example(at)
            if tokens_of(example) <= tokens:
                tokens -= tokens_of(example)
                chosen.append(example)
        return tuple(chosen)

    def _order(self, kept: Sequence[Example], learn: Sequence[int]) -> list[int]:
        """The failures in ``learn``, in the order in which they are shown; those that ``kept`` show are left out."""
        allowed = set(learn)
        pool = [at for at in self._failures if at in allowed]
        forms = [self._inputs.form(example.input) for example in kept]
        repeated = {at for at, _ in alike([self._task.cases[at].form for at in pool], forms)}
        left = tuple(at for position, at in enumerate(pool) if position not in repeated)
        key = (tuple(pool), left)
        if key not in self._orders:
            self._orders[key] = self._greedily(left, pool)[: self._options.max_examples]
        return self._orders[key]

    def _greedily(self, left: Sequence[int], failures: Sequence[int]) -> list[int]:
        reached = dict.fromkeys(failures, 0)
        weight = {at: self._vouched(at) for at in left}
        waiting, order = list(left), list[int]()
        while waiting and len(order) < self._options.max_examples:
            best, gained = waiting[0], -1
            for at in waiting:
                near = self._closeness[at]
                gain = weight[at] * sum(
                    product - reached[other]
                    for other, product in near.items()
                    if other in reached and product > reached[other]
                )
                if gain > gained:
                    best, gained = at, gain
            order.append(best)
            waiting.remove(best)
            for other, product in self._closeness[best].items():
                if other in reached:
                    reached[other] = max(reached[other], product)
        return order

    def _vouched(self, at: int) -> int:
        """The evidence for a right answer in hundredths: one vote makes a half, more come near to all."""
        position = self._task.cases[at].item
        assert position is not None
        votes = self._task.items[position].votes
        return round(100 * votes / (votes + 1))


def _drawn(task: TrainingTask, positions: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of ``positions``, by a stable hash of their inputs, in their order."""
    ranked = sorted(positions, key=lambda at: (stable_share(task.cases[at].form.key, "reinforcement"), at))
    return sorted(ranked[:most])
