"""The report on a candidate: what it says, in which order, how long it is, and that nothing foreign in it is active."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from promptvc.evidence.comparisons import Pair
from promptvc.evidence.values import Guard, Score
from promptvc.forge.forge import MOST_COMMENT, marked, marker_of
from promptvc.review.alerts import Alert, alerts_markdown
from promptvc.review.markdown import MOST_SUMMARY, candidate_markdown, headline
from promptvc.review.report import CandidateReport, Cited, Voice
from promptvc.store.diff import Change
from tests.evaluation.reports.test_markdown import HARMLESS, LINKED, NASTY, TEXTS
from tests.review.makers import by_hand, comparison, hostile, large_report, report, training

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(r"\s*(<details><summary>[0-9, a-z]+</summary>|</details>)\s*")
BLOCKS = HARMLESS | {"fence", "html_block"}
FORGED = "<!-- promptvc:support/triage/v4 -->"
OTHERS = [
    *NASTY,
    FORGED,
    "</details>\n\n# x",
    "\n\n```\n# x",
    "~~~\n# x",
    "`" * 9,
    "<details>",
    "/close",
    "\n/merge\n",
    "<script>",
    "- [ ] task",
    "!ab",
]


def flat(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or ())


def active(text: str) -> list[str]:
    """What is in a rendered comment that must not be there."""
    found = []
    for token in flat(PARSER.parse(text)):
        if token.type not in BLOCKS:
            found.append(token.type)
        if token.type == "text" and LINKED.search(token.content):
            found.append(token.content)
        if token.type == "html_block" and not OURS.fullmatch(token.content):
            found.append(token.content)
        if token.type == "fence" and token.info != "diff":
            found.append(token.info)
    opened = sum("<details>" in token.content for token in PARSER.parse(text) if token.type == "html_block")
    closed = sum("</details>" in token.content for token in PARSER.parse(text) if token.type == "html_block")
    return [*found, *(["not closed"] if opened != closed else [])]


def headings(text: str) -> list[str]:
    tokens = PARSER.parse(text)
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def test_the_verdict_comes_first_and_what_to_do_last() -> None:
    text = candidate_markdown(report())
    lines = text.splitlines()
    assert lines[0] == "### ✅ **improvement**: `support/triage` v4 against v3, +9.5 points"
    assert lines[2] == "0.717 → 0.812, 95.0 % interval +3.1 .. +15.9, n=200, p=0.0040."
    assert lines[4] == "1 case that passed before fails now; fixed: 1."
    assert lines[6] == "Recommendation: **deploy**, better by 9.5 points, and everything guarded held."
    assert [line.split(" (")[0] for line in headings(text)[1:]] == [
        "Broken",
        "What changes, and because of whom",
        "Fixed",
        "How it was made",
        "What to do next",
    ]
    assert lines[-1] == "Merge it: this pull request, or `promptvc merge promptvc/support/triage/v4`."
    assert not active(text)


def test_many_examples_are_folded_away_and_words_are_told_once() -> None:
    voice = Voice("01KE47BK10A0EBPPZJXN3ZVZ8Y", "correction", words="one parcel -> billing")
    examples = tuple(
        Cited(
            Change(f"examples[{at}]", "added", None, {"input": {"m": "one parcel"}, "output": "billing"}),
            (voice,),
        )
        for at in range(9)
    )
    rule = Cited(Change("rules[0]", "added", None, {"text": "Be kind."}))
    text = candidate_markdown(replace(report(), changes=(rule, *examples)))
    assert text.index("Be kind.") < text.index("<summary>9 changes of examples</summary>")
    assert text.count("one parcel") == 9
    assert text.count("</details>") == text.count("<details>")
    assert not active(text)
    few = candidate_markdown(replace(report(), changes=(rule, *examples[:8])))
    assert "of examples" not in few


def test_the_numbers_of_both_sides_and_their_change_stand_in_one_table() -> None:
    text = candidate_markdown(report())
    assert "| score | 0.717 | 0.812 | +9.5 points |" in text
    assert "| cost of an answer | $0.002100 | $0.001800 | -14.3 % |" in text
    assert "| latency, mean | 812 ms | 640 ms | -21.2 % |" in text
    assert "| tokens of an answer | unknown | unknown | unknown |" in text


def test_what_is_unknown_is_not_nothing() -> None:
    text = candidate_markdown(by_hand())
    assert "### ⚠️ **not measured**: `support/triage` v4 against v3\n" in text
    assert "Nothing was measured: there is no evidence for this version." in text
    assert "| cost of an answer | unknown | unknown | unknown |" in text
    assert " 0.000" not in text
    assert "$0" not in text
    assert "Written by hand by `Ada Author`; no training made it." in text
    assert "`promptvc evaluate support/triage@v4 --baseline latest --save`" in text


def test_the_words_of_a_user_stand_right_under_the_change_that_cites_them() -> None:
    lines = candidate_markdown(report()).splitlines()
    at = lines.index("- **added** `rules[2]`: `A charge the customer does not recognise is card_fraud.`")
    assert lines[at + 1] == (
        "  - `this was fraud -> card_fraud`, correction by `u-12345678-abcdef01` on 2026-01-03, "
        "`01JD3M8Z6VQW4N9T2X5KAB7CDE`"
    )
    assert lines[at + 2] == "  - `01JD3M8Z6VQW4N9T2X5KAB7CDF` is gone: forgotten, or archived elsewhere"


def test_a_text_of_several_lines_is_a_diff_that_is_folded_away() -> None:
    before = "Be polite.\nAnswer with one label.\nThat is all.\n"
    change = Change("messages[0].content", "changed", before, before.replace("one label", "a label"))
    text = candidate_markdown(report(changes=(Cited(change),)))
    assert "  <details><summary>1 line in, 1 line out</summary>\n" in text
    [fence] = [token for token in PARSER.parse(text) if token.type == "fence"]
    assert fence.content.splitlines() == [
        "@@",
        " Be polite.",
        "-Answer with one label.",
        "+Answer with a label.",
        " That is all.",
    ]


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    change = Change("messages[0].content", "changed", "a\n", "a\n``````\n# x\n</details>\n")
    text = candidate_markdown(report(changes=(Cited(change),)))
    [fence] = [token for token in PARSER.parse(text) if token.type == "fence"]
    assert fence.content.splitlines()[-3:] == ["+``````", "+# x", "+</details>"]
    assert not active(text)


def test_many_events_and_many_lines_are_counted_and_not_all_shown() -> None:
    voices = tuple(Voice(f"E{at}", "rating", words=f"word {at}") for at in range(12))
    lines = "".join(f"line {at}\n" for at in range(300))
    changes = (Cited(Change("messages[0].content", "changed", "x\n", lines), voices),)
    text = candidate_markdown(report(changes=changes))
    assert "  - and 9 more events\n" in text
    assert re.search(r"^  26\d more lines not shown here\.$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("given", "line", "sign"),
    [
        (report(), "support/triage v4: +9.5 points (n=200), improvement", "✅"),
        (by_hand(), "support/triage v4: not measured", "⚠️"),
        (by_hand(cases=50, candidate=replace(report().candidate, score=0.8)),
         "support/triage v4: score 0.800 (n=50), not compared", "⚠️"),
        (report(comparison=comparison(provisional=True)),
         "support/triage v4: +9.5 points (n=200), improvement (provisional)", "✅"),
        (report(comparison=comparison(recommendation="reject")),
         "support/triage v4: +9.5 points (n=200), improvement, reject", "❌"),
        (report(training=training(promoted=False)),
         "support/triage v4: +9.5 points (n=200), improvement", "⚠️"),
        (report(comparison=comparison(verdict="regression", score=Score(0.8, 0.7, -0.1, -0.2, -0.05, 0.95, 90))),
         "support/triage v4: -10.0 points (n=90), regression", "❌"),
        (report(comparison=comparison(verdict="inconclusive")),
         "support/triage v4: +9.5 points (n=200), inconclusive", "❔"),
        (report(comparison=comparison(verdict="incomparable", score=None, p=None)),
         "support/triage v4: incomparable", "⚠️"),
    ],
)  # fmt: skip
def test_the_verdict_in_one_line_and_its_sign(given: CandidateReport, line: str, sign: str) -> None:
    assert headline(given) == line
    assert candidate_markdown(given).startswith(f"### {sign} **")


def last_words(given: CandidateReport) -> str:
    return candidate_markdown(given).partition("#### What to do next\n\n")[2]


def test_only_a_better_candidate_against_what_main_has_is_to_be_merged() -> None:
    assert last_words(report()).startswith("Merge it")
    regression = comparison(verdict="regression", recommendation="reject")
    assert last_words(report(comparison=regression)).startswith("Do not merge: it is worse.")
    assert "a guard got worse" in last_words(report(comparison=comparison(recommendation="reject")))
    assert last_words(report(training=training(promoted=False))).startswith("A draft")
    assert "Main has another version by now" in last_words(report(current=False))
    assert "on main already" in last_words(report(on_main=True))
    assert "test it more" in last_words(report(comparison=comparison(recommendation="test_more")))
    assert "may be chance" in last_words(report(comparison=comparison(verdict="inconclusive")))


def test_a_word_that_is_no_verdict_is_not_repeated() -> None:
    forged = comparison(verdict="[improvement](https://evil.example)", recommendation="# deploy")
    assert headline(report(comparison=forged)) == "support/triage v4: +9.5 points (n=200), not measured"
    assert "evil" not in candidate_markdown(report(comparison=forged))


def test_what_a_guard_found_is_told_and_what_does_not_hold_first() -> None:
    guards = (
        Guard("tone", holds=True, difference=0.01, low=0.0, margin=0.02),
        Guard("safety", holds=False, difference=-0.1, low=-0.2, margin=0.02),
    )
    text = candidate_markdown(report(comparison=comparison(guards=guards)))
    assert text.index("guard `safety` does not hold") < text.index("guard `tone` holds")


def test_clusters_are_told_beside_the_number_of_cases() -> None:
    pairs = tuple(Pair(f"c{at}", 0.0, 1.0) for at in range(5))
    record = comparison(pairs=pairs, clusters={"c0": "a", "c1": "a", "c2": "b"})
    assert "n=200 in 4 clusters" in candidate_markdown(report(comparison=record))


@pytest.mark.parametrize("limit", [MOST_COMMENT, 4_000, MOST_SUMMARY])
def test_a_thousand_cases_fit_and_what_does_not_is_counted(limit: int) -> None:
    text = candidate_markdown(large_report(1000), limit)
    assert len(text.encode()) <= limit
    assert "#### What to do next" in text, "the end is not cut off"
    if limit == MOST_COMMENT:
        assert "#### Broken (1,000)" in text
        assert "#### Fixed (1,000)" in text
        assert len(re.findall(r"more cases not shown here\.", text)) == 2
        rows = len(re.findall(r"^\| `case-", text, re.MULTILINE))
        left = sum(
            int(one.replace(",", "")) for one in re.findall(r"^([\d,]+) more cases", text, re.MULTILINE)
        )
        assert rows + left == 2000
    assert not active(text)


def test_a_summary_has_room_for_what_a_comment_leaves_out() -> None:
    text = candidate_markdown(large_report(500), MOST_SUMMARY)
    assert "not shown" not in text
    assert len(re.findall(r"^\| `case-", text, re.MULTILINE)) == 1000


@settings(max_examples=120)
@given(st.one_of(TEXTS, st.lists(st.sampled_from(OTHERS), min_size=1, max_size=9)), st.integers(500, 70_000))
@example(OTHERS, MOST_COMMENT)
@example(["`|@octocat\n# x"], MOST_COMMENT)
@example(["𝕏" * 3000], MOST_COMMENT)
def test_no_text_is_active_and_none_makes_it_too_long(texts: list[str], limit: int) -> None:
    text = candidate_markdown(hostile(texts), limit)
    assert len(text.encode()) <= limit
    assert not active(text)
    assert set(headings(text)[1:]) <= {
        "What changes, and because of whom (7)", "Broken (3)", "Fixed (12)", "How it was made", "What to do next",
    }  # fmt: skip


@given(st.lists(st.sampled_from([*OTHERS, FORGED]), min_size=1, max_size=9))
def test_no_text_is_taken_for_the_marker_of_a_comment(texts: list[str]) -> None:
    text = candidate_markdown(hostile(texts))
    assert marker_of(text) is None
    assert marker_of(marked(text, "report/x")) == "report/x"


@settings(max_examples=60)
@given(TEXTS, st.integers(300, 70_000))
@example(OTHERS, MOST_COMMENT)
def test_the_text_of_an_issue_is_inert_as_well(texts: list[str], limit: int) -> None:
    kinds = ("check", "suggestion", "training", "held")
    alerts = [
        Alert(kinds[at % 4], "alert" if at % 2 else "notice", text, texts[0], texts[-1], text)  # type: ignore[arg-type]
        for at, text in enumerate(texts * 3)
    ]
    body = alerts_markdown(alerts, texts, limit)
    assert len(body.encode()) <= limit
    assert not active(body)
    assert marker_of(body) is None


@pytest.mark.parametrize(
    "nasty",
    ["@octocat", "#123", "https://evil.example/", "[x](y)", "<b>", "![x](y)", "<details>\nx\n\n", "```\nx"],
)
def test_the_parser_sees_what_it_should(nasty: str) -> None:
    """The law can fail: each of these is active where it is not made inert."""
    assert active(f"{nasty} here\n")
