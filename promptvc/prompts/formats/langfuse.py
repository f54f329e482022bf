"""Langfuse's prompts as its API gives them: one, a list, or JSON Lines; text and chat, in versions with labels.

::

    {"name": "triage", "version": 3, "type": "chat", "prompt": [{"role": "system", "content": "..."}],
     "config": {"model": "gpt-4o", "temperature": 0}, "labels": ["production", "latest"], "tags": ["support"],
     "commitMessage": "..."}

Source: GET /api/public/v2/prompts/{name} of its public API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.answers import output_of, response_format
from promptvc.prompts.formats.arrived import prompt_of
from promptvc.prompts.formats.chat import chat_json, turns_of
from promptvc.prompts.formats.exports import by_version, documents
from promptvc.prompts.formats.fields import Fields
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.models import model_of, parameters_of, split_model
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.pieces import Names
from promptvc.prompts.model import Prompt

_THEIR_OWN = ("id", "projectId", "updatedAt", "isActive", "lastUpdatedAt", "resolutionGraph")
_INCLUDED = "@@@langfusePrompt:"


@dataclass(frozen=True, slots=True)
class Langfuse:
    """Prompts as the public API gives them."""

    name: str = "langfuse"
    short: str = "Langfuse's prompts as its API gives them"
    suffixes: tuple[str, ...] = (".json", ".jsonl")

    def sniff(self, data: bytes, filename: str) -> bool:
        """A name, a version and a prompt, of which OpenAI's have not all."""
        try:
            first = next(iter(documents(data, filename, Losses())), None)
        except InvalidDocument:
            return False
        value = first[1] if first else None
        return (
            isinstance(value, Mapping) and {"name", "version", "prompt"} <= value.keys() and "labels" in value
        )

    def read(self, data: bytes, *, file: str) -> Read:
        """A prompt for each version."""
        losses = Losses()
        found = [_imported(value, path, file, losses) for path, value in documents(data, file, losses)]
        return Read(by_version(found, file), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """A prompt as the API takes it: without a version, which Langfuse gives."""
        losses = Losses()
        messages = chat_json(laid_out(prompt, losses), prompt)
        config: dict[str, Any] = {}
        said = {"parameters", "output", "tags"}
        if prompt.model is not None:
            provider, name = split_model(prompt.model)
            config |= {"provider": provider, "model": name} if name else {}
            said |= {"model"} if name else set()
        config |= prompt.parameters
        form = response_format(prompt.output)
        if form is not None:
            config["response_format"] = form
        value = {
            "name": prompt.name,
            "type": "chat",
            "prompt": messages,
            "config": config,
            "labels": [],
            "tags": list(prompt.tags),
        }
        if prompt.description:
            value["commitMessage"] = prompt.description
            said.add("description")
            losses.add("description", prompt.description, "it became the message of the version")
        unsaid(prompt, said, losses)
        unsaid_suite(suite, losses)
        text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
        return Written({f"{prompt.name}.json": text.encode()}, losses.all())


def _imported(value: Any, path: str, file: str, losses: Losses) -> Imported:
    if not isinstance(value, Mapping) or "prompt" not in value or "name" not in value:
        hint = "get each prompt by its name: a list without texts is not enough"
        raise InvalidDocument(
            "this is no prompt of Langfuse's" + (f" ({path})" if path else ""), hint=hint, file=file
        )
    fields = Fields(value, path, losses)
    names = Names(losses)
    label = fields.text("name")
    version = fields.take("version")
    kind = fields.take("type")
    given = fields.take("prompt")
    if kind not in {None, "text", "chat"}:
        losses.add(fields.at("type"), kind, "a prompt is a text or a chat")
    if _INCLUDED in str(given):
        losses.add(
            fields.at("prompt"), _INCLUDED, "another prompt is not put in here: it stands as it was written"
        )
    turns = turns_of(given, fields.at("prompt"), names, losses)
    config = fields.fields("config")
    provider, model = config.text("provider"), config.text("model")
    spec = model_of(model, provider)
    if (model or provider) and spec is None:
        losses.add(
            config.at("model"),
            model or provider,
            "whose model it is, is not said: write `model: provider:name`",
        )
    parameters = parameters_of(config)
    output = output_of(config, "response_format")
    config.rest("it is not a parameter that a prompt may set")
    for name in fields.texts("labels"):
        if name != "latest":
            losses.add(fields.at("labels"), name, f"put it there with `promptvc deploy NAME --env {name}`")
    for key in _THEIR_OWN:
        fields.take(key)
    said = fields.text("commitMessage")
    note = _note(said, fields.take("createdBy"), fields.take("createdAt"))
    tags = fields.texts("tags")
    prompt = prompt_of(turns, file=file, model=spec, parameters=parameters, output=output, tags=tags)
    fields.rest()
    return Imported(prompt, label, None if version is None else str(version), note=note)


def _note(said: str | None, by: Any, at: Any) -> str | None:
    parts = [said or ""] + [
        f"{word} {value}" for word, value in (("By", by), ("At", at)) if isinstance(value, str)
    ]
    return "\n".join(part for part in parts if part) or None
