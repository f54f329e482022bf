"""GitHub's model ids and parameter names as ours, and back.

Source: the catalogue's publishers (https://docs.github.com/github-models) and ``pkg/prompt/prompt.go`` of the
extension github/gh-models; on our side the providers of LangChain's ``init_chat_model``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PROVIDERS = {
    "openai": "openai", "mistral-ai": "mistralai", "cohere": "cohere", "deepseek": "deepseek", "xai": "xai",
    "anthropic": "anthropic", "google": "google_genai",
}  # fmt: skip
_PUBLISHERS = {ours: theirs for theirs, ours in _PROVIDERS.items()}
# Their names are the provider's own.
_SAME_NAMES = frozenset({"openai", "mistral-ai", "xai"})
# Before there were publishers, ids were names alone.
_OPENAI = r"(?:gpt-|chatgpt-|o[1-9])[A-Za-z0-9._-]*"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._:@+-]*"

PARAMETERS = {
    "temperature": "temperature", "maxTokens": "max_tokens", "topP": "top_p",
    "maxCompletionTokens": "max_completion_tokens", "topK": "top_k", "stop": "stop", "seed": "seed",
    "frequencyPenalty": "frequency_penalty", "presencePenalty": "presence_penalty",
    "reasoningEffort": "reasoning_effort",
}  # fmt: skip
"""Their names of parameters -> ours."""
READ_THERE = frozenset({"temperature", "maxTokens", "topP"})
"""What their extension looks at."""
THEIR_PARAMETERS = {ours: theirs for theirs, ours in PARAMETERS.items()}


class Model(NamedTuple):
    """What an id means here. ``spec`` is ``provider:name``, None where there is none; ``why`` says what changed."""

    spec: str | None
    why: str | None = None


def model_of(text: str) -> Model:
    """The model that the id ``text`` means, such as ``openai/gpt-4o``."""
    publisher, slash, name = text.strip().partition("/")
    if not slash:
        if re.fullmatch(_OPENAI, publisher):
            return Model(f"openai:{publisher}")
        return Model(
            None, "its publisher is not said, and it is none of OpenAI's: name a model under `model`"
        )
    provider = _PROVIDERS.get(publisher.lower())
    if provider is None or not re.fullmatch(_NAME, name):
        return Model(
            None,
            f"nobody here offers the models of {publisher}: name one under `model`, such as ollama:NAME or groq:NAME",
        )
    short = name.removeprefix("cohere-") if provider == "cohere" else name
    if publisher.lower() in _SAME_NAMES:
        return Model(f"{provider}:{short}")
    return Model(
        f"{provider}:{short}", f"it became {provider}:{short}; {provider} may call it something else"
    )


def id_of(spec: str) -> str | None:
    """Their id of the model ``provider:name``; None where their catalogue has no such publisher."""
    provider, _, name = spec.partition(":")
    publisher = _PUBLISHERS.get(provider)
    if publisher is None or not name:
        return None
    theirs = f"cohere-{name}" if provider == "cohere" else name
    return f"{publisher}/{theirs}"
