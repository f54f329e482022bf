"""promptfoo's providers as models of ours: ``provider:name`` and the parameters that a prompt may set.

Endpoints and keys are left where they are: they never come from a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.base.schemas import problems
from promptvc.evaluation.promptfoo.source import FILE, Source, Unreadable, is_code
from promptvc.models.providers import PARAMETERS, parse_spec

_ID_KEYS = frozenset({"id", "config", "label"})
_NAMES = {
    "openai": "openai", "anthropic": "anthropic", "ollama": "ollama", "azure": "azure_openai",
    "azureopenai": "azure_openai", "google": "google_genai", "palm": "google_genai", "vertex": "google_vertexai",
    "bedrock": "bedrock", "mistral": "mistralai", "groq": "groq", "cohere": "cohere", "deepseek": "deepseek",
    "xai": "xai", "together": "together", "togetherai": "together", "fireworks": "fireworks",
    "huggingface": "huggingface", "perplexity": "perplexity", "openrouter": "openrouter",
}  # fmt: skip
_CHAT = {
    "openai": ("chat", "responses"), "anthropic": ("messages",), "ollama": ("chat", "completion"),
    "azure": ("chat", "responses"), "azureopenai": ("chat",), "groq": ("responses",), "bedrock": ("converse",),
}  # fmt: skip
_NO_CHAT = frozenset({
    "completion", "embedding", "embeddings", "moderation", "image", "realtime", "assistant", "audio", "transcription",
    "speech", "video", "agents",
})  # fmt: skip
_EMBEDDINGS = frozenset({"embedding", "embeddings"})
_PROGRAMS = frozenset({"exec", "python", "http", "https", "webhook", "file", "ws", "wss", "golang"})
_PARAMETERS = {
    "num_predict": "max_tokens", "max_output_tokens": "max_tokens", "maxOutputTokens": "max_tokens",
    "topP": "top_p", "topK": "top_k", "stopSequences": "stop", "stop_sequences": "stop",
    "repeat_penalty": "repetition_penalty", "max_new_tokens": "max_tokens",
}  # fmt: skip
_SECRET = (
    "key",
    "token",
    "secret",
    "url",
    "host",
    "header",
    "auth",
    "organization",
    "region",
    "profile",
    "base",
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a prompt gets from the first provider that has an equal here; None and nothing where none has."""

    model: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] | None = None


def model_of(text: str) -> str:
    """The model that a provider's id means.

    Raises:
        ValueError: there is none here; the text is for people.
    """
    provider, ours, rest = _parts(text)
    kind, colon, name = rest.partition(":")
    if colon and kind in _CHAT.get(provider, ()):
        rest = name
    elif kind in _NO_CHAT:
        raise ValueError(f"`{kind}` is no chat model")
    return _spec(ours, rest)


def embeddings_of(text: str) -> str:
    """The embedding model that a provider's id means.

    Raises:
        ValueError: there is none here; the text is for people.
    """
    _, ours, rest = _parts(text)
    kind, _, name = rest.partition(":")
    if kind not in _EMBEDDINGS:
        raise ValueError("it is no embedding model")
    return _spec(ours, name)


def _parts(text: str) -> tuple[str, str, str]:
    """Their provider, ours, and what follows."""
    provider, _, rest = text.strip().partition(":")
    if is_code(text) or provider in _PROGRAMS:
        raise ValueError("a program or an address of your own is no model here")
    ours = _NAMES.get(provider)
    if ours is None:
        raise ValueError("there is no such provider here")
    return provider, ours, rest


def _spec(provider: str, name: str) -> str:
    if not name:
        raise ValueError("it names no model")
    try:
        parse_spec(f"{provider}:{name}")
    except InputError as error:
        raise ValueError(error.message) from None
    return f"{provider}:{name}"


def chosen(value: Any, source: Source, losses: Losses) -> Chosen:
    """The model of the imported prompts: the first provider that has an equal here. All others are losses."""
    found: Chosen | None = None
    for path, name, config in _each(value, "providers", source, losses):
        try:
            model = model_of(name)
        except ValueError as error:
            losses.add(path, name, str(error))
            continue
        if found is not None:
            losses.add(path, name, f"a prompt names one model: evaluate it with `--model {model}` too")
            continue
        if not name.endswith(model.partition(":")[2]) or name.partition(":")[0] != model.partition(":")[0]:
            losses.add(path, name, f"it became {model}")
        parameters, output = _config(config, path, losses)
        found = Chosen(model, parameters, output)
    return found or Chosen()


def _each(
    value: Any, path: str, source: Source, losses: Losses, depth: int = 0
) -> Iterator[tuple[str, str, Any]]:
    """(path, id, config) of every provider, however it is written."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _each(one, f"{path}[{index}]", source, losses, depth)
    elif isinstance(value, str) and value.startswith(FILE) and not is_code(value) and depth < 3:
        try:
            for file in source.paths(value):
                yield from _each(source.data(file), f"{path} ({file})", source, losses, depth + 1)
        except Unreadable as error:
            losses.add(path, value, str(error))
    elif isinstance(value, str):
        yield path, value, {}
    elif isinstance(value, Mapping) and isinstance(value.get("id"), str):
        for key in value:
            if key not in _ID_KEYS:
                what = key if key == "env" else value[key]  # keys stay where they are
                losses.add(f"{path}.{key}", what, "a model here has a name and parameters, no more")
        yield path, value["id"], value.get("config") or {}
    elif isinstance(value, Mapping) and len(value) == 1:
        name, more = next(iter(value.items()))
        yield path, str(name), (more.get("config") if isinstance(more, Mapping) else None) or {}
    elif value is not None:
        losses.add(path, value, "it is no provider")


def _config(config: Any, path: str, losses: Losses) -> tuple[dict[str, Any], dict[str, Any] | None]:
    parameters: dict[str, Any] = {}
    output = None
    for key, value in (config if isinstance(config, Mapping) else {}).items():
        here = f"{path}.config.{key}"
        ours = _PARAMETERS.get(key, key)
        if key == "response_format" and isinstance(value, Mapping):
            output = _output(value)
        elif ours in PARAMETERS and _accepted({ours: value}):
            parameters[ours] = value
            if ours != key:
                losses.add(here, value, f"it became `parameters.{ours}`")
        elif ours in PARAMETERS:
            losses.add(here, value, f"it is no value for `parameters.{ours}`")
        elif any(word in key.lower() for word in _SECRET):
            losses.add(here, key, "endpoints and keys never come from a prompt: set them in the environment")
        else:
            losses.add(here, value, "it is not a parameter that a prompt may set")
    return parameters, output


def _accepted(parameters: Mapping[str, Any]) -> bool:
    messages = [{"role": "user", "content": "-"}]
    value = {"name": "a", "version": 1, "messages": messages, "parameters": parameters}
    return not problems(value, "prompt")


def _output(value: Mapping[str, Any]) -> dict[str, Any] | None:
    if value.get("type") not in {"json_object", "json_schema"}:
        return None
    holder = value.get("json_schema", value)
    schema = holder.get("schema") if isinstance(holder, Mapping) else None
    return {"format": "json"} | ({"schema": dict(schema)} if isinstance(schema, Mapping) else {})
