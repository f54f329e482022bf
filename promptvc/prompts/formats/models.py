"""A model and its parameters as other tools write them, and as ours: ``provider:name`` and the allowed parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptvc.base.schemas import problems
from promptvc.prompts.formats.fields import Fields, shown
from promptvc.prompts.parameters import ALLOWED

PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "ollama": "ollama", "azure": "azure_openai",
    "azure_openai": "azure_openai", "azureopenai": "azure_openai", "azure-openai": "azure_openai",
    "google": "google_genai", "googleai": "google_genai", "google_genai": "google_genai", "vertex": "google_vertexai",
    "vertexai": "google_vertexai", "google_vertexai": "google_vertexai", "bedrock": "bedrock", "mistral": "mistralai",
    "mistralai": "mistralai", "mistral-ai": "mistralai", "groq": "groq", "cohere": "cohere", "deepseek": "deepseek",
    "xai": "xai", "together": "together", "fireworks": "fireworks", "huggingface": "huggingface",
    "perplexity": "perplexity", "openrouter": "openrouter",
}  # fmt: skip
"""Providers as LangChain's ``init_chat_model`` calls them, by the words of others."""

_FAMILIES = {
    "gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "chatgpt-": "openai", "claude": "anthropic",
    "gemini": "google_genai", "mistral": "mistralai", "command": "cohere", "deepseek": "deepseek", "grok": "xai",
}  # fmt: skip

CAMEL = {
    "maxOutputTokens": "max_tokens", "maxTokens": "max_tokens", "max_output_tokens": "max_tokens", "topP": "top_p",
    "topK": "top_k", "minP": "min_p", "frequencyPenalty": "frequency_penalty", "presencePenalty": "presence_penalty",
    "stopSequences": "stop", "stop_sequences": "stop", "reasoningEffort": "reasoning_effort",
}  # fmt: skip
"""Other words for our parameters."""


def model_of(name: str | None, provider: str | None = None) -> str | None:
    """``provider:name``; None where the provider is not known here, or the name is none."""
    if not name:
        return None
    if provider is not None:
        ours = PROVIDERS.get(provider.lower())
    else:
        ours = next((ours for start, ours in _FAMILIES.items() if name.startswith(start)), None)
    spec = f"{ours}:{name}"
    return spec if ours and accepted(model=spec) else None


def split_model(model: str) -> tuple[str, str]:
    """Our ``provider:name`` in its two parts; ``offline`` has no second."""
    provider, _, name = model.partition(":")
    return provider, name


def parameters_of(fields: Fields, renamed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The parameters among the keys that are left; all others stay there for the caller to account for."""
    words = {**CAMEL, **(renamed or {})}
    found: dict[str, Any] = {}
    for key in fields.remaining():
        ours = words.get(key, key)
        if ours not in ALLOWED:
            continue
        value = fields.take(key)
        if value is None:
            continue
        if ours in found or not accepted(parameters={ours: value}):
            fields.losses.add(fields.at(key), shown(value), f"it is no value for `parameters.{ours}`")
        else:
            found[ours] = value
    return found


def accepted(**keys: Any) -> bool:
    """Whether a prompt may have these keys, by its schema."""
    value = {"name": "a", "version": 1, "messages": [{"role": "user", "content": "-"}], **keys}
    return not problems(value, "prompt")
