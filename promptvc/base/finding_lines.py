"""Findings as lines: ``path:line: severity rule: message`` for editors, workflow commands for GitHub.

The escapes of workflow commands are those of GitHub's toolkit (actions/toolkit, packages/core/src/command.ts): data
escapes ``%``, CR and LF; a property escapes ``:`` and ``,`` as well.
GitHub shows ten errors and ten warnings of a step. Names of files come from pull requests: no control character in
them reaches a terminal or a log.
"""

from __future__ import annotations

import unicodedata

from promptvc.base.findings import Problem

_DATA = {ord("%"): "%25", ord("\r"): "%0D", ord("\n"): "%0A"}
_CONTROL = frozenset({"Cc", "Cf", "Cs"})
_PROPERTY = {**_DATA, ord(":"): "%3A", ord(","): "%2C"}


def plain_line(problem: Problem) -> str:
    """One finding on one line, without its hint."""
    where = ":".join(str(part) for part in (problem.file, problem.line, problem.column) if part is not None)
    return _visible(" ".join(f"{where}: {problem.severity} {problem.rule}: {problem.message}".split()))


def github_line(problem: Problem, *, prefix: str = "") -> str:
    """One finding as ``::error`` or ``::warning``; paths from the repository's top, where ``prefix`` leads to ours."""
    properties = {"file": prefix + problem.file}
    if problem.line is not None:
        properties["line"] = str(problem.line)
        if problem.column is not None:
            properties["col"] = str(problem.column)
    properties["title"] = f"promptvc {problem.rule}"
    text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    said = ",".join(f"{name}={_visible(value).translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{problem.severity} {said}::{_visible(text).translate(_DATA)}"


def _visible(text: str) -> str:
    """``text`` with its control characters written out, but for line breaks: those of terminals, and of direction."""
    if text.isprintable():
        return text
    return "".join(
        f"\\u{{{ord(each):x}}}" if each not in "\r\n" and unicodedata.category(each) in _CONTROL else each
        for each in text
    )
