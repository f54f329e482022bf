"""Marks of an output: what a person could see in it, and what a rule could ask for or forbid.

Words and pairs of words, how it begins and ends, how long it is, what it contains. Where outputs are labels, the label
itself, alone and together with a word of the input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from promptvc.models.words import FUNCTION_WORDS
from promptvc.training.approaches.reinforcement.rewards import Reward

Kind = Literal["has", "begins", "ends", "key", "longer", "phrase", "word", "answer"]
KINDS: tuple[Kind, ...] = ("has", "begins", "ends", "key", "longer", "phrase", "word", "answer")
"""From what reads best as a rule to what reads worst, for marks that the same outputs have."""

LENGTHS = (5, 10, 20, 40, 80, 160, 320)
"""Words that an output may be longer than."""

MOST_WORDS = 400
LABELS = 30
LABEL_WORDS, LABEL_CHARACTERS = 4, 40
_LONGEST_WORD = 30
_WORD = re.compile(r"[^\W_]+(?:['\u2019\-][^\W_]+)*")
_CLAUSE = re.compile(r"[.!?;:,()\[\]{}\"\n\u201c\u201d]+")

_PATTERNS = {
    "a list": re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s+\S", re.MULTILINE),
    "a number": re.compile(r"\d"),
    "an exclamation mark": re.compile(r"!"),
    "an apology": re.compile(
        r"\b(?:sorry|apolog\w+|entschuldig\w+|tut mir leid|d\u00e9sol\u00e9e?s?)\b", re.IGNORECASE
    ),
    "a greeting": re.compile(
        r"\A\W*(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening)|hallo|bonjour)\b",
        re.IGNORECASE,
    ),
    "thanks": re.compile(r"\bthank(?:s| you)\b", re.IGNORECASE),
    "a link": re.compile(r"https?://"),
    "code": re.compile(r"```"),
    "bold text": re.compile(r"\*\*\S"),
    "a heading": re.compile(r"^#{1,6}\s+\S", re.MULTILINE),
    "an emoji": re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]"),
}
_QUESTION, _CLOSING_QUESTION, _JSON = "a question", "a closing question", "JSON"
CONTENTS = (*_PATTERNS, _QUESTION, _CLOSING_QUESTION, _JSON)
"""What an output may contain, as rules name it."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something that an output has or has not.

    Attributes:
        value: what: words, a number of words, one of :data:`CONTENTS`, a key of JSON, or a label.
        when: for a label, the word of the input that it answers; empty for any input.
    """

    kind: Kind
    value: str
    when: str = ""

    @property
    def plainness(self) -> tuple[int, int, str, str]:
        """Sorts marks that the same outputs have: the one that reads best first."""
        return (KINDS.index(self.kind), -len(self.value), self.value, self.when)


def reader(rewards: Sequence[Reward]) -> Callable[[Reward], frozenset[Mark]]:
    """What reads the marks of such outputs: as labels where they are few, short and recurring, else as texts."""
    return label_marks if are_labels([reward.output for reward in rewards]) else text_marks


def are_labels(outputs: Sequence[str]) -> bool:
    """Whether outputs are labels: at most thirty different ones, short, most of them said four times and more."""
    distinct = set(outputs)
    return len(distinct) <= min(LABELS, len(outputs) // 4) and all(map(_short, distinct))


def _short(output: str) -> bool:
    return len(output) <= LABEL_CHARACTERS and len(output.split()) <= LABEL_WORDS and output.isprintable()


def label_marks(reward: Reward) -> frozenset[Mark]:
    """The label, alone and with each content word of the input."""
    label = reward.output
    if not _short(label) or not label:
        return frozenset()
    words = {word for clause in clauses(reward.input) for word in clause if _content(word)}
    return frozenset({Mark("answer", label), *(Mark("answer", label, word) for word in words)})


def text_marks(reward: Reward) -> frozenset[Mark]:
    """What the text contains, how long it is, its words, and how it begins and ends."""
    text = reward.output
    found = {Mark("has", name) for name, pattern in _PATTERNS.items() if pattern.search(text)}
    if "?" in text:
        found.add(Mark("has", _QUESTION))
    if text.rstrip().rstrip("\"'\u201d\u2019)").endswith("?"):
        found.add(Mark("has", _CLOSING_QUESTION))
    keys = _json_keys(text)
    if keys is not None:
        found.add(Mark("has", _JSON))
        return frozenset(found | {Mark("key", key) for key in keys})
    size = len(text.split())
    found.update(Mark("longer", str(limit)) for limit in LENGTHS if size > limit)
    parts = list(clauses(text))
    every = [word for clause in parts for word in clause]
    found.update(Mark("word", word) for word in every if _content(word))
    found.update(Mark("phrase", phrase) for clause in parts for phrase in _phrases(clause))
    if len(every) > 2:
        found.update((Mark("begins", every[0]), Mark("begins", " ".join(every[:2]))))
        found.add(Mark("ends", " ".join(every[-2:])))
    return frozenset(mark for mark in found if mark.value)


def _phrases(clause: Sequence[str]) -> Iterator[str]:
    for one, other in pairwise(clause):
        if _content(one) or _content(other):
            yield f"{one} {other}"


def clauses(text: str) -> Iterator[list[str]]:
    """The words of each part of a text between marks of punctuation, in lower case, as they are written."""
    left = MOST_WORDS
    for part in _CLAUSE.split(text.lower()):
        words = [word for word in _WORD.findall(part)[:left] if len(word) <= _LONGEST_WORD]
        left -= len(words)
        if words:
            yield words
        if left <= 0:
            return


def _content(word: str) -> bool:
    return len(word) > 2 and not word.isdigit() and re.sub(r"['\u2019]", "", word) not in FUNCTION_WORDS


def _json_keys(text: str) -> Iterable[str] | None:
    """The keys of a JSON object, none for another JSON value; None for what is no JSON object or list."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [key for key in value if _short(key)] if isinstance(value, dict) else []
