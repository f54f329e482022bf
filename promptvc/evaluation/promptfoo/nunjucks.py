"""Nunjucks, promptfoo's template language, as our templates: ``{{ name }}`` as it is, more as Jinja.

Jinja is what Nunjucks was made after. The few habits that differ are rewritten (``===``, ``elseif``, ``| dump``,
``.length``). A variable of ours cannot be called ``rules`` or ``examples``: those get a ``_`` at the end. What an
environment variable would have said becomes a variable: a prompt does not read the environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from promptvc.base.errors import InputError
from promptvc.prompts.formats.languages import NEEDS_JINJA
from promptvc.prompts.jinja import JinjaMissing
from promptvc.prompts.render import SPECIAL
from promptvc.prompts.templates import compile_template

TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
PLACE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}")
_ENVIRONMENT = re.compile(r"\{\{-?\s*(?:process\.)?env\.(\w+)\s*-?\}\}")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"!=="), "!=", "`!==` is `!=` in Jinja"),
    (re.compile(r"==="), "==", "`===` is `==` in Jinja"),
    (re.compile(r"\|\s*dump\b(?:\(\s*\d*\s*\))?"), "| tojson", "`dump` is `tojson` in Jinja"),
    (re.compile(r"(?<=%)(-?\s*)elseif\b"), r"\1elif", "`elseif` is `elif` in Jinja"),
    (re.compile(r"\b([^\W\d]\w*(?:\.\w+)*)\.length\b"), r"(\1 | length)", "`.length` is `| length` in Jinja"),
)


@dataclass(frozen=True, slots=True)
class Templated:
    """The texts of one prompt, and what became of them.

    Attributes:
        jinja: whether they need ``template: jinja2``.
        changes: (what, why) of everything that is not as it was.
    """

    texts: tuple[str, ...]
    jinja: bool = False
    changes: tuple[tuple[str, str], ...] = ()


def our_name(name: str) -> str:
    """What a variable of theirs is called here."""
    return f"{name}_" if name in SPECIAL else name


def templated(texts: Sequence[str]) -> Templated:
    """All texts of one prompt as our templates.

    Raises:
        InputError: they need Jinja2, and it is not installed.
    """
    changes: list[tuple[str, str]] = []
    found = [_without_environment(text, changes) for text in texts]
    if all(PLACE.fullmatch(tag) for text in found for tag in TAG.findall(text)):
        return Templated(tuple(_places(text, changes) for text in found), changes=tuple(changes))
    rewritten = [TAG.sub(lambda match: _tag(match[0], changes), text) for text in found]
    for text in rewritten:
        try:
            compile_template(text, jinja=True)
        except JinjaMissing as error:  # for want of a package no prompt comes over as something else
            raise InputError(NEEDS_JINJA, hint=error.hint) from None
        except InputError as error:
            hint = f" ({error.hint})" if error.hint else ""
            plain = tuple(_places(text, []) for text in found)
            tag = next(tag for text in found for tag in TAG.findall(text) if not PLACE.fullmatch(tag))
            why = f"{error.message}{hint}: what is more than {{{{ name }}}} stands as it was written"
            return Templated(plain, changes=((tag, why),))
    return Templated(tuple(rewritten), jinja=True, changes=tuple(changes))


def _without_environment(text: str, changes: list[tuple[str, str]]) -> str:
    def one(match: re.Match[str]) -> str:
        name = f"env_{match[1]}"
        changes.append((match[0], f"a prompt does not read the environment: it became the variable `{name}`"))
        return f"{{{{ {name} }}}}"

    return _ENVIRONMENT.sub(one, text)


def _places(text: str, changes: list[tuple[str, str]]) -> str:
    def one(match: re.Match[str]) -> str:
        name = our_name(match[1])
        if name != match[1]:
            changes.append((match[0], f"`{match[1]}` has a meaning of its own here: it became `{name}`"))
        return f"{{{{ {name} }}}}"

    return PLACE.sub(one, text)


def _tag(tag: str, changes: list[tuple[str, str]]) -> str:
    if tag.startswith("{#"):
        return tag
    for pattern, ours, why in _RULES:
        tag = _outside_quotes(tag, _replacing(pattern, ours, why, changes))
    for name in sorted(SPECIAL):
        why = f"`{name}` has a meaning of its own here: it became `{our_name(name)}`"
        pattern = re.compile(rf"(?<![\w.]){name}(?!\w)")
        tag = _outside_quotes(tag, _replacing(pattern, our_name(name), why, changes))
    return tag


def _replacing(
    pattern: re.Pattern[str], ours: str, why: str, changes: list[tuple[str, str]]
) -> Callable[[str], str]:
    def change(text: str) -> str:
        changed = pattern.sub(ours, text)
        if changed != text:
            changes.append((text, why))
        return changed

    return change


def _outside_quotes(tag: str, change: Callable[[str], str]) -> str:
    parts, at = [], 0
    for quoted in _QUOTED.finditer(tag):
        parts += [change(tag[at : quoted.start()]), quoted[0]]
        at = quoted.end()
    return "".join([*parts, change(tag[at:])])
