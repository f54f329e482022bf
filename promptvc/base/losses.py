"""What a conversion dropped or changed: where it stood, what it was, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

_SHOWN = 100
_FEW = 3
_INDEX = re.compile(r"\[[0-9]+\]|(?<=\bline )[0-9]+")


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that did not come over as it was.

    Attributes:
        path: in the file that was read, ``tests[3].assert[0]``; after the file's name where it is another one.
        what: the thing itself, cut where it is long.
        why: and what became of it.
    """

    path: str
    what: str
    why: str

    def to_json(self) -> dict[str, str]:
        """As ``--json`` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Told:
    """One line about losses that are alike: where they stood, what they were, why."""

    path: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}: {self.why}"


def told(losses: Iterable[Loss]) -> list[Told]:
    """Losses for people: more than three that differ in the number of an item alone are one, with the first of them."""
    groups: dict[tuple[str, str], list[Loss]] = {}
    for loss in losses:
        groups.setdefault((_INDEX.sub("[]", loss.path), loss.why), []).append(loss)
    found: list[Told] = []
    for (path, why), alike in groups.items():
        if len(alike) > _FEW:
            found.append(Told(path, f"{len(alike):,} times, such as {alike[0].what}", why))
        else:
            found += [Told(loss.path, loss.what, why) for loss in alike]
    return found


class Losses:
    """Collects losses, each once, in the order in which they are found."""

    def __init__(self) -> None:
        self._found: dict[Loss, None] = {}

    def add(self, path: str, what: Any, why: str) -> None:
        """Note one; ``what`` may be any plain data."""
        text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False, default=str)
        text = " ".join(text.split())
        cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        self._found.setdefault(Loss(path, cut, why))

    def all(self) -> tuple[Loss, ...]:
        """What was found so far."""
        return tuple(self._found)
