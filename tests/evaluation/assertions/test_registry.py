"""What holds for all assertions: negation, scores, what is refused when a suite is read, variables in values."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.assertions.assertion import Assertion, Grade
from promptvc.evaluation.assertions.registry import AT_ONCE, filled, placeholders, problem
from promptvc.evaluation.cases.suite import load_suite
from tests.evaluation.assertions.grading import answer, grade


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


SHARES = {"bleu", "gleu", "meteor", "rouge-n", "tool-call-f1"}
VALUES: dict[str, list[Any]] = {  # of each assertion that is graded at once: values that it takes
    "equals": ["a b", {"a": [1]}],
    "contains": ["a"],
    "icontains": ["A"],
    "contains-all": [["a", "b"]],
    "contains-any": ["a, b"],
    "icontains-all": [["a", "b"]],
    "icontains-any": [["a", "b"]],
    "starts-with": ["a"],
    "regex": ["a+ b", "^[{<]"],
    "word-count": [3, {"min": 1, "max": 4}],
    "levenshtein": ["a b"],
    "is-json": [None, {"type": "object"}],
    "contains-json": [None, {"type": "array", "items": {"minimum": 1}}],
    "is-xml": [None, {"requiredElements": ["a.b"]}],
    "contains-xml": [None, {"requiredElements": ["a.b", "b"]}],
    "is-html": [None],
    "contains-html": [None],
    "is-sql": [
        None,
        {"databaseType": "PostgreSQL", "allowedTables": ["a"], "allowedColumns": ["select::.*"]},
    ],
    "contains-sql": [None, {"allowedColumns": ["b"]}],
    "bleu": ["a b", ["a b c d", "b"]],
    "gleu": ["a b", ["a b c d", "b"]],
    "meteor": ["a b", ["a b c d", "b"]],
    "rouge-n": ["a b", ["a b c d", "b"]],
    "latency": [None],
    "cost": [None],
    "finish-reason": ["stop"],
    "is-valid-openai-tools-call": [None, [{"type": "function", "function": {"name": "a", "parameters": {}}}]],
    "tool-call-f1": ["a, b"],
}
PIECES = [
    "a", "b", "a b ", " ", "\n", "\x00", "\ud800", "é", ".", ",", ";", "(", ")", "{", "}", "[", "]", '"', "'", "\\",
    ":", "<a>", "</a>", "<b/>", "<p>", "<!--", "-->", "<![CDATA[", "]]>", "<?xml ", "?>", "<!DOCTYPE a [",
    "&amp;", "&x;",
    '{"a": 1}', '{"name": "a"}', "[1, ", "1e999", "NaN", "```\n", "```sql\n", "SELECT ", "FROM ",
    "JOIN ", "WITH ", "AS ", "INSERT INTO ", "UPDATE ", "DELETE ", "VALUES ", "* ", "NOT ",
    "CASE ", "END ", "--", "/*", "$$", "@", "0x", "'a' ",
]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.text(st.characters(exclude_categories=[]), max_size=40),
)


def test_every_assertion_that_is_graded_at_once_is_tried() -> None:
    assert list(VALUES) == list(AT_ONCE)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from([(kind, value) for kind, values in VALUES.items() for value in values]), texts)
def test_no_text_makes_a_grader_raise(given: tuple[str, Any], text: str) -> None:
    kind, value = given
    assertion = Assertion(kind, value, 1.0 if kind in {"latency", "cost"} else None)
    assert problem(assertion) is None
    found = grade(assertion, answer(text))
    if found.error is not None:
        assert found.error
        return
    assert 0 <= found.score <= 1
    assert bool(found.reason) == (not found.passed)
    if kind not in SHARES:
        assert found.passed == (found.score == 1)
    opposite = grade(Assertion(f"not-{kind}", value, assertion.threshold), answer(text))
    assert opposite.passed != found.passed
    assert opposite.score == pytest.approx(1 - found.score)


@pytest.mark.parametrize("kind", sorted(AT_ONCE))
def test_a_value_of_the_wrong_kind_is_a_problem_and_no_crash(kind: str) -> None:
    values: list[Any] = [0.5, True, -1, "", [], [[]], {}, {"x": 1}, [{"x": []}], {"type": "nothing"}, [None]]
    for value in values:
        for threshold in (None, 0.0, 0.5, 7.0):
            found = problem(Assertion(kind, value, threshold))
            assert found is None or found.startswith(f"`{kind}` ")
    assert problem(Assertion(kind, {"x": 1}, 0.5)) is not None


LIBRARIES = {
    "levenshtein": "rapidfuzz",
    "is-sql": "sqlglot",
    "contains-sql": "sqlglot",
    "bleu": "sacrebleu",
    "gleu": "nltk",
    "meteor": "nltk",
    "rouge-n": "rouge_score",
}


@pytest.mark.parametrize("kind", sorted(LIBRARIES))
def test_a_library_that_is_not_installed_is_told_when_the_suite_is_read(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = {"databaseType": "oracle"} if "sql" in kind else "read for the first time"
    assert problem(Assertion(kind, value)) is None
    suite = f"cases:\n  - assert: [{{type: {kind}, value: {json.dumps(value)}}}]\n"
    monkeypatch.setitem(sys.modules, LIBRARIES[kind], None)
    with pytest.raises(InvalidDocument, match=r"pip install 'promptvc\[assertions\]'") as caught:
        load_suite(suite.encode(), file="suite.yaml")
    assert caught.value.line == 2


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
