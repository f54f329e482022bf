"""What a model is shown: different complaints first, each with all its events."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import Event
from promptvc.training.approaches.meta_prompt.voices import Piece, Voices
from promptvc.training.data.items import build
from promptvc.training.data.signals import Signal, hear
from promptvc.training.data.split import TrainingCase, case_of
from promptvc.training.scoring import Scored
from tests.training.makers import a_prompt, an_id, event


def signals(*events: Event) -> tuple[Signal, ...]:
    return hear(events, a_prompt(), frozenset()).signals


def suggestion(number: int, comment: str, **more: Any) -> Event:
    return event(number, "suggestion", comment=comment, **more)


def test_the_same_words_are_one_piece_with_all_events() -> None:
    voices = Voices(
        signals(
            suggestion(1, "Too long!", user="a"),
            suggestion(2, "too LONG", user="b"),
            suggestion(3, "too long", user="b"),
        )
    )
    (piece,) = voices.portion(5)
    assert piece == Piece("2 users say: Too long!", (an_id(1), an_id(2), an_id(3)))


def test_praise_is_not_shown_and_blame_is() -> None:
    voices = Voices(
        signals(
            event(1, "rating", rating=0.9, comment="lovely"),
            event(2, "rating", rating=0.2, comment="rude", input="hello", output="What?", issues=["tone"]),
            event(3, "error", error={"type": "ValueError", "message": "no label"}),
            event(4, "rating", rating=0.9, notes="fine"),
            event(5, "correction", input="hi", output="Hm.", corrected="Hello.", comment="greet"),
            suggestion(6, "say more", rating=1.0),
        )
    )
    texts = "\n".join(piece.text for piece in voices.portion(10))
    assert "lovely" not in texts
    assert "fine" not in texts
    assert "a user says: rude\nabout the input: hello\nand the answer: What?" in texts
    assert "marked as: tone" in texts
    assert "ValueError: no label" in texts
    assert "a user says: greet\nabout the input: hi\nand the answer: Hm.\nright answer: Hello." in texts
    assert "say more" in texts


def test_a_portion_holds_different_complaints() -> None:
    alike = [suggestion(n, f"answers are too long, number {n}", user=f"u{n}") for n in range(10)]
    other = [suggestion(20, "mention euros", user="x"), suggestion(21, "use euros", user="y")]
    texts = [piece.text for piece in Voices(signals(*alike, *other)).portion(3)]
    assert any("long" in text for text in texts)
    assert any("euros" in text for text in texts)


@given(st.integers(1, 30), st.integers(1, 7))
def test_everything_is_shown_before_anything_is_shown_again(count: int, most: int) -> None:
    voices = Voices(signals(*(suggestion(n, f"w{n} x{n % 3}", user=f"u{n % 5}") for n in range(count))))
    shown: list[Piece] = []
    while len(shown) < count:
        portion = voices.portion(most)
        assert 0 < len(portion) <= most
        shown += portion
    assert len(set(shown)) == len(shown) == count
    assert voices.portion(count)


def test_a_failure_tells_what_is_known_of_it() -> None:
    asked = event(1, "correction", input="Where is it?", output="Gone.", corrected="t2", comment="wrong team")
    praised = event(2, "rating", input="Where is it?", rating=1.0, comment="great")
    (item,) = build([asked], a_prompt()).items
    case = TrainingCase(case_of(item), item.text, item.form, item.output, "g", 0)
    answer = Scored(0.0, ("t1", "t1", "t3"), ("not equal to t2",))
    piece = Voices(signals(asked, praised)).failure(case, answer, item)
    assert piece.because == (an_id(1),)
    assert piece.text == (
        "input: Where is it?\nanswer: t1\nwhat is wrong: not equal to t2\nright answer: t2\na user says: wrong team"
    )
    assert Voices(()).failure(case, answer, None).because == ()


def test_long_texts_are_cut() -> None:
    (piece,) = Voices(signals(suggestion(1, "long " * 5000))).portion(1)
    assert len(piece.text) < 2000


def test_nothing_said_is_nothing_shown() -> None:
    voices = Voices(signals(event(1, "rating", rating=0.1)))
    assert len(voices) == 0
    assert voices.portion(5) == ()


def test_what_is_praise_the_settings_say() -> None:
    (mild,) = signals(event(1, "rating", rating=0.8, comment="a bit long"))
    assert len(Voices([mild])) == 0
    assert len(Voices([mild], FeedbackSettings(positive=0.9))) == 1
