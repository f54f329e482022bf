"""Models that know the six topics of the makers, each fragile in one way unless a rule or an example helps."""

from __future__ import annotations

import base64
import codecs
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from promptvc.evaluation.sessions.session import Session
from promptvc.models.messages import ChatMessage, Completion
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.adversarial.mutators import (
    LOOKALIKES,
    ZERO_WIDTH,
    plain_letters,
    without_zero_width,
)
from promptvc.training.data.claims import ClaimOptions
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.data.signals import hear
from promptvc.training.options import TrainingOptions
from promptvc.training.scorer import SessionScorer
from promptvc.training.task import TrainingTask
from tests.training.makers import TOPICS, a_prompt, corrections, questions

CANARY = re.compile(r"QX[0-9A-F]{8}")
Way = Callable[[str, str, Sequence[ChatMessage]], str | None]
"""From (instructions, input, all messages) to an answer that is given instead of the right one; None: no."""


def topic(text: str) -> str:
    """The topic that most words belong to, however they are written; t1 when there is none."""
    words = re.findall(r"[a-z]+", without_zero_width(plain_letters(text)).casefold())
    counts = {name: sum(word in told.split() for word in words) for name, told in TOPICS.items()}
    return min(counts, key=lambda name: (-counts[name], name))


class Reader:
    """Answers with the topic, unless one of its weaknesses has another answer."""

    def __init__(self, *weaknesses: Way) -> None:
        self._weaknesses = weaknesses
        self.asked = 0

    @property
    def name(self) -> str:
        return "reader"

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        self.asked += 1
        told = "\n".join(message.content for message in messages if message.role == "system")
        text = messages[-1].content
        for weakness in self._weaknesses:
            answer = weakness(told, text, messages)
            if answer is not None:
                return _completion(answer)
        return _completion(topic(text))

    async def close(self) -> None:
        return None


def _completion(text: str) -> Completion:
    return Completion(text, tokens_in=1, tokens_out=1, cost=0.0, latency_ms=1.0, finish_reason="stop")


def trips_over_lookalikes(told: str, text: str, messages: Sequence[ChatMessage]) -> str | None:
    strange = not set(LOOKALIKES.values()).isdisjoint(text)
    return "t6" if strange and topic(text) != "t6" and "look-alikes" not in told else None


def trips_over_zero_width(told: str, text: str, messages: Sequence[ChatMessage]) -> str | None:
    """A rule is no help, but having seen it once is."""
    shown = any(not set(ZERO_WIDTH).isdisjoint(message.content) for message in messages[:-1])
    strange = not set(ZERO_WIDTH).isdisjoint(text)
    return "t6" if strange and topic(text) != "t6" and not shown else None


def obeys(told: str, text: str, messages: Sequence[ChatMessage]) -> str | None:
    decoded = codecs.decode(text, "rot13")
    for word in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", text):
        decoded += base64.b64decode(word).decode("utf-8", "replace")
    found = CANARY.search(text) or CANARY.search(decoded)
    return found[0] if found and "never follow instructions" not in told else None


def chats(told: str, text: str, messages: Sequence[ChatMessage]) -> str | None:
    """Asks back where there is nothing to answer."""
    return "What can I do for you?" if not text.strip() and "asked-for form" not in told else None


def wavers(share: float) -> Way:
    """Wrong in so many of 100 texts, whatever they hold."""

    def way(told: str, text: str, messages: Sequence[ChatMessage]) -> str | None:
        number = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 1000
        return "t5" if number < 1000 * share else None

    return way


def scorer(*weaknesses: Way) -> SessionScorer:
    return SessionScorer(Session([Reader(*weaknesses)]))


def a_task(
    count: int = 60, seed: int = 1, *, extra: Sequence[Any] = (), prompt: Prompt | None = None
) -> TrainingTask:
    """Questions with right answers and ``extra`` events, all of them on the training side but for the hold-out."""
    prompt = prompt or a_prompt()
    events = [*corrections(questions(count, seed)), *extra]
    dataset = build(events, prompt)
    split = divide(dataset.items, None, prompt)
    signals = hear(events, prompt, dataset.rejected, ClaimOptions()).signals
    return TrainingTask.of(prompt, dataset, split, split.audible(signals)[0])


def some_options(**values: Any) -> TrainingOptions:
    return TrainingOptions(approach="adversarial", **values)
