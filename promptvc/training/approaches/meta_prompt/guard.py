"""What of a model's words may not become guidance: feedback is written by anybody, and a model may believe it.

A rule or message is refused for what is refused everywhere (:mod:`promptvc.training.approaches.refusals`), for
repeating a training input, for its length, and for places that the template has not. An address, a number or an order
that the prompt itself holds already is no reason: its author wrote it. Another one of the same kind is.
"""

from __future__ import annotations

from collections.abc import Iterable

from promptvc.prompts.model import Prompt
from promptvc.prompts.templates import PLACE
from promptvc.training.approaches.refusals import refusals
from promptvc.training.data.texts import normalised

MOST_CHARACTERS = 500
"""A rule that is longer is no rule, but a text."""

SHORTEST_COPY = 24
"""A shorter input, normalised, may well be part of a rule by chance."""


def signs(text: str) -> list[str]:
    """What speaks against ``text`` as guidance, by its words alone; half a sentence each, none when nothing does."""
    return list(dict.fromkeys(what for what, _ in refusals(text)))


class Guard:
    """Judges new words for one prompt.

    Args:
        prompt: what it says already is no reason against new words.
        inputs: texts of training inputs, none of which may be repeated.
    """

    def __init__(self, prompt: Prompt, inputs: Iterable[str] = ()) -> None:
        said = [message.content for message in prompt.messages] + [rule.text for rule in prompt.rules]
        self._known = {found for text in said for found in refusals(text)}
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
        new = next((what for what, words in refusals(text) if (what, words) not in self._known), None)
        if new is not None:
            return new
        if "\r" in text:
            return "has characters that a reader does not see"
        whole = f" {normalised(text)} "
        if any(key in whole for key in self._inputs):
            return "repeats the input of a training case"
        return None
