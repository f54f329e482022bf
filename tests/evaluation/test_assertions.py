"""What each assertion says of an answer, what its negation says, and what is no grade at all."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion, Grade
from promptvc.evaluation.assertions.pattern import Matcher, Regex
from promptvc.evaluation.assertions.registry import ASSERTIONS, filled, grade, placeholders, problem
from promptvc.models.messages import Completion


def answer(text: str, latency_ms: float = 120.0, cost: float | None = 0.002) -> Completion:
    return Completion(text, tokens_in=5, tokens_out=2, cost=cost, latency_ms=latency_ms, finish_reason="stop")


@pytest.mark.parametrize(
    ("kind", "value", "text", "holds"),
    [
        ("equals", "billing", "billing", True),
        ("equals", "billing", " billing\n", True),
        ("equals", "billing", "Billing", False),
        ("equals", "billing", "billing.", False),
        ("equals", 3, "3", True),
        ("equals", True, "true", True),
        ("equals", {"team": "billing", "n": 1}, '{"n": 1.0, "team": "billing"}', True),
        ("equals", {"n": True}, '{"n": 1}', False),
        ("equals", ["a", "b"], '["b", "a"]', False),
        ("equals", {"n": 1}, "n: 1", False),
        ("contains", "card", "lost card", True),
        ("contains", "Card", "lost card", False),
        ("icontains", "CARD", "lost card", True),
        ("icontains", "STRASSE", "Straße 5", True),
        ("icontains", "pin", "lost card", False),
        ("contains-any", ["pin", "card"], "lost card", True),
        ("contains-any", ["pin", "Card"], "lost card", False),
        ("contains-any", "pin, card", "lost card", True),
        ("contains-all", ["lost", "card"], "lost card", True),
        ("contains-all", ["lost", "pin"], "lost card", False),
        ("contains-all", [1, 2], "12", True),
        ("icontains-any", ["PIN", "CARD"], "lost card", True),
        ("icontains-all", ["LOST", "CARD"], "lost card", True),
        ("icontains-all", ["LOST", "PIN"], "lost card", False),
        ("starts-with", "Dear", "\nDear customer", True),
        ("starts-with", "dear", "Dear customer", False),
        ("regex", r"^\d{4}-\d\d$", "2026-11", True),
        ("regex", r"^\d{4}-\d\d$", "in 2026-11", False),
        ("regex", "(?i)card", "LOST CARD", True),
        ("is-json", None, '{"a": [1, 2]}', True),
        ("is-json", None, "```json\n{}\n```", False),
        ("is-json", None, '{"a": 1, "a": 2}', False),
        ("is-json", None, "[NaN]", False),
        ("is-json", {"type": "object", "required": ["team"]}, '{"team": "x"}', True),
        ("is-json", {"type": "object", "required": ["team"]}, '{"tem": "x"}', False),
    ],
)
def test_answers(kind: str, value: Any, text: str, *, holds: bool) -> None:
    assertion = Assertion(kind, value)
    assert problem(assertion) is None
    found = grade(assertion, answer(text))
    assert (found.passed, found.score, found.error) == (holds, float(holds), None)
    assert bool(found.reason) == (not holds)
    opposite = grade(Assertion(f"not-{kind}", value), answer(text))
    assert (opposite.passed, opposite.score) == (not holds, float(not holds))
    assert bool(opposite.reason) == holds


@pytest.mark.parametrize(("threshold", "holds"), [(120, True), (119.9, False)])
def test_latency(threshold: float, *, holds: bool) -> None:
    assert grade(Assertion("latency", threshold=threshold), answer("x")).passed == holds
    assert grade(Assertion("not-latency", threshold=threshold), answer("x")).passed != holds


def test_cost_and_unknown_cost() -> None:
    assert grade(Assertion("cost", threshold=0.002), answer("x")).passed
    assert not grade(Assertion("cost", threshold=0.001), answer("x")).passed
    for kind in ("cost", "not-cost"):
        unknown = grade(Assertion(kind, threshold=1.0), answer("x", cost=None))
        assert not unknown.passed
        assert unknown.error == "the cost of this call is unknown"


@given(st.floats(0, 1), st.booleans(), st.text(max_size=5))
@settings(deadline=None)
def test_negation_is_its_own_opposite(score: float, passed: bool, error: str) -> None:
    known = Grade(score=score, passed=passed)
    assert known.negated("x").passed != passed
    assert known.negated("x").score == pytest.approx(1 - score)
    assert known.negated("x").negated("x").passed == passed
    assert known.negated("x").negated("x").score == pytest.approx(score)
    failed = Grade.failed(error or "why")
    assert failed.negated("x") == failed


texts = st.text(st.sampled_from("ab ,\n{}é"), max_size=8)


@settings(deadline=None)
@given(st.sampled_from(sorted(set(ASSERTIONS) - {"regex"})), st.one_of(texts, st.lists(texts)), texts)
def test_scores_lie_between_nothing_and_everything(kind: str, value: Any, text: str) -> None:
    threshold = 1.0 if kind in {"latency", "cost"} else None
    assertion = Assertion(kind, None if kind in {"latency", "cost", "is-json"} else value, threshold)
    if problem(assertion) is None:
        found = grade(assertion, answer(text))
        assert 0 <= found.score <= 1
        assert found.passed == (found.score == 1)


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        (Assertion("equal", "x"), "there is no assertion `equal`"),
        (Assertion("not-", "x"), "there is no assertion `not-`"),
        (Assertion("not-not-equals", "x"), "there is no assertion"),
        (Assertion("equals"), "`equals` needs a `value`"),
        (Assertion("equals", "x", threshold=0.5), "`equals` takes no `threshold`"),
        (Assertion("contains", ""), "needs a text"),
        (Assertion("contains", ["a"]), "needs a text"),
        (Assertion("contains-any", []), "needs a list"),
        (Assertion("contains-any", ["a", ""]), "needs a list"),
        (Assertion("contains-all", [{"a": 1}]), "needs a list"),
        (Assertion("regex", "(a"), "needs a regular expression: missing )"),
        (Assertion("regex", 3), "needs a pattern"),
        (Assertion("regex", "a{1,99999999999}"), "needs a regular expression"),
        (Assertion("is-json", "x"), "needs a JSON Schema"),
        (Assertion("is-json", {"type": "nothing"}), "the schema is not valid"),
        (Assertion("latency"), "needs a `threshold` in milliseconds"),
        (Assertion("cost", value=1, threshold=1), "takes no `value`"),
    ],
)
def test_what_is_wrong_is_said_when_the_suite_is_read(assertion: Assertion, message: str) -> None:
    assert message in str(problem(assertion))


def test_variables_are_filled_in_literally_and_once() -> None:
    values = {"a": "{{ b }}", "b": "x", "n": 3, "dots": "1.5+"}
    assert filled(Assertion("equals", "<{{ a }}>"), values).value == "<{{ b }}>"
    assert filled(Assertion("contains-all", ["{{b}}", "{{ n }}"]), values).value == ["x", "3"]
    assert filled(Assertion("equals", {"k": ["{{ b }}"]}), values).value == {"k": ["x"]}
    assert filled(Assertion("regex", "^{{ dots }}$"), values).value == r"^1\.5\+$"
    untouched = Assertion("regex", r"a{2} {{ not closed } {% if %}")
    assert filled(untouched, values) is untouched
    schema = Assertion("is-json", {"const": "{{ a }}"})
    assert filled(schema, values) is schema
    assert placeholders(Assertion("not-contains", "{{ a }} {{b}} {{ a }}")) == {"a", "b"}
    with pytest.raises(KeyError):
        filled(Assertion("equals", "{{ missing }}"), values)
    with pytest.raises(KeyError):
        filled(Assertion("equals", "{{ list }}"), {"list": [1]})


def test_a_pattern_that_never_ends_is_an_error_and_the_next_one_works() -> None:
    regex = Regex(Matcher(limit_s=0.2))
    slow = Assertion("regex", "(a|aa)+$")
    endless = answer("a" * 60 + "b")
    found = regex.grade(endless, slow)
    assert found.error is not None
    assert "took more than 0.2 s" in found.error
    assert not found.negated("not-regex").passed
    assert regex.grade(answer("aaa"), slow).passed
    regex.matcher.close()


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
