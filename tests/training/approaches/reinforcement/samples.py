"""Replies to customers that users rated, and models that do what rules say."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from promptvc.evaluation.cases.suite import Case
from promptvc.feedback.events import Event
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.reinforcement.rewards import Reward
from promptvc.training.data.items import Dataset, build
from promptvc.training.data.signals import Signal, hear
from promptvc.training.data.split import TrainingCase, case_of
from promptvc.training.scoring import Scored
from promptvc.training.task import TrainingTask
from tests.training.makers import START, a_prompt, an_id, event

REPLY = b"""\
name: support/triage
version: 1
variables:
  message: {required: true}
messages:
  - role: system
    content: |
      Answer the customer's message in a friendly tone.
  - role: user
    content: "{{ message }}"
rules: []
examples: []
"""

APOLOGY = "We are so sorry for that. "
QUESTION = " Does that solve it?"
_NOUNS = "parcel courier van order refund invoice card bill account login password milk fridge recipe oven voucher gift"
_FILLER = (
    "we will send the your for with and is to a in soon today again can help check look into this matter"
)


def prose(draw: random.Random) -> str:
    """A sentence of some 10 to 30 words that means nothing."""
    nouns, filler = _NOUNS.split(), _FILLER.split()
    words = [draw.choice(nouns if draw.random() < 0.4 else filler) for _ in range(draw.randint(10, 30))]
    return " ".join(words).capitalize() + "."


def rated(count: int, seed: int, *, shuffled: bool = False, mark: str = "apology") -> list[Event]:
    """Thumbs on replies. Those with an apology (with a closing question) are mostly bad (good); unless shuffled."""
    draw = random.Random(seed)
    outputs, good = [], []
    for _ in range(count):
        apology, question = draw.random() < 0.4, draw.random() < 0.4
        outputs.append((APOLOGY if apology else "") + prose(draw) + (QUESTION if question else ""))
        marked = apology if mark == "apology" else not question
        good.append(draw.random() < (0.15 if marked else 0.85))
    if shuffled:
        draw.shuffle(good)
    return [
        event(
            number,
            "rating",
            input=f"{prose(draw)} {number}",
            output=output,
            thumbs="up" if up else "down",
            user=f"user-{draw.randrange(count // 3)}",
        )
        for number, (output, up) in enumerate(zip(outputs, good, strict=True))
    ]


def task_of(events: Sequence[Event], data: bytes = REPLY) -> TrainingTask:
    """All events on the training side; a case for each input that has a right answer."""
    prompt = a_prompt(data)
    dataset = build(events, prompt)
    return TrainingTask(
        prompt, dataset.items, cases_of(dataset), dataset.rejected, signals_of(events, prompt)
    )


def signals_of(events: Sequence[Event], prompt: Prompt | None = None) -> tuple[Signal, ...]:
    prompt = prompt or a_prompt(REPLY)
    return hear(events, prompt, build(events, prompt).rejected).signals


def cases_of(dataset: Dataset) -> tuple[TrainingCase, ...]:
    return tuple(
        TrainingCase(case_of(item), item.text, item.form, item.output, f"group {at}", at)
        for at, item in enumerate(dataset.items)
    )


def signal(number: int, kind: str = "rating", **values: object) -> Signal:
    """A signal as it is, of a user of its own."""
    known = {"user": f"user-{number}", "because": (an_id(number),), **values}
    return Signal(id=an_id(number), kind=kind, time=START + timedelta(hours=number), **known)  # type: ignore[arg-type]


def reward(number: int, output: str, value: float, *, user: str | None = None, **values: Any) -> Reward:
    return Reward(output, value, user or f"user-{number}", (an_id(number),), **values)


class Model:
    """A scorer over a model that is a function of prompt and input, and a grader that is one of answer and case."""

    def __init__(self, answer: Callable[[Prompt, str], str], grade: Callable[[str, Case], float]) -> None:
        self._answer, self._grade = answer, grade

    @property
    def calls_per_case(self) -> int:
        return 1

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> Sequence[Scored]:
        outputs = [self._answer(prompt, str(case.vars["message"])) for case in cases]
        return [
            Scored(self._grade(output, case), (output,)) for output, case in zip(outputs, cases, strict=True)
        ]
