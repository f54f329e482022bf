"""Proposals for a person: what they are, that they are kept byte for byte, and that only ``drop`` counts."""

from __future__ import annotations

import pytest

from promptvc.base.errors import InvalidDocument
from promptvc.training.exporting.curation import Curated, Curation, load_curation, with_entries
from promptvc.training.exporting.proposing import proposals
from tests.training.exporting.events import chosen, event, note

FILE = "datasets/x.curation.yaml"
LONG = "I have waited for my parcel since last Monday and nobody tells me where it is"
A, B = "01JD3M8Z6VQW4N9T2X5KAB7CDE", "01JD3M9C2K8P0R4S6T1VWXYZ23"


def test_near_duplicates_with_one_answer_are_dropped_but_for_the_first() -> None:
    first, again, other = (
        event(1, "demonstration", input={"q": LONG}, output="a"),
        event(2, "demonstration", input={"q": LONG + " now"}, output="a"),
        event(3, "demonstration", input={"q": LONG + " yet"}, output="b"),
    )
    (entry,) = proposals(chosen(first, again, other))
    assert (entry.action, entry.events, entry.rule) == ("drop", (again.id,), "near_duplicate")
    assert first.id in entry.reason


def test_conflicts_lengths_redactions_and_unsure_records() -> None:
    events = [event(at, "demonstration", output=f"answer {at}") for at in range(10)]
    long = event(20, "demonstration", output="x" * 500)
    unsure = event(21, "demonstration", output="answer 21", context={"confidence": 0.3})
    hidden = event(22, "demonstration", output="call [phone]")
    two = [event(at, "demonstration", input={"q": "same"}, output=f"answer {at}") for at in (23, 24)]
    found = {entry.rule: entry for entry in proposals(chosen(*events, long, unsure, hidden, *two))}
    assert {rule: (entry.action, entry.events) for rule, entry in found.items()} == {
        "conflict": ("review", (two[0].id, two[1].id)),
        "length": ("review", (long.id,)),
        "low_confidence": ("review", (unsure.id,)),
        "redacted": ("drop", (hidden.id,)),
    }
    assert proposals(chosen(unsure, note(30, unsure, approved=True))) == ()


def test_rare_labels() -> None:
    events = [event(at, "demonstration", output="no" if at == 30 else "yes") for at in range(31)]
    (entry,) = [one for one in proposals(chosen(*events)) if one.rule == "imbalance"]
    assert entry.events == (events[30].id,)
    more = [event(50 + at, "demonstration", output="no") for at in range(5)]
    assert not [one for one in proposals(chosen(*events, *more)) if one.rule == "imbalance"]


def test_only_drop_takes_out() -> None:
    one, other, third = (event(at, "demonstration", output="x") for at in range(3))
    curation = Curation(
        (
            Curated("drop", (one.id,), "r"),
            Curated("keep", (other.id,), "r"),
            Curated("review", (third.id,), "r"),
        )
    )
    found = chosen(one, other, third, dropped=curation.dropped)
    assert [record.id for record in found.records] == [other.id, third.id]
    assert found.left_out == {"dropped by the curation": 1}


def test_what_was_spoken_of_is_not_proposed_again() -> None:
    proposed = (Curated("review", (A,), "length: 5"), Curated("drop", (A, B), "near_duplicate: of x"))
    assert Curation().news(proposed) == proposed
    assert Curation((Curated("review", (A,), "length: 9"),)).news(proposed) == proposed[1:]
    assert Curation((Curated("keep", (A,), "looked"),)).news(proposed) == proposed[1:]
    assert Curation((Curated("keep", (A, B), "looked"),)).news(proposed) == ()


def test_entries_are_added_and_the_rest_stays_byte_for_byte() -> None:
    before = f"# mine\n- {{action: keep, events: [{A}], reason: 'looked, it is fine'}}".encode()
    after = with_entries(before, [Curated("drop", (B,), "near_duplicate: of y")], file=FILE)
    assert after.startswith(before + b"\n")
    read = load_curation(after, file=FILE)
    assert [(entry.action, entry.events, entry.line) for entry in read.entries] == [
        ("keep", (A,), 2),
        ("drop", (B,), 3),
    ]
    assert load_curation(with_entries(None, read.entries, file=FILE), file=FILE).digest == read.digest
    with pytest.raises(InvalidDocument):
        with_entries(b"[]\n", [Curated("drop", (B,), "r")], file=FILE)


def test_the_digest_is_of_what_is_taken_out() -> None:
    one = Curation((Curated("drop", (A,), "x"), Curated("drop", (B,), "y")))
    other = Curation((Curated("drop", (B, A), "z"), Curated("review", ("0" * 26,), "y")))
    assert one.digest == other.digest
    assert Curation((Curated("keep", (A,), "x"),)).digest is None


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"- {{action: remove, events: [{A}], reason: x}}\n", 1, "action"),
        ("- {action: drop, events: [nobody], reason: x}\n", 1, "ULID"),
        ("- {action: drop, events: [], reason: x}\n", 1, "events"),
        (
            f"- {{action: drop, events: [{A}], reason: x}}\n- {{action: keep, events: [{A}], reason: y}}\n",
            2,
            "line 1",
        ),
    ],
)
def test_a_faulty_curation_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(InvalidDocument) as error:
        load_curation(text.encode(), file=FILE)
    assert error.value.line == line
    assert says in error.value.message
