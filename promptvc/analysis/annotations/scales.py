"""What a reviewer is asked for: each configured score with what can be answered, and how an event keeps the answer.

Numbers are kept from 0 to 1 in ``scores`` of the annotation: yes 1 and no 0, stars ``(s - 1) / 4`` as everywhere,
per cent a hundredth. A label is no number: it is kept by name in ``labels``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.base.errors import Usage
from promptvc.feedback.events import Event

Level = Literal["nominal", "ordinal", "interval"]
"""What differences between values mean: nothing but that they differ; their order; how far they are apart."""

Value = float | str
"""A share 0..1, or a label."""

LABELS = "labels"
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})
_LEVELS: Mapping[str, Level] = {
    "yes_no": "nominal",
    "stars": "ordinal",
    "percent": "interval",
    LABELS: "nominal",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """One score. ``kind``: ``yes_no``, ``stars``, ``percent``, or ``labels`` with the ``labels`` to choose from."""

    name: str
    kind: str
    labels: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """By which kind of difference agreement is measured."""
        return _LEVELS[self.kind]

    @property
    def choices(self) -> str:
        """What can be answered, for people."""
        told = {"yes_no": "yes or no", "stars": "1 to 5", "percent": "0 to 100"}
        return told.get(self.kind) or ", ".join(self.labels)

    def parse(self, text: str) -> Value:
        """What is kept of an answer.

        Raises:
            Usage: it is none of the choices.
        """
        found = self._parsed(text.strip())
        if found is None:
            raise Usage(f"{self.name}: {text.strip()!r} is none of its values", hint=self.choices)
        return found

    def shown(self, value: Value) -> bool | float | str:
        """A value as it is asked for: yes as true, stars from 1 to 5, per cent from 0 to 100, a label."""
        if isinstance(value, str):
            return value
        if self.kind == "yes_no":
            return value >= 0.5
        number = 1 + 4 * value if self.kind == "stars" else 100 * value
        return round(number, 6)

    def value_in(self, note: Event) -> Value | None:
        """What an annotation says of it; None where it does not, or by something that is no value of this scale."""
        said = note.data.get(LABELS if self.kind == LABELS else "scores")
        value = said.get(self.name) if isinstance(said, Mapping) else None
        if self.kind == LABELS:
            return value if value in self.labels else None
        return None if value is None else float(value)

    def _parsed(self, text: str) -> Value | None:
        if self.kind == LABELS:
            return text if text in self.labels else None
        if self.kind == "yes_no":
            return 1.0 if text.lower() in _YES else 0.0 if text.lower() in _NO else None
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        if self.kind == "stars":
            return (number - 1) / 4 if number in {1, 2, 3, 4, 5} else None
        return number / 100 if 0 <= number <= 100 else None


def scales_of(scores: Mapping[str, Any]) -> dict[str, Scale]:
    """The scales of the setting ``annotation.scores``, by name, in its order."""
    return {
        name: Scale(name, given) if isinstance(given, str) else Scale(name, LABELS, tuple(given))
        for name, given in scores.items()
    }


def scale_named(scales: Mapping[str, Scale], name: str) -> Scale:
    """One of ``scales``.

    Raises:
        Usage: there is none of that name; the hint names those there are.
    """
    if name in scales:
        return scales[name]
    near = difflib.get_close_matches(name, scales, n=1)
    there = (
        f"the scores are: {', '.join(scales)}" if scales else "annotation.scores in promptvc.yaml names them"
    )
    raise Usage(f"there is no score {name!r}", hint=f"did you mean {near[0]}? {there}" if near else there)
