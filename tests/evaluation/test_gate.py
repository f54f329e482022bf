"""The gate: new regressions against an approved baseline close it, and what it leaves out is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.ids import new_ulid
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.case import Split
from promptvc.evaluation.cases.sequence import Cases
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.gate import Approved, Gate, Manner, approved, cases_of, regressions
from promptvc.evaluation.reduce import CaseScore
from promptvc.evidence.baselines import Baseline
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from promptvc.evidence.values import VersionRef

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MANNER = Manner(suite="s" * 64, model="offline")
CODE = Assertion("equals", "x")
RUBRIC = Assertion("llm-rubric", "is polite")


def digest_of(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def case(name: str, *assertions: Assertion) -> Case:
    return Case(name, 1, {}, assertions or (CODE,), digest=digest_of(name))


def score(name: str, passes: int, repeats: int = 1, error: str | None = None) -> CaseScore:
    value = None if error else passes / repeats
    return CaseScore(name, value, passes == repeats and not error, repeats, error=error, passes=passes)


def baseline(*failing: str, **changes: object) -> Baseline:
    whole = Baseline(
        "triage", new_ulid(NOON), 3, "0" * 40, MANNER.suite, "offline", 0.9, "Ada <ada@example.org>", NOON,
        failing=failing,
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def before(of: Mapping[str, bool], *, digests: bool = True, **changes: object) -> Approved:
    failing = [name for name, passed in of.items() if not passed]
    record = RunRecord(
        new_ulid(NOON), "triage", 3, "0" * 40, MANNER.suite, "offline", NOON, NOON,
        tuple(
            CaseResult(
                name, float(passed), passed, case_digest=digest_of(name)[:16] if digests else None
            )
            for name, passed in of.items()
        ),
        Totals(0.9, len(of), 0, 0, 0),
    )  # fmt: skip
    return approved(baseline(*failing, **changes), record)


def held(then: Approved, now: Mapping[str, int | CaseScore], manner: Manner = MANNER, *more: Case) -> Gate:
    scores = [each if isinstance(each, CaseScore) else score(name, each) for name, each in now.items()]
    return regressions(then, scores, [*(case(name) for name in now), *more], manner)


def test_only_new_regressions_close_it() -> None:
    then = before({"a": True, "b": True, "bad": False, "worse": False, "gone": True})
    gate = held(then, {"a": 1, "b": 0, "bad": 0, "worse": 1, "fresh": 0, "good": 1}, MANNER, case("later"))
    assert not gate.open
    assert [(one.case, one.kind, one.counts) for one in gate.regressions] == [("b", "failed", True)]
    assert (gate.known, gate.mended, gate.new) == (("bad",), ("worse",), ("fresh",))
    assert (gate.removed, gate.unasked, gate.incomparable) == (("gone",), ("later",), ())
    assert gate.compared == 4
    assert gate.reason == (
        "1 new regression against the approved v3: b; 1 removed since it was approved; 1 not asked"
    )
    assert gate.to_json()["regressions"][0]["case"] == "b"


def test_what_failed_before_may_fail() -> None:
    gate = held(before({"a": True, "bad": False}), {"a": 1, "bad": 0})
    assert gate.open
    assert gate.reason == "no new regression against the approved v3"


def test_the_file_says_what_is_known_to_fail() -> None:
    """A reviewer adds a case to `failing`, and takes one out."""
    then = before({"a": True, "bad": False})
    record = RunRecord(
        new_ulid(NOON), "triage", 3, "0" * 40, MANNER.suite, "offline", NOON, NOON,
        (CaseResult("a", 1.0, True), CaseResult("bad", 0.0, False)), Totals(0.5, 2, 1, 1, 0),
    )  # fmt: skip
    edited = approved(replace(then.baseline, failing=("a",)), record)
    gate = held(edited, {"a": 0, "bad": 0})
    assert gate.known == ("a",)
    assert [one.case for one in gate.counting] == ["bad"]


@pytest.mark.parametrize(
    ("passes", "repeats", "kind", "counts"),
    [(2, 3, "flaky", False), (1, 3, "flaky", True), (2, 4, "flaky", False), (0, 3, "failed", True)],
)
def test_a_flaky_regression_counts_if_most_repeats_fail(
    passes: int, repeats: int, kind: str, *, counts: bool
) -> None:
    gate = held(before({"a": True}), {"a": score("a", passes, repeats)})
    (found,) = gate.regressions
    assert (found.kind, found.counts, gate.open) == (kind, counts, not counts)


def test_an_errored_case_is_no_pass() -> None:
    gate = held(
        before({"a": True, "bad": False}), {"a": score("a", 0, 1, "lost"), "bad": score("bad", 0, 1, "lost")}
    )
    (found,) = gate.regressions
    assert (found.case, found.kind, found.error) == ("a", "errored", "lost")
    assert not gate.open
    assert gate.known == ("bad",)


def test_quarantine_counts_on_neither_side() -> None:
    then = before({"a": True, "shaky": True, "was": True})
    then = replace(then, quarantined=frozenset({"was"}))
    gate = held(then, {"a": 1, "shaky": 0, "was": 0}, replace(MANNER, quarantined={"shaky": "flaky"}))
    assert gate.open
    assert (gate.quarantined, gate.new) == (("shaky",), ("was",))
    assert gate.reason == "no new regression against the approved v3; 1 in quarantine"


def test_who_sets_a_case_aside_that_had_to_pass_is_told() -> None:
    """Also where it passes now; not where it was known to fail, and passes."""
    then = before({"a": True, "aside": True, "bad": False, "worse": False})
    manner = replace(MANNER, quarantined=dict.fromkeys(("aside", "bad", "worse", "fresh"), "flaky"))
    gate = held(then, {"a": 1, "aside": 1, "bad": 1, "worse": 0, "fresh": 1}, manner)
    assert gate.quarantined == ("aside", "worse")
    assert gate.reason.endswith("; 2 in quarantine")


def edited(name: str) -> Case:
    return replace(case(name), digest="f" * 64)


def test_a_case_that_asks_something_else_opens_nothing_and_closes_if_it_had_to_pass() -> None:
    then = before({"a": True, "b": True, "bad": False, "gone": True})
    cases = [case("a"), edited("b"), edited("bad")]
    manner = replace(MANNER, suite="t" * 64)
    good = regressions(then, [score("a", 1), score("b", 1), score("bad", 0)], cases, manner)
    assert good.open
    assert good.advice is None
    assert (good.compared, good.incomparable, good.removed) == (1, ("b", "bad"), ("gone",))
    assert good.differs == ("the suite is another",)
    told = "1 removed, 2 changed since it was approved; the suite is another"
    assert good.reason == f"no new regression against the approved v3; {told}"
    gate = regressions(then, [score("a", 1), score("b", 0), score("bad", 0)], cases, manner)
    assert not gate.open
    assert [(one.case, one.kind) for one in gate.counting] == [("b", "changed")]
    assert gate.reason == f"1 new regression against the approved v3: b (changed); {told}"
    assert gate.advice is not None
    assert gate.advice.endswith("promptvc baseline approve triage")


@pytest.mark.parametrize(("passes", "counts"), [(2, False), (1, True), (0, True)])
def test_a_changed_case_that_is_flaky_counts_if_most_repeats_fail(passes: int, *, counts: bool) -> None:
    then = before({"a": True, "b": True})
    gate = regressions(then, [score("a", 1), score("b", passes, 3)], [case("a"), edited("b")], MANNER)
    assert [(one.kind, one.counts) for one in gate.regressions] == [("changed", counts)]
    assert gate.open != counts


def test_what_stands_apart_is_told_in_words() -> None:
    then = before(
        {"a": True, "bad": False, "mended": False, "shaky": True, "out": True, "c": True, "d": True}
    )
    cases = [*map(case, ("a", "bad", "mended", "shaky", "fresh", "out", "later")), edited("c")]
    scores = [
        score(name, passes)
        for name, passes in {"a": 1, "bad": 0, "mended": 1, "fresh": 0, "out": 1, "c": 1}.items()
    ]
    manner = replace(MANNER, quarantined={"out": "waits"}, model="openai:x")
    gate = regressions(then, [*scores, score("shaky", 2, 3)], cases, manner)
    assert gate.apart == (
        ("flaky, and pass half the time or more", ("shaky",)),
        ("known failures", ("bad",)),
        ("mended", ("mended",)),
        ("new cases that fail", ("fresh",)),
        ("in quarantine", ("out",)),
        ("removed since it was approved", ("d",)),
        ("changed since it was approved", ("c",)),
        ("not asked", ("later",)),
        ("not as it was approved", ("the model is openai:x, not offline",)),
    )
    assert held(before({"a": True}), {"a": 1}).apart == ()


def test_of_many_names_the_first_are_told() -> None:
    gate = held(before(dict.fromkeys("abcde", True)), dict.fromkeys("abcde", 0))
    assert gate.reason == "5 new regressions against the approved v3: a, b, c and 2 more"


class Counting(Cases):
    """Cases of which somebody counts how many are made."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.made = 0

    def __len__(self) -> int:
        return len(self.names)

    def case(self, position: int) -> Case:
        self.made += 1
        return case(self.names[position], RUBRIC if position else CODE)

    def ids(self) -> Iterator[str]:
        return iter(self.names)

    def digests(self) -> Iterator[str]:
        return map(digest_of, self.names)

    def splits(self) -> Iterator[Split]:
        return iter(["holdout"] * len(self))


def test_no_case_is_made_to_hold_it_against_the_baseline() -> None:
    """But where the judge is another: then what each asks for has to be known."""
    then = before({"a": True, "b": True, "c": True}, judge="1" * 64)
    cases = Counting("a", "b", "c")
    scores = [score("a", 1), score("b", 1)]
    gate = regressions(then, scores, cases, replace(MANNER, judge="1" * 64))
    assert (gate.compared, gate.unasked, cases.made) == (2, ("c",), 0)
    other = regressions(then, scores, cases, replace(MANNER, judge="2" * 64))
    assert (other.compared, other.incomparable, cases.made) == (1, ("b",), 3)


def test_a_gate_that_compares_nothing_is_closed() -> None:
    then = before({"a": True})
    gate = regressions(then, [score("a", 1)], [edited("a")], replace(MANNER, suite="t" * 64))
    assert not gate.open
    assert gate.reason == (
        "nothing can be compared with the approved v3; 1 changed since it was approved; the suite is another"
    )
    assert gate.advice is not None
    assert not held(before({}), {"fresh": 1}).open


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"suite": "t" * 64}, ("the suite is another",)),
        ({"datasets": {"cases.csv": "1"}}, ("cases.csv is another",)),
    ],
)
def test_a_record_without_case_digests_is_compared_as_a_whole(
    changes: dict[str, object], differs: tuple[str, ...]
) -> None:
    then = before({"a": True}, digests=False)
    assert held(then, {"a": 0}).counting
    gate = held(then, {"a": 0}, replace(MANNER, **changes))  # type: ignore[arg-type]
    assert (gate.incomparable, gate.differs, gate.open) == (("a",), differs, False)
    with_digests = held(before({"a": True}), {"a": 0}, replace(MANNER, **changes))  # type: ignore[arg-type]
    assert [one.case for one in with_digests.counting] == ["a"]


def test_another_judge_concerns_judged_cases_only() -> None:
    then = before({"plain": True, "judged": True}, judge="1" * 64)
    cases = [case("plain"), case("judged", CODE, Assertion("assert-set", members=(CODE, RUBRIC)))]
    scores = [score("plain", 0), score("judged", 0)]
    same = regressions(then, scores, cases, replace(MANNER, judge="1" * 64))
    assert [one.case for one in same.counting] == ["plain", "judged"]
    other = regressions(then, scores, cases, replace(MANNER, judge="2" * 64))
    assert [(one.case, one.kind) for one in other.counting] == [("plain", "failed"), ("judged", "changed")]
    assert other.incomparable == ("judged",)
    assert other.differs == ("the judge is another",)
    nobody = regressions(then, scores, cases, replace(MANNER, judge=""))
    assert [one.case for one in nobody.counting] == ["plain", "judged"]


def test_another_model_and_other_repeats_are_told() -> None:
    gate = held(before({"a": True}), {"a": 1}, replace(MANNER, model="openai:x", repeats=3, reducer="max"))
    assert gate.open
    assert gate.differs == ("the model is openai:x, not offline", "max of 3, not mean of 1 repeats")


def test_the_candidate_of_a_comparison_can_be_approved() -> None:
    record = ComparisonRecord(
        new_ulid(NOON), NOON, "triage", VersionRef(3, "0" * 40), VersionRef(2, "1" * 40), MANNER.suite, "offline",
        "improvement", "deploy", None, 0.01, 0.05,
        pairs=(
            Pair("a", 0.0, 0.9, False, True, digest_of("a")[:16]),
            Pair("old", 1.0, 1.0),
            Pair("lost", 1.0, None, True, False),
        ),
    )  # fmt: skip
    assert [(one.case, one.passed, one.error) for one in cases_of(record)] == [
        ("a", True, None), ("old", True, None), ("lost", False, "no score")
    ]  # fmt: skip
    then = approved(baseline("lost"), record)
    assert then.passed == {"a": True, "old": True, "lost": False}
    assert then.digests == {"a": digest_of("a")[:16]}


names = st.sampled_from(list("abcdefgh"))


@given(st.dictionaries(names, st.booleans()), st.dictionaries(names, st.booleans()), st.sets(names))
def test_no_edit_of_a_case_opens_the_gate(
    then: dict[str, bool], now: dict[str, bool], changed: set[str]
) -> None:
    scores = [score(name, int(passed)) for name, passed in now.items()]
    cases = [edited(name) if name in changed else case(name) for name in now]
    gate = regressions(before(then), scores, cases, replace(MANNER, suite="t" * 64))
    plain = held(before(then), {name: int(passed) for name, passed in now.items()})
    assert {one.case for one in gate.counting} == {one.case for one in plain.counting}
    assert gate.open <= plain.open
    assert set(gate.incomparable) == changed & now.keys() & then.keys()
    assert all(f"{len(found)}" in gate.reason for found in (gate.removed, gate.incomparable) if found)


@given(st.dictionaries(names, st.booleans()), st.dictionaries(names, st.booleans()), st.sets(names))
def test_every_case_is_in_its_place(then: dict[str, bool], now: dict[str, bool], aside: set[str]) -> None:
    manner = replace(MANNER, quarantined=dict.fromkeys(aside, "flaky"))
    gate = held(before(then), {name: int(passed) for name, passed in now.items()}, manner)
    counting = {one.case for one in gate.counting}
    assert counting == {name for name in now if name not in aside and then.get(name) and not now[name]}
    assert gate.open == (bool((then.keys() & now.keys()) - aside) and not counting)
    places = [counting, gate.known, gate.mended, gate.new, gate.quarantined, gate.incomparable]
    assert sum(len(place) for place in places) == len({name for place in places for name in place})
    assert set(gate.removed) == then.keys() - now.keys()
