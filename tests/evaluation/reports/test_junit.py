"""JUnit XML: what is a failure, an error or skipped, and that a parser reads it whatever the texts."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.reports.junit import junit
from promptvc.evaluation.reports.report import Report
from tests.evaluation.reports.makers import hostile_report, large_report, small_report

ALLOWED = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"properties", "testcase"},
    ),
    "testcase": ({"name", "classname", "time"}, {"properties", "skipped", "error", "failure"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""Attributes and children of each element, as Jenkins' schema and pytest's writer both have them."""


def document(report: Report) -> ET.Element:
    """The parsed document, held against the rules of the schema."""
    root = ET.fromstring("".join(junit(report)).encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        assert {child.tag for child in element} <= children, element.tag
        tags = [child.tag for child in element]
        assert "properties" not in tags[1:], "properties come first"
        if element.tag == "testcase":
            assert {"name", "classname"} <= set(element.attrib)
            assert sum(tag != "properties" for tag in tags) <= 1, "one outcome a case"
        if "time" in element.attrib:
            assert float(element.attrib["time"]) >= 0
    [suite] = root
    cases = suite.findall("testcase")
    found = Counter(child.tag for case in cases for child in case)
    for counted in (root, suite):
        assert int(counted.attrib["tests"]) == len(cases)
        assert int(counted.attrib["failures"]) == found["failure"]
        assert int(counted.attrib["errors"]) == found["error"]
        assert int(counted.attrib["skipped"]) == found["skipped"]
    return root


def outcomes(report: Report) -> dict[str, str]:
    found = {}
    for case in document(report).iter("testcase"):
        tags = [child.tag for child in case if child.tag != "properties"]
        found[case.attrib["name"]] = tags[0] if tags else "passed"
    return found


def test_a_failed_assertion_a_failed_provider_and_a_quarantine_are_three_things() -> None:
    assert outcomes(small_report()) == {
        "passed": "passed",
        "fixed": "passed",
        "broken": "failure",
        "failed": "failure",
        "errored": "error",
        "aside": "skipped",
    }


def test_a_case_says_why_and_the_suite_says_what_was_asked() -> None:
    root = document(small_report())
    failure = root.find(".//testcase[@name='broken']/failure")
    assert failure is not None
    assert failure.attrib == {"message": "equals: 'billing' is not 'card_fraud'", "type": "assertion"}
    assert (failure.text or "").splitlines()[1:] == ["expected: card_fraud", "answer 1: billing"]
    error = root.find(".//testcase[@name='errored']/error")
    assert error is not None
    assert error.attrib["message"] == "HTTP 500 from the provider, three times"
    suite = root.find("testsuite")
    assert suite is not None
    assert suite.attrib["name"] == "support/triage"
    assert suite.attrib["timestamp"] == "2026-11-20T11:40:00"
    told = {one.attrib["name"]: one.attrib["value"] for one in suite.findall("properties/property")}
    assert (told["version"], told["baseline"], told["verdict"]) == ("v4", "v3", "incomparable")
    case = root.find(".//testcase[@name='passed']")
    assert case is not None
    assert case.attrib["classname"] == "support.triage"
    assert case.attrib["time"] == "0.180"
    pairs = [(one.attrib["name"], one.attrib["value"]) for one in case.findall("properties/property")]
    assert ("tag", "short") in pairs
    assert ("score", "1.000") in pairs


def test_a_large_report_keeps_the_rules() -> None:
    found = Counter(outcomes(large_report(80)).values())
    assert found["error"] == 1
    assert found["skipped"] == 1
    assert found["failure"] > 5


@given(st.lists(st.text(st.characters(), max_size=20), min_size=1, max_size=6))
def test_any_text_is_well_formed(texts: list[str]) -> None:
    document(hostile_report(texts))


def test_markup_in_an_answer_is_text() -> None:
    texts = ["]]></failure><failure message='x'>", "\"&<>'", "\x00\x0b\ufffe\ud800", "a\r\nb"]
    root = document(hostile_report(texts))
    shown = "".join(one.text or "" for one in root.iter() if one.tag in {"failure", "error"})
    assert "]]></failure>" in shown
    assert "a\r\nb" in shown
