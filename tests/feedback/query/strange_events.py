"""Events of every kind with every measure, for engines to agree on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.selection import Query

START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = st.sampled_from(["a", "refund", "Ünder", "it's", 'say "x"', "x" * 90, "a\nb", "\U0001f600"])
NAMES = st.sampled_from(["gpt", "plain", "", "Z"])
SHARES = st.one_of(st.sampled_from([0.0, 0.3, 0.7, 1.0, 0.25, 0.1 + 0.2]), st.floats(0, 1))
AMOUNTS = st.one_of(st.sampled_from([0, 0.0004, 12, 99.9994, 1234.5678, 1e9, 1e15]), st.floats(0, 1e6))
COUNTS = st.integers(0, 100_000)
ROLLUPS = st.fixed_dictionaries(
    {"count": st.integers(1, 5000)},
    optional={
        "latency_us": COUNTS,
        "latency": st.dictionaries(
            st.sampled_from(["0", "7", "99", "100", "1200", "340000"]), st.integers(1, 99)
        ),
        "tokens": st.fixed_dictionaries({"input": COUNTS, "output": COUNTS, "count": COUNTS}),
        "cost": st.fixed_dictionaries({"micro": COUNTS, "count": COUNTS}),
    },
)
SAID: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "rating": st.fixed_dictionaries(
        {},
        optional={
            "rating": SHARES,
            "effectiveness": SHARES,
            "stars": st.sampled_from([1, 2, 3.5, 4, 5]),
            "thumbs": st.sampled_from(["up", "down"]),
            "scores": st.dictionaries(WORDS, SHARES, max_size=2),
            "issues": st.lists(WORDS, max_size=2),
        },
    ).map(lambda given: {"comment": "so so", **given}),
    "correction": st.fixed_dictionaries({"input": WORDS, "corrected": WORDS, "output": WORDS}),
    "suggestion": st.fixed_dictionaries({"comment": WORDS}),
    "error": st.fixed_dictionaries(
        {
            "error": st.one_of(
                st.fixed_dictionaries({"type": st.sampled_from(["Timeout", ""]), "message": WORDS}),
                st.fixed_dictionaries({"message": WORDS}),
            )
        },
        optional={"latency_ms": AMOUNTS},
    ),
    "success": st.fixed_dictionaries(
        {},
        optional={
            "latency_ms": AMOUNTS,
            "cost": AMOUNTS,
            "tokens": st.fixed_dictionaries({}, optional={"input": COUNTS, "output": COUNTS}),
        },
    ),
    "usage": ROLLUPS.map(lambda rollup: {"rollup": rollup}),
    "selection": st.fixed_dictionaries(
        {
            "options": st.lists(
                st.fixed_dictionaries({"name": st.just("desk")}, optional={"confidence": SHARES}), max_size=2
            ),
            "selected": st.just("desk"),
        },
        optional={"session": WORDS},
    ),
}
ABOUT = st.fixed_dictionaries(
    {
        "prompt": st.sampled_from(["desk", "support/triage"]),
        "source": st.sampled_from(["human", "code", "llm_judge"]),
    },
    optional={
        "version": st.integers(1, 3),
        "tags": st.lists(WORDS, max_size=3),
        "user": st.just("u-" + "0" * 8 + "-" + "a" * 32),
        "input": st.one_of(
            WORDS,
            st.dictionaries(
                st.sampled_from(["message", "tone"]), st.one_of(WORDS, st.integers(0, 9)), max_size=2
            ),
        ),
        "output": WORDS,
        "context": st.one_of(
            st.just("seen in the shop"),
            st.fixed_dictionaries(
                {}, optional={"model": NAMES, "framework": NAMES, "technique": st.integers(1, 2)}
            ),
        ),
    },
)
PARTS = st.sampled_from(["", ".5", ".123456789", ".9999999"])


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Up to twelve events with ids of their own."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(sorted(SAID)))
        moment = START + timedelta(minutes=draw(st.integers(0, 3000)))
        value: dict[str, Any] = {
            **draw(ABOUT),
            **draw(SAID[kind]),
            "kind": kind,
            "id": derived_ulid(moment, b"x", number),
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S") + draw(PARTS) + "Z",
        }
        found.append(parse_event(value))
    return found


QUERIES = st.builds(
    Query,
    prompt=st.sampled_from([None, None, "desk"]),
    kinds=st.sampled_from([(), (), ("rating", "correction"), ("success",)]),
    sources=st.sampled_from([(), (), ("human",)]),
    versions=st.sampled_from([(), (), (1, 2)]),
    tags=st.sampled_from([(), (), ("refund",), ("a", "it's")]),
    since=st.sampled_from([None, None, START + timedelta(days=1)]),
    until=st.sampled_from([None, None, START + timedelta(minutes=2000)]),
    user=st.sampled_from([None, None, "u-" + "0" * 8 + "-" + "a" * 32]),
    model=st.sampled_from([None, None, "gpt"]),
    technique=st.sampled_from([None, None, "1"]),
    issue=st.sampled_from([None, None, "refund"]),
    error=st.sampled_from([None, None, "Timeout"]),
    outcome=st.sampled_from([None, None, "good", "bad", "rated"]),
)
