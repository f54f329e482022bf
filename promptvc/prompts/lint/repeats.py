"""Rules and examples that say the same twice, and examples that answer one input in two ways.

The same: equal character for character, but for blanks around a rule. Only those `check --fix` takes out: capital
letters, line breaks and indentation may be what a rule or an example is about (`YES` and `yes`, `IT` and `it`).
Nearly the same is for a person: equal but for blanks and the case of letters, or one sequence of words, once articles,
politeness and plural endings are left out. Likeness of letters (MinHash) is not used here: rules made after one
pattern are alike in all but the one word that matters.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator

from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.model import Example, Prompt

_WORD = re.compile(r"[^\W_]+(?:['_\u2019-][^\W_]+)*")
_FILLER = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "please", "kindly", "just", "simply", "be", "is", "are",
    "sure", "to", "make", "must", "should", "shall", "will", "always", "do", "you", "it", "its",
})  # fmt: skip
_MEND = "promptvc check --fix removes it and keeps the events that it was learned from"


def repeat_remarks(prompt: Prompt) -> Iterator[Remark]:
    """Every rule and example that repeats an earlier one, and every example that contradicts one."""
    if len(prompt.rules) > 1:
        yield from _rules(prompt)
    if len(prompt.examples) > 1:
        yield from _examples(prompt)
    if prompt.examples and prompt.output.format == "json":
        yield from _outputs(prompt)


def rule_key(text: str) -> str:
    """What two equal rules share: all but the blanks around them."""
    return text.strip()


def example_key(example: Example) -> tuple[object, ...]:
    """What two equal examples share: everything, in the order in which it is written out."""
    return (*example.input.items(), example.output)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _blanked(example: Example) -> tuple[object, ...]:
    """Inputs, then the output, without runs of blanks; capital letters tell two inputs apart."""
    inputs = sorted((name, " ".join(value.split())) for name, value in example.input.items())
    return (*inputs, " ".join(example.output.split()))


def word_key(text: str) -> tuple[str, ...]:
    """The words that carry a text, in order, without plural endings."""
    words = _WORD.findall(text.casefold())
    return tuple([_stem(word) for word in words if word not in _FILLER])


@functools.lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _rules(prompt: Prompt) -> Iterator[Remark]:
    same: dict[str, int] = {}
    alike: dict[object, int] = {}
    for index, rule in enumerate(prompt.rules):
        path = ("rules", index, "text")
        first = same.setdefault(rule_key(rule.text), index)
        words = word_key(rule.text)
        near = min(alike.setdefault(key, index) for key in (_folded(rule.text), words or index))
        if first != index:
            yield Remark("duplicate-rule", path, f"says the same as rule {first + 1}", _MEND, fixable=True)
        elif near != index:
            message = f"says nearly the same as rule {near + 1}"
            yield Remark("duplicate-rule", path, message, "keep the better one")


def _examples(prompt: Prompt) -> Iterator[Remark]:
    same: dict[tuple[object, ...], int] = {}
    alike: dict[tuple[object, ...], int] = {}
    answers: dict[tuple[object, ...], int] = {}
    for index, example in enumerate(prompt.examples):
        path = ("examples", index, "input")
        key = _blanked(example)
        first, near = same.setdefault(example_key(example), index), alike.setdefault(key, index)
        asked = answers.setdefault(key[:-1], index)
        if first != index:
            message = f"is the same as example {first + 1}"
            yield Remark("duplicate-example", path, message, _MEND, fixable=True)
        elif near != index:
            message = f"is the same as example {near + 1}, blanks and line breaks aside"
            yield Remark("duplicate-example", path, message, "keep one of them, if they mean the same")
        elif asked != index:
            message = f"has the input of example {asked + 1} and another output"
            hint = "take the wrong one out, or tell in the input what makes the difference"
            yield Remark("contradicting-examples", path, message, hint)


def _outputs(prompt: Prompt) -> Iterator[Remark]:
    for index, example in enumerate(prompt.examples):
        try:
            json.loads(example.output)
        except (ValueError, RecursionError):
            message = "its output is no JSON, which `output.format` asks for"
            yield Remark("example-output", ("examples", index, "output"), message, "write it as JSON")
