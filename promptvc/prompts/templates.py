"""Templates: texts with places for variables. ``{{ name }}`` is the only syntax unless a prompt opts in to Jinja.

A place is two opening braces, a name (letters, digits and ``_``, no digit first), two closing braces, with
blanks around the name or without. Anything else stays as it is written. All places are found before anything
is inserted, so what is inserted is never read as a template.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from promptvc.base.errors import InputError
from promptvc.prompts.jinja import JinjaTemplate

PLACE = re.compile(r"\{\{[ \t]*([^\W\d]\w*)[ \t]*\}\}")
MAX_RENDERED = 64 * 1024 * 1024  # characters of one message


class Template(Protocol):
    """A text with places."""

    @property
    def names(self) -> frozenset[str]:
        """The variables that the text mentions, `rules` and `examples` among them."""
        ...

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with ``values`` in its places; every name must be there."""
        ...


class SimpleTemplate:
    """``{{ name }}`` and nothing else."""

    def __init__(self, text: str) -> None:
        pieces = PLACE.split(text)
        self._literals = pieces[0::2]
        self._places = pieces[1::2]
        self.names = frozenset(self._places)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with each value written out (see :func:`value_text`).

        Raises:
            InputError: a value that has no text, or a result beyond 64 Mi characters.
        """
        texts = {name: value_text(name, values[name]) for name in self.names}
        size = sum(len(literal) for literal in self._literals) + sum(
            len(texts[name]) for name in self._places
        )
        if size > MAX_RENDERED:
            raise InputError(f"the rendered message would have {size:,} characters")
        parts = [self._literals[0]]
        for name, literal in zip(self._places, self._literals[1:], strict=True):
            parts += (texts[name], literal)
        return "".join(parts)


@functools.lru_cache(maxsize=64)
def compile_template(text: str, *, jinja: bool) -> Template:
    """Find the places in ``text``.

    Raises:
        InputError: for Jinja, a syntax error, or the library is not installed.
    """
    return JinjaTemplate(text) if jinja else SimpleTemplate(text)


def value_text(name: str, value: Any) -> str:
    """How a variable's value is written: text as it is, numbers plainly, true and false, collections as JSON.

    Raises:
        InputError: None, or something that JSON does not know.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (Mapping, Sequence)):
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"the variable `{name}` cannot be written as text: {error}") from error
    fact = "null" if value is None else f"a {type(value).__name__}"
    raise InputError(f"the variable `{name}` must be text, not {fact}", hint='the empty text is ""')
