"""What was found: a rule in words, and the signals that are its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from promptvc.training.data.signals import Signal


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that signals speak for.

    Attributes:
        text: the rule, a sentence.
        signals: those that speak for it, in order of time.
        voices: how many different people; the same words of nobody in particular count once.
        manner: how they say so: they ``ask`` for it, they ``correct`` answers so, or calls ``fail`` for lack of it.
        sense: whether something is to be done, avoided, or just not needed.
        opposed: how many different people ask for the opposite.
    """

    text: str
    signals: tuple[Signal, ...]
    voices: int
    manner: Literal["ask", "correct", "fail"]
    sense: Literal["do", "avoid", "spare"] = "do"
    opposed: int = 0

    @property
    def because(self) -> tuple[str, ...]:
        """The ids of all its events, sorted."""
        return tuple(sorted({event for signal in self.signals for event in signal.because}))


def voice_of(signal: Signal, words: str = "") -> str:
    """Whose signal it is. Without a user or session, the same ``words`` are one voice, however often they come."""
    return f"@{signal.user}" if signal.user != signal.id else f"#{' '.join(words.casefold().split())}"
