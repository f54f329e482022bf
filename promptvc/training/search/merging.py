"""Two good variants of one parent brought together, item by item."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from promptvc.prompts.model import Example, Prompt, Rule
from promptvc.training.approach import Variant
from promptvc.training.options import TrainingOptions
from promptvc.training.sizes import tokens_of

_T = TypeVar("_T")


def merge(parent: Variant, one: Variant, other: Variant, options: TrainingOptions) -> Variant:
    """A variant with what ``one`` and ``other`` change of ``parent``; where both change a thing, ``one`` wins.

    Examples of ``other`` are taken while there is room.
    """

    def fit(learn: Sequence[int]) -> Prompt:
        return merged(parent.fit(learn), one.fit(learn), other.fit(learn), options)

    cites = {
        path: tuple(sorted({*one.cites.get(path, ()), *other.cites.get(path, ())}))
        for path in sorted({*one.cites, *other.cites})
    }
    return Variant(f"{one.name} + {other.name}", fit, cites, "two good variants brought together")


def merged(parent: Prompt, one: Prompt, other: Prompt, options: TrainingOptions) -> Prompt:
    """The prompt of :func:`merge`."""
    rules = _union(parent.rules, one.rules, other.rules, _rule_key)
    examples = _union(parent.examples, one.examples, other.examples, _example_key)
    messages = tuple(
        mine if mine != base else theirs
        for base, mine, theirs in zip(parent.messages, one.messages, other.messages, strict=True)
    )
    return replace(
        one, rules=tuple(rules), examples=_within(examples, one.examples, options), messages=messages
    )


def _union(
    parent: Sequence[_T], one: Sequence[_T], other: Sequence[_T], key: Callable[[_T], Hashable]
) -> list[_T]:
    before = {key(item) for item in parent}
    theirs = {key(item): item for item in other}
    kept = [item for item in one if key(item) in theirs or key(item) not in before]
    have = {key(item) for item in one}
    return kept + [item for item in other if key(item) not in before and key(item) not in have]


def _within(
    examples: Sequence[Example], certain: Sequence[Example], options: TrainingOptions
) -> tuple[Example, ...]:
    sure = {_example_key(example) for example in certain}
    tokens = sum(tokens_of(example) for example in examples if _example_key(example) in sure)
    count = sum(1 for example in examples if _example_key(example) in sure)
    kept = []
    for example in examples:
        if _example_key(example) not in sure:
            if count >= options.max_examples or tokens + tokens_of(example) > options.max_tokens:
                continue
            count, tokens = count + 1, tokens + tokens_of(example)
        kept.append(example)
    return tuple(kept)


def _rule_key(rule: Rule) -> Hashable:
    return rule.text


def _example_key(example: Example) -> Hashable:
    return tuple(sorted(example.input.items()))
