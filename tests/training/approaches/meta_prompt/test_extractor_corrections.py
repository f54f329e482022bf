"""Rules from what people correct, and from calls that fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from promptvc.base.config import FeedbackSettings
from promptvc.training.approaches.meta_prompt.extractor import extract
from promptvc.training.data.signals import hear
from tests.training.approaches.meta_prompt.remarks import found, mail, rules
from tests.training.makers import PROMPT, a_prompt, an_id, event

TRIAGE = a_prompt(PROMPT.replace(b"t1, t2, t3, t4, t5, t6", b"billing, refunds, delivery_status"))
LETTERS = (
    "your parcel is on its way and will arrive tomorrow",
    "we have found the missing box in our store",
    "the second box was sent by another courier today",
    "your account was opened again and works as before",
    "the recipe needs ten minutes more in the oven",
)


def corrected(pairs: Sequence[tuple[str, str]], *, users: int = 5, **more: Any) -> list[Any]:
    return [
        event(number, input=f"letter {number}", output=a, corrected=b, user=f"u{number % users}", **more)
        for number, (a, b) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("Dear customer, {}.", "{}.", 'Do not begin with "Dear customer".'),
        ("{}.", "Hi there, {}.", 'Begin with "Hi there".'),
        ("{}. We are sorry for the trouble.", "{}.", 'Do not end with "We are sorry for the trouble."'),
        ("{}.", "{}. Your Larkspoon team.", 'End with "Your Larkspoon team."'),
        ("{}.", "{}. Is there anything else we can do?", "End the answer with a question."),
        ("Our order {}.", "Our purchase {}.", 'Write "purchase", not "order".'),
        ("{}!", "{}.", "Write no exclamation marks."),
        ("OUR {}", "our {}", "Write the answer in lower case."),
    ],
)
def test_what_corrections_have_in_common_is_a_rule(before: str, after: str, rule: str) -> None:
    proposals = found(corrected([(before.format(text), after.format(text)) for text in LETTERS]), mail())
    assert rule in rules(proposals)
    proposal = next(each for each in proposals if each.text == rule)
    assert proposal.because == tuple(sorted(an_id(number) for number in range(5)))
    assert proposal.why == "5 users in 5 events correct answers this way."
    assert proposal.effect == round(5 / 15, 4)


def test_a_change_that_few_make_or_one_person_makes_is_no_rule() -> None:
    pairs = [(f"Dear customer, {text}.", f"{text}.") for text in LETTERS]
    assert found(corrected(pairs, users=1), mail()) == ()
    assert found(corrected(pairs[:2]), mail()) == ()
    kept = [(f"Dear customer, {text}.", f"Dear customer, {text} now.") for text in LETTERS]
    assert 'Do not begin with "Dear customer".' not in rules(found(corrected([*pairs[:3], *kept]), mail()))


def test_answers_cut_to_half_are_to_be_short() -> None:
    pairs = [(f"{text} and {text} and once more {text}", text) for text in LETTERS]
    assert "Keep the answer short: about 10 words." in rules(found(corrected(pairs), mail()))


def test_words_and_corrections_that_say_the_same_are_one_rule() -> None:
    events = corrected([(f"{text}.", f"{text}. Can we help you further?") for text in LETTERS])
    events += [
        event(10 + at, "suggestion", comment=text, user=f"u{10 + at}")
        for at, text in enumerate(("end with a question", "finish with a question please"))
    ]
    proposals = [each for each in found(events, mail()) if "question" in str(each.text)]
    assert rules(proposals) == ["End with a question."]
    assert len(proposals[0].because) == 7
    assert proposals[0].why.startswith("7 users in 7 events")


def labelled(rows: Sequence[tuple[str, str, str]], first: int = 0) -> list[Any]:
    return [
        event(first + at, input=text, output=wrong, corrected=right, user=f"u{first + at}")
        for at, (text, wrong, right) in enumerate(rows)
    ]


def test_labels_corrected_into_one_another_are_told_apart_by_their_words() -> None:
    rows = [
        ("I was promised a voucher last week", "billing", "refunds"),
        ("still waiting for the voucher of May", "billing", "refunds"),
        ("voucher never arrived", "billing", "refunds"),
        ("my voucher is not in the account", "billing", "refunds"),
        ("where is the courier", "billing", "delivery_status"),
        ("an invoice for June please", "refunds", "billing"),
    ]
    (proposal,) = found(labelled(rows), TRIAGE)
    assert proposal.text == "A message about voucher is refunds, not billing."
    assert proposal.because == tuple(sorted(an_id(number) for number in range(4)))


def test_words_that_mean_another_label_as_often_tell_nothing() -> None:
    rows = [("the voucher again", "billing", "refunds")] * 2 + [
        ("a voucher for you", "billing", "refunds")
    ] * 2
    others = [
        ("the voucher parcel", "refunds", "delivery_status"),
        ("voucher with courier", "refunds", "delivery_status"),
    ]
    assert found(labelled([*rows, *others, *others]), TRIAGE) == ()


def test_a_judge_does_not_say_what_is_right_and_the_settings_say_who_does() -> None:
    rows = [("still no voucher", "billing", "refunds"), ("voucher is lost", "billing", "refunds")]
    rows += [("that voucher of June", "billing", "refunds")]

    def rated(rating: float, source: str) -> list[Any]:
        return [
            event(
                50 + at,
                "rating",
                input=f"a voucher {at}",
                output="billing",
                rating=rating,
                user=f"r{at}",
                source=source,
            )
            for at in range(4)
        ]

    def asked(events: list[Any], bar: float = 0.7) -> list[str | None]:
        signals = hear([*labelled(rows), *events], TRIAGE, frozenset()).signals
        return rules(extract(signals, TRIAGE, thresholds=FeedbackSettings(positive=bar)))

    told = ["A message about voucher is refunds, not billing."]
    assert asked([]) == asked(rated(0.9, "llm_judge")) == asked(rated(0.8, "human"), 0.85) == told
    assert asked(rated(0.9, "human")) == asked(rated(0.8, "human")) == []


def test_a_judges_low_score_makes_no_wish_of_words() -> None:
    def remarks(source: str) -> list[Any]:
        return [
            event(at, "rating", rating=0.1, comment="too long", user=f"u{at}", source=source)
            for at in range(3)
        ]

    (asked,) = found(remarks("human"), mail())
    assert "short" in (asked.text or "")
    assert found(remarks("llm_judge"), mail()) == ()


def test_a_frequent_pair_is_a_rule_without_words_unless_it_goes_both_ways() -> None:
    subjects = ("summer", "apples", "trains", "music", "paper", "rivers")
    rows = [(text, "billing", "refunds") for text in subjects]
    assert rules(found(labelled(rows), TRIAGE)) == [
        "Where both refunds and billing seem to fit, answer refunds."
    ]
    back = [(f"{text} too", "refunds", "billing") for text in subjects]
    assert found(labelled([*rows, *back]), TRIAGE) == ()


def errors(*messages: str, kind: str = "Error") -> list[Any]:
    return [event(at, "error", error={"type": kind, "message": text}) for at, text in enumerate(messages)]


@pytest.mark.parametrize(
    ("messages", "rule"),
    [
        (
            (
                "the answer is not one of the labels: 'payment'",
                "the answer is not one of the labels: 'Shipping'",
            ),
            "Answer with one of the labels only, exactly as it is written: never Shipping or payment.",
        ),
        (
            ("Expecting value: line 1 column 1 (char 0)", "the answer is not valid JSON"),
            "Answer with one valid JSON value only, with no text before or after it.",
        ),
        (
            ("'mood' is a required property", "'mood' is a required property"),
            "The JSON always has the key mood.",
        ),
        (
            ("Additional properties are not allowed ('x' was unexpected)",) * 2,
            "Put no other keys into the JSON than those that are asked for.",
        ),
    ],
)
def test_errors_say_what_the_prompt_should(messages: tuple[str, ...], rule: str) -> None:
    (proposal,) = found(errors(*messages), TRIAGE)
    assert proposal.text == rule
    assert proposal.why == "2 calls failed for lack of it."
    assert proposal.effect == round(2 / 12, 4)
    assert found(errors(messages[0]), TRIAGE) == ()


def test_errors_of_the_line_are_no_rules() -> None:
    assert (
        found(errors("no answer within 2000 ms", "no answer within 2000 ms", "connection reset"), TRIAGE)
        == ()
    )
