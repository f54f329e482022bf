"""One thing that a remark asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sense = Literal["do", "avoid", "spare", "no", "open"]
"""Wanted; unwanted; not needed; `no X`, which is unwanted or missing; not said."""

Form = Literal["verb", "thing", "trait", "gerund", "clause", "always", "never", "fewer", "more"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a remark asks for.

    Attributes:
        text: what is wanted or not, without the words around it: `the order number`, `say sorry`.
        form: how ``text`` becomes a rule (:mod:`.phrasing`).
        against: what it names only to set it aside, as in `in euros, not dollars`.
        asked: whether it was asked for, rather than found lacking.
    """

    sense: Sense
    form: Form
    text: str
    against: str = ""
    asked: bool = True
