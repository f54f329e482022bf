"""Asking a model for edits: the prompt, what users said and where answers were wrong go in, proposals come out.

The question is a packaged prompt, ``promptvc/optimizers/reflect.yaml``. All that comes from users, from the model
under test or from the prompt itself is fenced as judges are given it (:mod:`promptvc.evaluation.judges.fences`).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.base.errors import ProviderError
from promptvc.base.schemas import value_checker
from promptvc.evaluation.judges.fences import fenced
from promptvc.feedback.events import THRESHOLDS
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.render import Renderer, input_text
from promptvc.training.approaches.meta_prompt.answers import Reflection, judged, read_edits
from promptvc.training.approaches.meta_prompt.guard import Guard
from promptvc.training.approaches.meta_prompt.voices import Piece, Voices
from promptvc.training.data.signals import Signal
from promptvc.training.scoring import Optimizer

ATTEMPTS = 2
"""An answer that cannot be read is asked for once more, as another sample."""

_FILE = "promptvc/optimizers/reflect.yaml"
_NONE = "(none)"


@dataclass(frozen=True, slots=True)
class _Question:
    """The packaged prompt, ready to be asked."""

    prompt: Prompt
    renderer: Renderer = field(repr=False, compare=False)
    objections: Callable[[Any], list[str]] = field(repr=False, compare=False)


@functools.cache
def _question() -> _Question:
    data = (Path(__file__).parents[3] / "optimizers" / "reflect.yaml").read_bytes()
    prompt = load_prompt(data, file=_FILE, name="optimizer/reflect")
    return _Question(prompt, Renderer(prompt), value_checker(prompt.output.schema or {}))


def question_version() -> int:
    """The version of the packaged prompt."""
    return _question().prompt.version


class Reflector:
    """Asks ``optimizer``. The same question again is another sample, so that another answer may come.

    Attributes:
        questions: how many were asked; ``unread`` of them got no answer that could be read.
        refused: why edits were dropped, with how often.
        trouble: why the last answer could not be read; None while all could.
    """

    def __init__(self, optimizer: Optimizer, inputs: Sequence[str] = ()) -> None:
        self.questions = 0
        self.unread = 0
        self.refused: Counter[str] = Counter()
        self.trouble: str | None = None
        self._optimizer = optimizer
        self._inputs = inputs
        self._asked: Counter[tuple[str, str]] = Counter()

    @property
    def name(self) -> str:
        """The model, ``provider:model``."""
        return self._optimizer.name

    def reflect(
        self, prompt: Prompt, pieces: Sequence[Piece], context: Sequence[Piece] = (), *, room: int
    ) -> Reflection:
        """Ask for edits of ``prompt``.

        Args:
            pieces: what can be cited; without any nothing is asked.
            context: what cannot.
            room: characters that the prompt may grow by, for the model to know.

        Raises:
            ProviderError, OverBudget, Interrupted: from the optimizer. An answer that cannot be read is no error, but
                no edits.
        """
        if not pieces:
            return Reflection()
        system, text = questions(prompt, pieces, context, room=room)
        first = ATTEMPTS * self._asked[system, text]
        self._asked[system, text] += 1
        self.questions += 1
        for attempt in range(ATTEMPTS):
            answer = self._optimizer.ask(system, text, sample=first + attempt)
            try:
                edits = read_edits(answer, _question().objections)
            except ProviderError as error:
                self.trouble = error.message
                continue
            found = judged(edits, prompt, pieces, Guard(prompt, self._inputs), self.name)
            self.refused.update(found.refused)
            return found
        self.unread += 1
        return Reflection()


def questions(
    prompt: Prompt, pieces: Sequence[Piece], context: Sequence[Piece] = (), *, room: int
) -> tuple[str, str]:
    """The system and the user message that ask for edits of ``prompt``."""
    values = {f"messages[{at}] ({each.role})": each.content for at, each in enumerate(prompt.messages)}
    values |= {f"rules[{at}]": rule.text for at, rule in enumerate(prompt.rules)}
    said = {f"feedback {number}": piece.text for number, piece in enumerate(pieces, 1)}
    other = {f"wrong answer {number}": piece.text for number, piece in enumerate(context, 1)}
    texts = fenced({**values, **said, **other})
    rendered = _question().renderer.render(
        {
            "prompt": _joined(texts, values) if prompt.rules else f"{_joined(texts, values)}\n\n(no rules)",
            "feedback": _joined(texts, said),
            "context": _joined(texts, other),
            "room": max(0, room),
        }
    )
    system, user = rendered
    return system.content, user.content


def edits_from_words(
    optimizer: Optimizer,
    prompt: Prompt,
    signals: Sequence[Signal],
    *,
    batch: int,
    room: int,
    thresholds: FeedbackSettings = THRESHOLDS,
) -> Reflection:
    """Edits that users' words alone call for, from one question: no answer of the prompt is asked for.

    Args:
        signals: in order of time.
        batch: how many things that were said are shown.
        room: characters that the prompt may grow by.
        thresholds: from which score on words are praise.

    Raises:
        ProviderError: the model failed, or its answer could not be read.
        OverBudget, Interrupted: from the optimizer.
    """
    inputs = sorted({input_text(signal.input) for signal in signals if signal.input is not None})
    reflector = Reflector(optimizer, inputs)
    found = reflector.reflect(prompt, Voices(signals, thresholds).portion(batch), room=room)
    if reflector.unread:
        raise ProviderError(reflector.trouble or "the model's answer could not be read")
    return found


def _joined(texts: dict[str, str], names: dict[str, str]) -> str:
    return "\n\n".join(texts[name] for name in names) or _NONE
