"""Trailers: written, read back, and read out of what merges make of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from promptvc.git.trailers import first_trailer, parse_trailers, with_trailers
from tests.builders import Repo

PAIRS = [
    ("Promptvc-Prompt", "support/triage"),
    ("Promptvc-Version", "4"),
    ("Promptvc-Verdict", "improvement (0.717 -> 0.812, n=200)"),
]
MESSAGE = (
    "Train support/triage v4\n\nWhy: because.\nMore.\n\nPromptvc-Prompt: support/triage\nPromptvc-Version: 4\n"
    "Promptvc-Verdict: improvement (0.717 -> 0.812, n=200)\n"
)


def test_written_as_people_expect_it() -> None:
    assert with_trailers("Train support/triage v4", "Why: because.\nMore.", PAIRS) == MESSAGE
    assert with_trailers("Subject\nfolded", "", []) == "Subject folded\n"
    assert with_trailers("S", "", [("Key", "two\nlines\n\nForged: x")]) == "S\n\nKey: two lines Forged: x\n"


def test_git_reads_the_same(repo: Repo) -> None:
    listing = repo.git("interpret-trailers", "--parse", input=MESSAGE)
    assert listing.splitlines() == [f"{key}: {value}" for key, value in PAIRS]
    assert parse_trailers(MESSAGE) == {key: (value,) for key, value in PAIRS}


def test_a_squash_merge_keeps_them_readable() -> None:
    squashed = (
        "Improve triage (#12)\n\n* Train support/triage v4\n\n    Promptvc-Prompt: support/triage\n"
        "    Promptvc-Version: 4\n\n* Fix a typo\n\nPromptvc-Version: 5\nReviewed by Carl.\n\n---------\n\n"
        "Co-authored-by: Bea <bea@example.org>\r\n"
    )
    found = parse_trailers(squashed)
    assert found["Promptvc-Version"] == ("4",)  # the paragraph with a sentence in it is prose
    assert found["Co-authored-by"] == ("Bea <bea@example.org>",)


def test_the_last_paragraph_may_hold_other_lines() -> None:
    found = parse_trailers("Subject\n\nPromptvc-Version: 4\n(cherry picked from commit 123)\n")
    assert found == {"Promptvc-Version": ("4",)}
    assert parse_trailers("Subject\n\nNote: this is prose,\nnot a trailer\n") == {}
    assert parse_trailers("Promptvc-Version: 4") == {}  # a subject


def test_folded_and_repeated_values() -> None:
    found = parse_trailers("S\n\nPromptvc-Note: one\n two\npromptvc-note: three\n")
    assert found == {"Promptvc-Note": ("one two", "three")}
    assert first_trailer(found, "PROMPTVC-NOTE") == "one two"
    assert first_trailer(found, "Promptvc-None") is None


_KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,8}", fullmatch=True)
_VALUES = st.text(min_size=1).filter(lambda value: bool(value.split()))
_BODIES = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs", "Cc"]), max_size=60)


@given(_BODIES, _BODIES, st.lists(st.tuples(_KEYS, _VALUES), min_size=1))
def test_what_is_written_is_read_back(subject: str, body: str, pairs: list[tuple[str, str]]) -> None:
    found = parse_trailers(with_trailers(subject or "S", body, pairs))
    expected: dict[str, list[str]] = {}
    for key, value in pairs:
        expected.setdefault(key.lower(), []).append(" ".join(value.split()))
    if (subject or "S").split():
        assert {key.lower(): list(values) for key, values in found.items()} == expected


@given(st.text())
def test_any_message_can_be_read(message: str) -> None:
    parse_trailers(message)
