"""Whether a text quotes one of many others: users, and models, copy what they speak of.

A text quotes another when it holds most of its five-character pieces (containment: Broder 1997, On the resemblance and
containment of documents), so that leaving out or changing a word hides nothing. What holds so much of a text holds one
of any pieces that are more than the rest: few and rare ones are looked up, and only what has one is compared. Of very
many texts only whole quotations are looked for, by their beginnings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from promptvc.training.data.texts import normalised, pieces

SHORTEST = 24
"""Characters from which on a text can be quoted; a shorter one is a phrase that anybody may use."""

MOST = 0.7
"""Of its pieces, from which on a text is quoted."""

MANY = 10_000


class Quoted:
    """Normalised texts, ready to be looked for in others."""

    def __init__(self, texts: Iterable[str]) -> None:
        long = sorted({text for text in texts if len(text) >= SHORTEST})
        self._beginnings: dict[str, list[str]] = {}
        self._holders: dict[str, list[int]] = {}
        self._bags: list[frozenset[str]] = []
        if len(long) > MANY:
            for text in long:
                self._beginnings.setdefault(text[:SHORTEST], []).append(text)
            return
        self._bags = [pieces(text) for text in long]
        often = Counter(piece for bag in self._bags for piece in bag)
        for number, bag in enumerate(self._bags):
            rarest = sorted(bag, key=lambda piece: (often[piece], piece))
            for piece in rarest[: len(bag) - int(MOST * len(bag)) + 1]:
                self._holders.setdefault(piece, []).append(number)

    def by(self, text: str) -> bool:
        """Whether ``text`` quotes one of them."""
        if len(text) < SHORTEST * MOST:
            return False
        plain = normalised(text)
        return self._most_of_one(plain) or self._one_whole(plain)

    def _most_of_one(self, plain: str) -> bool:
        if not self._holders:
            return False
        bag = pieces(plain)
        candidates = {number for piece in bag for number in self._holders.get(piece, [])}
        return any(len(bag & self._bags[number]) >= MOST * len(self._bags[number]) for number in candidates)

    def _one_whole(self, plain: str) -> bool:
        for at in range(len(plain) - SHORTEST + 1) if self._beginnings else ():
            found = self._beginnings.get(plain[at : at + SHORTEST])
            if found is not None and any(plain.startswith(each, at) for each in found):
                return True
        return False
