"""Events of one prompt, and what a dataset makes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.feedback.events import Event, parse_event
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.training.exporting.formats import FORMATS
from promptvc.training.exporting.query import SPLITS, DatasetQuery
from promptvc.training.exporting.selection import Selection, Source, select

START = datetime(2026, 1, 1, tzinfo=UTC)
PROMPT = load_prompt(
    b"""\
name: a/b
version: 3
messages:
  - {role: system, content: "Answer."}
  - {role: user, content: "Q: {{ q }}"}
variables: {q: {required: true}}
rules: [{text: Be short.}]
""",
    file="prompts/a/b.yaml",
    name="a/b",
)
ALL = DatasetQuery(shares=(1.0, 0.0, 0.0), with_holdout=True)
"""Everything, in the train split."""


def event(number: int, kind: str, *, minutes: int | None = None, **more: Any) -> Event:
    """An event with an id of its number, a minute after the one before."""
    time = START + timedelta(minutes=number if minutes is None else minutes)
    value: dict[str, Any] = {
        "id": derived_ulid(time, b"%d" % number, 0),
        "time": format_time(time),
        "prompt": "a/b",
        "kind": kind,
        "source": "human",
        "input": {"q": f"question number {number}"},
    }
    value |= more
    return parse_event({key: each for key, each in value.items() if each is not None})


def note(number: int, target: Event, **more: Any) -> Event:
    """A person's annotation."""
    return event(number, "annotation", input=None, target=target.id, **more)


def chosen(
    *events: Event,
    query: DatasetQuery = ALL,
    prompt: Prompt = PROMPT,
    suite: tuple[Case, ...] = (),
    dropped: frozenset[str] = frozenset(),
) -> Selection:
    return select(Source(events, prompt, suite), query, dropped)


def rows(selection: Selection, form: str, *, with_users: bool = False) -> list[dict[str, Any]]:
    """The rows of every split."""
    return [
        json.loads(line)
        for split in SPLITS
        for line in selection.rows(FORMATS[form], split, with_users=with_users)
    ]


def cases(*questions: str) -> tuple[Case, ...]:
    """A suite that asks these."""
    lines = [f"  - {{id: c{at}, vars: {{q: '{text}'}}, expected: x}}" for at, text in enumerate(questions)]
    return tuple(load_suite("\n".join(["cases:", *lines]).encode(), file="suite").cases)
