"""Reports of trainings: what they tell, how long they are, and that nothing foreign in them is active."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument, Usage
from promptvc.base.ids import derived_ulid
from promptvc.evaluation.reports.markdown import LIMIT
from promptvc.evidence.ledger import Events, Training
from promptvc.evidence.values import Score, Tokens, VersionRef
from promptvc.training.outcome import Change, Tried
from promptvc.training.reports.formats import FORMATS, format_of
from promptvc.training.reports.report import Report, Spent, report_of_record
from tests.evaluation.reports.test_markdown import TEXTS, active, tables

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID, GONE = (derived_ulid(NOON, word, 0) for word in (b"said", b"gone"))
SVG = "{http://www.w3.org/2000/svg}"

TRIED = (
    Tried(
        "cover",
        0.32,
        0.3,
        40,
        8,
        baseline=0.3,
        approach="few_shot",
        low=-0.05,
        high=0.09,
        calls=120,
        ended="behind",
    ),
    Tried(
        "ahead",
        0.61,
        0.5,
        100,
        8,
        baseline=0.5,
        approach="few_shot",
        calls=300,
        ended="won",
        front=True,
        cost=0.0012,
    ),
    Tried(
        "grown",
        0.0,
        0.0,
        0,
        4,
        approach="meta_prompt",
        round=2,
        calls=310,
        ended="refused",
        reason="too long",
    ),
    Tried(
        "fraud",
        0.66,
        0.61,
        100,
        8,
        baseline=0.5,
        approach="meta_prompt",
        round=2,
        calls=620,
        ended="won",
        front=True,
    ),
    Tried("both", 0.94, 0.96, 20, 8, baseline=0.8, approach="merge", round=3, calls=700, ended="stopped"),
)
CHANGES = (
    Change("rules[1]", "added", None, "A charge nobody knows is card_fraud.", (GONE, SAID)),
    Change("messages[0]", "changed", "Answer.", "Answer with a label.", (SAID,)),
)
REPORT = Report(
    name="desk/route",
    training=derived_ulid(NOON, b"training", 0),
    approach="meta_prompt",
    chosen="as asked",
    reason="better by 6.0 points",
    baseline=1,
    candidate=2,
    branch="promptvc/desk/route/v2",
    promoted=True,
    spent=Spent(700, 1400, None, None, 100, Tokens(10, 20), 0.5),
    tried=TRIED,
    changes=CHANGES,
    words={SAID: "charged twice -> billing"},
    events=12,
    train_baseline=0.5,
    train_candidate=0.66,
    cases=100,
    verdict="improvement",
    score=Score(0.5, 0.66, 0.16, 0.1, 0.2, 0.9, 40),
    look=1,
    left_out={"users differ": 3},
)


def text_of(report: Report, kind: str) -> str:
    return "".join(FORMATS[kind].write(report))


def picture(report: Report) -> ET.Element:
    return ET.fromstring(text_of(report, "svg"))


def marks(root: ET.Element) -> list[tuple[str, str]]:
    """Class and title of each variant's mark."""
    return [
        (group[1].attrib["class"], group[0].text or "")
        for group in root.iter(f"{SVG}g")
        if group[0].tag == f"{SVG}title"
    ]


def test_the_page_tells_verdict_cost_race_front_and_whose_words_a_change_cites() -> None:
    text = text_of(REPORT, "markdown")
    assert text.startswith("### improvement: `desk/route` v2 against v1, 0.500 → 0.660 (+16.0 points")
    assert "Racing did without 50 % of the calls." in text
    assert f"- added `rules[1]`: `A charge nobody knows is card_fraud.`\n  - `{SAID}` `charged twice" in text
    assert f"`{GONE}` is gone" in text
    cost, race, front = tables(text)
    assert cost[1][1:4] == ["700", "unknown", "unknown"]
    assert cost[3][1:4] == ["100", "10 in, 20 out", "$0.5000"]
    assert [row[2] for row in race[1:]] == ["cover", "ahead", "grown", "fraud", "both"]
    assert race[1][3:6] == ["0.320", "+2.0", "-5.0 .. +9.0"]
    assert race[3][3:5] == ["-", "-"], "what was never asked has no score"
    assert race[3][10] == "refused, too long"
    assert [row[0] for row in front[1:]] == ["ahead", "fraud"]


def test_the_picture_has_a_mark_for_each_variant_that_was_asked_and_a_step_for_each_that_won() -> None:
    root = picture(REPORT)
    found = marks(root)
    assert sorted(kind for kind, _ in found) == ["lost", "stopped", "won", "won"]
    assert not [title for _, title in found if "grown" in title]
    path = next(one for one in root.iter(f"{SVG}path") if "H" in one.attrib["d"] and "V" in one.attrib["d"])
    assert path.attrib["d"].count("V") == 2
    ids = root.attrib["aria-labelledby"].split()
    described = {one.attrib["id"]: one.text for one in root if "id" in one.attrib}
    assert [bool(described[each]) for each in ids] == [True, True]
    assert "1 variant refused" in (described["desc"] or "")


def test_a_higher_gain_stands_higher_and_more_calls_stand_further_right() -> None:
    """Whatever the cases: one that was dropped early met others."""
    places = {}
    for group in picture(REPORT).iter(f"{SVG}g"):
        mark = group[1].attrib
        # A cross begins four to the left of and above its place.
        at = (
            (mark["cx"], mark["cy"])
            if "cx" in mark
            else mark["d"].removeprefix("M").partition("l")[0].split()
        )
        off = 0 if "cx" in mark else 4
        places[(group[0].text or "").split(" ")[0]] = float(at[0]) + off, float(at[1]) + off
    assert places["cover"][0] < places["ahead"][0] < places["fraud"][0]
    assert places["cover"][1] > places["ahead"][1] > places["fraud"][1]
    assert places["ahead"][1] > places["both"][1] > places["fraud"][1], (
        "2 points below what it was raced against"
    )


def test_a_training_that_tried_nothing_has_a_report_too() -> None:
    bare = replace(
        REPORT, tried=(), changes=(), verdict=None, score=None, candidate=None, branch=None, look=None
    )
    assert text_of(bare, "markdown").startswith("### No candidate: `desk/route` against v1\n")
    assert "nothing was raced" in "".join(picture(bare).itertext())
    assert json.loads(text_of(bare, "json"))["tried"] == []


def test_variants_that_all_score_the_same_are_drawn() -> None:
    flat = tuple(replace(one, score=1.0, parent=1.0, baseline=1.0, calls=0, cases=5) for one in TRIED)
    assert len(marks(picture(replace(REPORT, tried=flat, train_baseline=1.0)))) == len(TRIED)


def test_json_has_everything() -> None:
    value = json.loads(text_of(REPORT, "json"))
    assert value["spent"]["saved"] == 0.5
    assert value["train"] == {"baseline": 0.5, "candidate": 0.66, "cases": 100, "p": None}
    assert [one["name"] for one in value["tried"]] == [one.name for one in TRIED]
    assert value["changes"][0]["because"] == [GONE, SAID]
    assert value["words"] == {SAID: "charged twice -> billing"}


@settings(max_examples=30)
@given(TEXTS, st.integers(0, 40))
@example(["0"], 0)
def test_foreign_text_is_inert_and_the_page_stays_short(texts: list[str], many: int) -> None:
    pick = [*texts, *texts, *texts]
    changes = tuple(
        Change("rules[0]", pick[0], pick[at % len(pick)] * 50, pick[-1] * 50, (SAID, GONE))
        for at in range(many)
    )
    tried = tuple(
        replace(one, name=pick[0], approach=pick[at % len(pick)], reason=pick[-1])
        for at, one in enumerate(TRIED * 30)
    )
    report = replace(
        REPORT,
        name=pick[0],
        reason=pick[1],
        chosen=pick[2],
        tried=tried,
        changes=changes,
        words={SAID: pick[-1]},
        left_out={pick[0]: 1},
        remarks=tuple(texts),
        stopped=pick[1],
        verdict=pick[0],
        recommendation=pick[1],
    )
    text = text_of(report, "markdown")
    assert active(text) == []
    assert len(text.encode()) <= LIMIT
    root = picture(report)
    assert not [
        one.tag for one in root.iter() if one.tag.removeprefix(SVG) in {"script", "a", "image", "use"}
    ]
    assert "http" not in "".join(one.attrib.get("href", "") for one in root.iter())
    json.loads(text_of(report, "json"))


def test_a_page_that_is_too_long_says_how_much_is_left_out() -> None:
    text = text_of(replace(REPORT, tried=TRIED * 400), "markdown")
    assert len(text.encode()) <= LIMIT
    assert "more variants not shown here" in text


def record(**more: object) -> Training:
    given = Training(
        id=REPORT.training or "",
        time=NOON,
        prompt="desk/route",
        approach="meta_prompt",
        seed=0,
        model="offline",
        baseline=VersionRef(1, "b"),
        candidate=VersionRef(2, "c"),
        events=Events(12, "d"),
        promoted=True,
        reason="better by 6.0 points",
        calls=100,
        look=1,
        verdict="improvement",
        score=REPORT.score,
        train_score={"baseline": 0.5, "candidate": 0.66},
        tokens=Tokens(10, 20),
        cost=0.5,
        branch=REPORT.branch,
        chosen="as asked",
        edits=tuple(change.to_json() for change in CHANGES),
        tried=tuple(one.to_json() | {"newer": 1} for one in TRIED),
        search={"calls": 700, "full_calls": 1400, "tokens": None, "cost": None, "cases": 100, "p": None},
        extra={"left_out": {"users differ": 3}},
    )
    return replace(given, **more)  # type: ignore[arg-type]


def test_a_record_of_the_ledger_tells_the_same() -> None:
    told = report_of_record(record(), {SAID: "charged twice -> billing", "another": "x"})
    assert told == REPORT


def test_a_record_from_before_variants_were_kept_is_told_with_what_it_has() -> None:
    old = record(edits=(), tried=(), chosen=None, search={}, extra={})
    told = report_of_record(old, {})
    assert (told.tried, told.changes, told.spent.calls) == ((), (), None)
    assert "#### What was tried" not in text_of(told, "markdown")


@pytest.mark.parametrize(
    ("key", "value"), [("score", "high"), ("name", None), ("calls", None), ("front", "yes"), ("low", [])]
)
def test_a_record_that_is_damaged_is_one_clear_error(key: str, value: object) -> None:
    with pytest.raises(InvalidDocument, match=key):
        report_of_record(record(tried=(TRIED[0].to_json() | {key: value},)), {})
    with pytest.raises(InvalidDocument, match="score"):
        report_of_record(record(tried=({"name": "x"},)), {})
    with pytest.raises(InvalidDocument, match="kind"):
        report_of_record(record(edits=({"path": "rules[0]", "kind": 7, "before": None, "after": None},)), {})


def test_the_ending_decides() -> None:
    assert format_of("a/B.MD") is FORMATS["markdown"]
    with pytest.raises(Usage, match=r"report\.pdf"):
        format_of("x/report.pdf")
