"""Where text that strangers write stands: for prompt injection, which no model withstands for sure.

A model reads one text. What a stranger wrote is told from instructions only by where it stands: in a user message of
its own, at the end of one, or between marks that open and close around it. Every variable counts as a stranger's unless
the settings trust it (``check: {trusted: [NAME]}``); rules and examples are reviewed with the prompt.

Marks: a pair of tags (``<text>...</text>``), two equal lines of three or more marks (backticks, quotes, dashes),
``<<<`` and ``>>>``, lines with BEGIN and END. They help a model; they stop nobody who writes the closing mark himself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from promptvc.prompts.lint.fences import Fences
from promptvc.prompts.lint.passages import BLANK, Passage, passages
from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.model import Message, Prompt

RULE = "injection-prone"

# Every open-ended part is bounded: a prompt comes from a pull request, and must not keep a check busy.
_LABEL = re.compile(r"\s*(?:[-*#>]+\s*)?[\w*][^\n.!?:]{0,60}:[*\s]*")
_WORDS = re.compile(r"\w")
_LONGEST = 100_000
_MOST_NAMES = 10


def placement_remarks(prompt: Prompt, trusted: Collection[str]) -> Iterator[Remark]:
    """The untrusted variables that stand where instructions stand: one remark that names them, at the first."""
    exposed: dict[str, str] = {}
    first: tuple[int, int] | None = None
    systems: set[bool] = set()
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
        for place in place_of.places:
            names = [name for name in place.names if name not in exposed and name not in trusted]
            why = place_of.exposed(place) if names else None
            if why is not None:
                exposed |= dict.fromkeys(names, why)
                first = first or (index, place.start)
                systems.add(message.role == "system")
    if first is not None:
        path = ("messages", first[0], "content")
        yield Remark(RULE, path, _told(exposed), _hint(list(exposed), systems), at=first[1])


def _told(exposed: Mapping[str, str]) -> str:
    """The variables by what is wrong with them, in the order of their places."""
    by: dict[str, list[str]] = {}
    for name, why in exposed.items():
        by.setdefault(why, []).append(f"`{name}`")
    return "; ".join(
        f"{'each of ' if len(names) > 1 else ''}{_some(names)} {why}" for why, names in by.items()
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _hint(names: Sequence[str], systems: Collection[bool]) -> str:
    """``systems``: whether the messages that they stand in are those of a system."""
    it = "it" if len(names) == 1 else "each"
    trusted = ", ".join([*names[:_MOST_NAMES], *(["..."] if len(names) > _MOST_NAMES else [])])
    trust = f"if no stranger writes {it}, `check: {{trusted: [{trusted}]}}` in promptvc.yaml"
    if False not in systems:
        return f"put {it} into a user message; {trust}"
    marks = f"<{names[0]}> and </{names[0]}>" if len(names) == 1 else "marks such as <text> and </text>"
    return f"put {it} into a user message of its own, or between {marks}; {trust}"


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
