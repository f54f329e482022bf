"""The page's file: which cases are in it, how large it may be, and that nothing in it ends its own elements."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.reports.kinds import KINDS, kinds_of_row
from promptvc.evaluation.reports.page import page
from promptvc.evaluation.reports.page_cases import MOST_BYTES, MOST_CASES, case_text, chosen_cases
from promptvc.evaluation.reports.report import Report
from tests.evaluation.reports.makers import hostile_report, large_report, small_report, wide_report

ELEMENT = re.compile(r'<script type="application/json" id="data">(.*?)</script>\n<script>', re.DOTALL)


def data_of(report: Report) -> dict[str, Any]:
    """What is embedded in the page."""
    found = ELEMENT.search("".join(page(report)))
    assert found is not None
    value: dict[str, Any] = json.loads(found[1])
    return value


def test_the_policy_names_the_page_s_own_style_and_script() -> None:
    text = "".join(page(small_report()))
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[-1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in text
    assert text.count("<script") == 2
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//", text), "nothing is fetched"


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(), max_size=20), st.sampled_from(["</script>", "<!--", "<script", "%DATA%"])
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_text_ends_the_element_it_stands_in(texts: list[str]) -> None:
    report = hostile_report(texts)
    text = "".join(page(report))
    text.encode()
    found = ELEMENT.search(text)
    assert found is not None
    assert not set("<>&") & set(found[1])
    rows = json.loads(found[1])["rows"]
    assert [row["id"] for row in rows] == [case.id for case in report.cases]
    assert {row["answers"][0]["output"] for row in rows} <= set(texts)
    assert text.count("</script") == 2


def test_the_most_telling_cases_are_chosen() -> None:
    report = large_report(120)
    rows = list(report.rows())
    for most in (1, 10, 40, 119):
        chosen = set(chosen_cases(report, most).positions)
        assert len(chosen) == most
        ranks = [KINDS.index(kinds_of_row(row)[0]) for row in rows]
        inside = max(rank for position, rank in enumerate(ranks) if position in chosen)
        outside = min(rank for position, rank in enumerate(ranks) if position not in chosen)
        assert inside <= outside
    assert "broken" in kinds_of_row(rows[chosen_cases(report, 1).positions[0]])
    counts = chosen_cases(report, 3).kinds
    assert counts["fixed"] == len(report.comparison.fixed if report.comparison else ())
    assert counts["quarantined"] == 1


def test_what_is_not_embedded_is_counted() -> None:
    data = data_of(wide_report(MOST_CASES + 50, "no"))
    assert (data["cases"], data["shown"], len(data["rows"])) == (MOST_CASES + 50, MOST_CASES, MOST_CASES)
    assert data["kinds"] == {"failed": MOST_CASES + 50}
    assert sum(data["distribution"][0]) == MOST_CASES + 50, "the distribution is of all"


def test_the_page_is_bounded_however_long_the_answers_are() -> None:
    text = "".join(page(wide_report(MOST_CASES, "<" * 4000)))
    assert len(text.encode()) < MOST_BYTES + 200_000
    assert "more characters)" in text
    short = "".join(page(wide_report(100, "y" * 4000)))
    assert "more characters)" not in short


@given(st.integers(1, 40_000), st.text(max_size=50))
def test_a_case_keeps_to_its_room(length: int, text: str) -> None:
    """Or, where not even its name and numbers fit, it is no more than these."""
    row = next(iter(hostile_report([(text + "<&>x") * (length // 50 + 1)]).rows()))
    for room in (200, 2_000, 8_192, 65_536):
        found = case_text(row, 0, room)
        size = len(found.encode()) + 5 * sum(found.count(sign) for sign in "<>&")
        assert size <= max(room, 8_000)
        value = json.loads(found)
        assert value["kinds"] == list(kinds_of_row(row))
        assert size <= room or value["toolarge"]
