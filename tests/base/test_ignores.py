"""Comments that silence findings."""

from __future__ import annotations

import pytest

from promptvc.base.documents import load_yaml
from promptvc.base.findings import Problem
from promptvc.base.ignores import ignores_of, without_ignored
from promptvc.base.rules import RULES

EVERY = frozenset(RULES)


def left(
    text: str, *problems: tuple[str, int | None], watched: frozenset[str] = EVERY
) -> list[tuple[str, int | None]]:
    """What is reported of findings on lines: rule and line."""
    comments = ignores_of(load_yaml(text.encode(), file="a"))
    found = [Problem(rule, "warning", "a", line, "m") for rule, line in problems]
    return [(one.rule, one.line) for one in without_ignored(found, comments, "a", watched)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1 # promptvc: ignore[leak] because\nb: 2\n", 1),
        ("# promptvc: ignore[leak]\na: 1\n", 2),
        ("# promptvc: ignore[leak] above a blank line\n\n# and another comment\na: 1\n", 4),
        ("a: 1\nb:\n  #promptvc:ignore[leak]\n  - c\n", 4),
        ("# promptvc: ignore[ unknown-key , leak ]\na: 1\n", 2),
        ("# promptvc: ignore[leak]\na: |\n  one\n  two\n", 4),
        ("a: | # promptvc: ignore[leak] every line of the text\n  one\n  two\n", 3),
        ("a: 1\r\nb: 2 # promptvc: ignore[leak] x\r\n", 2),
    ],
)
def test_a_comment_silences_its_line_or_the_one_below(text: str, line: int) -> None:
    assert left(text, ("leak", line), watched=frozenset({"leak"})) == []
    assert ("template", line) in left(text, ("template", line), watched=frozenset())
    assert ("leak", 9) in left(text, ("leak", 9), watched=frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  # promptvc: ignore[leak]\n  b\n",
        "a: 'x # promptvc: ignore[leak]\n  b'\n",
        'a: "# promptvc: ignore[leak]"\nb: 1\n',
        "a: x#promptvc:ignore[leak]\nb: 1\n",
        "a: 1 # promptvc: ignore leak\nb: 1\n",
    ],
)
def test_what_a_prompt_says_silences_nothing(text: str) -> None:
    for line in (1, 2, 3):
        assert left(text, ("leak", line)) == [("leak", line)]


def test_a_finding_about_the_whole_file_is_silenced_from_anywhere_in_it() -> None:
    assert left("a: 1\n# promptvc: ignore[oversize] it is a table\nb: 2\n", ("oversize", None)) == []


def test_a_comment_that_silences_nothing_is_a_finding() -> None:
    text = "a: 1 # promptvc: ignore[leak, template] x\n"
    assert left(text, ("leak", 1)) == [("unused-ignore", 1)]
    assert left(text, ("leak", 1), watched=frozenset({"leak"})) == []
    assert left("a: 1 # promptvc: ignore[leek]\n", watched=frozenset()) == [("unused-ignore", 1)]


@pytest.mark.parametrize(
    "rule", ["secret", "version-reuse", "conflict-markers", "unused-ignore", "refused-ignore"]
)
def test_what_guards_is_not_silenced_and_trying_is_an_error(rule: str) -> None:
    found = left(f"a: 1 # promptvc: ignore[{rule}] please\n", (rule, 1))
    assert found == [(rule, 1), ("refused-ignore", 1)]
