"""Assertions about what an answer took and why it ended: latency, cost, finish-reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold, shown
from promptvc.models.messages import Completion

FINISH_REASONS = {
    "stop": ("stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed", "finished"),
    "length": ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"),
    "content_filter": (
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "refusal",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "image_safety",
    ),
    "tool_calls": ("tool_calls", "tool_call", "tool_use", "function_call"),
}
"""The four reasons, and the words that providers have for them (OpenAI, Anthropic, Google, Bedrock, Mistral, TGI)."""

_REASON_OF = {word: reason for reason, words in FINISH_REASONS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``threshold`` of something; unknown is an error, never a pass."""

    name: str
    unit: str
    measure: Callable[[Completion], float | None]
    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """A threshold, and no value."""
        if assertion.value is not None:
            return f"takes no `value`, but a `threshold` in {self.unit}"
        return f"needs a `threshold` in {self.unit}" if assertion.threshold is None else None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        measured = self.measure(answer.completion)
        if measured is None:
            return Grade.failed(f"the {self.name} of this call is unknown")
        limit = assertion.threshold
        assert limit is not None
        return Grade.of(measured <= limit, f"{measured:g} {self.unit} is more than {limit:g}")


LATENCY = Limit("latency", "milliseconds", lambda completion: completion.latency_ms)
COST = Limit("cost", "US dollars", lambda completion: completion.cost)


@dataclass(frozen=True, slots=True)
class FinishReason:
    """The model stopped for the reason ``value``, in the words of any provider; unknown is an error."""

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """One of the four reasons or a provider's word for one, and no threshold."""
        value = assertion.value
        if assertion.threshold is not None:
            return no_threshold(assertion)
        if isinstance(value, str) and value.strip().lower() in _REASON_OF:
            return None
        return f"needs one of {', '.join(FINISH_REASONS)} as its `value`"

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0. A word of a provider that is none of the four is the reason of none of them."""
        said = answer.completion.finish_reason
        if not said:
            return Grade.failed("the finish reason of this call is unknown")
        wanted = _REASON_OF[assertion.value.strip().lower()]
        return Grade.of(
            _REASON_OF.get(said.strip().lower()) == wanted,
            f"the finish reason is {shown(said)}, not {wanted}",
        )
