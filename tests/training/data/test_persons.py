"""One person under two keys is one person to every fold that groups by user."""

from __future__ import annotations

from promptvc.analysis.cases import RIGHT, event_cases
from promptvc.training.data.claims import EXPIRED, rejected_in
from promptvc.training.data.items import build
from promptvc.training.data.signals import hear
from promptvc.training.exporting.query import DatasetQuery
from promptvc.training.exporting.records import read_records
from tests.training.makers import a_prompt, an_id, event

OLD, NEW = (f"u-{letter * 8}-{letter * 32}" for letter in "ab")
SAID = {"output": "t1", "corrected": "t2"}
EVENTS = [
    event(1, input="one invoice", user=OLD, **SAID),
    event(2, input="one invoice", user=NEW, aka=OLD, **SAID),
    event(3, input="another parcel", user=NEW, **SAID),
]


def test_the_name_that_was_seen_first_stands_for_the_person() -> None:
    prompt = a_prompt()
    assert {item.users for item in build(EVENTS, prompt).items} == {(OLD,)}
    assert {signal.user for signal in hear(EVENTS, prompt, frozenset()).signals} == {OLD}
    assert {record.owner for record in read_records(EVENTS, prompt, DatasetQuery()).records} == {OLD}
    found = event_cases(EVENTS, lambda text: {"message": str(text)}, RIGHT)
    assert {case.cluster for case in found.cases} == {OLD}


def test_one_persons_second_vote_is_no_second_voice() -> None:
    (first, *_) = build(EVENTS, a_prompt()).items
    (alone, *_) = build(EVENTS[1:], a_prompt()).items
    assert first.votes == alone.votes
    assert first.because == (an_id(1), an_id(2))


def test_a_later_note_under_another_key_stands_for_the_one_before() -> None:
    no = event(4, "annotation", target=an_id(1), approved=False, reviewer=OLD)
    yes = event(5, "annotation", target=an_id(1), approved=True, reviewer=NEW)
    link = event(6, "annotation", target=an_id(3), approved=True, reviewer=NEW, aka=OLD)
    assert rejected_in([*EVENTS[:1], no, yes]) == {an_id(1)}
    assert rejected_in([*EVENTS[:1], no, yes, link]) == frozenset()


def test_what_lost_its_texts_teaches_nothing_and_still_rates() -> None:
    gone = event(4, user=OLD, expired="2026-12-01T00:00:00Z")
    rated = event(5, "rating", stars=5, expired="2026-12-01T00:00:00Z")
    prompt = a_prompt()
    assert build([gone, rated], prompt).left_out == {EXPIRED: 2}
    heard = hear([gone, rated], prompt, frozenset())
    assert (heard.left_out, [signal.score for signal in heard.signals]) == ({EXPIRED: 1}, [1.0])
    assert read_records([gone], prompt, DatasetQuery()).left_out == {EXPIRED: 1}
    assert event_cases([gone, rated], lambda _: None, RIGHT).skipped == {EXPIRED: 2}
