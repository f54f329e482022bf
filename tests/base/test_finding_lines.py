"""Findings as lines: one line each, whatever they say, and nothing that GitHub takes for another command."""

from __future__ import annotations

import re

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


@given(problems)
def test_a_command_is_read_back_as_it_was_meant(problem: Problem) -> None:
    match = COMMAND.fullmatch(github_line(problem, prefix="sub/"))
    assert match is not None
    said = dict(part.split("=", 1) for part in match[2].split(","))
    assert match[1] == problem.severity
    assert unescaped(said["file"]) == "sub/" + problem.file
    assert said.get("line") == (str(problem.line) if problem.line else None)
    assert unescaped(match[3]) == (f"{problem.message}\n{problem.hint}" if problem.hint else problem.message)


@given(problems)
def test_a_plain_line_is_one_line(problem: Problem) -> None:
    assert len(plain_line(problem).splitlines()) == 1


def test_how_they_look() -> None:
    problem = Problem("leak", "warning", "prompts/a,b.yaml", 3, "one: 50%\ntwo", "hint", 7)
    assert plain_line(problem) == "prompts/a,b.yaml:3:7: warning leak: one: 50% two"
    assert github_line(problem) == (
        "::warning file=prompts/a%2Cb.yaml,line=3,col=7,title=promptvc leak::one: 50%25%0Atwo%0Ahint"
    )
