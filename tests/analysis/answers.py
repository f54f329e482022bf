"""Events about answers: the answer itself, what people note on it, what a judge says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
JUDGE = "openai:judge"


def an_id(number: int) -> str:
    """The id of the event ``number``."""
    return derived_ulid(START + timedelta(hours=number), b"answer", number)


def event(number: int, kind: str, **values: Any) -> Event:
    """The event ``number``: an hour after the one before."""
    moment = START + timedelta(hours=number)
    about = {"id": an_id(number), "time": format_time(moment), "prompt": "p", "kind": kind, "source": "human"}
    return parse_event(about | values)


def answer(number: int, **values: Any) -> Event:
    """A logged answer about which nothing is said."""
    return event(number, "success", **({"source": "code", "input": "a", "output": "b"} | values))


def note(number: int, target: int, reviewer: str = "ann", **values: Any) -> Event:
    """What a person notes on the answer ``target``."""
    return event(number, "annotation", target=an_id(target), reviewer=reviewer, **values)


def judgement(number: int, target: int, score: float, metric: str = "relevance", **values: Any) -> Event:
    """What a judge says on the answer ``target``."""
    context = {"model": JUDGE, "prompt": "judge/relevance", "version": 1, "digest": "d1"} | values.pop(
        "context", {}
    )
    about = {"source": "llm_judge", "target": an_id(target), "scores": {metric: score}, "context": context}
    return event(number, "annotation", **(about | values))
