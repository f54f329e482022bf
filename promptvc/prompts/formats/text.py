"""Plain text and Markdown: the whole text is one message, with ``{{ name }}`` for variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import MAX_BYTES
from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.arrived import prompt_of
from promptvc.prompts.formats.chat import chat_json
from promptvc.prompts.formats.format import Imported, Read, Written
from promptvc.prompts.formats.languages import braces
from promptvc.prompts.formats.outgoing import laid_out, unsaid, unsaid_suite
from promptvc.prompts.formats.pieces import Names, Turn
from promptvc.prompts.model import Prompt, Role


def decoded(data: bytes, file: str) -> str:
    """The text of a file of at most 16 MiB, without a byte order mark, its lines ending in LF.

    Raises:
        InvalidDocument: not UTF-8, too large, or it has characters of control.
    """
    if len(data) > MAX_BYTES:
        raise InvalidDocument(f"it has more than {MAX_BYTES // 2**20} MiB", file=file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidDocument("not UTF-8", hint="save it as UTF-8", file=file, line=line) from None
    if "\0" in text:
        raise InvalidDocument(
            "it is no text: it holds a zero byte", file=file, line=text.count("\n", 0, text.index("\0")) + 1
        )
    return text.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Text:
    """A text file; ``role`` is that of the message."""

    role: Role = "user"
    name: str = "text"
    short: str = "plain text or Markdown: one message"
    suffixes: tuple[str, ...] = (".txt", ".md", ".markdown")

    def sniff(self, data: bytes, filename: str) -> bool:  # noqa: ARG002 - any text may be one
        """By its name alone."""
        return filename.lower().endswith(self.suffixes)

    def read(self, data: bytes, *, file: str) -> Read:
        """One prompt."""
        losses = Losses()
        text = decoded(data, file)
        if b"\r\n" in data:
            losses.add(file, "CRLF", "lines end in LF here")
        if not text.strip():
            raise InvalidDocument("an empty file is not a prompt", file=file, line=1)
        pieces = braces(text, file, Names(losses))
        return Read((Imported(prompt_of([Turn(self.role, pieces)], file=file)),), losses.all())

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """One text; that of several messages stands one below the other."""
        losses = Losses()
        messages = chat_json(laid_out(prompt, losses), prompt)
        if len(messages) > 1:
            losses.add(
                "messages", f"{len(messages)} messages", "they became one text, a blank line between two"
            )
        elif messages[0]["role"] != "user":
            losses.add("messages[0].role", messages[0]["role"], "a text has no role")
        unsaid(prompt, (), losses)
        unsaid_suite(suite, losses)
        body = "\n\n".join(each["content"] for each in messages)
        return Written({f"{prompt.name}.txt": body.encode()}, losses.all())
