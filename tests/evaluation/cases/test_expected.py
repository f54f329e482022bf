"""The cells of `__expected` columns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from promptvc.evaluation.cases.expected import parse_expected


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("billing", {"type": "equals", "value": "billing"}),
        ("Paris: the capital", {"type": "equals", "value": "Paris: the capital"}),
        ("note: call back", {"type": "equals", "value": "note: call back"}),
        ("contains: billing", {"type": "contains", "value": "billing"}),
        ("contains:a:b", {"type": "contains", "value": "a:b"}),
        ("not-contains:billing", {"type": "not-contains", "value": "billing"}),
        ("equals:  two  words", {"type": "equals", "value": "two  words"}),
        ("contains-any: a, b ,c", {"type": "contains-any", "value": ["a", "b", "c"]}),
        ("not-icontains-all:a,b", {"type": "not-icontains-all", "value": ["a", "b"]}),
        ("is-json", {"type": "is-json"}),
        ('is-json:{"type": "object"}', {"type": "is-json", "value": {"type": "object"}}),
        ("latency(1000)", {"type": "latency", "threshold": 1000.0}),
        ("cost(0.01)", {"type": "cost", "threshold": 0.01}),
        ("starts-with(0.5): Dear", {"type": "starts-with", "value": "Dear"}),
        ("regex: ^a+$", {"type": "regex", "value": "^a+$"}),
        ("contains: one\ntwo", {"type": "contains", "value": "one\ntwo"}),
        ("rouge-n(0.6): a late parcel", {"type": "rouge-n", "value": "a late parcel", "threshold": 0.6}),
        ("rouge-n: a late parcel", {"type": "rouge-n", "value": "a late parcel", "threshold": 0.75}),
        ("similar: a late parcel", {"type": "similar", "value": "a late parcel", "threshold": 0.8}),
        ("similar(0.9):hello", {"type": "similar", "value": "hello", "threshold": 0.9}),
        ("llm-rubric: is polite", {"type": "llm-rubric", "value": "is polite"}),
        ("grade:is polite", {"type": "llm-rubric", "value": "is polite"}),
        ("python: len(output) < 80", {"type": "python", "value": "len(output) < 80"}),
        ("file://checks/polite.py", {"type": "python", "value": "file://checks/polite.py"}),
        ("file://checks/polite.py:f", {"type": "python", "value": "file://checks/polite.py:f"}),
    ],
)
def test_a_cell_is_read_as_promptfoo_reads_it(cell: str, wanted: dict[str, Any]) -> None:
    assert parse_expected(cell) == wanted


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("javascript: output.length", "JavaScript"),
        ("fn:output.length", "JavaScript"),
        ("eval:output.length", "JavaScript"),
        ("file://checks/polite.js", "JavaScript"),
        ("file://checks/polite.ts:f", "JavaScript"),
        ("perplexity(2)", "no assertion `perplexity`"),
        ("webhook: https://example.org", "no assertion `webhook`"),
        ("assert-set", "no assertion `assert-set`"),
        ("contains", "`equals: contains` is the text itself"),
        ("latency", "`equals: latency` is the text itself"),
        ("cost: 0.01", "`value`"),
        ("is-json: {", "not JSON"),
        ("regex: (", "regular expression"),
    ],
)
def test_what_cannot_be_asserted_has_a_reason(cell: str, reason: str) -> None:
    found = parse_expected(cell)
    assert isinstance(found, str)
    assert reason in found


@given(st.text(min_size=1))
def test_every_cell_is_an_assertion_that_a_suite_accepts_or_a_reason(cell: str) -> None:
    found = parse_expected(cell)
    if isinstance(found, str):
        assert found
    else:
        assert problem(Assertion(**found)) is None
