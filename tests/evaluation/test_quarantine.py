"""Flaky cases, and the reviewed file that takes them out of the count."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.flaky import Flaky, flaky_cases, is_flaky
from promptvc.evaluation.quarantine import (
    load_quarantine,
    near,
    prompt_of,
    proposal,
    quarantine_path,
)
from promptvc.evaluation.reduce import CaseScore

FILE = "evaluation/support/triage.quarantine.yaml"
DAY = date(2026, 11, 20)
TEXT = b"""\
# agreed in the weekly review
- case: two-teams
  reason: both labels are right
  since: 2026-11-02
  until: 2026-12-24
- case: joke
  reason: the model laughs sometimes
"""


def scored(case: str, passes: int, repeats: int, error: str | None = None) -> CaseScore:
    score = None if error else passes / repeats
    return CaseScore(case, score, passes == repeats, repeats, error=error, passes=passes)


def test_cases_whose_repeats_disagree_are_flaky() -> None:
    scores = [scored("a", 3, 3), scored("b", 2, 3), scored("c", 0, 3), scored("d", 1, 2, error="lost")]
    (found,) = flaky_cases(scores)
    # scipy.stats.binomtest(2, 3).proportion_ci(method="wilson") 1.17
    assert (found.case, found.passes, found.repeats) == ("b", 2, 3)
    assert (found.low, found.high) == pytest.approx((0.20765960080204776, 0.9385080552796037))
    assert found.to_json()["low"] == found.low


@given(st.integers(1, 9), st.data())
def test_flaky_is_neither_all_nor_none(repeats: int, data: st.DataObject) -> None:
    passes = data.draw(st.integers(0, repeats))
    assert is_flaky(scored("a", passes, repeats)) == (passes not in {0, repeats})
    for one in flaky_cases([scored("a", passes, repeats)]):
        assert 0 < one.low < passes / repeats < one.high < 1


def test_an_entry_holds_from_its_first_to_its_last_day() -> None:
    quarantine = load_quarantine(TEXT, file=FILE)
    assert quarantine.reason("two-teams", DAY) == "both labels are right"
    assert quarantine.reason("other", DAY) is None
    for day, holds in [
        (date(2026, 11, 1), False), (date(2026, 11, 2), True), (date(2026, 12, 24), True), (date(2026, 12, 25), False)
    ]:  # fmt: skip
        assert (quarantine.reason("two-teams", day) is not None) is holds
        assert quarantine.reason("joke", day) == "the model laughs sometimes"
    assert quarantine.reasons(["joke", "a", "two-teams"], date(2027, 1, 1)) == {
        "joke": "the model laughs sometimes"
    }
    assert [one.case for one in quarantine.expired(date(2027, 1, 1))] == ["two-teams"]
    assert quarantine.expired(DAY) == ()


def test_an_entry_for_no_case_is_told_with_its_line() -> None:
    quarantine = load_quarantine(TEXT, file=FILE)
    (found,) = quarantine.unknown({"jokes", "two-teams"})
    assert (found.case, found.line) == ("joke", 6)
    assert near(found, {"jokes", "two-teams"}) == "jokes"


def test_no_file_and_an_empty_one_hold_nothing() -> None:
    for data in (None, b"", b"# nobody\n", b"[]\n"):
        assert load_quarantine(data, file=FILE).entries == ()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("cases: []\n", 1, "list"),
        ("- case: a\n", 1, "reason"),
        ("- case: a\n  reason: ''\n", 2, "reason"),
        ("- case: a\n  reason: x\n  till: 2026-11-02\n", 3, "till"),
        ("- case: a\n  reason: x\n  until: next week\n", 3, "2026-11-20"),
        ("- case: a\n  reason: x\n  until: 2026-02-30\n", 3, "no such day"),
        ("- case: a\n  reason: x\n  since: 2026-02-03\n  until: 2026-02-02\n", 4, "before"),
        ("- case: a\n  reason: x\n- case: a\n  reason: y\n", 3, "line 1"),
    ],
)
def test_a_fault_names_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message) as caught:
        load_quarantine(text.encode(), file=FILE)
    assert (caught.value.file, caught.value.line) == (FILE, line)


def test_the_file_lies_beside_the_suite() -> None:
    assert quarantine_path("support/triage") == FILE
    assert prompt_of(FILE) == "support/triage"
    assert prompt_of("evaluation/support/triage.yaml") is None
    assert prompt_of("prompts/a.quarantine.yaml") is None


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(ids, unique=True, max_size=5))
def test_what_is_proposed_can_be_committed_as_it_is(names: list[str]) -> None:
    flaky = [Flaky(name, 1, 3, 0.06, 0.79) for name in names]
    text = proposal(flaky, DAY)
    quarantine = load_quarantine(text.encode(), file=FILE)
    assert list(quarantine.reasons(names, DAY)) == names
    assert all("1 of 3 repeats pass" in entry.reason for entry in quarantine.entries)
    assert proposal(flaky, DAY, quarantine) == ""
    assert quarantine.reasons(names, DAY - timedelta(days=1)) == {}


def test_a_proposal_is_added_to_what_is_there() -> None:
    before = load_quarantine(TEXT, file=FILE)
    text = proposal([Flaky("joke", 1, 2, 0.1, 0.9), Flaky("new", 1, 2, 0.1, 0.9)], DAY, before)
    after = load_quarantine(TEXT + text.encode(), file=FILE)
    assert [entry.case for entry in after.entries] == ["two-teams", "joke", "new"]
