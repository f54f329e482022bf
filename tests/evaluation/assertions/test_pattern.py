"""The regex assertion: what it finds, what is tried in-process, and patterns that never end."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.pattern import Matcher, Regex
from promptvc.evaluation.assertions.pattern_cost import cheap, most_steps
from tests.evaluation.assertions.grading import answer, check


@pytest.mark.parametrize(
    ("kind", "value", "text", "holds"),
    [
        ("regex", r"^\d{4}-\d\d$", "2026-11", True),
        ("regex", r"^\d{4}-\d\d$", "in 2026-11", False),
        ("regex", "(?i)card", "LOST CARD", True),
        ("regex", r"(\w+) \1", "the the", True),
        ("regex", r"(\w+) \1", "the cat", False),
        ("regex", r"\S+@\S+", "a" * 5_000 + "@b", True),
        ("regex", r"[[a]", "[", True),
    ],
)
def test_answers(kind: str, value: Any, text: str, *, holds: bool) -> None:
    check(kind, value, text, holds=holds)


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"^\d{4}-\d\d$", 100_000),
        ("(?i)card", 100_000),
        (r"^(?:yes|no)\b", 100_000),
        ("^.*$", 100_000),
        (r"\bteam: (billing|shipping)\b", 100_000),
        (r"(?s)foo.*bar", 1_000),
        (r"[A-Z][a-z]+ \d+", 150),
        (r"(?:a|b)*c", 1_000),
    ],
)
def test_a_plain_pattern_is_cheap_in_a_text_of_the_usual_length(pattern: str, least: int) -> None:
    assert cheap(pattern).longest >= least


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)+$",
        r"(\w+\s?)*x",
        "(?:a?){30}a{30}",
        r"(a)\1",
        r"(a)?(?(1)b|c)",
        "(?>a+)b",
        "a++b",
        "(?:a{0,30}){0,30}b",
        "a*a*a*a*a*a*b",
        "((a)|(b)|(c)|(d))*!",
        "(?=(a+)+b)",
        "(a",
    ],
)
def test_what_may_take_long_is_never_tried_in_process(pattern: str) -> None:
    assert cheap(pattern).longest < 32


def test_the_cheap_ones_start_no_process_and_the_others_do() -> None:
    regex = Regex(Matcher())
    for pattern, beside in (("^x+$", False), ("(x+x+)+$", True)):
        assert regex.grade(answer("x" * 400), Assertion("regex", pattern)).passed
        assert (regex.matcher._process is not None) == beside
    regex.matcher.close()


parts = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "^", "$", r"\b", r"\w", "(?=a)", "(?!b)"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "*?", "{2}", "{1,3}", "{0,4}?"])).map(
            "(?:{0[0]}){0[1]}".format
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(parts, st.text(st.sampled_from("ab \n"), max_size=12))
def test_in_process_and_beside_it_find_the_same(pattern: str, text: str) -> None:
    found = Regex(MATCHER).grade(answer(text), Assertion("regex", pattern))
    assert found.passed == (re.search(pattern, text) is not None)
    assert MATCHER.search(pattern, text) == found.passed


MATCHER = Matcher()
PARSER = getattr(re, "_parser")  # noqa: B009 - typeshed does not list it


class Backtracking:
    """A matcher that tries everything and counts what it does: no engine does more."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = 0

    def row(self, parts: list[Any], at: int) -> Iterator[int]:
        if not parts:
            yield at
            return
        for end in self.one(str(parts[0][0]), parts[0][1], at):
            yield from self.row(parts[1:], end)

    def one(self, name: str, argument: Any, at: int) -> Iterator[int]:
        self.steps += 1
        if name in {"LITERAL", "ANY", "IN"}:
            wanted = {chr(argument)} if name == "LITERAL" else {"a", "b"}
            if self.text[at : at + 1] in wanted:
                yield at + 1
        elif name == "AT":
            if at == 0 or str(argument) != "AT_BEGINNING":
                yield at
        elif name == "SUBPATTERN":
            yield from self.row(list(argument[3]), at)
        elif name in {"ASSERT", "ASSERT_NOT"}:
            if any(True for _ in self.row(list(argument[1]), at)) == (name == "ASSERT"):
                yield at
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from self.row(list(branch), at)
        else:
            yield from self.repeat(int(argument[0]), int(argument[1]), list(argument[2]), at)

    def repeat(self, least: int, most: int, body: list[Any], at: int) -> Iterator[int]:
        if most > 0:
            for end in self.row(body, at):
                if end > at or least > 0:
                    yield from self.repeat(max(0, least - 1), most - 1, body, end)
        if least == 0:
            yield at


@settings(deadline=None, max_examples=300)
@given(parts, st.text(st.sampled_from("ab"), max_size=9))
def test_no_matcher_takes_more_steps_than_the_bound(pattern: str, text: str) -> None:
    never = f"{pattern}Z"  # fails at the very end of every way, so that all of them are tried
    bound = most_steps(never, len(text))
    if bound is None or bound > 100_000:
        return
    tree = list(PARSER.parse(never))
    counted = Backtracking(text)
    for start in range(len(text) + 1):
        assert not list(counted.row(tree, start))
    assert counted.steps <= bound


def test_a_pattern_that_never_ends_is_an_error_and_the_next_one_works() -> None:
    regex = Regex(Matcher(limit_s=0.2))
    slow = Assertion("regex", "(a|aa)+$")
    endless = answer("a" * 60 + "b")
    found = regex.grade(endless, slow)
    assert found.error is not None
    assert "took more than 0.2 s" in found.error
    assert not found.negated("not-regex").passed
    assert regex.grade(answer("aaa"), slow).passed, "a short text needs no process"
    regex.matcher.close()


def test_a_pattern_that_was_out_of_time_is_not_tried_again() -> None:
    regex = Regex(Matcher(limit_s=0.2))
    slow = Assertion("regex", "(a|aa)+$")
    first = regex.grade(answer("a" * 60 + "b"), slow)
    assert regex.matcher._process is None
    again = regex.grade(answer("a" * 60), slow)
    assert first.error is not None
    assert again.error == first.error
    assert regex.matcher._process is None, "it was tried again"


def test_a_killed_process_is_an_error_once() -> None:
    matcher = Matcher()
    assert matcher.search("a", "cat") is True
    process = matcher._process
    assert process is not None
    process.kill()
    process.wait()
    assert isinstance(matcher.search("a", "cat"), str)
    assert matcher.search("a", "dog") is False
    matcher.close()
    matcher.close()


def test_ctrl_c_leaves_no_stale_answer() -> None:
    matcher = Matcher(limit_s=5)
    assert matcher.search("a", "cat") is True

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            matcher.search("(a|aa)+$", "a" * 60 + "b")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert matcher.search("a", "dog") is False
    matcher.close()


def test_a_text_of_any_size_and_kind_is_searched() -> None:
    matcher = Matcher()
    assert matcher.search("x$", "é\n\ud800" * 200_000 + "x") is True
    assert isinstance(matcher.search("(?P<a>", "x"), str)
    matcher.close()
