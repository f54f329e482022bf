"""Assertions about XML."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from tests.evaluation.assertions.grading import answer, check, grade, no_grade

MANY = 30_000
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY b "ha">'
    + "".join(
        f'<!ENTITY b{n} "{"&b" + str(n - 1 or "") + ";"}{"&b" + str(n - 1 or "") + ";"}">'
        for n in range(1, 60)
    )
    + "]><a>&b59;</a>"
)


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("<root><child>Content</child></root>", True, True),
        ("\n<?xml version='1.0' encoding='latin-1'?><ä b='>'/>\n", True, True),
        ("<a><!-- <b> --><![CDATA[</a>]]></a>", True, True),
        ("<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>", True, True),
        ("<root><child>Content</child></root", False, True),
        ("Sure:\n<root/>\nAnything else?", False, True),
        ("<a/><b/>", False, True),
        ("<a>&nbsp;</a>", False, False),
        ("<a>&nbsp;<b/></a>", False, True),
        ("<a><b/>&nbsp;</a>", False, True),
        ("<a x='1' x='2'></a>", False, False),
        ("<a b></a>", False, False),
        ("Use <root> like this: <root><x>1</x></root>", False, True),
        ("if a < b and c > d", False, False),
        ("<a></b>", False, False),
        ("<a>", False, False),
        ("<!-- <a/>", False, True),
        ("", False, False),
        ("<a>\ud800</a>", False, False),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_xml(text: str, *, whole: bool, part: bool) -> None:
    check("is-xml", None, text, holds=whole)
    check("contains-xml", None, text, holds=part)


def test_entities_are_refused_and_not_expanded() -> None:
    refused = "its document type declares entities or attributes: refused"
    assert check("is-xml", None, LAUGHS, holds=False).reason == refused
    for declared in (
        '<!ENTITY % p "x">',
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        "<!ATTLIST a b CDATA 'x'>",
    ):
        assert check("is-xml", None, f"<!DOCTYPE a [{declared}]><a/>", holds=False).reason == refused
    check("contains-xml", None, LAUGHS, holds=False)


@pytest.mark.parametrize(
    ("kind", "paths", "text", "holds"),
    [
        ("is-xml", ["analysis.color"], "<analysis><color>Red</color></analysis>", True),
        ("is-xml", ["analysis.color", "analysis.size"], "<analysis><color>Red</color></analysis>", False),
        ("is-xml", ["a.b.c"], "<a><b/><b><c/></b></a>", True),
        ("is-xml", ["a.c"], "<a><b><c/></b></a>", False),
        ("is-xml", ["b"], "<a><b/></a>", False),
        ("is-xml", ["a"], "<a/>", True),
        ("is-xml", ["x:a.b"], "<x:a xmlns:x='u'><b/></x:a>", True),
        ("is-xml", ["a"], "<a>", False),
        ("contains-xml", ["root.child"], "Text <root><child>Content</child></root>", True),
        ("contains-xml", ["root.child"], "<wrapper><root><child/></root></wrapper>", False),
        ("contains-xml", ["wrapper.root.child"], "x <wrapper><root><child/></root></wrapper>", True),
        ("contains-xml", ["a.x", "b.y"], "<a><x/></a> and <b><y/></b>", True),
        ("contains-xml", ["a.x", "b.y"], "<a><x/></a> and <b><x/></b>", False),
        ("contains-xml", ["a.x"], "<a/> and <a><x/></a>", True),
        ("contains-xml", ["a.x"], "<w>&bad;<a><x/></a></w>", True),
        ("contains-xml", ["a.x"], "<w><a><x/></a>&bad;</w>", True),
        ("contains-xml", ["a.x"], "<w><a>&bad;<x/></a></w>", False),
    ],
)
def test_required_elements(kind: str, paths: list[str], text: str, *, holds: bool) -> None:
    found = check(kind, {"requiredElements": paths}, text, holds=holds)
    if kind == "contains-xml" and not holds:
        assert found.reason.startswith("it has no ")


def test_the_reason_names_what_is_missing() -> None:
    value = {"requiredElements": ["a.b", "a.c", "a.d"]}
    assert check("is-xml", value, "<a><c/></a>", holds=False).reason == "it has no 'a.b', 'a.d'"
    assert (
        check("is-xml", None, "<a></b>", holds=False).reason
        == "not well-formed: mismatched tag: line 1, column 5"
    )


@pytest.mark.parametrize("kind", ["is-xml", "contains-xml"])
@pytest.mark.parametrize(
    ("value", "threshold"),
    [
        ("a.b", None),
        ({}, None),
        ({"required": ["a"]}, None),
        ({"requiredElements": []}, None),
        ({"requiredElements": "a.b"}, None),
        ({"requiredElements": ["a..b"]}, None),
        ({"requiredElements": [3]}, None),
        (None, 1.0),
    ],
)
def test_what_is_wrong_is_said(kind: str, value: Any, threshold: float | None) -> None:
    assert problem(Assertion(kind, value, threshold)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "<" * MANY,
        "<a>" * MANY,
        "<a>&x;" * MANY + "</a>" * MANY,
        "<a>&x;</a>" * (MANY // 2),
        "<a>" * MANY + "&x;" + "</a>" * MANY,
        "<!--" * MANY,
        "<![CDATA[" * (MANY // 2),
        "<?" * MANY,
        '<a b="' * MANY,
        "<!a '" * MANY,
        "<!D[" * MANY,
        "<a " + "a " * MANY,
        "<p>" * (MANY // 2) + "</a>" * (MANY // 2),
    ],
    ids=lambda text: text[:10],
)
def test_a_text_made_of_false_starts_is_read_in_one_pass(text: str) -> None:
    """A search that begins anew at each tag would take hours for these."""
    text = text[:900_000]
    check("is-xml", None, text, holds=False)
    check("contains-xml", None, text, holds=False)
    check("contains-html", None, text, holds=text[:2] not in {"<<", "<!", "<?"} and ">" in text)


def test_a_long_text_is_no_grade() -> None:
    for kind in ("is-xml", "contains-xml"):
        assert "1,000,007 characters" in no_grade(Assertion(kind), "<a>" + "x" * 1_000_000 + "</a>")
        check(kind, None, "<a>" + "x" * 900_000 + "</a>", holds=True)


names = st.sampled_from(["a", "b", "root"])
elements = st.recursive(
    st.one_of(
        names.map("<{0}/>".format), st.sampled_from(["text ", "&bad;", "&amp;", "<!-- c -->", "3 > 2 "])
    ),
    lambda inner: st.tuples(names, st.lists(inner, max_size=3)).map(
        lambda given: f"<{given[0]}>{''.join(given[1])}</{given[0]}>"
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(elements, max_size=3))
def test_some_element_is_well_formed_exactly_if_one_by_itself_is(parts: list[str]) -> None:
    """Against the plain way: every part of the text that begins and ends with a tag is tried by itself."""
    text = " ".join(parts)
    starts = [at for at, letter in enumerate(text) if letter == "<"]
    ends = [at + 1 for at, letter in enumerate(text) if letter == ">"]
    good = any(_whole(text[start:end]) for start in starts for end in ends if end > start)
    check("contains-xml", None, text, holds=good)


def _whole(text: str) -> bool:
    return text[1] not in "!?" and grade(Assertion("is-xml"), answer(text)).passed
