"""A prompt as a frozen value, read from its YAML document.

The format is described by ``promptvc/schemas/prompt.json``; section "Prompt" of the documentation shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate
from promptvc.prompts.formats.github.documents import Translated, prompt_document
from promptvc.prompts.names import check_name, foreign_name, is_foreign
from promptvc.prompts.parameters import check_parameters

Role = Literal["system", "user", "assistant"]
PromptType = Literal["system", "user", "connector"]
Template = Literal["simple", "jinja2"]
Format = Literal["text", "json"]

SCHEMA = "prompt"


@dataclass(frozen=True, slots=True)
class Message:
    """One message: a template in a prompt, a finished text once rendered."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Variable:
    """What a prompt wants to be told. A variable that is not required has a default."""

    name: str
    description: str | None = None
    required: bool = True
    default: Any = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A piece of guidance, literal text, and the ids of the events that caused it."""

    text: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """An input (texts by variable) with the output that it should get, both literal."""

    input: Mapping[str, str]
    output: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What the model should answer with; ``schema`` is a JSON Schema for ``json``."""

    format: Format = "text"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of a prompt.

    Attributes:
        model: ``provider:model`` or ``offline``; None where the settings decide.
        metadata: any plain data.
    """

    name: str
    version: int
    messages: tuple[Message, ...]
    description: str | None = None
    type: PromptType = "user"
    model: str | None = None
    template: Template = "simple"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    rules: tuple[Rule, ...] = ()
    examples: tuple[Example, ...] = ()
    output: OutputFormat = OutputFormat()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The prompt as plain data in the order of its file, without what is left at its default."""
        parts: dict[str, Any] = {"name": self.name, "version": self.version}
        optional: dict[str, Any] = {
            "description": self.description,
            "type": self.type,
            "model": self.model,
            "template": None if self.template == "simple" else self.template,
            "parameters": dict(self.parameters),
            "variables": {variable.name: _variable_json(variable) for variable in self.variables},
            "messages": [{"role": message.role, "content": message.content} for message in self.messages],
            "rules": [{"text": rule.text} | _because_json(rule.because) for rule in self.rules],
            "examples": [
                {"input": dict(example.input), "output": example.output} | _because_json(example.because)
                for example in self.examples
            ],
            "output": _output_json(self.output),
            "tags": list(self.tags),
            "metadata": dict(self.metadata),
        }
        return parts | {key: value for key, value in optional.items() if value not in (None, {}, [])}


def load_prompt(
    data: bytes, *, file: str, name: str | None = None, memo: Memo | None = None, version: int = 1
) -> Prompt:
    """Read a prompt.

    Args:
        file: named in errors; one of GitHub's format is known by its ending.
        name: what the path of the file says; the document must say the same.
        memo: spares a text that was valid before another check against the schema.
        version: of a file of GitHub's format, which says none itself.

    Raises:
        InvalidDocument: with file, line and key. Keys that promptvc does not know are no error; ``check``
            reports them.
    """
    return read_prompt(load_yaml(data, file=file), name=name, memo=memo, version=version)


def read_prompt(
    document: Document, *, name: str | None = None, memo: Memo | None = None, version: int = 1
) -> Prompt:
    """The same from a document that is read already.

    Raises:
        InvalidDocument: as :func:`load_prompt`.
    """
    if document.value is None:
        raise InvalidDocument(
            "an empty file is not a prompt",
            hint="it needs `name`, `version` and `messages`",
            file=document.file,
            line=1,
        )
    if is_foreign(document.file) and not isinstance(document, Translated):
        own = name or foreign_name(document.file.rpartition(":")[2]) or "prompt"
        document = prompt_document(document, own, version, memo=memo)
    validate(document, SCHEMA, memo=memo)
    try:
        prompt = _prompt(document)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        # Only reached when the memo vouched for a document that the schema would have refused.
        raise InvalidDocument("this is not a prompt", file=document.file, line=1) from error
    _check_name(document, prompt.name, name)
    return prompt


def _prompt(document: Document) -> Prompt:
    value: Mapping[str, Any] = document.value
    if not isinstance(value["name"], str):
        raise TypeError("a name must be text")
    output = value.get("output") or {}
    return Prompt(
        name=value["name"],
        version=value["version"],
        description=value.get("description"),
        type=value.get("type", "user"),
        model=value.get("model"),
        template=value.get("template", "simple"),
        parameters=check_parameters(document, value.get("parameters") or {}),
        variables=_variables(document),
        messages=tuple(Message(item["role"], item["content"]) for item in value["messages"]),
        rules=tuple(Rule(item["text"], _because(item)) for item in value.get("rules") or ()),
        examples=tuple(
            Example(dict(item["input"]), item["output"], _because(item))
            for item in value.get("examples") or ()
        ),
        output=OutputFormat(output.get("format", "text"), output.get("schema")),
        tags=tuple(value.get("tags") or ()),
        metadata=dict(value.get("metadata") or {}),
    )


def _variables(document: Document) -> tuple[Variable, ...]:
    variables = []
    for name, said in (document.value.get("variables") or {}).items():
        content = said or {}
        has_default = content.get("default") is not None
        required = content.get("required", not has_default)
        if not required and not has_default:
            raise InvalidDocument(
                f"`variables.{name}` is not required and has no default",
                hint='say what stands in for it; `default: ""` is the empty text',
                file=document.file,
                line=document.line("variables", name),
            )
        variables.append(Variable(name, content.get("description"), required, content.get("default")))
    return tuple(variables)


def _check_name(document: Document, written: str, expected: str | None) -> None:
    file, line = document.file, document.line("name")
    try:
        check_name(written)
    except InputError as error:
        raise InvalidDocument(f"`name`: {error.message}", hint=error.hint, file=file, line=line) from error
    if expected is not None and written != expected:
        raise InvalidDocument(
            f"`name` is {written}, but the file's path says {expected}",
            hint=f"write `name: {expected}`, or move the file",
            file=file,
            line=line,
        )


def _because(item: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(item.get("because") or ())


def _because_json(because: tuple[str, ...]) -> dict[str, Any]:
    return {"because": list(because)} if because else {}


def _variable_json(variable: Variable) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if variable.description is not None:
        content["description"] = variable.description
    if variable.required != (variable.default is None) or variable.default is None:
        content["required"] = variable.required
    if variable.default is not None:
        content["default"] = variable.default
    return content


def _output_json(output: OutputFormat) -> dict[str, Any]:
    if output.schema is None:
        return {} if output.format == "text" else {"format": output.format}
    return {"format": output.format, "schema": dict(output.schema)}
