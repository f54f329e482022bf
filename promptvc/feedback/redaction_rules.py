"""What a repository has replaced besides promptvc's own categories, and what it lets stand.

Custom patterns come from ``feedback.redaction`` in the settings, which refuse what can take exponential time. What is
left can still be quadratic, as ``\\S+@`` is on a text without spaces: so a pattern sees at most a window of a
text at once, and what it finds has at most :data:`LONGEST` characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from promptvc.base.feedback_settings import RedactionSettings
from promptvc.feedback.lookalikes import plain

LONGEST = 256
_WINDOW = 1024
OWN = ("secret", "iban", "card", "email", "ip", "phone")
"""promptvc's own categories, in the order in which they win where they overlap."""


class Rules:
    """Compiled settings.

    Attributes:
        categories: all there are, in the order in which they win where they overlap: promptvc's own come first.
        clean: short texts in which nothing was found; whoever redacts keeps them here.
        is_plain: there is nothing to find but promptvc's own.
    """

    __slots__ = ("_allow", "_patterns", "_placeholder", "categories", "clean", "is_plain")

    def __init__(self, settings: RedactionSettings) -> None:
        self._patterns = {name: re.compile(pattern) for name, pattern in settings.patterns.items()}
        self.categories = tuple(dict.fromkeys((*OWN, *self._patterns)))
        self._placeholder = placeholder(self._patterns)
        self._allow = frozenset(plain(text)[0].casefold() for text in settings.allow)
        self.clean: set[str] = set()
        self.is_plain = not self._patterns

    def allows(self, text: str) -> bool:
        """Whether ``text``, with its look-alikes plain, stays although a finder took it for something."""
        return bool(self._allow) and text.casefold() in self._allow

    def spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """What the custom patterns find: never within a placeholder, so that redacting twice is redacting once."""
        if not self._patterns:
            return
        for start, end in self._gaps(text):
            for category, pattern in self._patterns.items():
                for first, last in _windowed(pattern, text, start, end):
                    yield first, last, category

    def _gaps(self, text: str) -> Iterator[tuple[int, int]]:
        """The stretches of ``text`` between placeholders."""
        at = 0
        for found in self._placeholder.finditer(text):
            if at < found.start():
                yield at, found.start()
            at = found.end()
        if at < len(text):
            yield at, len(text)


def placeholder(custom: Iterable[str] = ()) -> re.Pattern[str]:
    """What stands where something was replaced: a category in brackets, one of promptvc's own or of ``custom``."""
    return re.compile(rf"\[(?:{'|'.join(map(re.escape, dict.fromkeys((*OWN, *custom))))})\]")


@lru_cache(maxsize=8)
def _cached(patterns: tuple[tuple[str, str], ...], allow: tuple[str, ...]) -> Rules:
    return Rules(RedactionSettings(dict(patterns), allow))


def rules_of(settings: RedactionSettings) -> Rules:
    """The rules of ``settings``, compiled once."""
    return _cached(tuple(settings.patterns.items()), settings.allow)


def _windowed(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Matches in ``text[start:end]``; the windows overlap by what a match may be long."""
    at = start
    while at < end:
        stop = min(at + _WINDOW, end)
        last = stop if stop == end else stop - LONGEST
        following = last
        for found in pattern.finditer(text, at, stop):
            if found.start() >= last:
                break
            if found.start() < found.end():
                yield found.span()
                following = max(following, found.end())
        at = following
