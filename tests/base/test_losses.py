"""Losses as people are told them: what differs in a number alone is one line."""

from __future__ import annotations

from promptvc.base.losses import Loss, told


def test_many_that_are_alike_are_one_line_and_few_are_not() -> None:
    losses = [Loss(f"suite.cases[{at}].id", f"case-{at}", "it became the description") for at in range(224)]
    losses += [Loss("model", "offline", "there is no such provider")]
    losses += [Loss(f"examples[{at}].because", str(at), "no place") for at in range(3)]
    assert [str(line) for line in told(losses)] == [
        "suite.cases[].id: 224 times, such as case-0: it became the description",
        "model: offline: there is no such provider",
        "examples[0].because: 0: no place",
        "examples[1].because: 1: no place",
        "examples[2].because: 2: no place",
    ]


def test_another_place_or_another_reason_is_another_line() -> None:
    losses = [Loss(f"a[{at}]", "x", "one") for at in range(4)] + [
        Loss(f"a[{at}]", "x", "two") for at in range(4)
    ]
    losses += [Loss(f"b: a[{at}]", "x", "one") for at in range(4)]
    assert [(line.path, line.why) for line in told(losses)] == [
        ("a[]", "one"),
        ("a[]", "two"),
        ("b: a[]", "one"),
    ]
