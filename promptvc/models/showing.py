"""What rendered messages show: texts, each with the answer that it shows.

Read are example turns (a user message and the assistant's answer), examples written out as text (``Input:``,
then ``Output:``, with a blank line between two), the names and descriptions of labels, and single sentences about
a label (:mod:`promptvc.models.instructions`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.models.instructions import Label, read_labels, statements

FULL, SENTENCE = 8, 5
"""What a text counts, in eighths: a sentence about a label less than its name, its description or an example."""

_INPUT = re.compile(r"^[ \t]*(?:input|question|q)[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_OUTPUT = re.compile(r"^[ \t]*(?:output|answer|a)[ \t]*:[ \t]*(?=\S)", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Shown:
    """A text, the answer that it shows, and what it counts (eighths)."""

    text: str
    answer: str
    strength: int


@dataclass(frozen=True, slots=True)
class Showing:
    """All that is shown, labels first, and the template that surrounds the input of every example turn."""

    shown: tuple[Shown, ...]
    prefix: str = ""
    suffix: str = ""


def shown_in(messages: Sequence[tuple[str, str]]) -> Showing:
    """What ``messages`` (role, content) show, without the last user message that asks."""
    turns = [
        at
        for at, (role, _) in enumerate(messages[:-1])
        if role == "user" and messages[at + 1][0] == "assistant"
    ]
    in_turns = {*turns, *(at + 1 for at in turns)}
    asked = [messages[at][1] for at in turns]
    prefix, suffix = _frame(asked)
    inputs = [text[len(prefix) : len(text) - len(suffix)] for text in asked]
    told = [content for at, (_, content) in enumerate(messages) if at not in in_turns]
    if len(inputs) == 1:
        # One turn does not show which part of it is template, but labels are instructions.
        instructions, inputs[0] = halves(inputs[0])
        told.append(instructions)
    told += [prefix, suffix]
    examples = [Shown(text, messages[at + 1][1], FULL) for text, at in zip(inputs, turns, strict=True)]
    labels: list[Label] = []
    sentences: list[Shown] = []
    for content in told:
        pairs, rest, _ = _written(content)
        examples += [Shown(text, answer, FULL) for text, answer in pairs]
        labels += [label for label in read_labels(rest).labels if label not in labels]
        sentences += [Shown(text, name, SENTENCE) for name, text in statements(rest, labels)]
    return Showing((*_named(labels), *sentences, *examples), prefix, suffix)


def may_hold_examples(text: str) -> bool:
    """A quick look whether ``text`` may hold written examples."""
    return _OUTPUT.search(text) is not None and _INPUT.search(text) is not None


def halves(text: str) -> tuple[str, str]:
    """(instructions, input) of a message with labels or written examples: the input follows them, or precedes them.

    Without either, all of it is input.
    """
    end = max(read_labels(text).end, _written(text)[2])
    if not end:
        return "", text
    if text[end:].strip():
        return text[:end], text[end:]
    head, _, tail = text.rpartition("\n\n")
    return (tail, head) if read_labels(tail).end else (text, text)


def _written(text: str) -> tuple[list[tuple[str, str]], str, int]:
    """Examples written as text, the text without them, and where the last one ends (0: there is none)."""
    if not may_hold_examples(text):
        return [], text, 0
    pairs, rest, end = [], [], 0
    while (begin := _INPUT.search(text, end)) is not None:
        output = _OUTPUT.search(text, begin.end())
        if output is None:
            break
        blank = _BLANK.search(text, output.end())
        rest.append(text[end : begin.start()])
        end = blank.start() if blank is not None else len(text)
        pairs.append((text[begin.end() : output.start()].strip(), text[output.end() : end].strip()))
    return pairs, "".join(rest) + text[end:], end


def _named(labels: Sequence[Label]) -> list[Shown]:
    texts = []
    for label in labels:
        texts.append(Shown(label.name, label.name, FULL))
        if label.description:
            texts.append(Shown(f"{label.name}: {label.description}", label.name, FULL))
    return texts


def _frame(asked: Sequence[str]) -> tuple[str, str]:
    """The template around the input, seen from what all of several user turns begin and end with.

    Cut after a line end or a colon, so that inputs which merely begin alike keep their words.
    """
    if len(asked) < 2:
        return "", ""
    same = _common(min(asked), max(asked))
    prefix = same[: max(same.rfind("\n"), same.rfind(": ") + 1, same.rfind(":\n")) + 1]
    backwards = [text[len(prefix) :][::-1] for text in asked]
    same = _common(min(backwards), max(backwards))
    return prefix, same[: same.rfind("\n") + 1][::-1]


def _common(first: str, last: str) -> str:
    for at, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other:
            return first[:at]
    return min(first, last, key=len)
