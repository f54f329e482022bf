"""Laws of the ledger: looks are counted, never forgotten, and spend at most 0.05 in an epoch."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import promptvc.evidence
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import new_ulid
from promptvc.base.stats import ALPHA, alpha_at
from promptvc.evidence import ledger
from promptvc.evidence.ledger import Events, Look, Training
from promptvc.evidence.values import Score, Tokens, VersionRef

SCHEMA = json.loads(
    (Path(promptvc.evidence.__file__).parents[1] / "schemas" / "ledger.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

case_sets = st.sets(st.integers(0, 15).map(lambda n: f"{n:016x}"), max_size=10)


def look(second: int, cases: set[str], digest: str = "c", name: str = "triage") -> Look:
    time = NOON + timedelta(seconds=second)
    identifier = new_ulid(time, digest.encode().ljust(10, b"\0"))
    return Look.reserve(identifier, time, name, (f"{digest}{second}", "base", "hold"), cases)


@st.composite
def look_lists(draw: st.DrawFn) -> list[Look]:
    sets = draw(st.lists(case_sets, max_size=12))
    # Times repeat on purpose: two clones can look in the same second.
    return [look(draw(st.integers(0, 6)), cases, digest=f"{n}-") for n, cases in enumerate(sets)]


def cases_of(*numbers: int) -> set[str]:
    return {ledger.case_key(b"%d" % n) for n in numbers}


@given(look_lists(), case_sets, st.randoms())
def test_the_fold_does_not_depend_on_the_order_of_files(
    looks: list[Look], holdout: set[str], random: Any
) -> None:
    shuffled = list(looks)
    random.shuffle(shuffled)
    assert ledger.fold(shuffled, holdout) == ledger.fold(looks, holdout)


@given(look_lists(), case_sets)
def test_looks_are_counted_one_by_one_and_spend_at_most_a_twentieth(
    looks: list[Look], holdout: set[str]
) -> None:
    state = ledger.fold(looks, holdout)
    places = [(entry.epoch, entry.number) for entry in state.looks] + [(state.epoch, state.look)]
    assert places[0] == (1, 1)
    for (epoch, number), following in itertools.pairwise(places):
        assert following in ((epoch, number + 1), (epoch + 1, 1))
    for epoch, _ in places:
        spent = sum(alpha_at(number) for other, number in places if other == epoch)
        assert spent <= ALPHA


@given(look_lists(), case_sets)
def test_an_epoch_begins_exactly_when_half_the_cases_are_new(looks: list[Look], holdout: set[str]) -> None:
    state = ledger.fold(looks, holdout)
    seen: set[str] = set()
    for entry in state.looks:
        seen |= set(entry.look.cases)
    begins = bool(looks) and bool(holdout) and 2 * len(holdout - seen) >= len(holdout)
    assert (state.look == 1) == (begins or not looks)


@given(look_lists(), case_sets)
def test_a_look_taken_is_a_look_counted(looks: list[Look], holdout: set[str]) -> None:
    state = ledger.fold(looks, holdout)
    taken = look(7, holdout)
    after = ledger.fold([*looks, taken], holdout)
    assert (after.looks[-1].epoch, after.looks[-1].number) == (state.epoch, state.look)
    assert after.looks[:-1] == state.looks
    if holdout:
        assert (after.epoch, after.look) == (state.epoch, state.look + 1)


def test_the_same_look_is_the_same_file_and_keeps_its_number() -> None:
    first, second = look(1, cases_of(1, 2), "a"), look(2, cases_of(1, 2), "b")
    again = Look.reserve(
        new_ulid(NOON + timedelta(days=1)), NOON + timedelta(days=1), "triage",
        (first.candidate, first.baseline, first.holdout), cases_of(1, 2),
    )  # fmt: skip
    assert again.path == first.path != second.path
    state = ledger.fold([first, second], cases_of(1, 2), key=again.key)
    assert state.same_look is not None
    assert (state.same_look.look, state.same_look.number, state.look) == (first, 1, 3)
    assert state.alpha == alpha_at(1)
    assert ledger.fold([first, second], cases_of(1, 2), key="other").same_look is None


def test_the_key_tells_the_three_digests_apart() -> None:
    keys = {ledger.look_key(*digests) for digests in (("a", "b", "c"), ("b", "a", "c"), ("ab", "", "c"))}
    assert len(keys) == 3


def training(second: int, name: str = "triage", **changes: Any) -> Training:
    time = NOON + timedelta(seconds=second)
    values: dict[str, Any] = {
        "approach": "few_shot", "seed": 0, "model": "offline", "baseline": VersionRef(3, "d" * 40),
        "candidate": None, "events": Events.of(["b", "a", "b"]), "promoted": False,
        "reason": "no candidate cleared the minimum gain", "calls": 12,
    }  # fmt: skip
    return Training(id=new_ulid(time), time=time, prompt=name, **(values | changes))


def test_trainings_are_read_newest_first_and_only_those_of_the_prompt() -> None:
    old = training(1)
    new = training(
        2,
        candidate=VersionRef(4, "e" * 40),
        promoted=True,
        score=Score(0.5, 0.75, 0.25, 0.1, 0.4, 0.95, 200),
        look=1,
        epoch=1,
        alpha=alpha_at(1),
        look_key="0" * 32,
        tokens=Tokens(1, 2),
        branch="promptvc/triage/v4",
        changes={"examples": 3, "rules": 0},
        extra={"x-later": [1]},
    )
    other = training(3, "triage/deep")
    taken = look(2, cases_of(1))
    files = {record.path: ledger.to_bytes(record) for record in (old, new, other, taken)}
    read = ledger.read(files, "triage")
    assert read.trainings == (new, old)
    assert read.looks == (taken,)
    for data in files.values():
        VALIDATOR.validate(json.loads(data))


def test_events_are_a_set() -> None:
    assert Events.of(["a", "b"]) == Events.of(["b", "a", "a"]) != Events.of(["ab"])


def test_a_record_in_the_wrong_place_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="belongs to trainings/triage/"):
        ledger.read({"trainings/triage/x.json": ledger.to_bytes(training(1))}, "triage")


def ahead(second: int, cases: set[str]) -> Look:
    time = NOON + timedelta(seconds=second)
    return Look.ahead(new_ulid(time), time, "triage", ("base", "hold"), cases)


def written(*records: Look | Training) -> dict[str, bytes]:
    return {record.path: ledger.to_bytes(record) for record in records}


def test_a_look_reserved_ahead_counts_until_its_training_gives_it_back() -> None:
    mine = ahead(1, cases_of(1, 2))
    following = look(2, cases_of(1, 2))
    VALIDATOR.validate(mine.to_json())
    assert mine.is_ahead
    assert not following.is_ahead
    under_way = ledger.read(written(mine, following), "triage")
    assert ledger.fold(under_way.looks, cases_of(1, 2)).look == 3
    record = training(3)
    for used, count in ((mine.key, 3), (None, 2), ("another", 2)):
        ended = Training(**{**_fields(record), "id": mine.id, "look_key": used})
        read = ledger.read(written(mine, following, ended), "triage")
        assert ledger.fold(read.looks, cases_of(1, 2)).look == count


def test_no_training_gives_back_a_look_of_another_kind_or_prompt() -> None:
    taken = look(1, cases_of(1))
    assert taken.training is not None
    ended = Training(**{**_fields(training(2)), "id": taken.training, "look_key": None})
    assert ledger.read(written(taken, ended), "triage").looks == (taken,)


@given(
    st.lists(st.tuples(case_sets, st.booleans(), st.integers(0, 3)), max_size=8),
    case_sets,
)
def test_giving_looks_back_spends_nothing_that_others_have_spent(
    trainings: list[tuple[set[str], bool, int]], holdout: set[str]
) -> None:
    """Each training spends what it saw when it looked; what is given back later takes none of it away."""
    records: list[Look | Training] = []
    waiting: list[tuple[int, Training]] = []
    spent: dict[int, float] = {}
    places: dict[str, tuple[int, int]] = {}
    for second, (cases, uses, later) in enumerate(trainings):
        mine = ahead(second, cases)
        records.append(mine)
        state = ledger.fold(ledger.read(written(*records), "triage").looks, cases, key=mine.key)
        assert state.same_look is not None
        if uses:
            epoch, number = state.same_look.epoch, state.same_look.number
            spent[epoch] = spent.get(epoch, 0.0) + alpha_at(number)
            places[mine.key] = (epoch, number)
        key = mine.key if uses else None
        waiting.append(
            (second + later, Training(**{**_fields(training(second)), "id": mine.id, "look_key": key}))
        )
        records += [record for due, record in waiting if due <= second]
        waiting = [(due, record) for due, record in waiting if due > second]
    assert all(total <= ALPHA for total in spent.values())
    records += [record for _, record in waiting]
    numbered = ledger.number(ledger.read(written(*records), "triage").looks)
    assert {one.look.key for one in numbered} == set(places)
    for one in numbered:
        assert one.epoch == places[one.look.key][0]
        assert one.number <= places[one.look.key][1]
    assert ledger.fold(ledger.read(written(*records), "triage").looks, holdout).look >= 1


def _fields(record: Training) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Training.__slots__}
