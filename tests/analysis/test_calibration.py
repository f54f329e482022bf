"""Judges held against people: who said what, what outranks what, and the figures of it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.analysis.calibration import (
    CalibrateOptions,
    Calibration,
    Disagreement,
    calibrate,
    calibrations,
)
from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import Event
from tests.analysis.answers import JUDGE, START, an_id, answer, event, judgement, note


def only(*events: Event, **options: Any) -> Calibration:
    (found,) = calibrations(events, CalibrateOptions(**options))
    return found


def verdicts(*events: Event, **options: Any) -> tuple[int, int, int, int]:
    """tp, fp, fn, tn."""
    counts = only(*events, **options).confusion
    return counts["tp"], counts["fp"], counts["fn"], counts["tn"]


def test_the_figures_of_one_judge() -> None:
    events = [answer(number) for number in range(50)]
    people = [1.0] * 30 + [0.0] * 20
    judged = [0.9] * 20 + [0.2] * 10 + [0.8] * 5 + [0.1] * 15
    events += [note(100 + at, at, scores={"relevance": score}) for at, score in enumerate(people)]
    events += [judgement(200 + at, at, score) for at, score in enumerate(judged)]
    found = only(*events)
    assert (found.judge, found.metric, found.prompt, found.version) == (
        JUDGE,
        "relevance",
        "judge/relevance",
        1,
    )
    assert (found.n, found.own, found.ties, found.scored, found.few) == (50, 50, 0, 50, False)
    assert found.confusion == {"tp": 20, "fp": 5, "fn": 10, "tn": 15}
    # scikit-learn 1.9.1: cohen_kappa_score, matthews_corrcoef; SciPy 1.17.1: binomtest(35, 50).proportion_ci(
    # method="wilson"), spearmanr(people, judged).statistic
    assert found.agreement == 0.7
    assert (found.low, found.high) == pytest.approx((0.562496495355466, 0.8089644649911906))
    assert (found.kappa, found.mcc) == pytest.approx((0.4, 0.4082482904638631))
    assert found.rank_correlation == pytest.approx(0.7453559924999299)
    assert found.difference == pytest.approx((20 * 0.1 + 10 * 0.8 + 5 * 0.8 + 15 * 0.1) / 50)
    assert len(found.disagreements) == 15


def test_each_judge_prompt_version_and_metric_is_calibrated_by_itself() -> None:
    events = [
        answer(1),
        note(2, 1, approved=True),
        judgement(3, 1, 0.9),
        judgement(4, 1, 0.1, "safety"),
        judgement(5, 1, 0.2, context={"version": 2, "digest": "d2"}),
        judgement(6, 1, 0.9, context={"model": "openai:other"}),
        judgement(7, 1, 0.9, "rubric", context={"rubric": "Is it kind?"}),
        judgement(8, 1, 0.9, "rubric", context={"rubric": "Is it short?"}),
        judgement(9, 1, 0.3, source="code", context={"model": "lexical"}),
    ]
    found = [(one.judge, one.metric, one.version, one.rubric, one.agreement) for one in calibrations(events)]
    assert found == [
        ("lexical", "relevance", 1, None, 0),
        (JUDGE, "relevance", 1, None, 1),
        (JUDGE, "relevance", 2, None, 0),
        (JUDGE, "rubric", 1, "Is it kind?", 1),
        (JUDGE, "rubric", 1, "Is it short?", 1),
        (JUDGE, "safety", 1, None, 0),
        ("openai:other", "relevance", 1, None, 1),
    ]
    assert [one.metric for one in calibrations(events, CalibrateOptions(metric="safety"))] == ["safety"]


def test_a_judge_that_does_not_say_who_it_is_goes_by_its_source() -> None:
    bare = event(2, "annotation", source="code", target=an_id(1), scores={"relevance": 1})
    worded = event(3, "annotation", source="llm_judge", target=an_id(1), scores={"relevance": 1}, context="x")
    odd = judgement(4, 1, 1, context={"model": 7, "version": True, "digest": 1, "prompt": None})
    found = calibrations([answer(1), note(9, 1, approved=True), bare, worded, odd])
    assert [(one.judge, one.prompt, one.version, one.n) for one in found] == [
        ("code", None, None, 1),
        ("llm_judge", None, None, 1),
    ]
    assert found[1].digest is None


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ({"approved": True}, True),
        ({"approved": False}, False),
        ({"label": "Approved "}, True),
        ({"label": "reject"}, False),
        ({"label": "fail"}, False),
        ({"label": "pass", "approved": False}, False),
        ({"corrected": " b "}, True),
        ({"corrected": "c"}, False),
        ({"corrected": "c", "approved": True}, False),
        ({"label": "seen", "stars": 5}, True),
        ({"label": "seen", "rating": 0.69}, False),
        ({"scores": {"relevance": 0.7}, "approved": False}, True),
        ({"scores": {"relevance": 0.5}, "approved": True}, False),
        ({"scores": {"safety": 0.1}, "approved": True}, True),
    ],
)
def test_what_an_annotation_says(said: dict[str, Any], good: bool) -> None:
    expected = (1, 0, 0, 0) if good else (0, 1, 0, 0)
    assert verdicts(answer(1), note(2, 1, **said), judgement(3, 1, 1.0)) == expected


@pytest.mark.parametrize("said", [{"label": "seen"}, {"scores": {"safety": 1.0}}])
def test_an_annotation_about_something_else_says_nothing(said: dict[str, Any]) -> None:
    assert calibrations([answer(1), note(2, 1, **said), judgement(3, 1, 1.0)]) == ()


@pytest.mark.parametrize(
    ("kind", "said", "good"),
    [
        ("rating", {"thumbs": "up"}, True),
        ("rating", {"stars": 3}, False),
        ("rating", {"scores": {"relevance": 1}, "thumbs": "down"}, True),
        ("correction", {"corrected": "c"}, False),
        ("correction", {"corrected": "b"}, True),
        ("success", {"effectiveness": 0.9}, True),
    ],
)
def test_what_the_event_itself_says(kind: str, said: dict[str, Any], good: bool) -> None:
    expected = (1, 0, 0, 0) if good else (0, 1, 0, 0)
    assert verdicts(event(1, kind, input="a", output="b", **said), judgement(3, 1, 1.0)) == expected


@pytest.mark.parametrize(
    "silent",
    [
        event(1, "rating", source="code", input="a", output="b", thumbs="up"),
        event(1, "rating", source="llm_judge", input="a", output="b", thumbs="up"),
        event(1, "demonstration", input="a", output="b", rating=1),
        event(1, "correction", input="a", corrected="b"),
        event(1, "rating", input="a", output="b", comment="hm"),
    ],
)
def test_only_people_are_people(silent: Event) -> None:
    machine = judgement(2, 1, 1.0, source="code", approved=True)
    assert calibrations([silent, machine, judgement(3, 1, 1.0)]) == ()


def test_an_annotation_outranks_what_the_event_says() -> None:
    rated = event(1, "rating", input="a", output="b", thumbs="up", user="u1")
    assert verdicts(rated, note(2, 1, approved=False), judgement(3, 1, 1.0)) == (0, 1, 0, 0)
    own = event(1, "rating", input="a", output="b", scores={"relevance": 1.0})
    assert verdicts(own, note(2, 1, approved=False), judgement(3, 1, 1.0)) == (1, 0, 0, 0)


def test_approving_a_correction_says_that_the_answer_was_wrong() -> None:
    wrong = event(1, "correction", input="a", output="b", corrected="c")
    assert verdicts(wrong, note(2, 1, approved=True), judgement(3, 1, 0.1)) == (0, 0, 0, 1)
    assert verdicts(wrong, note(2, 1, approved=False, corrected="b"), judgement(3, 1, 0.1)) == (0, 0, 1, 0)
    assert calibrations([wrong, note(2, 1, approved=False), judgement(3, 1, 0.1)]) == ()


def test_the_majority_counts_and_a_tie_does_not() -> None:
    events = [
        answer(1),
        answer(2),
        note(3, 1, "ann", approved=True),
        note(4, 1, "bob", approved=True),
        note(5, 1, "eve", approved=False),
        note(6, 2, "ann", approved=True),
        note(7, 2, "bob", approved=False),
        judgement(8, 1, 0.9),
        judgement(9, 2, 0.9),
    ]
    found = only(*events)
    assert (found.n, found.ties, found.confusion["tp"]) == (1, 1, 1)
    assert calibrations(events[1:2] + events[5:7] + events[8:]) == ()


def test_a_person_s_latest_word_and_a_judge_s_count() -> None:
    events = [
        answer(1),
        note(2, 1, "ann", approved=False),
        note(3, 1, "ann", approved=True),
        judgement(4, 1, 0.1),
        judgement(5, 1, 0.9),
    ]
    assert verdicts(*events) == (1, 0, 0, 0)
    # A later word about another metric takes nothing back.
    assert verdicts(*events, note(6, 1, "ann", scores={"safety": 0.0})) == (1, 0, 0, 0)


def test_an_annotation_that_was_rejected_does_not_count_but_a_judge_s_does() -> None:
    events = [answer(1), note(2, 1, approved=True), note(3, 2, "bob", approved=False), judgement(4, 1, 0.9)]
    assert calibrations(events) == ()
    assert verdicts(
        answer(1), note(2, 1, approved=True), judgement(4, 1, 0.1), note(5, 4, approved=False)
    ) == (0, 0, 1, 0)


def test_verdicts_on_the_whole_are_told_from_those_on_the_metric() -> None:
    events = [answer(1), answer(2), note(3, 1, scores={"relevance": 1.0}), note(4, 2, approved=True)]
    events += [judgement(5, 1, 0.9), judgement(6, 2, 0.9), note(7, 1, "bob", approved=False)]
    found = only(*events)
    assert (found.n, found.own, found.scored) == (2, 1, 1)


def test_the_bar_is_the_settings() -> None:
    events = [answer(1), note(2, 1, scores={"relevance": 0.6}), judgement(3, 1, 0.55)]
    assert verdicts(*events) == (0, 0, 0, 1)
    assert verdicts(*events, thresholds=FeedbackSettings(positive=0.55)) == (1, 0, 0, 0)


def test_the_strongest_disagreements_come_first_with_what_each_said() -> None:
    events = [answer(number) for number in (1, 2, 3)]
    events += [
        note(11, 1, "ann", scores={"relevance": 0.6}, comment="not quite"),
        note(12, 2, approved=False),
        note(13, 3, approved=True),
        judgement(21, 1, 0.9, comment="to the point"),
        judgement(22, 2, 0.8),
        judgement(23, 3, 0.8),
    ]
    assert only(*events).disagreements == (
        Disagreement(an_id(2), 0.0, 1, 0.8, None, None),
        Disagreement(an_id(1), 0.6, 1, 0.9, "not quite", "to the point"),
    )


def test_only_answers_since_a_moment() -> None:
    events = [answer(1), answer(30), note(40, 1, approved=True), note(41, 30, approved=True)]
    events += [
        judgement(50, 1, 0.9),
        judgement(51, 30, 0.1),
        note(60, 2, approved=True),
        judgement(61, 2, 0.9),
    ]
    since = START + timedelta(hours=30)
    assert verdicts(*events, since=since) == (0, 0, 1, 0)
    assert verdicts(*events) == (2, 0, 1, 0)
    found = calibrate(events, CalibrateOptions(since=since))
    assert (found.judged, found.reviewed) == (1, 1)


def test_what_there_is_to_go_by_is_counted() -> None:
    nothing = calibrate([answer(1), answer(2)])
    assert (nothing.calibrations, nothing.judged, nothing.reviewed) == ((), 0, 0)
    judged = calibrate([answer(1), answer(2), judgement(3, 1, 1.0), judgement(4, 1, 1.0, "safety")])
    assert (judged.calibrations, judged.judged, judged.reviewed) == ((), 1, 0)
    people = calibrate([answer(1), answer(2), note(3, 1, approved=True), note(4, 2, scores={"x": 1.0})])
    assert (people.calibrations, people.judged, people.reviewed) == ((), 0, 2)


SAID = st.one_of(
    st.fixed_dictionaries({"approved": st.booleans()}),
    st.fixed_dictionaries({"scores": st.fixed_dictionaries({"relevance": st.floats(0, 1)})}),
    st.fixed_dictionaries({"corrected": st.sampled_from(["b", "c"])}),
)
ROWS = st.lists(
    st.one_of(
        st.tuples(st.just("note"), st.integers(0, 5), st.sampled_from(["ann", "bob"]), SAID),
        st.tuples(st.just("judge"), st.integers(0, 5), st.floats(0, 1)),
    ),
    max_size=25,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_events_changes_nothing(rows: list[Any], chance: random.Random) -> None:
    events = [answer(number) for number in range(6)]
    for number, (what, target, *said) in enumerate(rows, 10):
        events.append(
            note(number, target, said[0], **said[1]) if what == "note" else judgement(number, target, said[0])
        )
    found = calibrate(events)
    shuffled = [*events, *chance.sample(events, len(events) // 2)]
    chance.shuffle(shuffled)
    assert calibrate(shuffled) == found
    judged = {row[1] for row in rows if row[0] == "judge"}
    noted = {row[1] for row in rows if row[0] == "note"}
    assert (found.judged, found.reviewed) == (len(judged), len(noted))
    for one in found.calibrations:
        assert one.n + one.ties == len(judged & noted)
        assert sum(one.confusion.values()) == one.n
        assert len(one.disagreements) == one.n - one.confusion["tp"] - one.confusion["tn"]
        assert one.low <= one.agreement <= one.high
