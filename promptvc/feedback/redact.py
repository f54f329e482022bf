"""Redaction: personal data and secrets leave a text before it is stored anywhere.

What is found is replaced by its category in brackets, ``[email]``, and counted; the original is kept nowhere. A
repository's settings add categories of their own, and texts that stay (:mod:`promptvc.feedback.redaction_rules`).
**Names of people and postal addresses are not found**: no pattern knows them, and no model is asked. What is
found is stated in :mod:`promptvc.feedback.personal`, :mod:`promptvc.feedback.telephones` and
:mod:`promptvc.feedback.secret_formats`.

Redacting twice is redacting once: a text is read again until nothing is found in it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InputError, Usage
from promptvc.base.feedback_settings import RedactionSettings
from promptvc.feedback.lookalikes import plain
from promptvc.feedback.people import is_plain, pseudonymous
from promptvc.feedback.personal import find_cards, find_emails, find_ibans, find_ips
from promptvc.feedback.pseudonyms import Key, KeyRing
from promptvc.feedback.redaction_rules import OWN, Rules, rules_of
from promptvc.feedback.secret_formats import find_secrets, is_secret_member
from promptvc.feedback.telephones import find_phones

Span = tuple[int, int]
Finder = Callable[[str], Iterator[Span]]

FINDERS: Mapping[str, Finder] = {
    "secret": find_secrets,
    "iban": find_ibans,
    "card": find_cards,
    "email": find_emails,
    "ip": find_ips,
    "phone": find_phones,
}
CATEGORIES = OWN
_PLAIN = rules_of(RedactionSettings())
_NUMBERS = ("iban", "card", "ip", "phone")
_DIGIT = re.compile("[0-9]")
_SIGN = re.compile(r"[@%:=0-9(\[{]")
_LONG_RUN = 14

# Identifiers, times and numbers are what they are. Where a program put its own identifier, digits say nothing.
NEVER = frozenset(
    {
        *(
            "id",
            "time",
            "prompt",
            "kind",
            "source",
            "version",
            "digest",
            "target",
            "thumbs",
            "rating",
        ),
        *("stars", "effectiveness", "latency_ms", "cost", "tokens", "value", "approved", "propensity"),
    }
)
_IDENTIFIERS = frozenset({"session", "execution", "unit", "external_id", "derived_from"})
# Some programs take a telephone number for a session. A token with a letter, or a UUID, is none.
_CALLS = frozenset({"session", "execution"})
_TOKEN = re.compile(r"(?=[0-9_]*[A-Za-z])[A-Za-z0-9_]+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_PEOPLE = frozenset({"user", "reviewer", "aka"})
_MOST_ROUNDS = 8
_DEEPEST = 64


class Redactor:
    """Redacts events.

    ``key`` makes pseudonyms of users and reviewers: one key, or the keys of a clone, of which the newest is used and
    the linked earlier ones are named in ``aka``; a function is asked for them when the first person is met. Without a
    key an event that names its user or reviewer is refused. ``settings`` say what else is replaced.
    """

    def __init__(
        self,
        key: Key | KeyRing | Callable[[], Key | KeyRing] | None = None,
        settings: RedactionSettings | None = None,
    ) -> None:
        self._key = key
        self._rules = _PLAIN if settings is None else rules_of(settings)

    def event(self, value: Mapping[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
        """A copy of an event's object with every text redacted, and what was replaced, by category.

        All texts at any depth are read, the keys of inner objects too. Not read: ids, times, digests, names of
        prompts, numbers of the event itself. In ``session``, ``execution`` and ``unit`` only e-mail addresses
        and secrets are looked for, in the first two also card and telephone numbers, unless they are one token;
        and what the settings name.

        Raises:
            InputError: something in it is no JSON value.
            Usage: it names a user or a reviewer and there is no key.
        """
        found: Counter[str] = Counter()
        result: dict[str, Any] = {}
        usual = _Reading(self._rules, OWN, found)
        for key, item in value.items():
            if key in _PEOPLE or key in NEVER:
                result[key] = item
            else:
                categories = _categories(key, item)
                read = usual if categories is OWN else _Reading(self._rules, categories, found)
                free = _free(usual.text(key), result)
                result[free] = read.member(key, item, 0)
        plain_person = next((key for key in ("user", "reviewer", "aka") if is_plain(result.get(key))), None)
        return (pseudonymous(result, self._keys(plain_person)) if plain_person else result), found

    def before(self, value: Mapping[str, Any], clean: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What :meth:`event` made of ``value`` under each earlier key, the newest first.

        So that what was written before a rotation is known again. ``clean`` is what it makes of it now.
        """
        if not any(is_plain(value.get(key)) for key in ("user", "reviewer")):
            return
        whole = {key: item for key, item in clean.items() if key != "aka"}
        whole |= {key: value[key] for key in _PEOPLE if key in value}
        keys = self._keys("user").before()
        while keys is not None:
            yield pseudonymous(whole, keys)
            keys = keys.before()

    def _keys(self, what: str) -> KeyRing:
        if self._key is None:
            raise Usage(
                f"an event names its {what}, and there is no key to make a pseudonym with",
                hint=f"set PROMPTVC_USER_KEY_FILE, or leave the {what} out",
            )
        if not isinstance(self._key, Key | KeyRing):
            self._key = self._key()
        if isinstance(self._key, Key):
            self._key = KeyRing((self._key,))
        return self._key


def _categories(key: str, value: Any) -> tuple[str, ...]:
    """Which of promptvc's own categories are looked for in what an event holds under ``key``."""
    if key not in _IDENTIFIERS:
        return OWN
    if key in _CALLS and not (isinstance(value, str) and _TOKEN.fullmatch(value)):
        return ("secret", "card", "email", "phone")
    return ("secret", "email")


def redact(text: str, rules: Rules = _PLAIN) -> tuple[str, Counter[str]]:
    """``text`` with every finding replaced by its category in brackets, and the findings counted by category.

    A replacement can uncover another finding beside it, so the text is read until nothing is found. Ordinary
    texts need one or two rounds; one that still is not clean after eight is replaced as a whole, as a secret.
    """
    found: Counter[str] = Counter()
    return _Reading(rules, OWN, found).text(text), found


# Keys, labels and tags come again with every event. Only texts in which nothing was found are remembered.
_MOST_CLEAN = 4096
_LONGEST_CLEAN = 40


@dataclass(frozen=True, slots=True)
class _Reading:
    """One value being read: for some of promptvc's own ``categories``, counting into ``found``."""

    rules: Rules
    categories: tuple[str, ...]
    found: Counter[str]

    def text(self, text: str) -> str:
        if text in self.rules.clean:
            return text
        if self.rules.is_plain and _is_harmless(text):
            self._remember(text)
            return text
        for _ in range(_MOST_ROUNDS):
            copy, offsets = plain(text)
            spans = self._merged(copy)
            if not spans:
                self._remember(text)
                return _whole_characters(text)
            parts, at = [], 0
            for start, end, category in spans:
                parts += [text[at : offsets[start]], f"[{category}]"]
                at = offsets[end - 1] + 1
                self.found[category] += 1
            text = "".join((*parts, text[at:]))
        self.found["secret"] += 1
        return "[secret]"

    def member(self, key: str, value: Any, depth: int) -> Any:
        if isinstance(value, str) and is_secret_member(key, value):
            self.found["secret"] += 1
            return "[secret]"
        return self.walk(value, depth)

    def walk(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise InputError(f"an event is nested deeper than {_DEEPEST} levels")
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool | None):
            return value
        if isinstance(value, int | float):
            return _number(value, self.found)
        if isinstance(value, list | tuple):
            return [self.walk(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            result: dict[str, Any] = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    raise InputError(f"an event has a key that is no text: {key!r}")
                free = _free(self.text(key), result)
                result[free] = self.member(key, item, depth + 1)
            return result
        raise InputError(f"an event holds a value of type {type(value).__name__}, which JSON has no word for")

    def _remember(self, text: str) -> None:
        if len(text) <= _LONGEST_CLEAN and self.categories is OWN and text.isascii():
            if len(self.rules.clean) >= _MOST_CLEAN:
                self.rules.clean.clear()
            self.rules.clean.add(text)

    def _merged(self, text: str) -> list[tuple[int, int, str]]:
        """Spans that overlap become one, of the category that wins."""
        merged: list[tuple[int, int, str]] = []
        for start, end, category in sorted(self._spans(text)):
            if self.rules.allows(text[start:end]):
                continue
            if merged and start < merged[-1][1]:
                first, last, before = merged[-1]
                winner = min(before, category, key=self.rules.categories.index)
                merged[-1] = (first, max(last, end), winner)
            else:
                merged.append((start, end, category))
        return merged

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        if _is_harmless(text):
            yield from self.rules.spans(text)
            return
        numbers = _DIGIT.search(text) is not None
        for category in self.categories:
            if numbers or category not in _NUMBERS:
                for start, end in FINDERS[category](text):
                    yield start, end, category
        yield from self.rules.spans(text)


def _is_harmless(text: str) -> bool:
    """Whether nothing of ours can be in ``text``: every finding has a sign, a digit, or many characters in a row.

    Most texts pass here, for a tenth of what the search costs.
    """
    return (
        _SIGN.search(text) is None
        and "-----" not in text
        and max(map(len, text.split()), default=0) < _LONG_RUN
        and text.isascii()
    )


def _whole_characters(text: str) -> str:
    """Half a surrogate pair is no character and has no UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(value: int | float, found: Counter[str]) -> int | float | str:
    """A number is kept, unless it is a whole one that reads as a card's."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError("an event holds a number that is not finite, which JSON has no word for")
    if isinstance(value, int) and 10**12 <= value < 10**19 and any(find_cards(str(value))):
        found["card"] += 1
        return "[card]"
    return value


def _free(key: str, taken: Mapping[str, Any]) -> str:
    """``key``, or with a number behind it where two keys became the same."""
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key} {number}"
    return free
