"""dotprompt, the .prompt files of Genkit: a head in YAML, and a body in Handlebars with ``{{role "system"}}``.

What stands before the first role is the user's. The line breaks around a message are the file's layout: they are left
out, which is listed, because Genkit sends them along. Source: https://google.github.io/dotprompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.arrived import prompt_of, role_of
from promptvc.prompts.formats.fields import Fields, shown
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.front import joined, parted
from promptvc.prompts.formats.handlebars import handlebars_text, parsed, split
from promptvc.prompts.formats.models import model_of, parameters_of, split_model
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.picoschema import json_schema
from promptvc.prompts.formats.pieces import Names, Pieces, Turn, merged
from promptvc.prompts.formats.text import decoded
from promptvc.prompts.model import OutputFormat, Prompt, Variable

_WORDS = {"max_tokens": "maxOutputTokens", "top_p": "topP", "top_k": "topK", "stop": "stopSequences",
          "frequency_penalty": "frequencyPenalty", "presence_penalty": "presencePenalty"}  # fmt: skip
_PROVIDERS = {"google_genai": "googleai", "google_vertexai": "vertexai"}
_ROLES = {"assistant": "model"}


@dataclass(frozen=True, slots=True)
class Dotprompt:
    """A .prompt file."""

    name: str = "dotprompt"
    short: str = "a .prompt file of Genkit's"
    suffixes: tuple[str, ...] = (".prompt",)

    def sniff(self, data: bytes, filename: str) -> bool:  # noqa: ARG002 - the name says it
        """By its name."""
        return filename.lower().endswith(".prompt")

    def read(self, data: bytes, *, file: str) -> Read:
        """One prompt."""
        losses = Losses()
        head, body = parted(decoded(data, file), file, losses)
        fields = Fields(head, "", losses)
        names = Names(losses)
        variables = _inputs(fields.fields("input"), names)
        turns = list(_turns(body.strip(), names, losses, file))
        output = _output(fields.fields("output"))
        config = fields.fields("config")
        parameters = parameters_of(config, {"stopSequences": "stop"})
        config.rest("it is not a parameter that a prompt may set")
        model = _model(fields)
        version = fields.take("version")
        description = fields.text("description")
        label = fields.text("name")
        prompt = prompt_of(
            turns,
            variables,
            file=file,
            description=description,
            model=model,
            parameters=parameters,
            output=output,
        )
        fields.rest()
        return Read((Imported(prompt, label, None if version is None else str(version)),), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """A .prompt file."""
        losses = Losses()
        turns = laid_out(prompt, losses)
        said = {"parameters", "variables.default", "variables.description", "output", "description"}
        head: dict[str, Any] = {}
        if prompt.description:
            head["description"] = prompt.description
        if prompt.model is not None:
            provider, name = split_model(prompt.model)
            written = f"{_PROVIDERS.get(provider, provider)}/{name}"
            if name and model_of(name, _PROVIDERS.get(provider, provider)) == prompt.model:
                head["model"] = written
                said.add("model")
        if prompt.parameters:
            head["config"] = {_WORDS.get(key, key): value for key, value in prompt.parameters.items()}
        if prompt.variables:
            head["input"] = _input_head(prompt.variables)
        if prompt.output.format == "json":
            head["output"] = _output_head(prompt.output, losses)
        unsaid(prompt, said, losses)
        unsaid_suite(suite, losses)
        return Written({f"{prompt.name}.prompt": joined(head, _body(turns, prompt, losses))}, losses.all())


def _inputs(fields: Fields, names: Names) -> dict[str, Variable]:
    losses = fields.losses
    path = fields.at("schema")
    written = fields.take("schema")
    schema = json_schema(written, path, losses) if written is not None else {}
    required = schema.get("required", ())
    defaults = fields.fields("default")
    found: dict[str, Variable] = {}
    for name, content in (schema.get("properties") or {}).items():
        ours = names.of(str(name), path)
        said = content.get("description") if isinstance(content, Mapping) else None
        typed = (
            {key: part for key, part in content.items() if key != "description"}
            if isinstance(content, Mapping)
            else {}
        )
        if typed not in ({}, {"type": "string"}, {"type": ["string", "null"]}):
            losses.add(f"{path}.{name}", shown(content), "a variable has no type here")
        default = _default(defaults, str(name))
        if default is None and name not in required:
            default = ""
            losses.add(f"{path}.{name}", "optional", "where nobody gives it, it is the empty text")
        text = said if isinstance(said, str) else None
        found[ours] = Variable(ours, text, required=default is None, default=default)
    if schema.get("additionalProperties"):
        losses.add(f"{path}.(*)", shown(schema["additionalProperties"]), "a variable here has a name")
    for name in defaults.remaining():
        ours = names.of(name, defaults.path)
        default = _default(defaults, name)
        found[ours] = Variable(ours, required=default is None, default=default)
    fields.rest()
    return found


def _default(defaults: Fields, name: str) -> Any:
    value = defaults.take(name)
    if value is not None and shown(value) != value:
        defaults.losses.add(defaults.at(name), shown(value), "keys are not copied")
        return None
    return value


def _turns(body: str, names: Names, losses: Losses, file: str) -> Iterator[Turn]:
    try:
        pieces = parsed(body, "template", names, losses)
    except InputError as error:
        raise InvalidDocument(error.message, hint=error.hint, file=file) from None
    role, told = "user", False
    for mark, part in split(pieces):
        if mark is not None and mark.kind == "history":
            losses.add("template", "{{history}}", "a prompt has no place for messages of a conversation")
            role = "model"
        elif mark is not None:
            role = mark.role
        if all(isinstance(piece, str) and not piece.strip() for piece in part):
            continue
        ours = role_of(role, "template", losses)
        stripped = _stripped(part)
        if stripped != part:
            told = True
        if ours is not None:
            yield Turn(ours, stripped)
    if told:
        losses.add("template", "line breaks", "those around a message are left out")


def _stripped(pieces: Pieces) -> Pieces:
    """The pieces without the line breaks at both ends."""
    found = list(pieces)
    if found and isinstance(found[0], str):
        found[0] = found[0].lstrip("\n")
    if found and isinstance(found[-1], str):
        found[-1] = found[-1].rstrip("\n")
    return merged(found)


def _output(fields: Fields) -> OutputFormat:
    form = fields.text("format")
    written = fields.take("schema")
    schema = json_schema(written, fields.at("schema"), fields.losses) if written is not None else None
    if form not in {None, "json", "text"}:
        fields.losses.add(fields.at("format"), form, "an answer is text or JSON here")
    fields.rest()
    return OutputFormat("json", schema or None) if form == "json" or schema else OutputFormat()


def _model(fields: Fields) -> str | None:
    written = fields.text("model")
    if written is None:
        return None
    provider, slash, name = written.partition("/")
    model = model_of(name, provider) if slash else model_of(written)
    if model is None:
        fields.losses.add("model", written, "there is no such provider here: write `model: provider:name`")
    return model


def _input_head(variables: Sequence[Variable]) -> dict[str, Any]:
    """Picoschema, or JSON Schema where a description has a line break, which Picoschema cannot hold."""
    defaults = {each.name: each.default for each in variables if each.default is not None}
    if any("\n" in (each.description or "") for each in variables):
        properties: dict[str, Any] = {
            each.name: {"type": "string"}
            | ({} if each.description is None else {"description": each.description})
            for each in variables
        }
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        schema["required"] = [each.name for each in variables if each.default is None]
    elif any(each.name in {"type", "properties"} for each in variables):
        schema = {"type": "object", "properties": {each.name: {"type": "string"} for each in variables}}
        for each in variables:
            if each.description is not None:
                schema["properties"][each.name]["description"] = each.description
        schema["required"] = [each.name for each in variables if each.default is None]
    else:
        schema = {
            each.name + ("?" if each.default is not None else ""): "string"
            if each.description is None
            else f"string, {each.description}"
            for each in variables
        }
    return {"schema": schema, **({"default": defaults} if defaults else {})}


def _output_head(output: OutputFormat, losses: Losses) -> dict[str, Any]:
    if output.schema is None:
        return {"format": "json"}
    if output.schema.get("type") not in {
        "object",
        "array",
        "string",
        "number",
        "integer",
        "boolean",
        "null",
        "any",
    }:
        losses.add(
            "output.schema",
            dict(output.schema),
            "its type is not said, and Picoschema would read it otherwise",
        )
        return {"format": "json"}
    return {"format": "json", "schema": dict(output.schema)}


def _body(turns: Sequence[Turn], prompt: Prompt, losses: Losses) -> str:
    parts = []
    for index, turn in enumerate(turns):
        if all(isinstance(piece, str) and not piece.strip() for piece in turn.pieces):
            losses.add(f"messages[{index}]", turn.role, "a message without text is left out")
            continue
        try:
            pieces = _stripped(turn.pieces)
            if pieces != turn.pieces:
                losses.add(f"messages[{index}]", "line breaks", "those around a message are left out")
            text = handlebars_text(pieces)
        except InputError as error:
            raise InputError(
                f"{prompt.name} cannot be said in dotprompt: {error.message}", hint=error.hint
            ) from None
        parts.append((f'{{{{role "{_ROLES.get(turn.role, turn.role)}"}}}}', text))
    if parts:
        first, last = parts[0], parts[-1]
        if last[1] != last[1].rstrip():
            losses.add("messages", "white space at the end", "the end of the last message is trimmed")
            parts[-1] = (last[0], last[1].rstrip())
        if first[0] == '{{role "user"}}' and len(parts) == 1:
            if first[1] != first[1].lstrip():
                losses.add("messages", "white space at the beginning", "the beginning of the text is trimmed")
            return parts[0][1].strip() + "\n"
    return "".join(mark + text for mark, text in parts) + "\n"
