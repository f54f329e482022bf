"""What users said, and where answers were wrong, as pieces that a model is shown and can cite by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS
from promptvc.models.words import FUNCTION_WORDS, stem, words_of
from promptvc.prompts.render import input_text
from promptvc.training.data.items import Item
from promptvc.training.data.signals import Signal
from promptvc.training.data.split import TrainingCase
from promptvc.training.data.texts import normalised
from promptvc.training.scoring import Scored

_MOST_CHARACTERS = 1500
_MOST_SAID = 2000


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of feedback as it is shown; ``because`` are its events, sorted, none: it cannot be cited."""

    text: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """The same words, by one user or several; the first signal that has them stands for them."""

    text: str
    first: Signal
    users: int
    because: tuple[str, ...]
    stems: frozenset[str]


class Voices:
    """Feedback on one prompt, given out in portions that differ as much as they can.

    Args:
        signals: in order of time.
        thresholds: from which score on words are praise.
    """

    def __init__(self, signals: Sequence[Signal], thresholds: FeedbackSettings = THRESHOLDS) -> None:
        self._thresholds = thresholds
        self._on: dict[str, list[Signal]] = {}
        said: dict[str, list[tuple[Signal, str]]] = {}
        for signal in signals:
            if signal.form is not None:
                self._on.setdefault(signal.form.core, []).append(signal)
            for text in complaints(signal, thresholds):
                said.setdefault(normalised(text), []).append((signal, text))
        # The sort keeps the order of time among those that as many users say.
        often = sorted(said.values(), key=lambda each: -len({signal.user for signal, _ in each}))
        self._said = [_together(each) for each in often[:_MOST_SAID]]
        self._weights = Counter[str]()
        for one in self._said:
            self._weights.update(dict.fromkeys(one.stems, one.users))
        self._shown: set[int] = set()

    def __len__(self) -> int:
        """How many different things are said."""
        return len(self._said)

    def failure(self, case: TrainingCase, answer: Scored, item: Item | None) -> Piece:
        """A case that went wrong, with what users said on the same input."""
        about = [signal for signal in self._on.get(case.form.core, ()) if self._tells(signal)]
        words = dict.fromkeys(text for signal in about for text in complaints(signal, self._thresholds))
        because = {event for signal in about for event in signal.because}
        parts = [("input", case.text)]
        parts += [("answer", text) for text in dict.fromkeys(answer.outputs[:2])]
        parts += [("what is wrong", reason) for reason in answer.reasons[:5]]
        if case.output is not None:
            parts.append(("right answer", case.output))
        parts += [("a user says", text) for text in list(words)[:3]]
        return Piece(_lines(parts), tuple(sorted(because.union(item.because if item is not None else ()))))

    def portion(self, most: int) -> tuple[Piece, ...]:
        """At most ``most`` things that were said and not yet given out; from the start when all were.

        Each is the one that adds most words of many users to those before it, so that a portion holds different
        complaints rather than one in many phrasings.
        """
        if len(self._shown) == len(self._said):
            self._shown.clear()
        waiting = [at for at in range(len(self._said)) if at not in self._shown]
        covered: set[str] = set()
        chosen: list[int] = []
        while waiting and len(chosen) < most:
            best = max(waiting, key=lambda at: (self._gain(at, covered), self._said[at].users, -at))
            waiting.remove(best)
            covered |= self._said[best].stems
            chosen.append(best)
        self._shown.update(chosen)
        return tuple(_piece(self._said[at]) for at in chosen)

    def _tells(self, signal: Signal) -> bool:
        minds = signal.thumbs is False and not signal.judged
        return (
            signal.corrected is not None or minds or any(True for _ in complaints(signal, self._thresholds))
        )

    def _gain(self, at: int, covered: set[str]) -> int:
        stems = self._said[at].stems
        return 1000 * sum(self._weights[each] for each in stems if each not in covered) // (len(stems) + 2)


def complaints(signal: Signal, thresholds: FeedbackSettings = THRESHOLDS) -> Iterable[str]:
    """What is said with a signal that may call for a change: words, an error, marked issues; nothing of praise."""
    if signal.error is not None:
        yield signal.error
    praise = signal.score is not None and signal.score >= thresholds.positive and signal.corrected is None
    if praise and signal.kind != "suggestion":
        return
    yield from signal.words
    if signal.issues:
        yield f"marked as: {', '.join(signal.issues)}"


def _together(said: Sequence[tuple[Signal, str]]) -> _Said:
    first, text = said[0]
    stems = frozenset(stem(word) for word in words_of(text) if word not in FUNCTION_WORDS)
    because = {event for signal, _ in said for event in signal.because}
    return _Said(text, first, len({signal.user for signal, _ in said}), tuple(sorted(because)), stems)


def _piece(said: _Said) -> Piece:
    signal = said.first
    parts = [("a user says" if said.users == 1 else f"{said.users} users say", said.text)]
    if signal.input is not None:
        parts.append(("about the input", input_text(signal.input)))
    if signal.output is not None:
        parts.append(("and the answer", signal.output))
    if signal.corrected is not None:
        parts.append(("right answer", signal.corrected))
    return Piece(_lines(parts), said.because)


def _lines(parts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {_clipped(text)}" for name, text in parts)


def _clipped(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + " ... (cut)"
