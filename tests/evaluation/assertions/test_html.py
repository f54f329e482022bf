"""Assertions about HTML; the first table is promptfoo's own list of what is and is not."""

from __future__ import annotations

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from tests.evaluation.assertions.grading import check, no_grade


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("<!DOCTYPE html><html><head><title>a</title></head><body>b</body></html>", True),
        ("<div>Content</div>", True),
        ("<h1>Title</h1><p>Paragraph</p>", True),
        ('<img src="test.jpg" />', True),
        ("Just text", False),
        ("Text before <div>HTML</div> text after", False),
        ('<?xml version="1.0"?><root></root>', False),
        ("<div>Unclosed div", False),
        ("Here is some HTML: <div>test</div>", False),
        ("  <ul><li>one<li>two</ul>\n", True),
        ("<table><tr><td>1<td>2<tr><td>3</table>", True),
        ("<DIV>a</div>", True),
        ("<p>a<br>b</p><!-- c --><hr>", True),
        ("<title>a < b & <b></title><p>c</p>", True),
        ("<script>if (a<b) { '</div>' }</script>", True),
        ("<script>never closed", False),
        ("<svg><path d='x'/></svg>", True),
        ("<path d='x'/>", False),
        ("<div><path></path></div>", False),
        ("<div><svg></svg><path></path></div>", False),
        ("<my-widget size=3></my-widget>", True),
        ("<root><x/></root>", False),
        ("<div><span></div></span>", False),
        ("<div></div></div>", False),
        ("<div>a</p></div>", False),
        ("<p>a</p> > b>", False),
        ("<!-- only this -->", False),
        ("<p>the answer ends in the mid", False),
        ("", False),
        ("<div>\ud800</div>", True),
    ],
)
def test_the_whole_is_html(text: str, *, holds: bool) -> None:
    check("is-html", None, text, holds=holds)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Look: <b>bold</b>!", True),
        ("one <p> is enough", True),
        ("<!doctype html>", True),
        ("a <x/> and &amp;", True),
        ("<!-- c --> &#123; &#x1F;", True),
        ('<x id="1">', True),
        ("an <example> of a tag", False),
        ("only </example>", False),
        ("R&D &amp; more &nbsp;", False),
        ("a < b, c > d", False),
        ("me@example.org <me@example.org>", False),
        ("`<", False),
        ("", False),
    ],
)
def test_two_signs_of_html_are_enough(text: str, *, holds: bool) -> None:
    check("contains-html", None, text, holds=holds)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("so <p>a</p>", "there is text outside its elements: 'so'"),
        ("<p>a</p><div>b<br>", "the element 'div' is not closed"),
        ("<div><b>a</div>", "the element 'b' is not closed before 'div' is"),
        ("<p></i>", "the element 'i' is closed and was never opened"),
        ("<nonsense></nonsense>", "there is no element 'nonsense' in HTML"),
        ("<p>a", "it does not end with a tag"),
        ("<?xml version='1.0'?><p>a</p>", "it has an instruction like `<?xml ... ?>`: that is XML"),
    ],
)
def test_the_reason_is_the_first_thing_that_is_wrong(text: str, reason: str) -> None:
    assert check("is-html", None, text, holds=False).reason == reason


@pytest.mark.parametrize("kind", ["is-html", "contains-html"])
def test_there_is_nothing_to_say_but_the_name(kind: str) -> None:
    assert "takes no `value`" in str(problem(Assertion(kind, "p")))
    assert "takes no `threshold`" in str(problem(Assertion(kind, threshold=0.5)))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("<br>" * 40_000, True),
        ("<div>" * 20_000 + "</div>" * 20_000, True),
        ("<p>" * 40_000 + "</i>", False),
        ("<script>" * 30_000, False),
        ("<title></" * 30_000, False),
        ("<p " + "a= " * 40_000 + ">", True),
        ("&a" * 80_000 + "<p>", False),
    ],
    ids=lambda value: value[:10] if isinstance(value, str) else None,
)
def test_a_hostile_text_is_read_in_one_pass(text: str, *, whole: bool) -> None:
    """A reader that begins anew at each tag would take hours for these."""
    check("is-html", None, text, holds=whole)
    check("contains-html", None, text, holds="<title>" not in text)


def test_a_long_text_is_no_grade() -> None:
    for kind in ("is-html", "contains-html"):
        assert "more than 1,000,000" in no_grade(Assertion(kind), "<p>" + "x" * 1_000_000)
