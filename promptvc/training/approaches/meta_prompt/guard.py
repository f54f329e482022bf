"""What may not become guidance, whoever proposes it: feedback is written by anybody, and a model may believe it.

A rule or message is refused for words that try to change the model's task, for addresses and characters that a reader
does not see, for repeating a training input, and for places that the template has not. What the prompt says already
is no reason: its author wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from promptvc.prompts.model import Prompt
from promptvc.prompts.templates import PLACE
from promptvc.training.data.texts import normalised

MOST_CHARACTERS = 500
"""A rule that is longer is no rule, but a text."""

SHORTEST_COPY = 24
"""A shorter input, normalised, may well be part of a rule by chance."""

_ORDERS = (
    r"previous|prior|above|earlier|preceding|all|any|every|your|these|those|system|other",
    r"instructions?|prompts?|rules?|guidelines?|directions?|commands?|polic(?:y|ies)|constraints?",
)
_SECRETS = r"system prompt|your (?:instructions|prompt|rules)|api keys?|passwords?|credentials?|secrets?"
_OBEY = (
    r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|neglect)\b"
    rf"[^.\n]{{0,40}}\b(?:{_ORDERS[0]})\b[^.\n]{{0,30}}\b(?:{_ORDERS[1]})\b"
    r"|\bignorier\w*\b[^.\n]{0,40}\b(?:anweisung|regel|vorgabe|befehl)\w*"
    r"|\bignore[rz]?\b[^.\n]{0,40}\b(?:consignes?|instructions?|r[eè]gles?)\b"
    rf"|\b(?:reveal|print|show|repeat|leak|output|disclose)\b[^.\n]{{0,30}}\b(?:{_SECRETS})\b"
    r"|\byou are (?:now|no longer)\b"
    r"|\b(?:jailbreak|developer mode|do anything now|prompt injection|no restrictions|without restrictions)\b"
    r"|\bnew (?:system )?(?:instructions?|prompt)\s*:"
)
_SIGNS = {
    "tries to change the model's task": re.compile(_OBEY, re.IGNORECASE),
    "has an address": re.compile(r"https?://|\bwww\.|\b[\w.+-]+@[\w-]+\.\w", re.IGNORECASE),
    "has marks of a conversation": re.compile(
        r"<<<|>>>|<\|[^|\n]{0,40}\|>|\[/?INST\]|^\s*#{2,}\s*(?:system|user|assistant)\b"
        r"|</?(?:system|user|assistant)>|^\s*(?:system|assistant)\s*:",
        re.IGNORECASE | re.MULTILINE,
    ),
    "has code": re.compile(r"```|<script\b|\b(?:eval|exec|system)\(", re.IGNORECASE),
}


def signs(text: str) -> list[str]:
    """What speaks against ``text`` as guidance, by its words alone; half a sentence each, none when nothing does."""
    found = [what for what, pattern in _SIGNS.items() if pattern.search(unicodedata.normalize("NFKC", text))]
    if any(unicodedata.category(one) in {"Cc", "Cf", "Co", "Cs"} and one not in "\n\t" for one in text):
        found.append("has characters that a reader does not see")
    return found


class Guard:
    """Judges new words for one prompt.

    Args:
        prompt: what it says already is no reason against new words.
        inputs: texts of training inputs, none of which may be repeated.
    """

    def __init__(self, prompt: Prompt, inputs: Iterable[str] = ()) -> None:
        said = [message.content for message in prompt.messages] + [rule.text for rule in prompt.rules]
        self._known = {what for text in said for what in signs(text)}
        told = " ".join(f" {normalised(text)} " for text in said)
        keys = {f" {key} " for key in map(normalised, inputs) if len(key) >= SHORTEST_COPY}
        self._inputs = sorted(key for key in keys if key not in told)

    def against_rule(self, text: str) -> str | None:
        """Why ``text`` must not be a rule, as half a sentence; None when it may."""
        if not text.strip():
            return "has no words"
        if len(text) > MOST_CHARACTERS:
            return f"has {len(text)} characters, and {MOST_CHARACTERS} are allowed"
        if "{{" in text or "{%" in text:
            return "has a place for a variable, which rules have not"
        return self._against(text)

    def against_message(self, text: str, before: str) -> str | None:
        """Why ``text`` must not be the message that was ``before``, as half a sentence; None when it may."""
        if not text.strip():
            return "has no words"
        if sorted(set(PLACE.findall(text))) != sorted(set(PLACE.findall(before))):
            return "has other places for variables than before"
        if text.count("{%") != before.count("{%"):
            return "has other template syntax than before"
        return self._against(text)

    def _against(self, text: str) -> str | None:
        new = [what for what in signs(text) if what not in self._known]
        if new:
            return new[0]
        whole = f" {normalised(text)} "
        if any(key in whole for key in self._inputs):
            return "repeats the input of a training case"
        return None
