"""``prompt-yml``: GitHub's ``.prompt.yml`` with its test data and evaluators, there and back without a loss of its own.

What has no key here is kept under ``metadata.prompt_yml`` and written back; :mod:`promptvc.prompts.formats.github` says
what each value means. GitHub Models was retired in July 2026: nothing runs these files any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.losses import Losses
from promptvc.base.schema_messages import key_text
from promptvc.prompts.formats.format import UNNAMED, Imported, Read, Written
from promptvc.prompts.formats.github.documents import as_prompt, reading_of
from promptvc.prompts.formats.github.reading import Reading
from promptvc.prompts.formats.github.rows import KEPT
from promptvc.prompts.formats.github.writing import write
from promptvc.prompts.formats.lost_comments import lose_comments
from promptvc.prompts.model import Message, Prompt, read_prompt
from promptvc.prompts.names import FOREIGN_SUFFIXES
from promptvc.prompts.render import Renderer
from promptvc.prompts.templates import PLACE

SUFFIX = FOREIGN_SUFFIXES[0]
_JINJA = re.compile(r"\{\{|\{%|\{#")


class PromptYml:
    """The format, for the registry."""

    name = "prompt-yml"
    short = "GitHub's .prompt.yml, with its test data and evaluators"
    suffixes = FOREIGN_SUFFIXES

    def sniff(self, data: bytes, filename: str) -> bool:
        """By its ending alone: the same keys mean other things elsewhere."""
        return filename.lower().endswith(self.suffixes) and b"messages" in data

    def read(self, data: bytes, *, file: str) -> Read:
        """The prompt and the suite of one file.

        Raises:
            InvalidDocument: it is none, with line and key.
        """
        document = load_yaml(data, file=file)
        reading = reading_of(document)
        prompt = read_prompt(as_prompt(document, UNNAMED, 1, _pruned(reading), reading))
        # Its title is for people: it is called after its path, as where it lies.
        losses = Losses()
        for one in reading.dropped:
            losses.add(key_text(one.path), one.what, one.why)
        lose_comments(document, losses)
        return Read((Imported(prompt, suite=reading.suite),), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """One file, ``NAME.prompt.yml``.

        Raises:
            InputError: a template with more than placeholders.
        """
        losses = Losses()
        plain = _flat(prompt, losses)
        made = write(prompt.name, plain.to_json(), suite)
        data = dump_yaml(made.value).encode()
        return Written({f"{prompt.name}{SUFFIX}": data}, (*losses.all(), *made.lost))


def unchanged(original: bytes, data: bytes) -> bytes:
    """``original`` where it says the same as ``data``, so that comments and layout stay; else ``data``."""
    try:
        same = load_yaml(original, file="").value == load_yaml(data, file="").value
    except InvalidDocument:
        return data
    return original if same else data


def _pruned(reading: Reading) -> dict[str, Any]:
    """The prompt, of what is kept only that without which the document would not come back."""
    metadata: dict[str, Any] = reading.prompt["metadata"]

    def again(kept: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        prompt = {**reading.prompt, "metadata": {**metadata, KEPT: kept}}
        return prompt, write(UNNAMED, prompt, reading.suite).value

    kept: dict[str, Any] = dict(metadata[KEPT])
    prompt, wanted = again(kept)
    for key in list(kept):
        rest = {name: item for name, item in kept.items() if name != key}
        smaller, made = again(rest)
        if made == wanted:
            prompt, kept = smaller, rest
    return prompt


def _flat(prompt: Prompt, losses: Losses) -> Prompt:
    """``prompt`` with its rules and examples as text of its messages."""
    if prompt.template == "jinja2":
        for message in prompt.messages:
            if _JINJA.search(PLACE.sub("", message.content)):
                raise InputError(
                    f"{prompt.name} is a Jinja template: a .prompt.yml has placeholders and nothing else",
                    hint="write it with {{ name }} alone, or export it in another format",
                )
    if not prompt.rules and not prompt.examples:
        return prompt
    renderer = Renderer(replace(prompt, variables=()))
    names = sorted(set().union(*(PLACE.findall(message.content) for message in prompt.messages)))
    values = {name: f"{{{{{name}}}}}" for name in names if name not in {"rules", "examples"}}
    messages = tuple(Message(each.role, each.content) for each in renderer.render(values))
    if prompt.rules:
        losses.add("rules", [rule.text for rule in prompt.rules], "they became text of the system message")
    if prompt.examples:
        losses.add("examples", len(prompt.examples), "they became turns of the conversation, or text")
    for text in (*(rule.text for rule in prompt.rules), *(each.output for each in prompt.examples)):
        for name in PLACE.findall(text):
            losses.add(
                "rules", f"{{{{{name}}}}}", "it is text in a rule or an example; there it is a placeholder"
            )
    return replace(prompt, messages=messages, rules=(), examples=())
