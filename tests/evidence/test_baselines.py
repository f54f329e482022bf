"""The approved baseline as a file: what is written is read again, and a fault names its line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import new_ulid
from promptvc.evidence.baselines import Baseline, approved_prompt, baseline_path, load_baseline

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAME = "support/triage"
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
baselines = st.builds(
    Baseline,
    name=st.just(NAME),
    evidence=st.just(new_ulid(NOON)),
    version=st.integers(1, 99),
    digest=st.just("0a" * 20),
    suite=texts,
    model=texts,
    score=st.floats(0, 1),
    by=texts,
    time=st.just(NOON),
    repeats=st.integers(1, 5),
    reducer=st.sampled_from(["mean", "pass_k:2"]),
    judge=st.none() | texts,
    datasets=st.dictionaries(texts, texts, max_size=2),
    failing=st.lists(texts, max_size=3).map(tuple),
    reason=st.none() | texts,
)


@given(baselines)
def test_what_is_written_is_read_again(baseline: Baseline) -> None:
    assert load_baseline(NAME, baseline.to_bytes()) == baseline


def test_where_it_stands() -> None:
    assert baseline_path(NAME) == "evaluation/baselines/support/triage.yaml"
    assert approved_prompt("evaluation/baselines/support/triage.yaml") == NAME
    assert approved_prompt("evaluation/triage.yaml") is None
    assert approved_prompt("evaluation/baselines/README.md") is None


TEXT = """\
evidence: 01JD3M8Z6VQW4N9T2X5KAB7CDE
version: 3
digest: 3b18e512dba79e4c8300dd08aeb37f8e728b8dad
suite: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
model: offline
score: 0.8
by: Ada Author <ada@example.org>
time: "2026-11-20T12:00:00Z"
"""


def test_a_short_one_is_enough() -> None:
    found = load_baseline(NAME, TEXT.encode())
    assert (found.version, found.repeats, found.reducer, found.failing) == (3, 1, "mean", ())
    assert found.to_json()["time"] == "2026-11-20T12:00:00Z"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("01JD3M8Z6VQW4N9T2X5KAB7CDE", "latest", 1, "ULID"),
        ("version: 3", "version: v3", 2, "version"),
        ("score: 0.8", "score: 1.8", 6, "score"),
        ("2026-11-20T12:00:00Z", "yesterday", 8, "time"),
        ("model: offline", "modell: offline", 1, "model"),
    ],
)
def test_a_fault_names_its_line(old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message) as caught:
        load_baseline(NAME, TEXT.replace(old, new).encode())
    assert caught.value.file == "evaluation/baselines/support/triage.yaml"
    assert message == "model" or caught.value.line == line
