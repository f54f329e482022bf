"""Prompty, versions 1 and 2: a head in YAML, and a body in Jinja or Mustache with ``system:`` and ``user:`` lines.

Version 2 calls ``model.configuration`` ``connection``, ``parameters`` ``options`` with words in camelCase, writes
``inputs`` as a list with ``kind`` and ``default``, and keeps authors and tags under ``metadata``; its reader still
takes the old words, and so does this one. Version 2 is written. Source: https://prompty.ai and its Python runtime.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.answers import output_of, response_format
from promptvc.prompts.formats.arrived import prompt_of, role_of
from promptvc.prompts.formats.fields import OWN_ENVIRONMENT, Fields, shown
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.front import joined, parted
from promptvc.prompts.formats.languages import braces, jinja, mustache
from promptvc.prompts.formats.models import CAMEL, model_of, parameters_of, split_model
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.pieces import Names, Pieces, Turn, jinja_text
from promptvc.prompts.formats.properties import properties_schema
from promptvc.prompts.formats.text import decoded
from promptvc.prompts.model import OutputFormat, Prompt, Variable

_ROLE = re.compile(
    r"[ \t]*+#?[ \t]*+(assistant|developer|function|system|tool|user)[ \t]*+(\[[^\]\n]*\])?[ \t]*+:[ \t]*+",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{1,500}\)")
_REFERENCE = re.compile(r"\$\{(?:env|file):")
_KINDS = frozenset({"thread", "image", "file", "audio"})
_WORDS = {"max_tokens": "maxOutputTokens", "top_p": "topP", "top_k": "topK", "stop": "stopSequences",
          "frequency_penalty": "frequencyPenalty", "presence_penalty": "presencePenalty"}  # fmt: skip
_PROVIDERS = {"azure_openai": "azure", "openai": "openai", "anthropic": "anthropic"}


@dataclass(frozen=True, slots=True)
class Prompty:
    """A .prompty file."""

    name: str = "prompty"
    short: str = "a .prompty file, version 1 or 2"
    suffixes: tuple[str, ...] = (".prompty",)

    def sniff(self, data: bytes, filename: str) -> bool:  # noqa: ARG002 - the name says it
        """By its name."""
        return filename.lower().endswith(".prompty")

    def read(self, data: bytes, *, file: str) -> Read:
        """One prompt, with a case where version 1 has a sample."""
        losses = Losses()
        head, body = parted(decoded(data, file), file, losses)
        fields = Fields(head, "", losses)
        names = Names(losses)
        fields.take("$schema")
        variables = dict(_inputs(fields, names))
        language = _language(fields)
        turns = list(_turns(body, language, names, losses))
        model, parameters, output = _model(fields)
        output = _outputs(fields, output)
        metadata = fields.fields("metadata")
        tags = (*fields.texts("tags"), *metadata.texts("tags"))
        kept = {
            key: found
            for key in ("authors", "version")
            for found in (_plain(fields, metadata, key),)
            if found
        }
        prompt = prompt_of(
            turns,
            variables,
            file=file,
            description=fields.text("description"),
            model=model,
            parameters=parameters,
            output=output,
            tags=tuple(dict.fromkeys(tags)),
            metadata=kept,
        )
        suite = _sample(fields, names, prompt)
        metadata.rest()
        label = fields.text("name")
        fields.rest()
        return Read((Imported(prompt, label, suite=suite),), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """A file of version 2."""
        losses = Losses()
        turns = laid_out(prompt, losses)
        said = {"description", "parameters", "tags", "variables.default", "variables.description", "output"}
        head: dict[str, Any] = {"name": prompt.name}
        if prompt.description:
            head["description"] = prompt.description
        metadata = {key: prompt.metadata[key] for key in ("authors", "version") if prompt.metadata.get(key)}
        if set(metadata) == set(prompt.metadata):
            said.add("metadata")
        if prompt.tags:
            metadata["tags"] = list(prompt.tags)
        if metadata:
            head["metadata"] = metadata
        model = _model_head(prompt, said)
        if model:
            head["model"] = model
        if prompt.variables:
            head["inputs"] = [_input(variable) for variable in prompt.variables]
        head["template"] = {"format": {"kind": "jinja2"}, "parser": {"kind": "prompty"}}
        unsaid(prompt, said, losses)
        unsaid_suite(suite, losses)
        return Written({f"{prompt.name}.prompty": joined(head, _body(turns, prompt, losses))}, losses.all())


def _language(fields: Fields) -> str:
    """The template language; Jinja where nothing is said."""
    value = fields.take("template")
    if value is None or isinstance(value, str):
        return value or "jinja2"
    if not isinstance(value, Mapping):
        fields.losses.add("template", shown(value), "it is no template")
        return "jinja2"
    template = Fields(value, "template", fields.losses)
    kind = template.take("type")
    format_ = template.take("format")
    if isinstance(format_, Mapping):
        inner = Fields(format_, "template.format", fields.losses)
        kind = inner.take("kind") or kind
        inner.rest()
    elif format_ is not None:
        kind = format_
    parser = template.take("parser")
    said = parser.get("kind") if isinstance(parser, Mapping) else parser
    if said not in {None, "prompty"}:
        fields.losses.add(
            "template.parser", shown(parser), "messages are parted at `system:` and `user:` lines"
        )
    elif isinstance(parser, Mapping):
        inner = Fields(parser, "template.parser", fields.losses)
        inner.take("kind")
        inner.rest()
    template.rest()
    return str(kind or "jinja2")


def _turns(body: str, language: str, names: Names, losses: Losses) -> Iterator[Turn]:
    """The messages: lines up to the next line with a role; what comes before the first is the system's."""
    role: str = "system"
    lines: list[str] = []
    index = 0
    for line in [*body.split("\n"), None]:
        match = _ROLE.fullmatch(line) if line is not None else None
        if match is None and line is not None:
            lines.append(line)
            continue
        text = "\n".join(lines).strip("\n")
        path = f"messages[{index}]"
        if text.strip():
            ours = role_of(role, f"{path}.role", losses)
            if _IMAGE.search(text):
                losses.add(path, _IMAGE.search(text)[0], "an image stands as text")  # type: ignore[index]
            if ours is not None:
                yield Turn(ours, _pieces(text, language, path, names, losses))
            index += 1
        if match is not None:
            role = match[1].lower()
            if match[2]:
                losses.add(f"messages[{index}]", match[2], "a role has no attributes here")
            lines = []


def _pieces(text: str, language: str, path: str, names: Names, losses: Losses) -> Pieces:
    if language == "mustache":
        return mustache(text, path, names, losses)
    if language != "jinja2":
        losses.add(
            "template", language, "only {{ name }} is filled in: there is no such template language here"
        )
        return braces(text, path, names)
    try:
        return jinja(text, path, losses)
    except InputError as error:
        hint = "a loop or a condition cannot reach from one message into the next"
        raise InvalidDocument(error.message, hint=error.hint or hint) from None


def _inputs(fields: Fields, names: Names) -> Iterator[tuple[str, Variable]]:
    schema = fields.fields("inputSchema") if "inputSchema" in fields else None
    key, holder = ("properties", schema) if schema is not None else ("inputs", fields)
    value = holder.take(key)
    if isinstance(value, Mapping) and isinstance(value.get("properties"), (list, Mapping)):
        value = value["properties"]
    path = holder.at(key)
    for name, content in _named(value, path, fields.losses):
        ours = names.of(name, path)
        yield ours, _variable(ours, content, f"{path}.{name}", fields.losses)
    if schema is not None:
        schema.rest()


def _named(value: Any, path: str, losses: Losses) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name), content) for name, content in value.items())
    elif isinstance(value, list):
        for index, one in enumerate(value):
            if isinstance(one, Mapping) and isinstance(one.get("name"), str):
                yield one["name"], {key: part for key, part in one.items() if key != "name"}
            else:
                losses.add(f"{path}[{index}]", shown(one), "it is no input")
    elif value is not None:
        losses.add(path, shown(value), "it is no list of inputs")


def _variable(name: str, content: Any, path: str, losses: Losses) -> Variable:
    if not isinstance(content, Mapping):
        # A value alone: what stands in where nobody gives one.
        return _defaulted(name, content, None, None, path, losses)
    inner = Fields(content, path, losses)
    kind = inner.take("kind") or inner.take("type")
    inner.drop("type")
    if kind in _KINDS:
        losses.add(path, kind, "it is a plain variable here")
    elif kind not in {None, "string"}:
        losses.add(f"{path}.kind", shown(kind), "a variable has no type here")
    default = inner.take("default")
    sample = inner.take("sample")
    if default is None:
        default = sample
    elif sample is not None:
        losses.add(f"{path}.sample", shown(sample), "it has a default already")
    found = _defaulted(name, default, inner.text("description"), inner.take("required"), path, losses)
    inner.rest()
    return found


def _defaulted(
    name: str, default: Any, description: str | None, required: Any, path: str, losses: Losses
) -> Variable:
    if isinstance(default, str) and (_REFERENCE.search(default) or shown(default) != default):
        losses.add(f"{path}.default", shown(default), OWN_ENVIRONMENT)
        default = None
    if default is not None:
        if required is True:
            losses.add(f"{path}.required", "true", "what has a default is not required")
        return Variable(name, description, required=False, default=default)
    if required is False:
        losses.add(f"{path}.required", "false", "without a default it is the empty text")
        return Variable(name, description, required=False, default="")
    return Variable(name, description)


def _model(fields: Fields) -> tuple[str | None, dict[str, Any], OutputFormat]:
    value = fields.take("model")
    if isinstance(value, str):
        value = {"id": value}
    if value is not None and not isinstance(value, Mapping):
        fields.losses.add("model", shown(value), "it is no model")
    model = Fields(value if isinstance(value, Mapping) else {}, "model", fields.losses)
    provider = model.text("provider")
    name = model.text("id")
    configuration = model.fields("configuration")
    provider = configuration.text("type") or provider
    name = name or configuration.text("azure_deployment") or configuration.text("name")
    configuration.rest(OWN_ENVIRONMENT)
    api = model.take("apiType") or model.take("api")
    if api not in {None, "chat", "responses"}:
        fields.losses.add("model.api", shown(api), "a prompt here is a chat")
    parameters: dict[str, Any] = {}
    output = OutputFormat()
    for key in ("options", "parameters"):
        inner = model.fields(key)
        more = inner.fields("additionalProperties")
        for each in (inner, more):
            parameters = {**parameters_of(each), **parameters}
            given = output_of(each, "response_format")
            output = output if given == OutputFormat() else given
            each.rest("it is not a parameter that a prompt may set")
    if model.take("response") not in {None, "first"}:
        fields.losses.add("model.response", "all", "an answer here is one text")
    model.drop("connection", OWN_ENVIRONMENT)
    model.rest()
    spec = model_of(name, provider) if name and not _REFERENCE.search(name) else None
    if spec is None and (name or provider):
        said = f"{provider}:{name}" if provider and name else name or provider
        why = "there is no such provider here: write `model: provider:name`" if name else "it names no model"
        fields.losses.add("model", said, why)
    return spec, parameters, output


def _outputs(fields: Fields, output: OutputFormat) -> OutputFormat:
    for key in ("outputSchema", "outputs"):
        value = fields.take(key)
        if value is None:
            continue
        if isinstance(value, Mapping) and "properties" in value:
            value = value["properties"]
        schema = properties_schema(list(_named(value, key, fields.losses)), key, fields.losses)
        if schema is not None:
            output = OutputFormat("json", schema)
    return output


def _plain(fields: Fields, metadata: Fields, key: str) -> Any:
    """Authors or the version, wherever they stand."""
    value = fields.take(key) or None
    return metadata.take(key) if value is None else value


def _sample(fields: Fields, names: Names, prompt: Prompt) -> dict[str, Any] | None:
    """The sample as a case that asks for an answer."""
    value = fields.take("sample")
    if value is None:
        return None
    if not isinstance(value, Mapping):
        fields.losses.add(
            "sample", shown(value), "no other file is read: write its values into the case yourself"
        )
        return None
    known = {variable.name for variable in prompt.variables}
    found = {}
    for name, one in value.items():
        ours = names.of(str(name), "sample")
        if ours not in known or one is None or shown(one) != one:
            fields.losses.add(
                f"sample.{name}", shown(one), "the prompt has no such variable, or its value is none"
            )
        else:
            found[ours] = one
    required = {variable.name for variable in prompt.variables if variable.required}
    if not found or required - found.keys():
        fields.losses.add("sample", shown(dict(value)), "it does not give every variable, and is no case")
        return None
    fields.losses.add("sample", ", ".join(found), "it became a case that asserts that there is an answer")
    return {"cases": [{"id": "sample", "vars": found, "assert": [{"type": "regex", "value": "\\S"}]}]}


def _model_head(prompt: Prompt, said: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if prompt.model is not None:
        provider, name = split_model(prompt.model)
        if name:
            found = {"id": name, "provider": _PROVIDERS.get(provider, provider), "apiType": "chat"}
            if model_of(name, found["provider"]) == prompt.model:
                said.add("model")
            else:
                found = {}
    options = {_WORDS.get(key, key): value for key, value in prompt.parameters.items()}
    named = {key: value for key, value in options.items() if CAMEL.get(key) or key in {"temperature", "seed"}}
    more = {key: value for key, value in options.items() if key not in named}
    form = response_format(prompt.output)
    if form is not None:
        more["response_format"] = form
    if named or more:
        found["options"] = {**named, **({"additionalProperties": more} if more else {})}
    return found


def _input(variable: Variable) -> dict[str, Any]:
    found: dict[str, Any] = {"name": variable.name, "kind": "string"}
    if variable.description is not None:
        found["description"] = variable.description
    if variable.default is not None:
        found["default"] = variable.default
    else:
        found["required"] = True
    return found


def _body(turns: Sequence[Turn], prompt: Prompt, losses: Losses) -> str:
    parts = []
    for index, turn in enumerate(turns):
        text = jinja_text(turn.pieces)
        line = next((line for line in text.split("\n") if _ROLE.fullmatch(line)), None)
        if line is not None:
            raise InputError(
                f"{prompt.name} cannot be said in Prompty: its line `{line.strip()}` would begin a message",
                hint="change the line, or export it as another format",
            )
        stripped = text.strip("\n")
        if not stripped.strip():
            losses.add(f"messages[{index}]", turn.role, "a message without text is left out")
            continue
        if stripped != text:
            losses.add(f"messages[{index}]", "line breaks", "those around a message are left out")
        parts.append(f"{turn.role}:\n{stripped}\n")
    return "\n".join(parts)
