"""Findings as lines: one line each, whatever they say, and nothing that GitHub takes for another command."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.finding_lines import github_line, plain_line
from promptvc.base.findings import Problem

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30) | st.sampled_from(
    ["a\n::error::b", "50%", "%0A", "a:b,c::d", "\r\n", "::set-output name=a::b"]
)
problems = st.builds(
    Problem, rule=st.just("leak"), severity=st.sampled_from(["error", "warning"]), file=texts,
    line=st.none() | st.integers(1, 99), message=texts, hint=st.none() | texts, column=st.none() | st.integers(1, 99),
)  # fmt: skip
COMMAND = re.compile(r"::(error|warning) ([^:\r\n]*)::([^\r\n]*)")


def unescaped(text: str) -> str:
    """What the runner reads: properties and data, %25 last."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def visible(text: str) -> str:
    """What of a text is seen in a log: line breaks, and nothing else that is none to see."""
    controls = {each for each in text if unicodedata.category(each) in {"Cc", "Cf"}} - {"\r", "\n"}
    return "".join(f"\\u{{{ord(each):x}}}" if each in controls else each for each in text)


@given(problems)
def test_no_control_character_reaches_a_terminal(problem: Problem) -> None:
    for line in (plain_line(problem), github_line(problem)):
        assert not [each for each in line if unicodedata.category(each) in {"Cc", "Cf"}]


def test_a_name_of_a_file_does_not_clear_the_screen() -> None:
    problem = Problem("name", "error", "prompts/e\x1b[2Jx/q\u202e.yaml", None, "no name")
    assert plain_line(problem) == "prompts/e\\u{1b}[2Jx/q\\u{202e}.yaml: error name: no name"
    assert "\x1b" not in github_line(problem)


@given(problems)
def test_a_command_is_read_back_as_it_was_meant(problem: Problem) -> None:
    match = COMMAND.fullmatch(github_line(problem, prefix="sub/"))
    assert match is not None
    said = dict(part.split("=", 1) for part in match[2].split(","))
    assert match[1] == problem.severity
    assert unescaped(said["file"]) == "sub/" + visible(problem.file)
    assert said.get("line") == (str(problem.line) if problem.line else None)
    text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    assert unescaped(match[3]) == visible(text)


@given(problems)
def test_a_plain_line_is_one_line(problem: Problem) -> None:
    assert len(plain_line(problem).splitlines()) == 1


def test_how_they_look() -> None:
    problem = Problem("leak", "warning", "prompts/a,b.yaml", 3, "one: 50%\ntwo", "hint", 7)
    assert plain_line(problem) == "prompts/a,b.yaml:3:7: warning leak: one: 50% two"
    assert github_line(problem) == (
        "::warning file=prompts/a%2Cb.yaml,line=3,col=7,title=promptvc leak::one: 50%25%0Atwo%0Ahint"
    )
