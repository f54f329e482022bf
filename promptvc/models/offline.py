"""The offline model: answers with the closest thing that the prompt itself shows. It is not a language model.

It reads only the rendered messages. What it knows is what a prompt can teach by showing: example turns
(a user message and the assistant's answer to it), examples written out as text (``Input:`` and ``Output:``
lines), the labels that the instructions name with their descriptions, and single sentences about a label
(:mod:`promptvc.models.instructions`). Each is a text with an answer; the answer of the one most similar to the
last user message (:mod:`promptvc.models.similarity`) is given. It makes the loop run with real numbers on a
machine with no key, and shows whether examples help; it says nothing about how a language model would do.

Deterministic: the same messages give the same answer in any process on any platform. Parameters and
``repeat`` have no influence. A prompt that shows neither labels nor examples gets a fixed sentence with the
beginning of the message, which says what it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from promptvc.models.instructions import Label, read_labels, statements
from promptvc.models.messages import ChatMessage, Completion
from promptvc.models.similarity import Index, Rarity
from promptvc.models.words import features

NAME = "offline"

# What a sentence about a label counts beside its name, its description and an example, in eighths.
_STATEMENT, _SHOWN = 5, 8
_KEPT_PROMPTS, _KEPT_TEXTS, _LONGEST_KEPT_TEXT = 32, 8192, 2000
_EXTRACT_WORDS = 30

_WRITTEN = re.compile(
    r"^[ \t>*-]*(?:input|question|message|user|q)[ \t]*:[ \t]*(?P<input>.+?)\s*\n"
    r"[ \t>*-]*(?:output|answer|label|assistant|a)[ \t]*:[ \t]*(?P<output>.+?)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class _Kept(Generic[_K, _V]):
    """Results by key, as many as ``most``; when full, the older half is forgotten."""

    __slots__ = ("_most", "_values")

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[_K, _V] = {}

    def get(self, key: _K, make: Callable[[], _V]) -> _V:
        value = self._values.get(key)
        if value is None:
            value = make()
            if len(self._values) >= self._most:
                self._values = dict(list(self._values.items())[self._most // 2 :])
            self._values[key] = value
        return value


@dataclass(frozen=True, slots=True)
class _Shown:
    """A text with the answer that it shows, and what it counts."""

    text: str
    answer: str
    strength: int


class _Memory:
    """What a prompt shows, ready to be asked."""

    __slots__ = ("_index", "_rarity", "_shown", "prefix", "suffix")

    def __init__(self, shown: Sequence[_Shown], frame: tuple[str, str]) -> None:
        bags = [features(item.text) for item in shown]
        self._shown = shown
        self._rarity = Rarity(bags)
        self._index = Index()
        for bag in bags:
            self._index.add(self._rarity.vector(bag))
        self.prefix, self.suffix = frame

    def __bool__(self) -> bool:
        return bool(self._shown)

    def answer(self, bag: Mapping[str, int]) -> str:
        """The answer of the closest text; of equally close ones, and of none, the one shown first."""
        products = self._index.products(self._rarity.query(bag))
        best, best_at = -1, 0
        for at, product in enumerate(products):
            value = product * self._shown[at].strength
            if value > best:
                best, best_at = value, at
        return self._shown[best_at].answer


class OfflineModel:
    """See the module. Keeps what it read of the last 32 prompts and 8,192 short texts."""

    def __init__(self) -> None:
        self._memories: _Kept[tuple[tuple[str, str], ...], _Memory] = _Kept(_KEPT_PROMPTS)
        self._bags: _Kept[str, dict[str, int]] = _Kept(_KEPT_TEXTS)

    @property
    def name(self) -> str:
        """``offline``."""
        return NAME

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """As :meth:`answer`."""
        return self.answer(messages, parameters, repeat=repeat)

    async def close(self) -> None:
        """Nothing to give back."""

    def answer(
        self,
        messages: Sequence[ChatMessage],
        parameters: Mapping[str, Any],  # noqa: ARG002 -- nothing is sampled
        *,
        repeat: int = 0,  # noqa: ARG002 -- every repeat is the same
    ) -> Completion:
        """The closest answer. Tokens are counted as four characters each, rounded up; the cost is 0."""
        started = time.perf_counter()
        text = self._respond(messages)
        return Completion(
            text=text,
            tokens_in=sum(-(-len(message.content) // 4) for message in messages),
            tokens_out=-(-len(text) // 4),
            cost=0.0,
            latency_ms=(time.perf_counter() - started) * 1000,
            finish_reason="stop",
        )

    def _respond(self, messages: Sequence[ChatMessage]) -> str:
        last = max((at for at, message in enumerate(messages) if message.role == "user"), default=None)
        if last is None:
            return _extract(messages[-1].content if messages else "")
        before = tuple((message.role, message.content) for message in messages[:last])
        asked = messages[last].content
        memory = self._memories.get(before, lambda: _Memory(*_shown_in(before)))
        if memory:
            asked = asked.removeprefix(memory.prefix).removesuffix(memory.suffix)
        else:
            # Everything stands in one message: the labels it names, then what is asked.
            told, asked = _halves(asked)
            if told:
                alone = (("user", told),)
                memory = self._memories.get(alone, lambda: _Memory(*_shown_in(alone)))
        if not memory:
            return _extract(asked)
        return memory.answer(self._bag(asked))

    def _bag(self, text: str) -> dict[str, int]:
        if len(text) > _LONGEST_KEPT_TEXT:
            return features(text)
        return self._bags.get(text, lambda: features(text))


def _shown_in(messages: Sequence[tuple[str, str]]) -> tuple[list[_Shown], tuple[str, str]]:
    """What ``messages`` (role, content) show, and what surrounds the input in each of their user turns."""
    turns = [
        (content, messages[at + 1][1])
        for at, (role, content) in enumerate(messages[:-1])
        if role == "user" and messages[at + 1][0] == "assistant"
    ]
    prefix, suffix = _frame([asked for asked, _ in turns])
    examples = [
        _Shown(asked[len(prefix) : len(asked) - len(suffix)], answer, _SHOWN) for asked, answer in turns
    ]
    in_turns = {at for at, (role, _) in enumerate(messages) if role == "assistant"}
    in_turns |= {at - 1 for at in in_turns}
    labels: list[Label] = []
    told: list[_Shown] = []
    for at, (_, whole) in enumerate(messages):
        if at in in_turns:
            continue
        examples += [_Shown(match["input"], match["output"], _SHOWN) for match in _WRITTEN.finditer(whole)]
        content = _WRITTEN.sub("", whole)
        labels += [label for label in read_labels(content).labels if label not in labels]
        told += [_Shown(text, name, _STATEMENT) for name, text in statements(content, labels)]
    named = [_Shown(text, name, _SHOWN) for name, text in _label_texts(labels)]
    return [*named, *told, *examples], (prefix, suffix)


def _label_texts(labels: Sequence[Label]) -> list[tuple[str, str]]:
    texts = []
    for label in labels:
        texts.append((label.name, label.name))
        if label.description:
            texts.append((label.name, f"{label.name}: {label.description}"))
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


def _halves(text: str) -> tuple[str, str]:
    """(instructions, input) of a message that names labels: the input follows the last label, or precedes it."""
    end = read_labels(text).end
    if not end:
        return "", text
    if text[end:].strip():
        return text[:end], text[end:]
    head, _, tail = text.rpartition("\n\n")
    return (tail, head) if read_labels(tail).end else (text, text)


def _extract(text: str) -> str:
    words = text.split()
    shown = " ".join(words[:_EXTRACT_WORDS]) + (" ..." if len(words) > _EXTRACT_WORDS else "")
    return f"[offline model: this prompt shows no labels and no examples to answer from] {shown}".rstrip()
