"""OpenAI's requests and reusable prompts as JSON.

::

    {"model": "gpt-4o", "messages": [{"role": "system", "content": "..."}], "temperature": 0}
    {"model": "gpt-4o", "instructions": "...", "input": "Translate {{text}}", "text": {"format": {...}}}
    {"id": "pmpt_...", "version": "3", "name": "triage", "messages": [...], "variables": {...}}

and JSON Lines of these, also as the bodies of a batch. Source: the API reference of chat completions and of responses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import load_json_document
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.losses import Losses
from promptvc.prompts.formats.answers import output_of, response_format
from promptvc.prompts.formats.arrived import prompt_of
from promptvc.prompts.formats.chat import chat_json, turns_of
from promptvc.prompts.formats.fields import Fields, shown
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.models import model_of, parameters_of, split_model
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.pieces import Names, Turn
from promptvc.prompts.formats.text import decoded
from promptvc.prompts.model import OutputFormat, Prompt, Variable

_MOST = 1000
_STARTS = frozenset({"messages", "input", "instructions", "prompt"})


@dataclass(frozen=True, slots=True)
class OpenAI:
    """Chat and Responses requests, and reusable prompts."""

    name: str = "openai"
    short: str = "OpenAI's chat or Responses JSON, and reusable prompts"
    suffixes: tuple[str, ...] = (".json", ".jsonl")

    def sniff(self, data: bytes, filename: str) -> bool:
        """A request with messages or an input, and none of the keys of the other tools."""
        try:
            first = next(_documents(data, filename, Losses()), None)
        except InvalidDocument:
            return False
        body = _body(first[1]) if first else None
        return (
            isinstance(body, Mapping)
            and bool({"messages", "input", "instructions"} & body.keys())
            and not {"lc", "_type", "testData", "evaluators", "template"} & body.keys()
        )

    def read(self, data: bytes, *, file: str) -> Read:
        """A prompt for each document."""
        losses = Losses()
        found: list[Imported] = []
        for path, value in _documents(data, file, losses):
            if len(found) == _MOST:
                losses.add(path, "the rest", f"only the first {_MOST:,} prompts came over")
                break
            found.append(_imported(value, path, file, losses))
        if not found:
            raise InvalidDocument(
                "there is no prompt in it", hint="it needs `messages`, `input` or `instructions`", file=file
            )
        return Read(tuple(_ordered(found)), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """A chat request."""
        losses = Losses()
        request: dict[str, Any] = {}
        said = {"parameters", "output"}
        if prompt.model is not None and split_model(prompt.model)[0] in {"openai", "azure_openai"}:
            request["model"] = split_model(prompt.model)[1]
            if prompt.model.startswith("openai:"):
                said.add("model")
        request["messages"] = chat_json(laid_out(prompt, losses), prompt)
        request |= prompt.parameters
        form = response_format(prompt.output)
        if form is not None:
            request["response_format"] = form
        unsaid(prompt, said, losses)
        unsaid_suite(suite, losses)
        text = json.dumps(request, ensure_ascii=False, indent=2) + "\n"
        return Written({f"{prompt.name}.json": text.encode()}, losses.all())


def _documents(data: bytes, file: str, losses: Losses) -> Iterator[tuple[str, Any]]:
    """(path, value) of each prompt in the file."""
    if file.lower().endswith(".jsonl"):
        for number, line in enumerate(decoded(data, file).split("\n"), 1):
            if line.strip():
                yield f"line {number}", parse_json(line, file=file, line=number)
        return
    value = load_json_document(data, file=file)
    items = value
    if isinstance(value, Mapping) and value.get("object") == "list" and isinstance(value.get("data"), list):
        items = value["data"]
        around = Fields(value, "", losses)
        around.take("object")
        around.take("data")
        around.rest("it says how the list was asked for: see that no page is missing")
    if isinstance(items, list) and not (items and isinstance(items[0], Mapping) and "role" in items[0]):
        yield from ((f"[{index}]", one) for index, one in enumerate(items))
    else:
        yield "", {"messages": value} if isinstance(value, list) else value


def _body(value: Any) -> Any:
    inner = value.get("body") if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else value


def _imported(value: Any, path: str, file: str, losses: Losses) -> Imported:
    label = None
    if isinstance(value, Mapping) and isinstance(value.get("body"), Mapping):
        outer = Fields(value, path, losses)
        label = outer.text("custom_id")
        for key in ("method", "url"):
            outer.take(key)  # they say only that the body is a request
        inner = outer.fields("body")
        outer.rest()
        path, value = inner.path, value["body"]
    if not isinstance(value, Mapping) or not _STARTS & value.keys():
        raise InvalidDocument(
            "this is no request and no prompt of OpenAI's" + (f" ({path})" if path else ""),
            hint="it needs `messages`, `input` or `instructions`",
            file=file,
        )
    if not isinstance(value.get("messages"), list | None):
        raise InvalidDocument(
            "`messages` is no list" + (f" ({path})" if path else ""),
            hint='write a list of {"role": ..., "content": ...}; a text alone is an `input`',
            file=file,
        )
    fields = Fields(value, path, losses)
    names = Names(losses)
    variables: dict[str, Variable] = {}
    label = label or fields.text("name")
    version = fields.take("version")
    kind = fields.take("object")
    if kind not in {None, "prompt", "prompt.version", "response", "chat.completion"}:
        losses.add(fields.at("object"), shown(kind), "there is no such thing here")
    label = label or _reusable(fields, names, variables)
    _given(fields, "variables", names, variables)
    turns = []
    instructions = fields.text("instructions") if not isinstance(value.get("instructions"), list) else None
    if instructions is not None:
        turns += [
            Turn("system", each.pieces)
            for each in turns_of(instructions, fields.at("instructions"), names, losses)
        ]
    for key in ("instructions", "messages", "input"):
        turns += turns_of(fields.take(key), fields.at(key), names, losses)
    if not turns:
        raise InvalidDocument(
            "it refers to a prompt whose text is not in the file" if label else "it has no message",
            hint="export the prompt's messages, not its id",
            file=file,
        )
    output = _output(fields)
    reasoning = fields.fields("reasoning")
    parameters = {**parameters_of(reasoning, {"effort": "reasoning_effort"}), **parameters_of(fields)}
    reasoning.rest()
    model = _model(fields)
    prompt = prompt_of(
        turns,
        variables,
        file=file,
        model=model,
        parameters=parameters,
        output=output,
        description=fields.text("description"),
    )
    fields.rest()
    return Imported(prompt, label, None if version is None else str(version))


def _reusable(fields: Fields, names: Names, variables: dict[str, Variable]) -> str | None:
    """The label of a reusable prompt: its id, also where a request refers to it."""
    label = fields.text("id")
    held = fields.take("prompt")
    if isinstance(held, Mapping):
        inner = Fields(held, fields.at("prompt"), fields.losses)
        label = inner.text("id") or label
        _given(inner, "variables", names, variables)
        inner.drop("version", "the text here is what is imported")
        for key in ("messages", "instructions", "input", "model"):
            if key in inner and key not in fields:
                fields.put(key, inner.take(key))
        inner.rest()
    elif isinstance(held, str) and "messages" not in fields and "input" not in fields:
        fields.put("input", held)
    elif held is not None:
        fields.losses.add(fields.at("prompt"), shown(held), "there is no such thing here")
    return label


def _given(fields: Fields, key: str, names: Names, variables: dict[str, Variable]) -> None:
    """Values of variables: what a request gives is what a prompt has where nobody gives another."""
    for name, value in _variables(fields, key):
        ours = names.of(name, fields.at(key))
        if isinstance(value, str) and shown(value) == value:
            variables[ours] = Variable(ours, required=False, default=value)
        elif value is not None:
            fields.losses.add(
                f"{fields.at(key)}.{name}", shown(value), "the value of a variable is text here"
            )
        else:
            variables[ours] = Variable(ours)


def _variables(fields: Fields, key: str) -> Iterator[tuple[str, Any]]:
    value = fields.take(key)
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, str):
                yield one, None
            elif isinstance(one, Mapping) and isinstance(one.get("name"), str):
                inner = Fields(one, f"{fields.at(key)}.{one['name']}", fields.losses)
                inner.take("name")
                yield one["name"], inner.take("default")
                inner.rest()
            else:
                fields.losses.add(fields.at(key), shown(one), "it is no variable")
    elif value is not None:
        fields.losses.add(fields.at(key), shown(value), "it is no mapping")


def _output(fields: Fields) -> OutputFormat:
    text = fields.fields("text")
    parameters = parameters_of(text)
    for name, value in parameters.items():
        fields.put(name, value)
    form = output_of(text, "format")
    text.rest()
    given = output_of(fields, "response_format")
    return form if given == OutputFormat() else given


def _model(fields: Fields) -> str | None:
    written = fields.text("model")
    model = model_of(written, "openai")
    if written is not None and model is None:
        fields.losses.add(fields.at("model"), written, "it is no name of a model")
    return model


def _ordered(found: list[Imported]) -> list[Imported]:
    """Versions of one prompt, the oldest first."""
    return sorted(found, key=lambda one: int(one.version) if one.version and one.version.isdigit() else 0)
