"""The report for a pull request's comment: what it says, how long it is, and that nothing foreign in it is active."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from promptvc.base.spans import code, words
from promptvc.evaluation.gate import Gate, Regression
from promptvc.evaluation.reports.markdown import LIMIT, markdown
from promptvc.evaluation.reports.report import Report
from promptvc.evidence.baselines import Baseline
from tests.evaluation.reports.makers import (
    ENDED,
    hostile_report,
    large_report,
    report_of,
    small_report,
    suite_of,
    wide_report,
)

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HARMLESS = {
    "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "softbreak",
    "code_inline", "strong_open", "strong_close", "table_open", "table_close", "thead_open", "thead_close",
    "tbody_open", "tbody_close", "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close",
    "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
}  # fmt: skip
# What a forge makes links of in the text of the HTML: mentions, references, addresses, digests of commits.
LINKED = re.compile(r"@|#\d|GH-\d|://|\bwww\.|(?<![0-9a-zA-Z])[0-9a-f]{7,40}(?![0-9a-zA-Z])", re.IGNORECASE)

NASTY = [
    "@octocat", "#123", "owner/repo#1", "GH-7", "https://evil.example/?q=1", "www.evil.example",
    "a@b.example", "![x](https://evil.example/p.png)", "[click](javascript:alert(1))",
    "<img src=x onerror=alert(1)>", "<!--", "-->", "</details>", "`", "``", "```", "a`b", "`a", "\\`",
    "a|b", "\\|", "\\", "| a | b |", "x\ny", "x\r\n\r\n# y", "    x", "# heading", "- item", "1. item",
    "> quote", "---", "===", "*em* **strong** _x_ ~~y~~", "&#64;octocat", "&lt;b&gt;", "deadbeef0",
    "0123456789abcdef0123456789abcdef01234567", "\x00\x1b[31m", "\u202egnirts", "\ud800", "", " ", "\t",
    "$`x`$", "[^1]", "[x]: https://evil.example", "<https://evil.example>", "\u2028x", "😀", "=1+1",
    "https:", "//x",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=40)), min_size=1, max_size=9)


def text_of(report: Report) -> str:
    return "".join(markdown(report))


def flat(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or ())


def active(text: str) -> list[str]:
    """What is in a rendered comment that must not be there."""
    found = []
    for token in flat(PARSER.parse(text)):
        if token.type not in HARMLESS:
            found.append(token.type)
        if token.type == "text" and LINKED.search(token.content):
            found.append(token.content)
    return found


def tables(text: str) -> list[list[list[str]]]:
    """The tables, as rows of cells' text, as a parser sees them."""
    found: list[list[list[str]]] = []
    for token in PARSER.parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and token.level > 3:
            found[-1][-1].append("".join(child.content for child in token.children or ()))
    return found


def test_the_verdict_comes_first_in_one_line() -> None:
    first, second, *_ = text_of(large_report()).split("\n")
    assert first == (
        "### improvement: `support/triage` v4 against v3, 0.789 → 0.907 "
        "(+11.9 points, 90.0 % interval +7.2 .. +16.5, n=238, p<0.0001)"
    )
    assert second == ""
    assert text_of(small_report()).startswith("### incomparable: `support/triage` v4 against v3; ")
    alone = report_of(suite_of([{"vars": {"n": 1}, "expected": "yes"}]), [["yes"]])
    assert text_of(alone).startswith(
        "### `support/triage` v4: score 1.000, 1 of 1 case passed, 0 failed, 0 errored\n"
    )


def test_the_numbers_of_both_sides_stand_side_by_side() -> None:
    numbers, metrics, *rest = tables(text_of(large_report()))
    assert numbers[0] == ["", "v3", "v4"]
    cells = {row[0]: row[1:] for row in numbers[1:]}
    assert cells["score"] == ["0.789", "0.907"]
    assert cells["mean user rating"] == ["0.710 (412 ratings)", "0.780 (36 ratings)"]
    assert cells["latency p95"] == ["361 ms", "321 ms"]
    assert cells["cost"] == ["$0.1440", "$0.1434"]
    assert [row[0] for row in metrics[1:]] == ["latency", "safety", "helpfulness"], (
        "what is guarded comes first"
    )
    assert metrics[1][1:3] == ["293 ms", "253 ms"]
    assert metrics[2][3].startswith("holds: ")
    heads = [table[0][0] for table in rest]
    assert heads[-2:] == ["quality", "judge"]
    text = text_of(large_report())
    assert (
        "The judge `openai:gpt-4.1` took 1,440 calls, 300 from the cache: tokens 512,000 in, 40,000 out"
        in text
    )
    assert "Recommendation: **deploy**, better by 11.9 points, and everything guarded held." in text


def test_each_kind_of_case_has_its_table_and_the_worst_comes_first() -> None:
    text = text_of(small_report())
    assert re.findall(r"^#### (.*)$", text, re.MULTILINE) == [
        "Broken (1)", "Errors (1)", "Failed on both sides (1)", "Fixed (1)", "In quarantine (1)",
    ]  # fmt: skip
    assert "| `broken` | 1.000 → 0.000 | `card_fraud` | `card_fraud` | `billing` | `equals: " in text
    assert "| `errored` | `HTTP 500 from the provider, three times` |" in text
    assert "| `aside` | 0.000 | `waits for the new mail provider` |" in text
    broken = next(table for table in tables(text_of(large_report())) if table[0][-1] == "why")
    falls = [float(row[1].split(" → ")[1]) - float(row[1].split(" → ")[0]) for row in broken[1:]]
    assert falls == sorted(falls)
    assert len(falls) > 20


def test_flaky_cases_say_how_many_repeats_passed() -> None:
    suite = suite_of([{"id": "shaky", "vars": {"n": 1}, "expected": "yes"}])
    text = text_of(report_of(suite, [["yes", "no", "yes"]], [["yes", "yes", "yes"]]))
    assert "| `shaky` | 3 of 3 | 2 of 3 |" in text


def test_what_does_not_fit_is_counted_and_rows_are_whole() -> None:
    text = text_of(replace(wide_report(3000, "no " * 200), baseline=None))
    assert len(text.encode()) <= LIMIT
    [failed] = [table for table in tables(text) if table[0][0] == "case"]
    assert {len(row) for row in failed} == {5}
    left = re.search(r"^([\d,]+) more cases not shown here\.$", text, re.MULTILINE)
    assert left is not None
    assert len(failed) - 1 + int(left[1].replace(",", "")) == 3000
    assert text.rstrip().endswith("network or a key."), "the end is not cut off"


def test_cases_that_fail_on_both_sides_do_not_crowd_out_the_others() -> None:
    text = text_of(wide_report(300, "no"))
    assert "#### Failed on both sides (300)" in text
    assert "280 more cases not shown here." in text


def test_two_sides_of_one_version_are_told_apart() -> None:
    report = small_report()
    assert report.baseline is not None
    numbers, *_ = tables(text_of(replace(report, baseline=replace(report.baseline, version=4))))
    assert numbers[0] == ["", "v4, baseline", "v4, candidate"]


def test_long_texts_in_the_widest_letters_fit_too() -> None:
    report = hostile_report(["𝕏" * 3000])
    many = replace(report, remarks=("𝕏" * 900,) * 300, qualities=report.qualities * 300)
    text = text_of(many)
    assert len(text.encode()) <= LIMIT
    for heading in ("Broken", "Qualities", "Remarks", "Suite"):
        assert heading in text
    assert not active(text)


def gate_of(names: tuple[str, ...]) -> Gate:
    """A closed gate in which these names stand everywhere."""
    baseline = Baseline(
        "triage",
        "01JD9QABM2T7C4XK5N8VW3RZ6E",
        3,
        "0" * 40,
        "1" * 64,
        "offline",
        0.9,
        "Ada <ada@example.org>",
        ENDED,
    )
    regressions = tuple(Regression(name, "changed", 0, 1, name) for name in names)
    return Gate(baseline, regressions, 1, *[names] * 8)


def test_what_the_gate_left_out_is_told_in_few_lines_whatever_it_is_called() -> None:
    plain = text_of(small_report(gate=gate_of(("a", "b", "c", "d", "e"))))
    assert "\n- `a` changed: a\n" in plain
    for what in (
        "in quarantine",
        "removed since it was approved",
        "changed since it was approved",
        "not asked",
    ):
        assert f"\n- {what}: 5, `a`, `b`, `c` and 2 more\n" in plain
    assert "promptvc baseline approve triage" in plain
    text = text_of(small_report(gate=gate_of((*NASTY, *(["𝕏" * 3000] * 500)))))
    assert not active(text)
    assert len(text.encode()) <= LIMIT
    assert "more regressions not shown here." in text
    assert "removed since it was approved" in text


@settings(max_examples=60)
@given(TEXTS)
@example(NASTY)
@example(["`|@octocat\n# x"])
def test_no_text_is_active_and_none_makes_it_too_long(texts: list[str]) -> None:
    text = text_of(hostile_report(texts))
    assert len(text.encode()) <= LIMIT
    assert not active(text)
    for table in tables(text):
        assert len({len(row) for row in table}) == 1, "a text has made a cell of its own"


@given(st.one_of(st.sampled_from(NASTY), st.text(max_size=300)), st.integers(5, 200))
def test_a_text_is_one_code_span_on_its_line_and_in_a_cell(text: str, limit: int) -> None:
    for line in (f"before {code(text, limit)} after\n", f"| a |\n| --- |\n| {code(text, limit)} |\n"):
        inline = [token for token in PARSER.parse(line) if token.type == "inline"][-1]
        kinds = [child.type for child in inline.children or ()]
        shown = text.strip() and "(empty)" not in inline.content
        assert kinds in ((["text", "code_inline", "text"], ["code_inline"]) if shown else (["text"],))
        spans = [child.content for child in inline.children or () if child.type == "code_inline"]
        assert all(len(span) <= limit for span in spans)


@given(st.one_of(st.sampled_from(NASTY), st.text(max_size=60)))
def test_a_sentence_that_is_not_plain_words_is_code(text: str) -> None:
    assert not active(f"So: {words(text)}.\n")
    assert not active(f"- {words(text)}\n")


def test_plain_sentences_stay_as_they_are() -> None:
    for plain in (
        "better by 9.5 points, and everything guarded held",
        "1 of 5 cases errored, more than 1%",
        "a trained candidate: compared at the level of its look, alpha 0.0304",
    ):
        assert words(plain) == plain


def test_the_parser_sees_what_it_should() -> None:
    """The law can fail: each of these is active where it is not made inert."""
    for nasty in (
        "@octocat",
        "#123",
        "https://evil.example/",
        "[x](y)",
        "<b>",
        "![x](y)",
        "www.evil.example",
    ):
        assert active(f"{nasty}\n"), nasty
