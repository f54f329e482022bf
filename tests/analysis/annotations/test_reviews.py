"""What reviewers said, who counts, what is settled, and what waits."""

from __future__ import annotations

import pytest

from promptvc.analysis.annotations.disputes import disputes
from promptvc.analysis.annotations.queue import Asking, Line, place
from promptvc.analysis.annotations.reviews import Question, Reviews
from promptvc.analysis.annotations.scales import Scale, scales_of
from promptvc.base.errors import Usage
from promptvc.base.feedback_settings import AnnotationSettings
from promptvc.feedback.events import Event
from promptvc.feedback.panel import Panel
from promptvc.feedback.pseudonyms import Key, KeyRing, pseudonym
from tests.analysis.answers import an_id, answer, event, judgement, note

OLD, NEW = Key(b"a" * 16), Key(b"b" * 16)
RING = KeyRing((NEW, OLD))
(APPROVED,) = Reviews.of([]).questions({})
ANN, BOB, ZOE = (pseudonym(who, NEW) for who in ("ann", "bob", "zoe"))


def said(events: list[Event], question: Question = APPROVED) -> dict[str, object]:
    return dict(Reviews.of(events).said(an_id(1), question))


def test_the_latest_word_of_each_counts_and_one_taken_back_does_not() -> None:
    there = [
        answer(1),
        note(2, 1, approved=True),
        note(3, 1, approved=False),
        note(4, 1, "bob", label="good"),
    ]
    assert said(there) == {"ann": 0.0, "bob": 1.0}
    assert said([*there, note(5, 3, "zoe", approved=False)]) == {"ann": 1.0, "bob": 1.0}
    assert said([*there, note(5, 1, corrected="B")]) == {"ann": 0.0, "bob": 1.0}
    assert said([*there, note(5, 1, corrected=" b ")]) == {"ann": 1.0, "bob": 1.0}
    assert said([*there, judgement(5, 1, 0.1)]) == {"ann": 0.0, "bob": 1.0}


def test_a_correction_is_reviewed_as_it_stands() -> None:
    there = [event(1, "correction", input="a", output="b", corrected="c")]
    assert said([*there, note(2, 1, approved=True)]) == {"ann": 1.0}
    assert said([*there, note(2, 1, corrected="c")]) == {"ann": 1.0}
    assert said([*there, note(2, 1, corrected="b")]) == {"ann": 0.0}


def test_a_later_word_on_something_else_leaves_the_rest() -> None:
    scales = scales_of({"tone": "stars", "form": ["letter", "note"]})
    there = [
        answer(1),
        note(2, 1, scores={"tone": 0.5, "other": 0.3}, labels={"form": "essay"}, label="form=essay"),
        note(3, 1, approved=True),
    ]
    questions = Reviews.of(there).questions(scales)
    assert [one.name for one in questions] == ["approved", "tone", "form", "other"]
    assert [said(there, one) for one in questions] == [{"ann": 1.0}, {"ann": 0.5}, {}, {"ann": 0.3}]


@pytest.mark.parametrize(("words", "settled"), [("yn", None), ("yyn", 1.0), ("nyyn", None), ("nnnyy", 0.0)])
def test_more_than_half_settle(words: str, settled: float | None) -> None:
    notes = [note(2 + i, 1, f"r{i}", approved=word == "y") for i, word in enumerate(words)]
    reviews = Reviews.of([answer(1), *notes])
    (found,) = disputes(reviews, reviews, (APPROVED,), "majority")
    assert (found.settled, found.by) == (settled, None if settled is None else "majority")


def test_the_queue_is_disputes_then_the_worst_then_the_newest() -> None:
    there = [
        answer(1),
        answer(2),
        event(3, "rating", output="b", stars=5),
        event(4, "rating", output="b", stars=2),
    ]
    there += [
        event(5, "demonstration", input="a", output="b"),
        event(6, "rating", stars=1),
        answer(7, output=""),
    ]
    there += [
        note(10, 3, approved=True),
        note(11, 3, "bob", approved=False),
        note(12, 4, "bob", approved=True),
    ]
    reviews = Reviews.of(there)

    def ids(asking: Asking) -> list[str]:
        lines = Line(9), Line(9), Line(2)
        for line, events in zip(lines, (there, there[::-1], there[::-1]), strict=True):
            for one in events:
                if (waiting := place(one, reviews, (APPROVED,), asking)) is not None:
                    line.add(waiting)
        found = lines[0].first()
        assert lines[1].first() == found
        assert (lines[2].first(), lines[2].total) == (found[:2], len(found))
        return [one.event.id for one in found]

    assert ids(Asking(overlap=3)) == [an_id(one) for one in (3, 4, 2, 1)]
    assert ids(Asking(overlap=2)) == [an_id(one) for one in (4, 2, 1)]
    assert ids(Asking(frozenset({"bob"}), 3, {an_id(2)})) == [an_id(1)]
    assert ids(Asking(frozenset({"zoe"}), unsettled={an_id(3)})) == [an_id(3)]


def test_experts_are_known_under_every_key_and_by_their_links() -> None:
    old, strange = pseudonym("ann", OLD), f"u-{'0' * 8}-{'1' * 32}"
    linked = note(5, 1, pseudonym("ann", NEW), approved=True, aka=strange)
    there = [answer(1), note(2, 1, old, approved=True), note(3, 1, strange, approved=True), linked]
    there += [note(4, 1, BOB, approved=True), judgement(6, 1, 0.5)]
    kept = Panel(("ann",)).heeded(there, RING)
    assert kept == [one for one in there if one.data.get("reviewer") != BOB]
    assert Panel((old,)).heeded(there[:5], None) == [there[0], there[1]]
    assert Panel().heeded(there, None) == there
    assert Panel(("ann",)).heeded([answer(1), judgement(6, 1, 0.5)], None) == [
        answer(1),
        judgement(6, 1, 0.5),
    ]
    with pytest.raises(Usage, match="no key"):
        Panel(("ann",)).heeded(there, None)


def test_the_last_adjudicator_outranks_everybody_on_the_answer() -> None:
    there = [answer(1), answer(2), note(3, 1, ZOE, approved=True), note(4, 1, ANN, approved=False)]
    there += [note(5, 1, ANN, label="x"), note(6, 2, BOB, approved=True)]
    both = Panel.of((), AnnotationSettings(resolve="adjudication", adjudicators=("zoe", "ann")))
    assert [one.id for one in both.heeded(there, RING)] == [an_id(one) for one in (1, 2, 4, 5, 6)]
    assert Panel.of((), AnnotationSettings(adjudicators=("zoe",))) == Panel()
    strict = Panel(("ann",), ("zoe",))
    assert [one.id for one in strict.heeded(there, RING)] == [an_id(one) for one in (1, 2, 3)]
    assert [one.id for one in strict.unadjudicated(there, RING)] == [an_id(one) for one in (1, 2, 4, 5, 6)]
    assert [strict.is_expert(who, RING) for who in ("ann", ANN, "zoe", "bob")] == [True, True, True, False]


@pytest.mark.parametrize(
    ("kind", "text", "kept", "shown"),
    [
        ("yes_no", " Yes", 1.0, True),
        ("yes_no", "n", 0.0, False),
        ("stars", "4", 0.75, 4.0),
        ("stars", "4.5", None, None),
        ("percent", "72.5 %", 0.725, 72.5),
        ("percent", "101", None, None),
        ("percent", "-inf", None, None),
        ("percent", "much", None, None),
    ],
)
def test_what_is_kept_of_an_answer(kind: str, text: str, kept: float | None, shown: object) -> None:
    scale = Scale("tone", kind)
    if kept is None:
        with pytest.raises(Usage, match="none of its values"):
            scale.parse(text)
    else:
        assert scale.parse(text) == kept
        assert scale.shown(kept) == shown
