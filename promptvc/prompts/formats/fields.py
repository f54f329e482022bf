"""The keys of a document that is read: each is taken, or is a loss in the end. Nothing is left out in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses

_SECRET = re.compile(
    r"(?<!max_)(?<!max)(?:api[_-]?key|apikey|\bkey\b|_key\b|secret|password|token(?!s)|auth|credential|bearer|header"
    r"|cookie|endpoint|url\b|base|host|connection|organi[sz]ation|deployment|account|region)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"\b(?:sk|pk|rk|ghp|xox[bap])[-_][A-Za-z0-9]|\bBearer\s|\beyJ[A-Za-z0-9_-]{10}|://[^/\s]*@"
)
NO_PLACE = "there is no such thing here"
OWN_ENVIRONMENT = "endpoints and keys never come from a prompt: set them in the environment"
_DEPTH = 50


class Fields:
    """A mapping that is read key by key.

    Args:
        path: where it stands, for losses; empty at the top.
    """

    def __init__(self, value: Mapping[str, Any], path: str, losses: Losses) -> None:
        self._left = dict(value)
        self.path = path
        self.losses = losses

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def at(self, key: str) -> str:
        """The path of ``key``."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str) -> Any:
        """The value, whatever it is; None where there is none. It is then accounted for."""
        return self._left.pop(key, None)

    def text(self, key: str) -> str | None:
        """A text; another value is a loss."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value
        self.losses.add(self.at(key), shown(value), "it is no text")
        return None

    def fields(self, key: str) -> Fields:
        """A mapping, empty where there is none; another value is a loss."""
        value = self.take(key)
        if value is not None and not isinstance(value, Mapping):
            self.losses.add(self.at(key), shown(value), "it is no mapping")
        return Fields(value if isinstance(value, Mapping) else {}, self.at(key), self.losses)

    def items(self, key: str) -> list[Any]:
        """A list, empty where there is none; another value is a loss."""
        value = self.take(key)
        if value is not None and not isinstance(value, list):
            self.losses.add(self.at(key), shown(value), "it is no list")
        return value if isinstance(value, list) else []

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list; others are losses."""
        found = []
        for index, one in enumerate(self.items(key)):
            if isinstance(one, str) and one:
                found.append(one)
            else:
                self.losses.add(f"{self.at(key)}[{index}]", shown(one), "it is no text")
        return tuple(found)

    def put(self, key: str, value: Any) -> None:
        """Have a key that stood elsewhere read from here."""
        self._left[key] = value

    def drop(self, key: str, why: str = NO_PLACE) -> None:
        """Say what becomes of a key that has no place."""
        if key in self._left:
            self._lose(key, self._left.pop(key), why)

    def rest(self, why: str = NO_PLACE) -> None:
        """All that was not taken is a loss."""
        for key in list(self._left):
            self._lose(key, self._left.pop(key), why)

    def remaining(self) -> list[str]:
        """The keys that were not taken yet."""
        return list(self._left)

    def _lose(self, key: str, value: Any, why: str) -> None:
        if _SECRET.search(key):
            self.losses.add(self.at(key), key, OWN_ENVIRONMENT)
        elif value is not None:
            self.losses.add(self.at(key), shown(value), why)


def shown(value: Any) -> Any:
    """A value as a loss may show it: of what could hold a key only the names of its parts."""
    if isinstance(value, Mapping) and _secretive(value, 0):
        return ", ".join(map(str, value))
    return "(not shown)" if _secretive(value, 0) else value


def mapping(value: Any, file: str, what: str) -> Mapping[str, Any]:
    """``value`` itself, where it is a mapping.

    Raises:
        InvalidDocument: it is none.
    """
    if not isinstance(value, Mapping):
        raise InvalidDocument(f"this is no {what}", file=file, line=1)
    return value


def _secretive(value: Any, depth: int) -> bool:
    if depth > _DEPTH:
        return True
    if isinstance(value, str):
        return bool(_SECRET_VALUE.search(value))
    if isinstance(value, Mapping):
        return any(_SECRET.search(str(key)) for key in value) or _any(value.values(), depth)
    return isinstance(value, list) and _any(value, depth)


def _any(values: Iterable[Any], depth: int) -> bool:
    return any(_secretive(value, depth + 1) for value in values)
