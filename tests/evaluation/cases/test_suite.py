"""Suites: what they mean, and what is wrong with those that mean nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import check_variables, digest_of, load_suite

FILE = "evaluation/support/triage.yaml"

WHOLE = """\
description: Where messages belong.
guards: {safety: 0.02, latency: 0.2}
default:
  vars: {language: en}
  threshold: 0.5
  assert:
    - {type: latency, threshold: 2000, weight: 0, metric: fast}
cases:
  - id: twice
    description: A double charge.
    vars: {message: I was charged twice}
    expected: billing
    tags: [money]
    cluster: 7
    split: train
    metadata: {origin: written}
  - vars: {message: Where is my card?, language: fr}
    threshold: 1
    assert:
      - {type: icontains, value: "{{ expected }}", weight: 2}
      - {type: not-contains, value: "{{ message }}"}
    expected: card
"""


def test_a_whole_suite() -> None:
    suite = load_suite(WHOLE.encode(), file=FILE)
    first, second = suite.cases
    fast = Assertion("latency", threshold=2000, weight=0, metric="fast")
    assert suite.description == "Where messages belong."
    assert suite.guards == {"safety": 0.02, "latency": 0.2}
    assert (first.id, first.line, first.cluster, first.split) == ("twice", 9, "7", "train")
    assert first.vars == {"language": "en", "message": "I was charged twice"}
    assert first.assertions == (fast, Assertion("equals", "billing"))
    assert (first.threshold, first.tags, first.metadata) == (0.5, ("money",), {"origin": "written"})
    assert second.vars["language"] == "fr"
    assert second.threshold == 1
    assert second.assertions == (
        fast,
        Assertion("icontains", "card", weight=2),
        Assertion("not-contains", "Where is my card?"),
    )
    assert suite.split("train") == (first,)
    assert suite.split("holdout") == (second,)


def test_match_says_how_an_answer_is_held_against_what_is_expected() -> None:
    suite = load_suite(b"match: icontains\ncases: [{expected: Billing}]", file=FILE)
    assert suite.cases[0].assertions == (Assertion("icontains", "Billing"),)


def load_case(value: dict[str, Any], **top: Any) -> Any:
    return load_suite(dump_yaml({**top, "cases": [value]}).encode(), file=FILE).cases[0]


plain = st.one_of(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.integers(-9, 9)
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["message", "name", "n"]), plain, min_size=1))
def test_a_missing_id_comes_from_the_input_alone(variables: dict[str, Any]) -> None:
    case = load_case({"vars": variables, "expected": "x"})
    other = load_case({"expected": "y", "tags": ["t"], "vars": dict(reversed(variables.items()))})
    assert case.id == other.id
    assert case.digest != other.digest
    assert case.id != load_case({"vars": {**variables, "more": 1}, "expected": "x"}).id


def test_the_derived_id_never_changes() -> None:
    """Evidence names cases by it."""
    assert load_case({"vars": {"message": "hi"}, "expected": "x"}).id == "case-adbd982b8f"


def test_digests_ignore_layout_and_order_and_nothing_that_scores() -> None:
    suite = load_suite(WHOLE.encode(), file=FILE)
    head, first, second = WHOLE.partition("  - id: twice")[0], *_cases(WHOLE)
    turned = load_suite((head + second + first + "# the end\n").encode(), file="other.yaml")
    assert turned.digest == suite.digest
    assert digest_of(suite.cases) == digest_of(reversed(suite.cases))
    for before, after in (
        ("expected: billing", "expected: refund"),
        ("0.02", "0.03"),
        ("threshold: 0.5", "threshold: 0.6"),
    ):
        assert load_suite(WHOLE.replace(before, after).encode(), file=FILE).digest != suite.digest
    for before, after in (("tags: [money]", "tags: [cash]"), ("A double charge.", "Two charges.")):
        assert load_suite(WHOLE.replace(before, after).encode(), file=FILE).digest == suite.digest


def _cases(text: str) -> tuple[str, str]:
    body = text.partition("cases:\n")[2]
    at = body.index("  - vars: {message: Where")
    return body[:at], body[at:]


def test_cases_that_a_newer_suite_has_lost() -> None:
    older = load_suite(
        b"cases: [{id: a, expected: x}, {id: b, expected: x}, {id: c, expected: x}]", file=FILE
    )
    newer = load_suite(b"cases: [{id: c, expected: x}, {id: d, expected: x}]", file=FILE)
    assert newer.removed_since(older) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "must be a mapping"),
        ("cases: []", 1, "`cases` must not be empty"),
        ("description: x", 1, "`cases`"),
        ("cases:\n- expected: a\n  asert: []", 3, "`cases[0].asert`"),
        ("guards: {a: -1}\ncases: [{expected: b}]", 1, "`guards.a`"),
        ("cases:\n- expected: a\n  split: test", 3, "`cases[0].split`"),
        ("match: like\ncases: [{expected: a}]", 1, "`match` is `like`, which is no assertion"),
        ("match: not-equals\ncases: [{expected: a}]", 1, "which negates"),
        ("match: is-json\ncases: [{expected: a}]", 1, "does not take one text"),
        ("match: latency\ncases: [{expected: a}]", 1, "does not take one text"),
        ("match: assert-set\ncases: [{expected: a}]", 1, "does not take one text"),
        ("match: contains\ncases:\n- vars: {}\n  expected: {a: 1}", 4, "`contains` needs a text"),
        ("reduce: means\ncases: [{expected: a}]", 1, "`reduce`"),
        ("reduce: pass_k\ncases: [{expected: a}]", 1, "`reduce`"),
        ("repeat: 0\ncases: [{expected: a}]", 1, "`repeat`"),
        ("cases:\n- assert:\n  - {type: assert-set}", 3, "needs members under `assert`"),
        (
            "cases:\n- assert:\n  - {type: equals, value: a, assert: [{type: equals, value: a}]}",
            3,
            "takes no `assert`",
        ),
        (
            "cases:\n- assert:\n  - type: assert-set\n    assert:\n    - {type: equals, value: a}\n    - {type: equal}",
            6,
            "there is no assertion `equal`",
        ),
        (
            "cases:\n- assert:\n  - {type: not-assert-set, assert: [{type: equals, value: a}]}",
            3,
            "no `not-` form",
        ),
        ("cases:\n- assert:\n  - {type: equals, value: a, provider: 'openai:x'}", 3, "takes no `provider`"),
        ("cases:\n- expected: a\n  assert:\n  - {type: equals, value: a}\n  - {type: equal}", 5, "`equal`"),
        (
            "default:\n  assert:\n  - {type: regex, value: '('}\ncases: [{expected: a}]",
            3,
            "regular expression",
        ),
        (
            "cases:\n- vars: {m: 1}\n  expected: a\n- vars: {m: 1}\n  expected: b",
            4,
            "same `vars` too, like the one at line 2",
        ),
        (
            "cases:\n- {id: 1, expected: a}\n- {id: '1', expected: b}",
            3,
            "the id `1` too, like the one at line 2",
        ),
        ("cases:\n- id: x\n  vars: {m: 1}", 2, "case `x` asserts nothing"),
        ("cases:\n- id: x\n  assert: [{type: equals, value: a, weight: 0}]", 2, "case `x` asserts nothing"),
        (
            "cases:\n- id: x\n  assert: [{type: contains, value: '{{ m }}'}]",
            2,
            "names {{ m }}, no text of its `vars`",
        ),
        (
            "cases:\n- id: x\n  vars: {m: ''}\n  assert: [{type: contains, value: '{{ m }}'}]",
            2,
            "needs a text",
        ),
        ("cases:\n- vars: {m: .inf}\n  expected: a", 2, "not a finite number"),
        ("cases:\n- id: ' x'\n  expected: a", 2, "cannot be seen"),
        ("cases:\n- {expected: a, expected: b}", 2, "expected"),
    ],
)
def test_what_is_wrong_and_where(text: str, line: int, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_suite(text.encode(), file=FILE)
    assert (caught.value.file, caught.value.line) == (FILE, line)
    assert message in caught.value.message


def test_a_misspelt_assertion_is_suggested() -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_suite(b"cases: [{assert: [{type: not-contain, value: a}]}]", file=FILE)
    assert caught.value.hint == "did you mean `not-contains`?"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("cases: [{assert: [{type: asert-set, assert: []}]}]", "did you mean `assert-set`?"),
        (
            "cases: [{assert: [{type: assert-set, assert: [{type: not-contian, value: a}]}]}]",
            "did you mean `not-contains`?",
        ),
        ("match: icontain\ncases: [{expected: a}]", "did you mean `icontains`?"),
        ("cases: [{asert: []}]", "did you mean `assert`?"),
        ("cases: [{assert: [{type: equals, valeu: a}]}]", "did you mean `value`?"),
        ("repeats: 2\ncases: [{expected: a}]", "did you mean `repeat`?"),
        ("reduce: meen\ncases: [{expected: a}]", None),
    ],
)
def test_what_was_probably_meant(text: str, hint: str | None) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_suite(text.encode(), file=FILE)
    assert caught.value.hint == hint or (hint is None and caught.value.hint)


SET = """\
repeat: 5
reduce: pass_k:2
cases:
  - id: a
    vars: {message: hello}
    expected: billing
    assert:
      - type: assert-set
        threshold: 0.5
        weight: 2
        metric: tone
        assert:
          - {type: contains, value: "{{ expected }}", weight: 3}
          - {type: not-contains, value: "{{ message }}", metric: echo}
"""


def test_a_set_of_assertions_is_one_assertion_with_members() -> None:
    suite = load_suite(SET.encode(), file=FILE)
    members = (Assertion("contains", "billing", weight=3), Assertion("not-contains", "hello", metric="echo"))
    whole = Assertion("assert-set", threshold=0.5, weight=2, metric="tone", members=members)
    assert suite.cases[0].assertions == (whole,), "a member that names {{ expected }} says how it is asserted"
    assert (suite.repeat, suite.reduce) == (5, "pass_k:2")


def test_a_set_decides_the_digest_with_all_its_members() -> None:
    digest = load_suite(SET.encode(), file=FILE).digest
    for before, after in (
        ("weight: 3", "weight: 4"),
        ("threshold: 0.5", "threshold: 0.6"),
        ("not-contains", "contains"),
    ):
        assert load_suite(SET.replace(before, after).encode(), file=FILE).digest != digest
    for before, after in (("repeat: 5", "repeat: 6"), ("pass_k:2", "mean")):
        assert load_suite(SET.replace(before, after).encode(), file=FILE).digest == digest


def test_a_default_set_is_filled_with_each_case() -> None:
    suite = load_suite(
        b"default: {assert: [{type: assert-set, assert: [{type: contains, value: '{{ word }}'}]}]}\n"
        b"cases: [{id: a, vars: {word: x}}, {id: b, vars: {word: y}}]",
        file=FILE,
    )
    assert [case.assertions[0].members[0].value for case in suite.cases] == ["x", "y"]


def test_the_type_of_a_threshold_is_kept_however_often_it_is_read() -> None:
    """Digests are of what is written, and 1 is not written like 1.0."""
    texts = [
        f"cases: [{{assert: [{{type: contains, value: word, weight: {n}}}]}}]"
        for n in ("1.0", "2", "2.0", "2")
    ]
    digests = [load_suite(text.encode(), file=FILE).digest for text in texts]
    assert digests[1] == digests[3] != digests[2]


def test_missing_variables_are_said_before_anything_is_asked() -> None:
    suite = load_suite(WHOLE.encode(), file=FILE)
    check_variables(suite, ["message", "language"])
    with pytest.raises(InvalidDocument) as caught:
        check_variables(suite, ["message", "name", "tone"])
    assert caught.value.line == 9
    assert "case `twice` lacks `name`, `tone`" in caught.value.message
    assert "(1 more case too)" in caught.value.message


def test_a_case_cannot_be_changed() -> None:
    case = load_suite(WHOLE.encode(), file=FILE).cases[0]
    with pytest.raises(AttributeError):
        case.id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        case.vars["message"] = "other"  # type: ignore[index]
    assert canonical_json(dict(case.vars))
