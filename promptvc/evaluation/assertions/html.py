"""Assertions about HTML: is-html and contains-html.

A browser makes a page of any text, and so does every parser of HTML. What counts as HTML here is stated instead: names
of elements as the HTML Living Standard lists them (obsolete ones, too), or with a hyphen (custom elements), each closed
unless the standard lets its end be left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold, shown
from promptvc.evaluation.assertions.length import too_long
from promptvc.evaluation.assertions.tags import Mark, marks

_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
_END_MAY_LACK = frozenset(
    b"html head body p li dt dd tr td th thead tbody tfoot option optgroup colgroup caption rp rt".split()
)
_ELEMENTS = (
    _VOID
    | _END_MAY_LACK
    | frozenset(
        b"""a abbr acronym address applet article aside audio b bdi bdo big blockquote button canvas center cite code
        data datalist del details dfn dialog dir div dl em fieldset figcaption figure font footer form frame frameset
        h1 h2 h3 h4 h5 h6 header hgroup i iframe ins kbd label legend main map mark marquee menu meter nav noframes
        noscript object ol output picture pre progress q s samp script search section select slot small span strike
        strong style sub summary sup svg math table template textarea time title tt u ul var video""".split()
    )
)
_FOREIGN = frozenset({b"svg", b"math"})  # inside these, names are theirs
_COMMON = frozenset(
    b"""html head body div span p a img h1 h2 h3 h4 h5 h6 ul ol li table tr td th form input button script style link
    meta br hr""".split()
)
_ATTRIBUTE = re.compile(rb"\s[A-Za-z][A-Za-z-]*+\s*+=\s*+[\"']")
_ENTITY = re.compile(rb"&(?:[A-Za-z]{2,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")


class _NoValue:
    """What both have in common: neither a value nor a threshold."""

    __slots__ = ()
    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value and no threshold."""
        return no_threshold(assertion) or ("takes no `value`" if assertion.value is not None else None)


@dataclass(frozen=True, slots=True)
class IsHtml(_NoValue):
    """The whole answer is HTML: elements that are closed, and nothing outside them but comments and a doctype."""

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:  # noqa: ARG002 - the contract of graders
        """1 or 0."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        wrong = _wrong(answer.text.strip().encode("utf-8", "surrogatepass"))
        return Grade.of(wrong is None, wrong or "")


@dataclass(frozen=True, slots=True)
class ContainsHtml(_NoValue):
    """There is HTML in the answer: at least two signs of it, counted as promptfoo does.

    An opening and a closing tag, of whatever name, are two, one of them is one; a doctype is two; the tag of a common
    element such as ``<p>`` is two; an empty tag (``<x/>``), an entity (``&amp;``), a comment and an attribute in
    quotes are one each.
    """

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:  # noqa: ARG002 - the contract of graders
        """1 or 0."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        signs = _signs(answer.text.encode("utf-8", "surrogatepass"))
        return Grade.of(signs >= 2, "there is no HTML in it")


def _signs(data: bytes) -> int:
    seen: set[str] = set()
    for mark in marks(data, html=True):
        doctype = mark.kind == "declaration" and data[mark.start + 2 : mark.start + 9].lower() == b"doctype"
        seen.add("doctype" if doctype else mark.kind)
        if mark.name in _COMMON:
            seen.add("common")
        if "attribute" not in seen and _ATTRIBUTE.search(mark.attributes):
            seen.add("attribute")
    tags = len(seen & {"open", "close"})
    return (
        tags
        + 2 * len(seen & {"doctype", "common"})
        + len(seen & {"empty", "comment", "attribute"})
        + bool(_ENTITY.search(data))
    )


def _wrong(data: bytes) -> str | None:
    """Why a text is not HTML, None where it is."""
    if not data.endswith(b">"):
        return "it does not end with a tag"
    stack: list[bytes] = []
    foreign = 0  # how many of the open elements are svg or math
    reached, elements = 0, 0
    for mark in marks(data, html=True):
        if not stack and data[reached : mark.start].strip():
            return f"there is text outside its elements: {_shown(data[reached : mark.start])}"
        reached = mark.end
        if mark.kind == "instruction":
            return "it has an instruction like `<?xml ... ?>`: that is XML"
        if mark.kind in {"open", "empty"}:
            elements += 1
            if not foreign and mark.name not in _ELEMENTS and b"-" not in mark.name:
                return f"there is no element {_shown(mark.name)} in HTML"
            if mark.kind == "open" and mark.name not in _VOID:
                stack.append(mark.name)
                foreign += mark.name in _FOREIGN
        elif mark.kind == "close":
            wrong = _close(stack, mark)
            if wrong:
                return wrong
            foreign -= mark.name in _FOREIGN
    open_still = next((name for name in stack if name not in _END_MAY_LACK), None)
    if open_still is not None:
        return f"the element {_shown(open_still)} is not closed"
    if data[reached:].strip() or not elements:
        return "it does not end with a tag" if elements else "there is no element in it"
    return None


def _close(stack: list[bytes], mark: Mark) -> str | None:
    """Take an element, and those in it whose ends may lack, off the stack; what is wrong with that."""
    while stack:
        name = stack.pop()
        if name == mark.name:
            return None
        if name not in _END_MAY_LACK:
            return f"the element {_shown(name)} is not closed before {_shown(mark.name)} is"
    return f"the element {_shown(mark.name)} is closed and was never opened"


def _shown(text: bytes) -> str:
    return shown(text[:200].decode("utf-8", "replace").strip())
