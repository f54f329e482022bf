"""Small tasks for training: events, prompts, and questions in six topics that only examples can teach."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event, parse_event
from promptvc.models.offline import OfflineModel
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.training.data.inputs import Inputs
from promptvc.training.scorer import SessionScorer

START = datetime(2026, 9, 1, 8, tzinfo=UTC)

PROMPT = b"""\
name: support/triage
version: 1
variables:
  message: {required: true}
messages:
  - role: system
    content: |
      Answer with one of: t1, t2, t3, t4, t5, t6.
  - role: user
    content: "{{ message }}"
rules: []
examples: []
"""

TOPICS = {
    "t1": "invoice receipt price charge payment bill",
    "t2": "parcel courier late tracking doorstep van",
    "t3": "password login locked account email code",
    "t4": "milk spoiled smell mouldy rotten fridge",
    "t5": "recipe oven boil minutes pan simmer",
    "t6": "voucher discount promo coupon friend gift",
}
_FILLER = "please today again really still yesterday could somebody help order week box"
FILLER = _FILLER.split()


def a_prompt(data: bytes = PROMPT) -> Prompt:
    return load_prompt(data, file="prompts/support/triage.yaml")


def event(number: int, kind: str = "correction", **values: Any) -> Event:
    """The event ``number``: an hour after the one before, with an id of its own."""
    moment = START + timedelta(hours=number)
    value = {
        "id": an_id(number),
        "time": format_time(moment),
        "prompt": "support/triage",
        "kind": kind,
        "source": "human",
        **values,
    }
    return parse_event(value)


def an_id(number: int) -> str:
    return derived_ulid(START + timedelta(hours=number), b"event", number)


def questions(count: int, seed: int) -> list[tuple[str, str]]:
    """(question, topic): two words of the topic among words that tell nothing."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        topic = draw.choice(sorted(TOPICS))
        words = draw.sample(TOPICS[topic].split(), 2) + draw.sample(FILLER, 4)
        draw.shuffle(words)
        rows.append((" ".join(words), topic))
    return rows


def corrections(rows: Sequence[tuple[str, str]]) -> list[Event]:
    return [event(number, input=text, corrected=label) for number, (text, label) in enumerate(rows)]


def text_of(case: Case) -> str:
    """The input of a case as one text."""
    return Inputs.of(a_prompt()).text(case.vars)


def offline() -> SessionScorer:
    return SessionScorer(Session([OfflineModel()]))
