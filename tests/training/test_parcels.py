"""Parcels and reservations: what is written is what is read, and what is no such file is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import new_ulid
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.trainings import Events, Training
from promptvc.evidence.values import Score, VersionRef
from promptvc.training.parcels import Offer, Parcel, parse_parcel
from promptvc.training.reservations import Reservation, Reserved, parse_reservation

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SCORE = Score(0.5, 0.7, 0.2, 0.1, 0.3, 0.95, 40)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def record(**changes: Any) -> Training:
    values: dict[str, Any] = {
        "id": new_ulid(NOON),
        "time": NOON,
        "prompt": "desk/route",
        "approach": "few_shot",
        "seed": 0,
        "model": "offline",
        "baseline": VersionRef(1, "d" * 40),
        "candidate": None,
        "events": Events.of(["a"]),
        "promoted": True,
        "reason": "better",
        "calls": 3,
    }
    return Training(**(values | changes))


def evidence(training: Training) -> ComparisonRecord:
    return ComparisonRecord(
        id=training.id,
        time=NOON,
        prompt=training.prompt,
        candidate=VersionRef(None, "e" * 40),
        baseline=training.baseline,
        suite="s",
        model="offline",
        verdict="improvement",
        recommendation="deploy",
        score=SCORE,
        p=0.01,
        alpha=0.03,
        training=training.id,
    )


@given(text=texts, files=st.dictionaries(st.sampled_from(["a.jsonl", "b/c.jsonl"]), texts), reason=texts)
def test_a_parcel_is_read_as_it_was_written(text: str, files: dict[str, str], reason: str) -> None:
    training = record(reason=reason)
    offer = Offer(text.encode(), evidence(training), {path: data.encode() for path, data in files.items()})
    for parcel in (Parcel(training), Parcel(training, offer)):
        read = parse_parcel(parcel.to_bytes(), file="p.json")
        assert (read.to_bytes(), read.filename) == (parcel.to_bytes(), parcel.filename)
        if parcel.offer is not None:
            assert read.offer is not None
            assert (read.offer.text, read.offer.files) == (offer.text, offer.files)


@given(trigger=st.none() | texts, look=st.none() | texts, models=st.lists(texts, max_size=3), run=texts)
def test_a_reservation_is_read_as_it_was_written(
    trigger: str | None, look: str | None, models: list[str], run: str
) -> None:
    one = Reserved(new_ulid(NOON), "desk/route", "c" * 40, tuple(models), trigger, look)
    whole = Reservation(run, "c" * 40, (one, one))
    assert parse_reservation(whole.to_bytes(), file="r.json") == whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"record": "parcel"}',
        b'{"record": "look", "format": 1}',
        b'{"record": "parcel", "format": 2}',
        b'{"record": "parcel", "format": 1, "training": {}, "offer": null}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_parcel_is_refused_with_its_file(data: bytes) -> None:
    for parse in (parse_parcel, parse_reservation):
        with pytest.raises(InvalidDocument) as caught:
            parse(data, file=str(Path("in") / "x.json"))
        assert "x.json" in str(caught.value)
