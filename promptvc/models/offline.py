"""The offline model: answers with the closest thing that the prompt itself shows. It is not a language model.

It reads only the rendered messages. What it knows is what a prompt can teach by showing: example turns
(a user message and the assistant's answer to it), examples written out as text (``Input:`` and ``Output:``
lines), the labels that the instructions name with their descriptions, and single sentences about a label
(:mod:`promptvc.models.showing`). Each is a text with an answer; the answer of the one most similar to the
last user message (:mod:`promptvc.models.similarity`) is given. It makes the loop run with real numbers on a
machine with no key, and shows whether examples help; it says nothing about how a language model would do.

Deterministic: the same messages give the same answer in any process on any platform. Parameters and
``repeat`` have no influence. A prompt that shows neither labels nor examples gets a fixed sentence with the
beginning of the message, which says what it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from promptvc.models.messages import ChatMessage, Completion
from promptvc.models.showing import Showing, halves, may_hold_examples, shown_in
from promptvc.models.similarity import Index, Rarity
from promptvc.models.words import features

NAME = "offline"

_KEPT_PROMPTS, _KEPT_TEXTS, _LONGEST_KEPT_TEXT = 32, 8192, 2000
_EXTRACT_WORDS = 30

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


class _Memory:
    """What a prompt shows, ready to be asked."""

    __slots__ = ("_index", "_rarity", "_shown", "prefix", "suffix")

    def __init__(self, showing: Showing) -> None:
        self._shown = showing.shown
        self.prefix, self.suffix = showing.prefix, showing.suffix
        bags = [features(item.text) for item in self._shown]
        self._rarity = Rarity(bags)
        self._index = Index()
        for bag in bags:
            self._index.add(self._rarity.vector(bag))

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
        memory = self._memories.get(before, lambda: _Memory(shown_in(before)))
        if memory:
            asked = asked.removeprefix(memory.prefix).removesuffix(memory.suffix)
        if not memory or may_hold_examples(asked):
            told, asked = halves(asked)
            if told:
                whole = (*before, ("user", told))
                memory = self._memories.get(whole, lambda: _Memory(shown_in(whole)))
        if not memory:
            return _extract(asked)
        return memory.answer(self._bag(asked))

    def _bag(self, text: str) -> dict[str, int]:
        if len(text) > _LONGEST_KEPT_TEXT:
            return features(text)
        return self._bags.get(text, lambda: features(text))


def _extract(text: str) -> str:
    words = text.split()
    shown = " ".join(words[:_EXTRACT_WORDS]) + (" ..." if len(words) > _EXTRACT_WORDS else "")
    return f"[offline model: this prompt shows no labels and no examples to answer from] {shown}".rstrip()
