"""Finding a person's words and taking them out of lines and records."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.feedback.forgetting import FORGOTTEN, Texts, Traces, gather, is_telling, linked, scrub, without

EVE, OLD, ADAM = (f"u-{digit * 8}-{digit * 32}" for digit in "123")
IDS = [f"01JD3M8Z6VQW4N9T2X5KAB7C{number:02d}" for number in range(9)]


def line(number: int, **values: object) -> bytes:
    about = {
        "id": IDS[number],
        "time": "2026-01-05T10:00:00Z",
        "prompt": "a",
        "kind": "rating",
        "source": "human",
    }
    return json.dumps(about | values).encode() + b"\n"


def files(*lines: bytes) -> list[tuple[str, bytes]]:
    return [("feedback/a/2026/01/x.jsonl", b"".join(lines))]


def test_aka_links_names_one_after_the_other() -> None:
    chain = files(line(0, user=EVE, aka=[OLD]), line(1, user=ADAM, aka=OLD), line(2, user="somebody"))
    assert linked(lambda: chain, {EVE}) == {EVE, OLD, ADAM}
    assert linked(lambda: chain, {"somebody"}) == {"somebody"}


def test_what_only_says_something_about_their_events_goes_with_them() -> None:
    lines = [
        line(0, user=EVE, comment="the only words of Eve"),
        line(1, user=ADAM, target=IDS[0], comment="well put by somebody"),
        line(2, user=ADAM, derived_from=[IDS[1]]),
        line(3, user=ADAM, derived_from=[IDS[0], IDS[4]]),
        line(4, user=ADAM, comment="the only words of Adam"),
    ]
    found = gather(lambda: files(*lines), {EVE})
    assert (found.own, found.about, found.traces.ids) == (1, 2, frozenset(IDS[:3]))
    clean = without(b"".join(lines) + b"{torn" + EVE.encode() + b"\n", found.traces)
    assert (clean.dropped, clean.changed) == (4, 1)
    kept = [json.loads(each) for each in clean.data.splitlines()]
    assert [(one["id"], one.get("derived_from")) for one in kept] == [(IDS[3], [IDS[4]]), (IDS[4], None)]
    assert clean.data.endswith(lines[4])  # byte for byte


def test_words_that_others_said_and_labels_are_not_looked_for() -> None:
    both, label = "nothing but an hourglass", "card_fraud_dispute"
    lines = [
        line(0, user=EVE, input=both, output=label, comment="Eve's alone, twice over"),
        line(1, input=both),
    ]
    found = gather(lambda: files(*lines), {EVE})
    assert list(found.traces.texts) == ["Eve's alone, twice over"]
    assert not is_telling(label)


def test_texts_are_found_in_whatever_content_of_an_event_has_them() -> None:
    """History has an event as it was, and as `feedback retain` left it."""
    lines = (
        line(0, user=EVE, comment="Eve's alone, twice over"),
        line(0, user=EVE, expired="2026-05-01T00:00:00Z"),
    )
    for order in (lines, lines[::-1]):
        assert list(gather(lambda: files(*order), {EVE}).traces.texts) == ["Eve's alone, twice over"]  # noqa: B023


def test_a_rollup_loses_their_units_and_keeps_its_sums() -> None:
    rollup = {"count": 3, "units": {EVE: 2, "other": 1}}
    data = line(0, kind="exposure", rollup=rollup)
    found = gather(lambda: files(data), {EVE})
    assert (found.own, found.rollups) == (0, 1)
    clean = without(data, found.traces)
    assert json.loads(clean.data)["rollup"] == {"count": 3, "units": {"other": 1}}


def test_a_record_keeps_its_figures() -> None:
    traces = Traces(frozenset({EVE}), frozenset(IDS[:1]), Texts(["words of Eve alone"]), frozenset({"cat"}))
    record = {
        "edits": [{"because": IDS[:1], "after": "short", "score": 1}, {"because": IDS[:2], "after": "short"}],
        "cases": [
            {"case": "cat", "output": "x", "score": 0.5},
            {"case": "dog", "output": "words of Eve alone!"},
        ],
        "clusters": {"cat": EVE},
    }
    assert scrub(record, traces) == {
        "edits": [
            {"because": [], "after": FORGOTTEN, "score": 1},
            {"because": IDS[1:2], "after": "short"},
        ],
        "cases": [{"case": "cat", "output": None, "score": 0.5}, {"case": "dog", "output": f"{FORGOTTEN}!"}],
        "clusters": {"cat": FORGOTTEN},
    }


WORDS = st.text(alphabet="ab c", min_size=12, max_size=18).map(lambda one: f"x{one}y")


@settings(max_examples=60)
@given(st.lists(WORDS, max_size=4), st.text(alphabet="ab c", max_size=40))
def test_no_text_is_left_and_nothing_else_is_touched(texts: list[str], around: str) -> None:
    known = Texts(texts)
    whole = around.join(["", *texts, ""])
    clean = known.replaced(whole)
    assert not any(text in clean for text in texts)
    assert clean == around.join(["", *(FORGOTTEN for _ in texts), ""])
    assert known.replaced(clean) == clean
