"""Labels in instructions: what is read as one, and what is not."""

from __future__ import annotations

import pytest

from promptvc.models.instructions import Label, read_labels, statements


def names(text: str) -> list[str]:
    return [label.name for label in read_labels(text).labels]


@pytest.mark.parametrize(
    "text",
    [
        "Answer with one of: a, b, c.",
        "Answer with one of these teams: a, b or c",
        "Labels: a | b | c",
        "Categories: a; b; c. Nothing else.",
        "Labels: a, b,\n  c",
        "Answer with `a`, `b` or `c`.",
        'Choose "a", "b", or "c"',
        "Classify:\n- a\n- b\n- c",
        "Teams:\n\n* a: first\n* b - second\n* c \u2014 third\n",
        "The labels are:\n1. `a`\n2. **b**: second\n3. c",
        "Choose one.\r\n- a\r\n- b\r\n- c\r\n",
    ],
)
def test_ways_to_name_labels(text: str) -> None:
    assert names(text) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Be brief, kind and clear.",
        "Answer briefly.\n- Never promise money or a date to anyone.\n- Be kind",
        "Rules:\n- Be kind\n- Be brief",
        "Answer with JSON only: `summary` (three sentences), `open` (a list) and `mood`.",
        "Pick the right one.",
        "Answer with one of the teams, in lower case.",
        "- only",
    ],
)
def test_what_names_no_labels(text: str) -> None:
    assert names(text) == []


def test_descriptions_and_lines_that_go_on() -> None:
    text = "Teams:\n- billing: invoices,\n  receipts\n- card_fraud: unknown payments\n\nBe sure."
    found = read_labels(text)
    assert found.labels == (
        Label("billing", "invoices, receipts"),
        Label("card_fraud", "unknown payments"),
    )
    assert text[found.end :] == "\n\nBe sure."


def test_identifiers_need_no_introduction() -> None:
    assert names("- card_fraud\n- late_parcel: it is late") == ["card_fraud", "late_parcel"]
    assert names("Hello\n- apples\n- pears") == []


def test_a_sentence_speaks_for_the_one_label_it_affirms() -> None:
    labels = [Label("fraud"), Label("billing"), Label("card_fraud")]
    text = (
        "A charge that nobody knows is card_fraud, never billing. Both fraud and billing are read by people!\n"
        "- fraud: the line that names it\nSay billing.\nDo not answer with fraud when a sum is wrong"
    )
    assert [(name, " ".join(said.split())) for name, said in statements(text, labels)] == [
        ("card_fraud", "A charge that nobody knows is , never .")
    ]
