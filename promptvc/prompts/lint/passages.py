"""A message taken apart, once: text, places of variables, tags; in time that goes with its length, whatever it holds.

A place or a tag of Jinja ends at the first closing mark outside of quotes; without one it is no place. Which names an
expression takes is read from its words: filters, tests, attributes and names of arguments are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from promptvc.prompts.render import EXAMPLES, RULES
from promptvc.prompts.templates import PLACE

BLANK = "\0"
"""Stands for the place of a variable where the text around it is looked at."""

_OPENING = re.compile(r"\{\{-?|\{%-?|\{#-?")
_CLOSING = {"{{": re.compile(r"-?\}\}"), "{%": re.compile(r"-?%\}"), "{#": re.compile(r"-?#\}")}
_STRING = re.compile(r"'(?:[^'\\]|\\.)*+(?:'|\Z)|\"(?:[^\"\\]|\\.)*+(?:\"|\Z)", re.DOTALL)
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*+(?!\s*+=(?!=))")
_NO_VARIABLE = re.compile(r"(?:\||\bis(?:\s++not)?)\s*+[^\W\d][\w.]*+")
_KEYWORDS = frozenset({
    "loop", "true", "false", "none", "True", "False", "None", "if", "else", "and", "or", "not", "in", "is", "recursive",
})  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w*+")
_IN = re.compile(r"\sin\s")
_MOST_PLACES = 100
_MOST_QUOTED = 100  # places whose quotes are looked at; of later ones the first closing mark ends them


@dataclass(frozen=True, slots=True)
class Passage:
    """One place of the message.

    Attributes:
        start, end: in the message's text.
        at: in :attr:`Passages.plain`, where one character stands for it.
        names: the variables that its expression takes; also those that a loop or an assignment stands for.
    """

    start: int
    end: int
    at: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passages:
    """A message: its first 100 places, and its text without places and tags; the place of the rules is a word in it."""

    places: tuple[Passage, ...]
    plain: str


def passages(text: str, *, jinja: bool) -> Passages:
    """``text`` taken apart; places of rules and examples are none of a variable's."""
    return _jinja(text) if jinja else _simple(text)


def _simple(text: str) -> Passages:
    parts: list[str] = []
    found: list[Passage] = []
    size = last = 0
    for match in PLACE.finditer(text):
        parts.append(text[last : match.start()])
        size += match.start() - last
        last = match.end()
        if match[1] not in {RULES, EXAMPLES} and len(found) < _MOST_PLACES:
            found.append(Passage(match.start(), last, size, (match[1],)))
        parts.append(match[1] if match[1] == RULES else BLANK)
        size += len(parts[-1])
    return Passages(tuple(found), "".join([*parts, text[last:]]))


def _jinja(text: str) -> Passages:
    parts: list[str] = []
    found: list[Passage] = []
    sources: dict[str, frozenset[str]] = {}
    size = last = 0
    for kind, start, end, body in _tokens(text):
        parts.append(text[last:start])
        size += start - last
        last = end
        if kind == "{{":
            names = names_in(body)
            taken = frozenset[str]().union(*(sources.get(name, frozenset({name})) for name in names))
            if names not in ({RULES}, {EXAMPLES}) and len(found) < _MOST_PLACES:
                found.append(Passage(start, end, size, tuple(sorted(taken - {RULES, EXAMPLES}))))
            parts.append(RULES if names == {RULES} else BLANK)
            size += len(parts[-1])
        elif kind == "{%":
            _remember(body, sources)
    return Passages(tuple(found), "".join([*parts, text[last:]]))


def _tokens(text: str) -> list[tuple[str, int, int, str]]:
    """(kind, start, end, body) of each place, tag and comment, in order."""
    found: list[tuple[str, int, int, str]] = []
    at = 0
    unclosed: set[str] = set()
    quoted = 0
    while True:
        opening = _OPENING.search(text, at)
        if opening is None:
            return found
        kind = opening[0][:2]
        closing = None if kind in unclosed else _CLOSING[kind].search(text, opening.end())
        if closing is not None and kind != "{#" and _is_cut(text[opening.end() : closing.start()]):
            quoted += 1
            closing = _closing(text, opening.end(), kind) or closing if quoted <= _MOST_QUOTED else closing
        if closing is None:
            unclosed.add(kind)  # nor does any later one end
            at = opening.end()
            continue
        body = text[opening.end() : closing.start()]
        found.append((kind, opening.start(), closing.end(), body))
        at = closing.end()


def _is_cut(body: str) -> bool:
    """Whether a quote is open at the end of ``body``, so that the mark behind it may be text."""
    return body.count("'") % 2 == 1 or body.count('"') % 2 == 1


def _closing(text: str, at: int, kind: str) -> re.Match[str] | None:
    """The closing mark behind ``at`` that stands in no quotes."""
    mark = re.compile(rf"{_STRING.pattern}|({_CLOSING[kind].pattern})", re.DOTALL)
    return next((match for match in mark.finditer(text, at) if match[1] is not None), None)


def names_in(expression: str) -> frozenset[str]:
    """The variables that an expression of Jinja mentions."""
    plain = _NO_VARIABLE.sub(" ", _STRING.sub(" ", expression))
    return frozenset(_NAME.findall(plain)) - _KEYWORDS


def _remember(body: str, sources: dict[str, frozenset[str]]) -> None:
    """What a loop goes over, or a name is set to, is what its own name stands for."""
    word, _, rest = body.strip().partition(" ")
    if word == "for":
        found = _IN.search(rest)
        targets, expression = (rest[: found.start()], rest[found.end() :]) if found else ("", "")
    elif word in {"set", "with"}:
        targets, _, expression = rest.partition("=")
    else:
        return
    taken = frozenset[str]().union(*(sources.get(name, frozenset({name})) for name in names_in(expression)))
    for name in _WORD.findall(targets):
        sources[name] = taken
