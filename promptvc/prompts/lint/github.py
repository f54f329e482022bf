"""What is odd about a file of GitHub's format, which is used as it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from promptvc.base.config import CheckSettings
from promptvc.base.documents import Document
from promptvc.base.findings import Problem
from promptvc.base.schema_messages import key_text
from promptvc.base.schemas import unknown_keys
from promptvc.prompts.formats.github.documents import SCHEMA, as_prompt, reading_of
from promptvc.prompts.lint.lint import problem_of, prompt_remarks
from promptvc.prompts.lint.raw import raw_remarks
from promptvc.prompts.model import read_prompt
from promptvc.prompts.names import foreign_name

RULE = "prompt-yml"


def github_bytes(path: str, data: bytes, named: Sequence[str]) -> Iterator[Problem]:
    """What is odd about its path and its bytes.

    Args:
        named: all files that have its name, the one first that the name stands for.
    """
    name = foreign_name(path)
    if name is None:
        message = "no name can be made of this path: a-z, 0-9, - and _, no version, no word that is reserved"
        yield Problem("name", "error", path, None, message, "rename the file")
    elif named and named[0] != path:
        hint = "rename one of them, or delete it; a file of promptvc's own wins"
        yield Problem("name", "error", path, None, f"{named[0]} has the same name: {name}", hint)
    for remark in raw_remarks(data):
        yield replace(problem_of(remark, path), fixable=False)


def github_problems(document: Document, settings: CheckSettings) -> Iterator[Problem]:
    """What means nothing here, and what is odd about the prompt; nothing of it is mended by `check --fix`.

    Raises:
        InvalidDocument: it is none.
    """
    reading = reading_of(document)
    name = foreign_name(document.file) or "prompt"
    value = {key: item for key, item in reading.prompt.items() if key != "metadata"}
    translated = as_prompt(document, name, 1, value, reading)
    unknown = unknown_keys(document.value, SCHEMA, document=document)
    for one in unknown:
        yield Problem("unknown-key", "warning", document.file, one.line, one.message, one.hint)
    known = {one.path for one in unknown}
    for dropped in reading.dropped:
        if not dropped.informs and dropped.path not in known:
            message = f"`{key_text(dropped.path)}`: {dropped.why}"
            yield Problem(RULE, "warning", document.file, document.line(*dropped.path), message)
    for remark in prompt_remarks(read_prompt(translated), settings):
        yield replace(problem_of(remark, document.file, translated), fixable=False)
