"""MLflow's prompts: versions as its client gives them, or as the model registry holds them, in tags.

::

    {"name": "triage", "version": 2, "template": "Route {{ message }}", "commit_message": "...", "tags": {...},
     "aliases": ["production"], "response_format": {...},
     "model_config": {"provider": "openai", "model_name": "gpt-4o"}}

Source: mlflow.entities.model_registry.prompt_version; a URI ``prompts:/name/2`` gives name and version too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.losses import Losses
from promptvc.prompts.formats.answers import output_of
from promptvc.prompts.formats.arrived import prompt_of
from promptvc.prompts.formats.chat import chat_json, turns_of
from promptvc.prompts.formats.exports import by_version, documents
from promptvc.prompts.formats.fields import Fields, shown
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.languages import jinja
from promptvc.prompts.formats.models import model_of, parameters_of, split_model
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.pieces import Code, Names, Turn, jinja_text
from promptvc.prompts.model import OutputFormat, Prompt

_TEXT, _TYPE = "mlflow.prompt.text", "_mlflow_prompt_type"
_FORMAT, _CONFIG = "_mlflow_prompt_response_format", "_mlflow_prompt_model_config"
_OWN_TAGS = frozenset({"mlflow.prompt.is_prompt", _TYPE})
_URI = re.compile(r"prompts:/([^/@]+)(?:/(\d+)|@([\w.-]+))?")


@dataclass(frozen=True, slots=True)
class MLflow:
    """Prompt versions as JSON."""

    name: str = "mlflow"
    short: str = "MLflow's prompt versions as JSON"
    suffixes: tuple[str, ...] = (".json", ".jsonl")

    def sniff(self, data: bytes, filename: str) -> bool:
        """A template beside a name, or the registry's tag that holds one."""
        try:
            first = next(iter(documents(data, filename, Losses())), None)
        except InvalidDocument:
            return False
        value = _version(first[1]) if first else None
        if not isinstance(value, Mapping) or "_type" in value:
            return False
        tags = _tags(value.get("tags"))
        return ("template" in value and bool({"name", "uri"} & value.keys())) or _TEXT in tags

    def read(self, data: bytes, *, file: str) -> Read:
        """A prompt for each version."""
        losses = Losses()
        found = [
            _imported(_version(value), path, file, losses) for path, value in documents(data, file, losses)
        ]
        return Read(by_version(found, file), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """What ``register_prompt`` takes: without a version, which MLflow gives."""
        losses = Losses()
        value: dict[str, Any] = {
            "name": prompt.name.replace("/", "."),
            "template": _template(laid_out(prompt, losses), prompt),
        }
        if value["name"] != prompt.name:
            losses.add("name", prompt.name, f"it is called {value['name']} there: a name has no slash")
        said = {"parameters", "output"}
        if prompt.description:
            value["commit_message"] = prompt.description
            losses.add("description", prompt.description, "it became the message of the version")
            said.add("description")
        if prompt.output.format == "json" and prompt.output.schema is not None:
            value["response_format"] = dict(prompt.output.schema)
        elif prompt.output.format == "json":
            losses.add("output.format", "json", "without a schema there is no place for it")
        config = _config(prompt)
        if config:
            value["model_config"] = config
        if prompt.model is not None and split_model(prompt.model)[1]:
            said.add("model")
        unsaid(prompt, said, losses)
        unsaid_suite(suite, losses)
        text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
        return Written({f"{prompt.name}.json": text.encode()}, losses.all())


def _version(value: Any) -> Any:
    inner = value.get("model_version") or value.get("prompt_version") if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else value


def _tags(value: Any) -> dict[str, Any]:
    """Tags as a mapping, also where the registry gives a list of keys and values."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list):
        return {
            str(one["key"]): one.get("value")
            for one in value
            if isinstance(one, Mapping) and one.get("key") is not None
        }
    return {}


def _imported(value: Any, path: str, file: str, losses: Losses) -> Imported:
    tags = _tags(value.get("tags")) if isinstance(value, Mapping) else {}
    if not isinstance(value, Mapping) or ("template" not in value and _TEXT not in tags):
        hint = "it needs `name` and `template`, as PromptVersion has them"
        raise InvalidDocument(
            "this is no prompt of MLflow's" + (f" ({path})" if path else ""), hint=hint, file=file
        )
    fields = Fields(value, path, losses)
    for index, one in enumerate(fields.take("tags") if isinstance(value.get("tags"), list) else ()):
        tag = Fields(one if isinstance(one, Mapping) else {"": one}, f"{fields.at('tags')}[{index}]", losses)
        tag.take("key")
        tag.take("value")
        tag.rest()
    fields.take("tags")
    label, version = _named(fields)
    template = fields.take("template")
    held = tags.pop(_TEXT, None)
    template = held if template is None else template
    if isinstance(template, str) and tags.get(_TYPE) == "chat":
        template = parse_json(template, file=file)
    response, config = tags.pop(_FORMAT, None), tags.pop(_CONFIG, None)
    for key, tag in (("response_format", response), ("model_config", config)):
        if key not in fields and isinstance(tag, str):
            fields.put(key, parse_json(tag, file=file))
    model, parameters = _model(fields.fields("model_config"))
    output = _output(fields)
    turns = _turns(template, fields.at("template"), file, losses)
    note = _note(fields)
    for name in _aliases(fields):
        losses.add(fields.at("aliases"), name, f"put it there with `promptvc deploy NAME --env {name}`")
    for key, tag in tags.items():
        if key not in _OWN_TAGS:
            losses.add(
                f"{fields.at('tags')}.{key}", shown({key: tag}), "a tag here is a word, without a value"
            )
    prompt = prompt_of(turns, file=file, model=model, parameters=parameters, output=output)
    fields.rest()
    return Imported(prompt, label, version, note=note)


def _named(fields: Fields) -> tuple[str | None, str | None]:
    label, version = fields.text("name"), fields.take("version")
    uri = fields.text("uri")
    match = _URI.fullmatch(uri) if uri else None
    if match is not None:
        label, version = label or match[1], match[2] if version is None else version
    elif uri:
        fields.losses.add(fields.at("uri"), uri, "it is no address of a prompt")
    return label, None if version is None else str(version)


def _turns(template: Any, path: str, file: str, losses: Losses) -> list[Turn]:
    """Text or chat; Jinja where it has tags, as there."""
    names = Names(losses)
    turns = turns_of(template, path, names, losses)
    if not isinstance(template, (str, list)):
        return turns
    texts = (
        [template]
        if isinstance(template, str)
        else [str(one.get("content")) for one in template if isinstance(one, Mapping)]
    )
    if not any(map(_is_jinja, texts)):
        return turns
    try:
        if isinstance(template, str):
            return [Turn("user", jinja(template, path, losses))]
        taken = turns_of(
            [{**one, "content": "-"} if isinstance(one, Mapping) else one for one in template],
            path,
            names,
            Losses(),
        )
        found = [jinja(text, path, losses) for text in texts]
    except InputError as error:
        raise InvalidDocument(error.message, hint=error.hint, file=file) from None
    if len(taken) != len(found):
        losses.add(path, "Jinja", "only {{ name }} is filled in, for a message was left out")
        return turns
    return [Turn(turn.role, pieces) for turn, pieces in zip(taken, found, strict=True)]


def _template(turns: Sequence[Turn], prompt: Prompt) -> list[dict[str, str]]:
    """The messages; with Jinja where the prompt has it and MLflow sees it, by a ``{%`` tag.

    Raises:
        InputError: it would be taken for Jinja and is none, or the other way round.
    """
    quoted = [{"role": turn.role, "content": jinja_text(turn.pieces)} for turn in turns]
    if any(isinstance(piece, Code) for turn in turns for piece in turn.pieces):
        if any(_is_jinja(each["content"]) for each in quoted):
            return quoted
    else:
        found = chat_json(turns, prompt)
        if not any(_is_jinja(each["content"]) for each in found):
            return found
    raise InputError(
        f"{prompt.name} cannot be said in MLflow, which knows Jinja by its `{{%` tags",
        hint="export it as prompty, langchain or promptfoo",
    )


def _is_jinja(text: str) -> bool:
    return "{%" in text and "%}" in text


def _model(config: Fields) -> tuple[str | None, dict[str, Any]]:
    provider, name = config.text("provider"), config.text("model_name")
    model = model_of(name, provider)
    if (name or provider) and model is None:
        config.losses.add(config.at("model_name"), name or provider, "whose model it is, is not said here")
    parameters = parameters_of(config)
    extra = config.fields("extra_params")
    parameters = {**parameters_of(extra), **parameters}
    extra.rest("it is not a parameter that a prompt may set")
    config.rest("it is not a parameter that a prompt may set")
    return model, parameters


def _output(fields: Fields) -> OutputFormat:
    return output_of(fields, "response_format")


def _note(fields: Fields) -> str | None:
    said = fields.text("commit_message") or fields.text("description")
    fields.take("description")
    by, at = fields.take("user_id"), fields.take("creation_timestamp")
    for key in ("last_updated_timestamp", "run_id", "source", "status", "current_stage", "variables"):
        fields.take(key)
    parts = [
        said or "",
        f"By {by}" if isinstance(by, str) else "",
        f"At {at} ms" if isinstance(at, int) else "",
    ]
    return "\n".join(part for part in parts if part) or None


def _aliases(fields: Fields) -> list[str]:
    value = fields.take("aliases")
    found = (
        value if isinstance(value, (list, tuple)) else list(value or {}) if isinstance(value, Mapping) else []
    )
    return [str(one["alias"] if isinstance(one, Mapping) and "alias" in one else one) for one in found]


def _config(prompt: Prompt) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if prompt.model is not None:
        provider, name = split_model(prompt.model)
        found = {"provider": provider, "model_name": name} if name else {}
    own = {"temperature", "max_tokens", "top_p", "top_k", "frequency_penalty", "presence_penalty"}
    extra = {}
    for key, value in prompt.parameters.items():
        if key == "stop":
            found["stop_sequences"] = [value] if isinstance(value, str) else list(value)
        elif key in own:
            found[key] = value
        else:
            extra[key] = value
    return {**found, **({"extra_params": extra} if extra else {})}
