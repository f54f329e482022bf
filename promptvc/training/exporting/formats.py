"""The formats of fine-tuning, a row a JSON line.

``sft``, ``dpo`` and ``kto`` have the columns of TRL's conversational dataset types
(https://huggingface.co/docs/trl/dataset_formats): prompt-completion, preference with an explicit prompt, unpaired
preference. ``chat`` is the JSON Lines of OpenAI's supervised fine-tuning: the prompt's messages and the answer in one
list. ``preference`` is ``dpo`` for reward models: with both scores, and ``margin`` as TRL's reward trainer
takes it. The prompt is the rendered messages of the pinned version in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from promptvc.prompts.model import Message
from promptvc.training.exporting.answers import Answer, Mark, Pair, answers, marks, pairs
from promptvc.training.exporting.query import DatasetQuery
from promptvc.training.exporting.records import Record

Said = Answer | Pair | Mark
Turns = list[dict[str, str]]


class Find(Protocol):
    """What of one input becomes rows."""

    def __call__(self, group: Sequence[Record], query: DatasetQuery) -> Iterator[Said]:
        """In a fixed order."""


class Write(Protocol):
    """A row, given the rendered prompt."""

    def __call__(self, prompt: Turns, said: Any) -> dict[str, Any]:
        """The columns, in the order in which they are written."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format; ``columns`` are all that a row has, unless users were asked for (``users``)."""

    name: str
    columns: tuple[str, ...]
    find: Find
    write: Write


def turns_of(messages: Sequence[Message]) -> Turns:
    """Messages as trainers take them."""
    return [{"role": one.role, "content": one.content} for one in messages]


def _turn(text: str) -> Turns:
    return [{"role": "assistant", "content": text}]


def _sft(prompt: Turns, said: Answer) -> dict[str, Any]:
    return {"prompt": prompt, "completion": _turn(said.text)}


def _chat(prompt: Turns, said: Answer) -> dict[str, Any]:
    return {"messages": [*prompt, *_turn(said.text)]}


def _dpo(prompt: Turns, said: Pair) -> dict[str, Any]:
    return {"prompt": prompt, "chosen": _turn(said.chosen), "rejected": _turn(said.rejected)}


def _kto(prompt: Turns, said: Mark) -> dict[str, Any]:
    return {"prompt": prompt, "completion": _turn(said.text), "label": said.wanted}


def _preference(prompt: Turns, said: Pair) -> dict[str, Any]:
    scores = {"score_chosen": round(said.scores[0], 6), "score_rejected": round(said.scores[1], 6)}
    return _dpo(prompt, said) | scores | {"margin": said.margin}


FORMATS: Mapping[str, ExportFormat] = {
    one.name: one
    for one in (
        ExportFormat("sft", ("prompt", "completion"), answers, _sft),
        ExportFormat("dpo", ("prompt", "chosen", "rejected"), pairs, _dpo),
        ExportFormat("kto", ("prompt", "completion", "label"), marks, _kto),
        ExportFormat("chat", ("messages",), answers, _chat),
        ExportFormat(
            "preference",
            ("prompt", "chosen", "rejected", "score_chosen", "score_rejected", "margin"),
            pairs,
            _preference,
        ),
    )
}
