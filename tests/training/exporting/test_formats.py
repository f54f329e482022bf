"""Every format keeps its columns' contract, and says what the events said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptvc.base.schemas import check_value
from promptvc.training.exporting.formats import FORMATS
from promptvc.training.exporting.query import DatasetQuery
from promptvc.training.exporting.selection import figures
from tests.training.exporting.events import ALL, chosen, event, note, rows

MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "additionalProperties": False,
    "properties": {
        "role": {"enum": ["system", "user", "assistant"]},
        "content": {"type": "string", "minLength": 1},
    },
}
PROMPT_PART = {"type": "array", "minItems": 1, "items": MESSAGE}
ANSWER = {
    "type": "array",
    "minItems": 1,
    "maxItems": 1,
    "items": MESSAGE
    | {"properties": {"role": {"const": "assistant"}, "content": {"type": "string", "minLength": 1}}},
}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COLUMNS: dict[str, dict[str, Any]] = {
    "sft": {"prompt": PROMPT_PART, "completion": ANSWER},
    "dpo": {"prompt": PROMPT_PART, "chosen": ANSWER, "rejected": ANSWER},
    "kto": {"prompt": PROMPT_PART, "completion": ANSWER, "label": {"type": "boolean"}},
    "chat": {"messages": PROMPT_PART},
    "preference": {
        "prompt": PROMPT_PART,
        "chosen": ANSWER,
        "rejected": ANSWER,
        "score_chosen": SHARE,
        "score_rejected": SHARE,
        "margin": SHARE,
    },
}
OPTIONS = [
    {"name": "a", "output": "best", "confidence": 0.2},
    {"name": "b", "output": "second"},
    {"name": "c"},
]
SAME = {"q": "one question"}
MIXED = (
    event(1, "correction", output="wrong", corrected="right", user="u1"),
    event(2, "demonstration", output="shown", user="u2"),
    event(3, "selection", options=OPTIONS, selected="a"),
    event(4, "rating", output="good", stars=5, input=SAME),
    event(5, "rating", output="bad", stars=2, input=SAME),
    event(6, "rating", output="good", rating=0.8, input={"q": "One  question!"}),
    event(7, "rating", output="middle", rating=0.5),
)


@pytest.mark.parametrize("name", FORMATS)
def test_the_rows_of_a_format_keep_its_contract(name: str) -> None:
    assert set(COLUMNS) == set(FORMATS)
    schema = {
        "type": "object",
        "required": list(COLUMNS[name]),
        "additionalProperties": False,
        "properties": COLUMNS[name],
    }
    found = rows(chosen(*MIXED), name)
    assert found
    for row in found:
        assert check_value(row, schema) == []
        assert tuple(row) == FORMATS[name].columns
        turns = row.get("messages") or row["prompt"]
        assert [one["role"] for one in turns[:2]] == ["system", "user"]
        assert turns[0]["content"] == "Answer.\n\nRules:\n- Be short."
        assert turns[1]["content"].startswith("Q: ")
        if name == "chat":
            assert [one["role"] for one in turns] == ["system", "user", "assistant"]


def test_a_row_for_every_right_answer() -> None:
    found = [
        (row["prompt"][-1]["content"], row["completion"][0]["content"]) for row in rows(chosen(*MIXED), "sft")
    ]
    assert found == [
        ("Q: question number 1", "right"),
        ("Q: question number 2", "shown"),
        ("Q: question number 3", "best"),
        ("Q: one question", "good"),
    ]
    assert [row["messages"][-1]["content"] for row in rows(chosen(*MIXED), "chat")] == [
        text for _, text in found
    ]


def test_pairs_of_corrections_selections_and_ratings() -> None:
    found = rows(chosen(*MIXED), "preference")
    said = [
        (
            row["chosen"][0]["content"],
            row["rejected"][0]["content"],
            row["score_chosen"],
            row["score_rejected"],
            row["margin"],
        )
        for row in found
    ]
    assert said == [
        ("right", "wrong", 1.0, 0.0, 1.0),
        ("best", "second", 1.0, 0.0, 1.0),
        ("best", "c", 1.0, 0.0, 1.0),
        ("good", "bad", 0.9, 0.25, 0.65),  # the mean of 1.0 and 0.8, against 2 stars
    ]
    assert len(rows(chosen(*MIXED), "dpo")) == len(found)


def test_marks_of_what_is_wanted_and_what_is_not() -> None:
    found = [(row["completion"][0]["content"], row["label"]) for row in rows(chosen(*MIXED), "kto")]
    assert found == [
        ("right", True),
        ("wrong", False),
        ("shown", True),
        ("best", True),
        ("second", False),
        ("c", False),
        ("good", True),
        ("bad", False),
    ]


def test_the_bar_of_a_good_rating_can_be_raised() -> None:
    strict = DatasetQuery(shares=ALL.shares, with_holdout=True, min_rating=0.95)
    assert [row["completion"][0]["content"] for row in rows(chosen(*MIXED, query=strict), "sft")][
        -1
    ] == "good"
    strictest = (event(6, "rating", output="good", rating=0.8),)
    assert rows(chosen(*strictest, query=strict), "sft") == []
    assert len(rows(chosen(*strictest), "sft")) == 1


def test_every_low_rated_answer_of_an_input_is_in_a_pair() -> None:
    low = [event(at, "rating", output=f"low {at}", thumbs="down", input=SAME) for at in range(5)]
    high = [event(at, "rating", output=f"high {at}", thumbs="up", input=SAME) for at in range(10, 12)]
    found = rows(chosen(*low, *high), "dpo")
    assert {row["rejected"][0]["content"] for row in found} == {f"low {at}" for at in range(5)}
    assert {row["chosen"][0]["content"] for row in found} == {"high 10", "high 11"}
    assert len(found) == 5


def test_contradictions_are_settled_by_most_events_or_not_at_all() -> None:
    up, down = (
        event(at, "rating", output="x", thumbs=way, input=SAME) for at, way in ((1, "up"), (2, "down"))
    )
    assert rows(chosen(up, down), "kto") == []
    (row,) = rows(chosen(up, down, event(3, "rating", output="x", thumbs="up", input=SAME)), "kto")
    assert row["label"] is True
    both = event(4, "rating", output="y", thumbs="down")
    (approved,) = rows(
        chosen(both, note(5, both, approved=True), event(6, "correction", corrected="y", input=both.input)),
        "kto",
    )
    assert approved["label"] is True


def test_users_are_in_no_row_unless_asked_for() -> None:
    selection = chosen(*MIXED)
    for name in FORMATS:
        assert "u1" not in json.dumps(rows(selection, name))
    assert rows(selection, "sft", with_users=True)[0]["users"] == ["u1"]


def test_half_a_character_can_be_written() -> None:
    selection = chosen(event(1, "demonstration", output="half \ud83d"))
    (line,) = selection.rows(FORMATS["sft"], "train")
    assert json.loads(line)["completion"][0]["content"] == "half \ud83d"


def test_the_order_of_events_changes_no_byte() -> None:
    assert figures(chosen(*MIXED)) == figures(chosen(*reversed(MIXED)))
    assert chosen(*MIXED).digest == chosen(*reversed(MIXED)).digest
