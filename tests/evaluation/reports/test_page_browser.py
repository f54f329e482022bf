"""The page in a real browser: filters, paging, sorting, a case opened, words compared, dark, narrow, hostile texts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from promptvc.evaluation.reports.report import Report
from tests.evaluation.reports.conftest import Open
from tests.evaluation.reports.makers import (
    hostile_report,
    large_report,
    report_of,
    small_report,
    suite_of,
    wide_report,
)

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src='https://evil.example/x.png' onerror='alert(2)'>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "javascript:alert(3)",
    "<a href='https://evil.example'>x</a>",
    "%DATA% %SCRIPT% %STYLE% %POLICY%",
    "__proto__",
    "\u2028\u2029\ud800\x00",
]


def rows(page: Page) -> Locator:
    return page.locator("#table tr.row")


def names(page: Page) -> list[str]:
    return page.locator("#table button.open").all_inner_texts()


def column(page: Page, head: str) -> list[str]:
    heads = [text.strip() for text in page.locator("#table thead th").all_inner_texts()]
    at = next(n for n, text in enumerate(heads, 1) if text.startswith(head))
    return page.locator(f"#table tr.row > :nth-child({at})").all_inner_texts()


def show(page: Page, kind: str) -> None:
    page.locator(f"#kinds button[data-kind='{kind}']").click()


def luminance(color: str) -> float:
    """Relative luminance of ``rgb(r, g, b)`` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


CONTRASTS = """() => [...document.querySelectorAll('body *')].filter((one) =>
  one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
).map((one) => {
  let behind = one;
  const solid = (node) => getComputedStyle(node).backgroundColor;
  while (behind.parentElement && /, 0\\)$|transparent/.test(solid(behind))) behind = behind.parentElement;
  return [one.tagName + '.' + one.className, getComputedStyle(one).color, solid(behind)];
})"""


@pytest.fixture(scope="module")
def large() -> Report:
    return large_report()


def test_the_verdict_and_the_numbers_are_on_top(open_page: Open, large: Report) -> None:
    page = open_page(large)
    expect(page).to_have_title("Improvement: support/triage")
    expect(page.locator("h1")).to_have_text("Improvement")
    expect(page.locator("#told")).to_contain_text(
        "0.789 → 0.907: +11.9 points, 90.0 % interval +7.2 .. +16.5"
    )
    expect(page.locator("#advice")).to_contain_text("Recommendation: deploy, better by 11.9 points")
    expect(page.locator("#difference [role=img]")).to_have_attribute(
        "aria-label", re.compile("interval \\+7.2 to")
    )
    numbers = page.locator("#numbers tr").all_inner_texts()
    assert "Mean user rating\t0.710, n=412\t0.780, n=36" in numbers
    assert "Latency p95\t361 ms\t321 ms" in numbers
    for text in ("coherence\t0.910\tlexical\t720", "relevance\t0.840\topenai:gpt-4.1\t720"):
        assert text in page.locator("#qualities tr").all_inner_texts()
    judge = page.locator("#judge").inner_text()
    for text in ("Agreement\t0.883", "0.828 .. 0.923", "Cohen's kappa\t0.710", "people: no\t9\t39"):
        assert text in judge
    metrics = page.locator("#metrics tbody tr").all_inner_texts()
    assert [line.split("\t")[0] for line in metrics] == ["latency", "safety", "helpfulness"]
    assert "holds" in metrics[1]
    page.locator("#distribution summary").click()
    counted = [line.split("\t") for line in page.locator("#distribution tbody tr").all_inner_texts()]
    assert sum(int(line[1]) for line in counted) == 240
    assert sum(int(line[2]) for line in counted) == 239, "the errored case has no score"


def test_the_interval_is_drawn_where_it_lies(open_page: Open, large: Report) -> None:
    page = open_page(large)

    def left(name: str) -> float:
        box = page.locator(f"#difference .{name}").bounding_box()
        assert box is not None
        return box["x"] + (box["width"] / 2 if name == "mark" else 0)

    assert left("zero") < left("bar") < left("mark")


def test_the_filters_show_the_cases_of_one_kind(open_page: Open, large: Report) -> None:
    page = open_page(large)
    assert large.comparison is not None
    for kind, ids in (
        ("broken", set(large.comparison.broken)),
        ("fixed", set(large.comparison.fixed)),
        ("flaky", set(large.flaky)),
        ("quarantined", set(large.quarantined)),
        ("errored", {"card_fraud-0005"}),
    ):
        show(page, kind)
        count = len(ids)
        expect(page.locator("#where")).to_have_text(f"Cases 1 to {min(50, count)} of {count}")
        assert set(names(page)) <= ids
        expect(page.locator(f"#kinds button[data-kind='{kind}']")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#kinds button[aria-pressed=true]")).to_have_count(1)
    show(page, "differing")
    assert all("differing" in text for text in column(page, "Is"))
    show(page, "failed")
    failed = int(page.locator("#kinds button[data-kind=failed] span").inner_text())
    assert failed == large.totals.failed


def test_search_and_tag_narrow_the_cases(open_page: Open, large: Report) -> None:
    page = open_page(large)
    page.locator("#search").fill("PARCEL 1006")
    assert names(page) == ["delivery-0006"]
    page.locator("#search").fill("")
    page.locator("#tag").select_option("long")
    expect(page.locator("#where")).to_have_text("Cases 1 to 50 of 80")
    assert all("long" in text for text in column(page, "Tags"))
    show(page, "fixed")
    page.locator("#search").fill("names the team")
    assert 0 < rows(page).count() < 40
    page.locator("#search").fill("nobody says this")
    expect(page.locator("#table tbody")).to_have_text("No case is like that.")
    expect(page.locator("#where")).to_have_text("Cases 0")


def test_pages_are_turned(open_page: Open, large: Report) -> None:
    page = open_page(large)
    expect(page.locator("#previous")).to_be_disabled()
    seen = names(page)
    for first in (51, 101, 151, 201):
        page.locator("#next").click()
        expect(page.locator("#where")).to_have_text(re.compile(f"^Cases {first} to "))
        seen += names(page)
    expect(page.locator("#next")).to_be_disabled()
    assert sorted(seen) == sorted(case.id for case in large.cases)
    page.locator("#previous").click()
    show(page, "broken")
    expect(page.locator("#where")).to_have_text(re.compile("^Cases 1 to "))


def test_columns_sort_both_ways(open_page: Open, large: Report) -> None:
    page = open_page(large)
    assert column(page, "Is")[0].startswith("broken"), "the most telling first"
    page.get_by_role("button", name="Latency").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Latency")
    waits = [int(text.split()[0]) for text in column(page, "Latency") if text != "-"]
    assert waits == sorted(waits)
    page.get_by_role("button", name="Latency").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Latency")
    waits = [int(text.split()[0]) for text in column(page, "Latency")]
    assert waits == sorted(waits, reverse=True)
    page.get_by_role("button", name="Case", exact=True).click()
    assert names(page) == sorted(case.id for case in large.cases)[:50]


def test_an_opened_case_shows_all_there_is(open_page: Open) -> None:
    page = open_page(small_report())
    button = page.get_by_role("button", name="broken", exact=True)
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    detail = page.get_by_role("region", name="Case broken")
    expect(detail).to_be_visible()
    asked = detail.locator(".asked").inner_text()
    assert "A charge I do not know" in asked
    assert "card_fraud" in asked
    before, after = detail.locator(".side").all()
    expect(before).to_contain_text("passed · score 1.000")
    expect(before.locator(".output del")).to_have_text("card_fraud")
    expect(after.locator(".output ins")).to_have_text("billing")
    expect(after.locator(".grades")).to_contain_text("✗ fail")
    expect(after.locator(".grades")).to_contain_text("'billing' is not 'card_fraud'")
    button.click()
    expect(detail).to_have_count(0)
    page.get_by_role("button", name="errored", exact=True).click()
    expect(page.locator(".side .error")).to_have_text("HTTP 500 from the provider, three times")
    page.get_by_role("button", name="aside", exact=True).click()
    expect(page.get_by_role("region", name="Case aside")).to_contain_text("waits for the new mail provider")


def test_a_case_opens_by_keyboard_and_keeps_the_focus(open_page: Open) -> None:
    page = open_page(small_report())
    page.get_by_role("button", name="broken", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="broken", exact=True)).to_be_focused()
    expect(page.get_by_role("region", name="Case broken")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "checkbox"
    page.keyboard.press("Space")
    expect(page.locator(".output del")).to_have_count(0)
    expect(page.locator(".output").first).to_have_text("card_fraud")


def compared(page: Page) -> list[tuple[list[str], str]]:
    return [
        (side.locator("del, ins").all_inner_texts(), side.inner_text())
        for side in page.locator(".output").all()
    ]


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"),
    [
        ("We write today.", "We write within two days.", ["today"], ["within two days"]),
        ("a b c", "a b c", [], []),
        ("", "new text", [], ["new text"]),
        ("one two three", "three two one", ["one", "three"], ["three", "one"]),
        ("x = 1\ny = 2", "x = 1\ny = 3", ["2"], ["3"]),
        ("Größe 10 cm", "Größe 12 cm", ["10"], ["12"]),
    ],
)
def test_words_that_differ_are_marked(
    open_page: Open, before: str, after: str, gone: list[str], come: list[str]
) -> None:
    suite = suite_of([{"id": "one", "vars": {"n": 1}, "expected": "yes"}])
    page = open_page(report_of(suite, [[after]], [[before]]))
    page.locator("button.open").click()
    found = compared(page)
    assert [text for _, text in found] == [before, after], "nothing of an answer is lost"
    assert [marks for marks, _ in found] == [gone, come]


def test_each_repeat_can_be_seen(open_page: Open) -> None:
    suite = suite_of([{"id": "one", "vars": {"n": 1}, "expected": "yes"}])
    page = open_page(report_of(suite, [["yes", "no", "maybe"]]))
    page.locator("button.open").click()
    assert page.locator(".output").all_inner_texts() == ["yes"]
    page.get_by_label("Repeat").select_option(label="3 of 3")
    assert page.locator(".output").all_inner_texts() == ["maybe"]
    expect(page.locator(".side")).to_have_count(1)


def test_long_answers_are_shown_without_marks(open_page: Open) -> None:
    suite = suite_of([{"id": "one", "vars": {"n": 1}, "expected": "yes"}])
    before, after = ("! " * 1990 for _ in range(2))
    page = open_page(report_of(suite, [[after + "?" * 20]], [["?" * 20 + before]]))
    page.locator("button.open").click()
    expect(page.locator(".output")).to_have_count(2)
    expect(page.locator(".output del, .output ins")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(open_page: Open, large: Report, *, dark: bool) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.2, AA) for every text on the page, in both colour schemes."""
    page = open_page(large, dark=dark)
    page.locator("button.open").first.click()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(background) < 0.1) is dark
    poor = []
    found: list[Any] = page.evaluate(CONTRASTS)
    for name, front, back in found:
        light, dim = sorted((luminance(front), luminance(back)), reverse=True)
        if (light + 0.05) / (dim + 0.05) < 4.5:
            poor.append((name, front, back))
    assert len(found) > 200
    assert not poor


@pytest.mark.parametrize("width", [1200, 400])
def test_nothing_is_wider_than_the_window(open_page: Open, large: Report, width: int) -> None:
    page = open_page(large, width=width)
    page.locator("button.open").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    sides = [box for side in page.locator(".side").all() if (box := side.bounding_box()) is not None]
    assert (sides[0]["y"] == sides[1]["y"]) is (width == 1200), "side by side where there is room"
    focusable = page.locator("button:visible, input:visible, select:visible")
    for one in focusable.all()[:20]:
        box = one.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_hostile_texts_are_only_texts(open_page: Open) -> None:
    """A dialog, a request or a complaint of the policy fails at the end of the fixture."""
    page = open_page(hostile_report(HOSTILE))
    for at in range(rows(page).count()):
        page.locator("button.open").nth(at).click()
    for choice in page.get_by_label("Repeat").all():
        choice.select_option(index=1)
    expect(page.locator(".side p.error").first).to_be_visible()
    shown = page.locator("body").inner_text()
    for text in HOSTILE[:6]:
        assert text in shown
    assert page.locator("script").count() == 2
    assert page.locator("img, a[href^=http], iframe, object, link").count() == 0
    assert page.locator("style").count() == 1


def test_the_policy_stops_markup_from_text_and_scripts_of_others(open_page: Open) -> None:
    """The belt beside the braces: even a mistake in the page's script could not run an answer."""
    page = open_page(small_report(), complains=True)
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (e) { return e.name } }"
    )
    assert refused == "TypeError"
    policy = page.locator("meta[http-equiv]").get_attribute("content") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_of_many_cases_says_what_it_leaves_out(open_page: Open) -> None:
    page = open_page(wide_report(2_300, "no"))
    expect(page.locator("#left-out")).to_have_text(
        "The 2,000 most telling of 2,300 cases are in this page; the others are only counted above (300 failed)."
    )
    expect(page.locator("#where")).to_have_text("Cases 1 to 50 of 2,000")
