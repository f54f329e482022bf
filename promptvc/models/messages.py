"""What goes to a model and what comes back, and the two shapes that a model can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One rendered turn: ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    ``text`` of an answer that is tool calls and no text is those calls as the JSON list of OpenAI's chat completions.
    ``tokens_in`` and ``tokens_out`` are the provider's own counts; ``cost`` is US dollars. All three are None
    when unknown, never 0 for unknown. ``latency_ms`` is the time of the attempt that succeeded; a completion
    from the cache (``cached``) keeps the latency and the cost of the call that once paid for it.
    """

    text: str
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    latency_ms: float
    finish_reason: str | None
    cached: bool = False


class Model(Protocol):
    """Something that completes a conversation."""

    @property
    def name(self) -> str:
        """``provider:model``, or ``offline``."""
        ...

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """Answer ``messages``; ``repeat`` tells apart the samples of one conversation.

        Raises:
            ProviderError: the provider failed after its retries.
        """
        ...

    async def close(self) -> None:
        """Give back connections; the model can be used again afterwards."""
        ...


@runtime_checkable
class ImmediateModel(Model, Protocol):
    """A model that answers in-process by computing: it is asked directly, without an event loop."""

    def answer(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """The same answer that :meth:`Model.complete` gives, at once."""
        ...


@runtime_checkable
class RemoteModel(Model, Protocol):
    """A model that is somewhere, and whose calls can be hurried along."""

    @property
    def location(self) -> str | None:
        """The address that calls go to, without credentials; None where only a provider's package knows it."""
        ...

    def hurry(self) -> None:
        """Make no further attempt for the calls under way; those that wait to try again give up at once."""
        ...

    def ask_before_retries(self, may: Callable[[], bool]) -> None:
        """From now on ask ``may`` before each attempt but a call's first; False: give up. It counts them."""
        ...
