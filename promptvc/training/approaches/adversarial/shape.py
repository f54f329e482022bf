"""The form that every answer has to have, whatever is asked: one of the labels, JSON, or any text at all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from promptvc.evaluation.cases.generated import smoke_assertions
from promptvc.models.instructions import read_labels
from promptvc.prompts.model import Prompt

MOST_LABELS = 400
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of answers.

    Attributes:
        pattern: what a label has to match, to be searched for; None where answers are no labels.
        json: answers are JSON.
        given: what a suite would assert where answers are no labels.
        free: answers are free text, or JSON that holds such: nobody words one twice in the same way.
    """

    pattern: str | None
    json: bool
    given: tuple[Assertion, ...]
    free: bool

    @classmethod
    def of(cls, prompt: Prompt, outputs: Sequence[str]) -> Shape:
        """Labels are what the instructions name, and ``outputs`` that are right where these are short and few.

        Where no right answer is known, the instructions alone say whether answers are labels.
        """
        smoke = tuple(Assertion(each["type"], each.get("value")) for each in smoke_assertions(prompt))
        is_json = prompt.output.format == "json"
        found = {output.strip() for output in outputs}
        named = {label.name for message in prompt.messages for label in read_labels(message.content).labels}
        among = len(named) > 1 and found <= named
        free = not among and (not found or len(found) * 2 > len(outputs))
        labels = found | named
        if free or is_json or max(map(len, labels)) > _LONGEST_LABEL or len(labels) > MOST_LABELS:
            return cls(None, is_json, smoke, free)
        pattern = rf"^\s*(?:{'|'.join(map(re.escape, sorted(labels)))})\s*$"
        return cls(pattern if problem(Assertion("regex", pattern)) is None else None, is_json, smoke, free)

    def assertions(self) -> tuple[Assertion, ...]:
        """What a case asserts of an answer of which nothing else is known."""
        return self.given if self.pattern is None else (Assertion("regex", self.pattern),)

    def holds(self, answer: str) -> bool:
        """Whether ``answer`` has the form; of JSON only that it is some."""
        if self.pattern is not None:
            return re.search(self.pattern, answer) is not None
        return self.value(answer) is not None

    def value(self, answer: str) -> str | None:
        """What two answers are compared by: JSON in one spelling, else the text; None where there is neither."""
        text = answer.strip()
        if not self.json:
            return text or None
        try:
            value = parse_json(text, file="the answer")
        except InvalidDocument:
            return None
        return json.dumps(value, sort_keys=True)
