"""Custom patterns and texts that stay: what the settings add to redaction."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptvc.base.config import load_settings
from promptvc.base.errors import InvalidDocument
from promptvc.base.feedback_settings import RedactionSettings
from promptvc.feedback.redact import Redactor, redact
from promptvc.feedback.redaction_rules import LONGEST, rules_of

SETTINGS = RedactionSettings(
    patterns={
        "order": "ORD-[0-9]{3,}",
        "email": "[a-z]+ at corp",
        "plan": r"(?i)secret plan \w+",
        "rest": "ticket.*",
    },
    allow=("Help@Example.org", "+49 800 1234567", "ORD-777"),
)
RULES = rules_of(SETTINGS)
# One that finds something in every text and in every placeholder.
GREEDY = rules_of(RedactionSettings({"order": r"[a-z\[\]]+", "two": "[0-9 ]$", "card": "-?[0-9]"}))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("ORD-12345 and bob at corp", "[order] and [email]"),
        ("the SECRET PLAN Zulu", "the [plan]"),
        ("ask help@example.ORG or bob@example.org", "ask help@example.ORG or [email]"),
        ("call +49 800 1234567", "call +49 800 1234567"),
        ("ORD-777 stays, ORD-778 goes", "ORD-777 stays, [order] goes"),
        ("ＯＲＤ-１２３", "[order]"),
        ("ticket of bob@example.org, no. 5", "[email]"),
        ("ticket of [email], no. 5", "[rest][email], no. 5"),
        ("[order] [plan] [unknown]", "[order] [plan] [unknown]"),
        ("password: help@example.org1", "password: [secret]"),
    ],
)
def test_a_repository_has_its_own(text: str, clean: str) -> None:
    assert redact(text, RULES)[0] == clean
    assert redact(clean, RULES) == (clean, Counter())


def test_what_is_found_is_counted_by_category_in_every_part_of_an_event() -> None:
    redactor = Redactor(settings=SETTINGS)
    event = {
        "comment": "ORD-1234",
        "context": {"ORD-1234": ["ORD-5678 bob@example.org"]},
        "session": "ORD-9999",
    }
    clean, found = redactor.event(event)
    assert clean == {"comment": "[order]", "context": {"[order]": ["[order] [email]"]}, "session": "[order]"}
    assert found == Counter(order=4, email=1)
    assert redactor.event(clean) == (clean, Counter())
    assert Redactor().event(event)[1] == Counter(email=1), "the settings are of one repository"


PIECES = st.sampled_from(
    (
        *(
            "ORD-123",
            "ticket",
            " at corp",
            "secret plan ",
            "a@b.org",
            "[email]",
            "[order]",
            "[two]",
            "[",
            "]",
            " ",
            "\n",
        ),
        *("+49 800 1234567", "help@example.org", "password: ", "12", "é", "－", "x" * 300),
    )
)


@settings(max_examples=150)
@given(st.lists(PIECES, max_size=8).map("".join))
@example("password: [order]")
@example("ab12[two]34")
def test_redacting_twice_is_redacting_once(text: str) -> None:
    for rules in (RULES, GREEDY):
        once, _ = redact(text, rules)
        assert redact(once, rules) == (once, Counter())


@settings(max_examples=50)
@given(st.integers(0, 3000), st.integers(0, 400))
@example(1020, 0)
@example(764, 300)
def test_no_window_hides_a_match(before: int, between: int) -> None:
    text = f"{'.' * before}ORD-1234{'.' * between}ORD-4321."
    assert redact(text, RULES)[0] == f"{'.' * before}[order]{'.' * between}[order]."


def test_a_long_match_is_replaced_piece_by_piece() -> None:
    long = "ORD-" + "1" * 5000
    clean, found = redact(f"a {long} b", rules_of(RedactionSettings({"order": "ORD-[0-9]+|[0-9]{3,}"})))
    assert re.fullmatch(r"a (\[order\])+ b", clean)
    assert 1 < found["order"] <= 5000 // LONGEST


@pytest.mark.parametrize("unit", ["a", "a ", "1"])
def test_a_quadratic_pattern_stays_bounded(unit: str) -> None:
    seen = rules_of(RedactionSettings({"x": r"\S+!", "y": "[a ]+!", "z": r".*!"}))
    text = unit * (64 * 1024 // len(unit))
    assert redact(text, seen) == (text, Counter())


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is no regular expression"),
        ("(a+)+$", "repeats in a way that may never end"),
        (r"(\w+\s*)*x", "repeats in a way that may never end"),
        ("x*", "matches even an empty text"),
    ],
)
def test_settings_refuse_what_is_no_pattern_or_may_never_end(pattern: str, reason: str) -> None:
    text = f"main: main\nfeedback:\n  redaction:\n    patterns:\n      good: 'ORD-[0-9]+'\n      bad: '{pattern}'\n"
    with pytest.raises(InvalidDocument, match=rf"feedback\.redaction\.patterns\.bad {reason}") as caught:
        load_settings(text.encode())
    assert caught.value.line == 6
