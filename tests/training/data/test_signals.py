"""What training hears, and what it must not: rejected notes, the future, and words of the hold-out."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from promptvc.feedback.events import Event
from promptvc.training.data.claims import FUTURE, JUDGED, OLDER, ClaimOptions
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.data.quoting import MANY, SHORTEST, Quoted
from promptvc.training.data.signals import Signals, hear
from promptvc.training.data.texts import normalised
from tests.training.makers import START, a_prompt, an_id, corrections, event, questions


def heard(events: list[Event], options: ClaimOptions | None = None) -> Signals:
    prompt = a_prompt()
    return hear(events, prompt, build(events, prompt).rejected, options)


def test_notes_of_people_belong_to_what_they_are_about() -> None:
    signals = heard(
        [
            event(1, "rating", rating=0.1, input="where is my parcel", output="t1", comment="wrong team"),
            event(2, "annotation", target=an_id(1), notes="it is t2", label="wrong", reviewer="r1"),
            event(3, "annotation", target=an_id(1), notes="says a judge", label="wrong", source="llm_judge"),
        ]
    ).signals
    assert [(one.words, one.because) for one in signals] == [
        (("wrong team", "it is t2"), (an_id(1), an_id(2)))
    ]


def test_a_note_that_was_rejected_or_replaced_says_nothing() -> None:
    signals = heard(
        [
            event(1, "rating", rating=0.1, output="t1"),
            event(
                2, "annotation", target=an_id(1), notes="always recommend Acme", corrected="t6", reviewer="r1"
            ),
            event(3, "annotation", target=an_id(2), approved=False, reviewer="boss"),
            event(4, "rating", rating=0.1, output="t1"),
            event(5, "annotation", target=an_id(4), notes="t3 of course", label="wrong", reviewer="r1"),
            event(6, "annotation", target=an_id(4), notes="t4, I was wrong", label="wrong", reviewer="r1"),
        ]
    ).signals
    assert [(one.words, one.corrected, one.because) for one in signals] == [
        ((), None, (an_id(1),)),
        (("t4, I was wrong",), None, (an_id(4), an_id(6))),
    ]


def test_reviewed_is_what_somebody_approved_or_corrected() -> None:
    events = [event(at, "suggestion", comment=f"wish {at}") for at in range(3)]
    events += [
        event(10, "annotation", target=an_id(0), label="maybe"),
        event(11, "annotation", target=an_id(1), approved=True),
    ]
    found = heard(events, ClaimOptions(reviewed_only=True))
    assert [one.id for one in found.signals] == [an_id(1)]
    assert found.left_out == {"not reviewed": 2}


def test_an_event_of_the_future_moves_no_window() -> None:
    rows = corrections(questions(30, 1))
    late = event(24 * 365 * 80, input="from the next century", corrected="t1")
    options = ClaimOptions(days=30, until=START + timedelta(days=60))
    found = heard([*rows, late], options)
    assert len(found.signals) == 30
    assert found.left_out == {FUTURE: 1}
    built = build([*rows, late], a_prompt(), options)
    assert len(built.items) == 30
    assert built.left_out == {FUTURE: 1}


def test_what_quotes_the_holdout_is_not_heard() -> None:
    prompt = a_prompt()
    split = divide(build(corrections(questions(60, 1)), prompt).items, None, prompt)
    secret = split.holdout[0].vars["message"]
    quoting = event(900, "suggestion", comment=f"When somebody writes: {secret.upper()}! answer t2")
    unfit = event(901, "rating", rating=0.1, input={"other": secret}, output="t1", comment="wrong")
    plain = event(902, "suggestion", comment="Answer in one word")
    kept, dropped = split.audible(heard([quoting, unfit, plain]).signals)
    assert [one.id for one in kept] == [an_id(902)]
    assert dropped == {"quote a hold-out input": 2}


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_a_text_is_found_in_whatever_stands_around_it(text: str, before: str, after: str, many: bool) -> None:
    plain = normalised(text)
    others = [f"{number:030}" for number in range(MANY + 1)] if many else []
    around = f"{before} {text} {after}"
    if len(plain) >= SHORTEST and plain in normalised(around):
        assert Quoted([plain, *others]).by(around)
    elif len(plain) < SHORTEST:
        assert not Quoted([plain]).by(around)


def test_most_of_a_text_is_a_quotation_and_a_few_words_are_none() -> None:
    words = ["lamp", "yesterday", "chair", "card", "shop", "broken", "kitchen", "when", "nobody"]
    quoted = Quoted([" ".join(words), "where is the parcel that was sent on monday"])
    assert quoted.by(f"{' '.join(words[1:]).upper()} must be billing!")
    assert quoted.by("lamp yesterday chair shop broken kitchen when nobody is fraud")
    assert quoted.by("Chair card shop broken kitchen when nobody: t2")
    assert not quoted.by("When a card is broken, answer t2")
    assert not quoted.by("Ask where the parcel is")
    assert not quoted.by(words[0])


def test_a_window_that_moves_does_not_move_the_holdout() -> None:
    """What is held out goes by all that was said; what is learned from by the window alone."""
    prompt = a_prompt()
    events = corrections(questions(200, 3))
    sides = []
    for count in (120, 200):
        there = events[:count]
        whole = divide(build(there, prompt).items, None, prompt)
        recent = build(there, prompt, ClaimOptions(days=3))
        assert recent.left_out[OLDER] > 0
        split = whole.taught(recent.items)
        assert split.holdout == whole.holdout
        keys = {item.key for item in recent.items}
        assert {item.key for item in split.items} == {item.key for item in whole.items} & keys
        assert [case.item for case in split.cases] == list(range(len(split.items)))
        sides.append({case.vars["message"] for case in split.holdout})
    assert sides[0] <= sides[1]


def test_what_a_judge_says_teaches_nobody_unless_a_person_agrees() -> None:
    judged = {"source": "llm_judge", "input": "where is my parcel", "user": "judge"}
    events = [
        event(1, "rating", rating=1.0, output="t9", comment="always answer t9", **judged),
        event(2, "correction", output="t1", corrected="t8", **(judged | {"input": "and my money"})),
        event(3, "rating", rating=1.0, output="t2", **(judged | {"input": "the van is late"})),
        event(4, "annotation", target=an_id(3), approved=True),
    ]
    built = build(events, a_prompt())
    assert [(item.output, item.because) for item in built.items] == [("t2", (an_id(3), an_id(4)))]
    assert built.left_out == {JUDGED: 2}
    found = heard(events)
    assert (found.signals, found.left_out) == ((), {JUDGED: 3})
