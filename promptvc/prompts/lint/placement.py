"""Where text that strangers write stands: for prompt injection, which no model withstands for sure.

A model reads one text. What a stranger wrote is told from instructions only by where it stands: in a user message of
its own, at the end of one, or between marks that open and close around it. Every variable counts as a stranger's unless
the settings trust it (``check: {trusted: [NAME]}``); rules and examples are reviewed with the prompt.

Marks: a pair of tags (``<text>...</text>``), two equal lines of three or more marks (backticks, quotes, dashes),
``<<<`` and ``>>>``, lines with BEGIN and END. They help a model; they stop nobody who writes the closing mark himself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator

from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.model import Message, Prompt
from promptvc.prompts.render import RULES, SPECIAL
from promptvc.prompts.templates import PLACE

RULE = "injection-prone"

# Every open-ended part is bounded: a prompt comes from a pull request, and must not keep a check busy.
_JINJA_PLACE = re.compile(r"\{\{-?(.{0,300}?)-?\}\}", re.DOTALL)
_JINJA_TAG = re.compile(r"\{%.{0,300}?%\}|\{#.{0,300}?#\}", re.DOTALL)
_JINJA_NAMED = re.compile(
    r"\{%-?\s{0,9}(?:for\s{1,9}([\w\s,]{1,99}?)\s{1,9}in|set\s{1,9}(\w{1,99})\s{0,9}=)\s{0,9}(.{0,300}?)-?%\}",
    re.DOTALL,
)
_NAME = re.compile(r"(?<![\w.'\"])[^\W\d]\w*")
_LABEL = re.compile(r"\s*(?:[-*#>]+\s*)?[\w*][^\n.!?:]{0,60}:[*\s]*")
_OPENING_TAG = re.compile(r"<([A-Za-z][\w.-]*)(?:\s[^<>\n]*)?>")
_MARKS = re.compile(r"^[ \t]*([`~\"'=*#_+|-])\1{2,}+[ \t]*+\w*+[ \t]*$", re.MULTILINE)
_BEGIN = re.compile(r"^.{0,20}\b(?:BEGIN|START)\b", re.MULTILINE)
_END = re.compile(r"^.{0,20}\b(?:END|STOP)\b", re.MULTILINE)
_WORDS = re.compile(r"\w")
_LONGEST = 100_000
_MOST_PLACES = 100
_MOST_TAGS = 20
_BLANK = "\0"  # stands for the places of variables while the text around them is looked at


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
        seen: set[str] = set()
        places = _places(message, jinja=prompt.template == "jinja2")
        for start, end, name in itertools.islice(places, _MOST_PLACES):
            if name in seen or name in trusted:
                continue
            why = _exposed(message, start, end)
            if why is not None:
                seen.add(name)
                hint = _hint(message, name)
                yield Remark(RULE, ("messages", index, "content"), f"`{name}` {why}", hint, at=start)


def _hint(message: Message, name: str) -> str:
    trust = f"if no stranger writes it, `check: {{trusted: [{name}]}}` in promptvc.yaml"
    if message.role == "system":
        return f"put it into a user message; {trust}"
    return f"put it into a user message of its own, or between <{name}> and </{name}>; {trust}"


def _places(message: Message, *, jinja: bool) -> Iterator[tuple[int, int, str]]:
    """Start, end and variable of each place, without rules and examples."""
    if not jinja:
        for match in PLACE.finditer(message.content):
            if match[1] not in SPECIAL:
                yield match.start(), match.end(), match[1]
        return
    # What a loop goes over, or a name is set to, is what its own name stands for.
    sources: dict[str, set[str]] = {}
    for match in _JINJA_NAMED.finditer(message.content):
        origins = set().union(
            *(sources.get(name, {name}) for name in _NAME.findall(match[3].split("|", 1)[0]))
        )
        for name in _NAME.findall(match[1] or match[2]):
            sources[name] = origins
    for match in _JINJA_PLACE.finditer(message.content):
        expression = match[1].split("|", 1)[0]
        for word in _NAME.findall(expression):
            for name in sorted(sources.get(word, {word}) - SPECIAL - {"loop", "true", "false", "none"}):
                yield match.start(), match.end(), name


def _exposed(message: Message, start: int, end: int) -> str | None:
    """Why what stands from ``start`` to ``end`` may pass for an instruction; None where it is told apart."""
    if message.role == "system":
        return "stands in a system message, where a model looks for its instructions"
    before, after = message.content[:start], message.content[end:]
    if _fenced(before, after):
        return None
    before, after = _plain(before), _plain(after)
    lead = before.rpartition("\n")[2]
    if _WORDS.search(lead) and not _LABEL.fullmatch(lead) and not lead.rstrip(" \t\"'`").endswith(":"):
        return "stands inside a sentence of instructions"
    rest, _, below = after.partition("\n")
    if _WORDS.search(rest) or any(_WORDS.search(line) and not _is_field(line) for line in below.split("\n")):
        return "has instructions behind it, and nothing shows where it ends"
    return None


def _plain(text: str) -> str:
    """``text`` without its places; rules stay, which are instructions."""
    text = PLACE.sub(lambda match: "rules" if match[1] == RULES else _BLANK, text)
    return _JINJA_TAG.sub("", _JINJA_PLACE.sub(_BLANK, text))


def _is_field(line: str) -> bool:
    """A label, alone or before places: the next part of a form, and no instruction."""
    return _LABEL.fullmatch(line.replace(_BLANK, "").rstrip(" \t\"'`.,;")) is not None


def _fenced(before: str, after: str) -> bool:
    for match in list(_OPENING_TAG.finditer(before))[: -_MOST_TAGS - 1 : -1]:
        closing = f"</{match[1]}>"
        if closing in after and closing not in before[match.end() :]:
            return True
    lines = [match[1] for match in _MARKS.finditer(before)]
    if lines and lines.count(lines[-1]) % 2 and any(m[1] == lines[-1] for m in _MARKS.finditer(after)):
        return True
    for opening, closing in (("<<<", ">>>"), ("[[[", "]]]"), ('"""', '"""'), ("```", "```")):
        opened = before.rfind(opening)
        same = opening == closing and before.count(opening) % 2 == 0
        if opened >= 0 and not same and closing not in before[opened + 3 :] and closing in after:
            return True
    return _BEGIN.search(before) is not None and _END.search(after) is not None
