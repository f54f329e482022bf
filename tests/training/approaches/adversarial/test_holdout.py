from __future__ import annotations

from promptvc.evaluation.cases.suite import Case
from promptvc.training.approaches.adversarial.families import FAMILIES
from promptvc.training.approaches.adversarial.holdout import harder
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.data.split import Split
from tests.training.approaches.adversarial.readers import a_task, obeys, scorer, trips_over_lookalikes
from tests.training.makers import a_prompt, corrections, questions

LOOKALIKE, OVERRIDE = "homoglyphs", "override"


def a_split() -> Split:
    prompt = a_prompt()
    return divide(build(corrections(questions(60, 1)), prompt).items, None, prompt)


def test_each_case_of_the_holdout_gets_one_harder_form_in_turn() -> None:
    holdout = a_split().holdout
    found = harder(a_task(), holdout, (LOOKALIKE, OVERRIDE), 0, 1000)
    assert [each.of for each in found] == list(range(len(holdout)))
    assert [each.case.id.rpartition("~")[2] for each in found[:4]] == [LOOKALIKE, OVERRIDE] * 2
    assert len({each.case.digest for each in found} | {case.digest for case in holdout}) == 2 * len(found)
    assert all(each.case.expected == holdout[each.of].expected for each in found)
    assert all(each.case.split == holdout[each.of].split for each in found)


def test_they_fail_where_the_prompt_does_and_hold_where_it_does_not() -> None:
    cases = [each.case for each in harder(a_task(), a_split().holdout, (LOOKALIKE, OVERRIDE), 0, 1000)]
    fragile = scorer(obeys, trips_over_lookalikes).ask(a_prompt(), cases)
    robust = scorer().ask(a_prompt(), cases)
    right = [case.expected == "t6" and case.id.endswith(LOOKALIKE) for case in cases]  # what it says then
    assert [answer.score == 1 for answer in fragile] == right
    assert all(answer.score == 1 for answer in robust)


def test_no_more_than_wanted_and_none_that_cannot_be_changed() -> None:
    task, holdout = a_task(), a_split().holdout
    assert len(harder(task, holdout, (LOOKALIKE,), 0, 3)) == 3
    assert harder(task, holdout, (LOOKALIKE,), 0, 0) == ()
    assert harder(task, holdout, ("no such",), 0, 100) == ()
    blank = Case("blank", 1, {"message": " "}, ())
    other = Case("other", 1, {"text": "parcel"}, ())
    assert harder(task, [blank, other], (OVERRIDE,), 0, 100) == ()


def test_where_the_meaning_may_change_only_the_form_is_held() -> None:
    shape = next(name for name, family in FAMILIES.items() if family.kind == "shape" and name != "edge_case")
    found = harder(a_task(), a_split().holdout, (shape,), 0, 100)
    assert found
    assert {each.type for one in found for each in one.case.assertions} == {"regex"}
    assert all(one.case.expected is None for one in found)
