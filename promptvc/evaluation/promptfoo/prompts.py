"""promptfoo's prompts as messages: texts, files, globs, and chats in JSON or YAML.

::

    prompts:
      - "Translate {{text}}"                       a text is one message of the user
      - file://prompts/triage.txt                  a file; `---` on a line parts several prompts
      - prompts/*.json                             chats: a list of {role, content}
      - {id: file://chat.yaml, label: polite}
      - {raw: "Translate {{text}}", label: short}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.losses import Losses
from promptvc.evaluation.promptfoo.source import FILE, Source, Unreadable, is_code, kind_of

_KEYS = frozenset({"id", "raw", "label", "display"})
_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "human": "user",
}
_TEXT_FILES = frozenset({".txt", ".md", ".j2", ".njk", ".json", ".jsonl", ".yaml", ".yml", ".csv"})
_YAML_CHAT = re.compile(r"(?:messages:\s*\n\s*)?-\s+\{?\s*[\"']?(?:role|content)[\"']?\s*:")
_SEPARATOR = re.compile(r"^---[ \t]*\r?$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """One prompt as they have it.

    Attributes:
        path: where it stands.
        turns: (role, text), texts still in their template language.
        label: its name, or its id, None where it has none.
        stem: of the file that it was read from: its name among several that have none of their own.
    """

    path: str
    turns: tuple[tuple[str, str], ...]
    label: str | None = None
    stem: str | None = None


def drafts(value: Any, source: Source, losses: Losses) -> list[Draft]:
    """The prompts of a configuration. What is no prompt, or is made by a program, is a loss."""
    return list(_each(value, "prompts", source, losses))


def _each(value: Any, path: str, source: Source, losses: Losses) -> Iterator[Draft]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _one(one, f"{path}[{index}]", None, source, losses)
    elif isinstance(value, Mapping) and not _KEYS & set(value):
        for file, label in value.items():  # an old form: a path and its label
            yield from _one(file, f"{path}.{file}", str(label), source, losses)
    elif value is not None:
        yield from _one(value, path, None, source, losses)


def _one(value: Any, path: str, label: str | None, source: Source, losses: Losses) -> Iterator[Draft]:
    if isinstance(value, Mapping):
        for key in value:
            if key not in _KEYS:
                losses.add(f"{path}.{key}", value[key], "a prompt of an import is its text and its label")
        names = [str(value[key]) for key in ("label", "display", "id") if value.get(key) is not None]
        if "raw" not in value and value.get("id") is not None:
            names.pop()  # it is the text itself, or its file
        for name in names[1:]:
            losses.add(path, name, f"it is called {names[0]} there too, and a prompt here has one name")
        label = names[0] if names else label
        value = value.get("raw", value.get("id"))
    if not isinstance(value, str) or not value.strip():
        losses.add(path, value, "it is no prompt")
    elif value.startswith("exec:") or (is_code(value) and "\n" not in value.strip()):
        losses.add(path, value, "a program makes it, and an import runs none: write the prompt itself")
    elif value.startswith(FILE) or _names_a_file(value):
        yield from _files(value, path, label, source, losses)
    else:
        yield from _drafted(value, path, label, losses)


def _names_a_file(value: str) -> bool:
    name = value.strip()
    return "\n" not in name and "{{" not in name and kind_of(name) in _TEXT_FILES and " " not in name


def _files(value: str, path: str, label: str | None, source: Source, losses: Losses) -> Iterator[Draft]:
    try:
        found = source.paths(value)
    except Unreadable as error:
        losses.add(path, value, str(error))
        return
    for file in found:
        here = f"{path} ({file})" if value.removeprefix(FILE) != file or len(found) > 1 else path
        stem = file.rpartition("/")[2].rpartition(".")[0]
        if is_code(file):
            losses.add(here, file, "a program makes it, and an import runs none: write the prompt itself")
            continue
        try:
            text = source.text(file)
        except Unreadable as error:
            losses.add(here, file, str(error))
            continue
        kind = kind_of(file)
        if kind == ".csv":
            losses.add(here, file, "prompts in a CSV file are not read: write each in a file of its own")
        elif kind == ".jsonl":
            for number, line in enumerate(text.split("\n"), 1):
                if line.strip():
                    yield from _drafted(line, f"{here}:{number}", label, losses, stem)
        elif kind in {".txt", ".md", ".j2", ".njk"}:
            parts = [part for part in _SEPARATOR.split(text) if part.strip()]
            for number, part in enumerate(parts, 1):
                many = f"{here} part {number}" if len(parts) > 1 else here
                yield from _drafted(part, many, label, losses, stem)
        else:
            yield from _drafted(text, here, label, losses, stem)


def _drafted(
    text: str, path: str, label: str | None, losses: Losses, stem: str | None = None
) -> Iterator[Draft]:
    chat = _chat(text, path, losses)
    if chat is None:
        yield Draft(path, (("user", text.strip("\r\n").replace("\r\n", "\n")),), label, stem)
    elif chat:
        yield Draft(path, tuple(chat), label, stem)
    else:
        losses.add(path, text, "it has no message of a role that is known here")


def _chat(text: str, path: str, losses: Losses) -> list[tuple[str, str]] | None:
    """The turns of a chat that is written as JSON or YAML; None where the text is not one."""
    start = text.lstrip()
    try:
        if start.startswith(("[", "{")) and not start.startswith(("{{", "{%", "{#")):
            value = parse_json(text, file=path)
        elif _YAML_CHAT.match(start):
            value = load_yaml(text.encode(), file=path).value
        else:
            return None
    except InvalidDocument as error:
        if '"role"' in text or "role:" in text:
            losses.add(
                path, text, f"it looks like a chat and is none ({error.message}): it stands as one text"
            )
        return None
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        for key in value:
            if key != "messages":
                losses.add(f"{path}.{key}", value[key], "a prompt of an import is its messages")
        value = value["messages"]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list) or not any(isinstance(one, Mapping) and "role" in one for one in value):
        return None
    found = (_turn(one, f"{path} message {number}", losses) for number, one in enumerate(value, 1))
    return [turn for turn in found if turn is not None]


def _turn(value: Any, path: str, losses: Losses) -> tuple[str, str] | None:
    role = _ROLES.get(str(value.get("role", "")).lower()) if isinstance(value, Mapping) else None
    if role is None:
        losses.add(path, value, "a message has the role system, user or assistant")
        return None
    if value["role"] != role:
        losses.add(path, value["role"], f"the role became {role}")
    for key in value:
        if key not in {"role", "content"}:
            losses.add(f"{path} {key}", value[key], "a message has a role and a content, no more")
    content = value.get("content")
    if isinstance(content, str):
        return role, content
    if isinstance(content, list):
        texts = []
        for part in content:
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                texts.append(part["text"])
            else:
                losses.add(path, part, "only text is kept of a message in parts")
        return (role, "\n".join(texts)) if texts else None
    losses.add(path, content, "a message's content is text")
    return None
