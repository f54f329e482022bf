"""LangChain's templates as JSON: what ``dumps`` and the hub write, and the older files with ``_type``.

::

    {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
     "kwargs": {"messages": [...], "input_variables": [...]}}
    {"_type": "prompt", "template": "Tell {joke}", "input_variables": ["joke"]}

The JSON is read here, word by word: none of their loaders is called, which run what a file names (CVE-2026-34070). A
file, a secret or a class that it names is a loss. Source: langchain_core.load.dump and langchain_core.prompts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import load_json_document, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.arrived import prompt_of
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.languages import fstring_text
from promptvc.prompts.formats.manifest import Chat
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.pieces import Place, Turn, jinja_text, literal
from promptvc.prompts.model import Prompt

_CLASSES = {"system": "System", "user": "Human", "assistant": "AI"}
_CHAT = ["langchain", "prompts", "chat"]


@dataclass(frozen=True, slots=True)
class LangChain:
    """A manifest, or an older file in JSON or YAML."""

    name: str = "langchain"
    short: str = "LangChain's templates as JSON"
    suffixes: tuple[str, ...] = (".json", ".yaml", ".yml")

    def sniff(self, data: bytes, filename: str) -> bool:
        """A mapping with ``lc`` or one of the older types."""
        try:
            value = _value(data, filename)
        except InvalidDocument:
            return False
        return isinstance(value, Mapping) and (
            "lc" in value or value.get("_type") in {"prompt", "few_shot", "chat"}
        )

    def read(self, data: bytes, *, file: str) -> Read:
        """One prompt."""
        losses = Losses()
        value = _value(data, file)
        if not isinstance(value, Mapping) or not {"lc", "_type", "template"} & value.keys():
            raise InvalidDocument(
                "this is no template of LangChain's",
                hint="write it with langchain_core.load.dumps",
                file=file,
            )
        chat = Chat(losses)
        try:
            chat.take(value, "")
        except InputError as error:
            raise InvalidDocument(error.message, hint=error.hint, file=file) from None
        examples = chat.examples()
        prompt = prompt_of(
            chat.turns,
            chat.variables,
            file=file,
            examples=examples,
            model=chat.model,
            parameters=chat.parameters,
            output=chat.output,
        )
        return Read((Imported(prompt, chat.label),), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """A manifest of a ChatPromptTemplate: f-strings, or Jinja where the prompt has it."""
        losses = Losses()
        turns = laid_out(prompt, losses)
        language = "f-string" if all(fstring_text(turn.pieces) is not None for turn in turns) else "jinja2"
        partial = {each.name: each.default for each in prompt.variables if each.default is not None}
        names = sorted(
            {part.name for turn in turns for part in turn.pieces if isinstance(part, Place)} - partial.keys()
        )
        if language == "jinja2":
            names = [each.name for each in prompt.variables if each.default is None] or names
        kwargs: dict[str, Any] = {"input_variables": names}
        if partial:
            kwargs["partial_variables"] = partial
        kwargs["messages"] = [_message(turn, language) for turn in turns]
        manifest = _constructor([*_CHAT, "ChatPromptTemplate"], kwargs)
        unsaid(prompt, {"variables.default"}, losses)
        unsaid_suite(suite, losses)
        text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        return Written({f"{prompt.name}.json": text.encode()}, losses.all())


def _value(data: bytes, file: str) -> Any:
    if file.lower().endswith((".yaml", ".yml")):
        return load_yaml(data, file=file).value
    return load_json_document(data, file=file)


def _message(turn: Turn, language: str) -> dict[str, Any]:
    kind = _CLASSES[turn.role]
    text = literal(turn.pieces)
    if text is not None:
        content = {"content": text, "type": {"Human": "human", "AI": "ai", "System": "system"}[kind]}
        return _constructor(["langchain", "schema", "messages", f"{kind}Message"], content)
    template = fstring_text(turn.pieces) if language == "f-string" else jinja_text(turn.pieces)
    names = sorted({part.name for part in turn.pieces if isinstance(part, Place)})
    inner = {"input_variables": names, "template": template, "template_format": language}
    prompt = _constructor(["langchain", "prompts", "prompt", "PromptTemplate"], inner)
    return _constructor([*_CHAT, f"{kind}MessagePromptTemplate"], {"prompt": prompt})


def _constructor(name: Sequence[str], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": list(name), "kwargs": dict(kwargs)}
