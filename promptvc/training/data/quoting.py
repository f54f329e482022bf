"""Whether a text quotes one of many others: users, and models, copy what they speak of."""

from __future__ import annotations

from collections.abc import Iterable

from promptvc.training.data.texts import normalised

SHORTEST = 24
"""Characters from which on a text can be quoted; a shorter one is a phrase that anybody may use."""


class Quoted:
    """Normalised texts, ready to be looked for in others: the beginning of each is looked up at every place."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_beginning: dict[str, set[str]] = {}
        for text in texts:
            if len(text) >= SHORTEST:
                self._by_beginning.setdefault(text[:SHORTEST], set()).add(text)

    def by(self, text: str) -> bool:
        """Whether ``text`` holds one of them, whole."""
        if len(text) < SHORTEST or not self._by_beginning:
            return False
        plain = normalised(text)
        for at in range(len(plain) - SHORTEST + 1):
            found = self._by_beginning.get(plain[at : at + SHORTEST])
            if found is not None and any(plain.startswith(each, at) for each in found):
                return True
        return False
