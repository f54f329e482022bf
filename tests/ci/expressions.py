"""GitHub's expressions, as far as the workflows use them. What is not known here fails the test, loudly.

After docs.github.com, "Evaluate expressions in workflows and actions": ``==`` ignores case of text, a property that is
not there is null, null as text is empty, ``&&`` and ``||`` give one of their sides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>().,\[\]]))"
)
_SLOT = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Unknown(Exception):
    """The workflow uses something that this evaluator has not."""


@dataclass(frozen=True)
class Scope:
    """What an expression sees. ``status``: of the jobs or steps so far: ``success``, ``failure`` or ``cancelled``."""

    contexts: Mapping[str, Any]
    status: str = "success"


def fill(text: str, scope: Scope) -> str:
    """``text`` with every ``${{ }}`` replaced."""
    return _SLOT.sub(lambda slot: as_text(evaluate(slot[1], scope)), text)


def value_of(given: Any, scope: Scope) -> Any:
    """A value of a key: text that is one expression keeps the expression's type."""
    if isinstance(given, str):
        whole = _SLOT.fullmatch(given.strip())
        return evaluate(whole[1], scope) if whole and "}}" not in whole[1] else fill(given, scope)
    return given


def condition(given: Any, scope: Scope) -> bool:
    """Whether an ``if:`` holds. Without a status function it also takes success so far."""
    if given is None:
        return scope.status == "success"
    text = str(given).lower() if isinstance(given, bool) else str(given)
    whole = _SLOT.fullmatch(text.strip())
    text = whole[1] if whole else text
    holds = truth(evaluate(text, scope))
    asks = re.search(r"\b(always|success|failure|cancelled)\(\)", text)
    return holds if asks else holds and scope.status == "success"


def evaluate(text: str, scope: Scope) -> Any:
    """The value of one expression."""
    parser = _Parser(_tokens(text), scope)
    found = parser.either()
    if parser.tokens:
        raise Unknown(f"what follows is not understood: {parser.tokens} in {text!r}")
    return found


def truth(value: Any) -> bool:
    return value not in (None, False, "", 0)


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "Object" if isinstance(value, dict) else "Array"
    return str(value)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unknown(f"{text[at:]!r} in {text!r}")
        kind = match.lastgroup
        assert kind is not None
        found.append((kind, match[kind]))
        at = match.end()
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return bool(_number(one) == _number(other))


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], scope: Scope) -> None:
        self.tokens, self.scope = tokens, scope

    def take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def need(self, sign: str) -> None:
        if self.take(sign) is None:
            raise Unknown(f"{sign} is missing before {self.tokens}")

    def either(self) -> Any:
        found = self.both()
        while self.take("||"):
            other = self.both()
            found = found if truth(found) else other
        return found

    def both(self) -> Any:
        found = self.equal()
        while self.take("&&"):
            other = self.equal()
            found = other if truth(found) else found
        return found

    def equal(self) -> Any:
        found = self.unary()
        while sign := self.take("==", "!="):
            found = _same(found, self.unary()) == (sign == "==")
        return found

    def unary(self) -> Any:
        if self.take("!"):
            return not truth(self.unary())
        return self.primary()

    def primary(self) -> Any:
        if self.take("("):
            found = self.either()
            self.need(")")
            return found
        if not self.tokens:
            raise Unknown("the expression ends too early")
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "name":
            raise Unknown(text)
        if text in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[text]
        if self.take("("):
            return self.call(text)
        if text not in self.scope.contexts:
            raise Unknown(f"the context {text}")
        return self.property(self.scope.contexts[text])

    def property(self, found: Any) -> Any:
        while self.take("."):
            kind, name = self.tokens.pop(0)
            if kind != "name":
                raise Unknown(f"{name} behind a dot")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    def call(self, name: str) -> Any:
        given = []
        if not self.take(")"):
            given.append(self.either())
            while self.take(","):
                given.append(self.either())
            self.need(")")
        status = self.scope.status
        functions: dict[str, Callable[..., Any]] = {
            "always": lambda: True,
            "success": lambda: status == "success",
            "failure": lambda: status == "failure",
            "cancelled": lambda: status == "cancelled",
            "format": lambda text, *values: re.sub(
                r"\{(\d+)\}", lambda slot: as_text(values[int(slot[1])]), text
            ),
            "fromJSON": json.loads,
            "toJSON": json.dumps,
        }
        if name not in functions:
            raise Unknown(f"the function {name}")
        return functions[name](*given)
