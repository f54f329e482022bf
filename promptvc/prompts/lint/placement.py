"""Where text that strangers write stands: for prompt injection, which no model withstands for sure.

A model reads one text. What a stranger wrote is told from instructions only by where it stands: in a user message of
its own, at the end of one, or between marks that open and close around it. Every variable counts as a stranger's unless
the settings trust it (``check: {trusted: [NAME]}``); rules and examples are reviewed with the prompt.

Marks: a pair of tags (``<text>...</text>``), two equal lines of three or more marks (backticks, quotes, dashes),
``<<<`` and ``>>>``, lines with BEGIN and END. They help a model; they stop nobody who writes the closing mark himself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from promptvc.prompts.lint.fences import Fences
from promptvc.prompts.lint.passages import BLANK, Passage, passages
from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.model import Message, Prompt

RULE = "injection-prone"

# Every open-ended part is bounded: a prompt comes from a pull request, and must not keep a check busy.
_LABEL = re.compile(r"\s*(?:[-*#>]+\s*)?[\w*][^\n.!?:]{0,60}:[*\s]*")
_WORDS = re.compile(r"\w")
_LONGEST = 100_000


def placement_remarks(prompt: Prompt, trusted: Collection[str]) -> Iterator[Remark]:
    """Each untrusted variable of each message that stands where instructions stand, once."""
    for index, message in enumerate(prompt.messages):
        if message.role == "assistant" or "{{" not in message.content:
            continue
        if len(message.content) > _LONGEST:
            text = "the message is too long to tell what stands where"
            yield Remark(
                RULE, ("messages", index, "content"), text, "make it shorter, or make several messages of it"
            )
            continue
        place_of = _Placement(message, jinja=prompt.template == "jinja2")
        seen: set[str] = set()
        for place in place_of.places:
            names = [name for name in place.names if name not in seen and name not in trusted]
            why = place_of.exposed(place) if names else None
            for name in names if why is not None else ():
                seen.add(name)
                hint = _hint(message, name)
                yield Remark(RULE, ("messages", index, "content"), f"`{name}` {why}", hint, at=place.start)


def _hint(message: Message, name: str) -> str:
    trust = f"if no stranger writes it, `check: {{trusted: [{name}]}}` in promptvc.yaml"
    if message.role == "system":
        return f"put it into a user message; {trust}"
    return f"put it into a user message of its own, or between <{name}> and </{name}>; {trust}"


class _Placement:
    """What of a message is looked at once, however many places it has."""

    def __init__(self, message: Message, *, jinja: bool) -> None:
        self._system = message.role == "system"
        taken = passages(message.content, jinja=jinja)
        self.places = taken.places
        self._plain = taken.plain
        self._fences = Fences(message.content)
        self._instruction = _last_instruction(taken.plain)

    def exposed(self, place: Passage) -> str | None:
        """Why what stands at ``place`` may pass for an instruction; None where it is told apart."""
        if self._system:
            return "stands in a system message, where a model looks for its instructions"
        if self._fences.around(place.start, place.end):
            return None
        plain, at = self._plain, place.at
        lead = plain[plain.rfind("\n", 0, at) + 1 : at]
        if _WORDS.search(lead) and not _LABEL.fullmatch(lead) and not lead.rstrip(" \t\"'`").endswith(":"):
            return "stands inside a sentence of instructions"
        ends = plain.find("\n", at)
        rest = plain[at + 1 : ends if ends >= 0 else len(plain)]
        if _WORDS.search(rest) or self._instruction > ends >= 0:
            return "has instructions behind it, and nothing shows where it ends"
        return None


def _last_instruction(plain: str) -> int:
    """Where the last line begins that has words and is no label; -1 where there is none."""
    found, at = -1, 0
    for line in plain.split("\n"):
        if _WORDS.search(line) and not _is_field(line):
            found = at
        at += len(line) + 1
    return found


def _is_field(line: str) -> bool:
    """A label, alone or before places: the next part of a form, and no instruction."""
    return _LABEL.fullmatch(line.replace(BLANK, "").rstrip(" \t\"'`.,;")) is not None
