"""Comments that silence findings: ``# promptvc: ignore[RULE, RULE] reason``, behind a line or on the line above.

A comment stands for the value that begins on its line, the following lines of a longer text included. What only
looks like such a comment, inside a text, is none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from promptvc.base.documents import Document
from promptvc.base.findings import Problem
from promptvc.base.nodes import Node
from promptvc.base.rules import RULES, nearest_rule

MARK = b"promptvc:"
_MOST = 1000  # comments of one file; later ones silence nothing
_COMMENT = re.compile(r"(?:(?<=[ \t\n])|\A)#[ \t]*promptvc:[ \t]*ignore\[([^\]\n]*)\]")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment.

    Attributes:
        line: where it stands; ``first`` to ``last``: the lines that it is about.
        rules: the names in its brackets, as written.
    """

    line: int
    first: int
    last: int
    rules: tuple[str, ...]

    def covers(self, problem: Problem) -> bool:
        """Whether ``problem``, of the same file, is silenced."""
        rule = RULES.get(problem.rule)
        named = problem.rule in self.rules and rule is not None and rule.ignorable
        return named and self.first <= (problem.line or self.first) <= self.last


def ignores_of(document: Document) -> tuple[Ignore, ...]:
    """The comments of a document, in order. A finding about a whole file has no line, and any of them covers it."""
    text = document.text
    if MARK.decode() not in text:
        return ()
    scalars = [node for node in _nodes(document.root) if node.kind == "scalar" and node.end > node.start]
    lines = text.split("\n")
    found = []
    for match in itertools.islice(_COMMENT.finditer(text), _MOST):
        if any(_body(node, text) <= match.start() < node.end for node in scalars):
            continue
        line = text.count("\n", 0, match.start()) + 1
        alone = not lines[line - 1][: match.start() - text.rfind("\n", 0, match.start()) - 1].strip()
        first = _below(lines, line) if alone else line
        ends = [text.count("\n", 0, node.end) + 1 for node in scalars if node.line == first]
        names = tuple(name.strip() for name in match[1].split(",") if name.strip())
        found.append(Ignore(line, first, max([first, *ends]), names))
    return tuple(found)


def without_ignored(
    problems: list[Problem], comments: tuple[Ignore, ...], file: str, watched: frozenset[str]
) -> Iterator[Problem]:
    """``problems``, all of one file, that no comment silences; and what is wrong with the comments themselves.

    Args:
        watched: rules that were looked for; a comment about another one may well be of use.
    """
    used: set[tuple[int, str]] = set()
    for problem in problems:
        by = [comment for comment in comments if comment.covers(problem)]
        used.update((comment.line, problem.rule) for comment in by)
        if not by:
            yield problem
    for comment in comments:
        for name in comment.rules:
            if (comment.line, name) not in used:
                yield from _useless(name, file, comment.line, watched)


def _useless(name: str, file: str, line: int, watched: frozenset[str]) -> Iterator[Problem]:
    rule = RULES.get(name)
    if rule is None:
        near = nearest_rule(name)
        hint = f"did you mean {near}?" if near else "promptvc check --list-rules names them"
        yield Problem("unused-ignore", "warning", file, line, f"there is no rule {name[:60]}", hint)
    elif not rule.ignorable:
        message = f"{name} cannot be ignored in a file"
        hint = "mend what it finds; what the whole repository lives with is said in promptvc.yaml, `check`"
        yield Problem("refused-ignore", "error", file, line, message, hint)
    elif name in watched:
        message = f"nothing here is silenced by ignore[{name}]"
        yield Problem("unused-ignore", "warning", file, line, message, "remove the comment")


def _body(scalar: Node, text: str) -> int:
    """Where the content of a scalar begins: a literal one may have a comment behind its mark."""
    return text.find("\n", scalar.start) if scalar.style in {"|", ">"} else scalar.start


def _below(lines: list[str], line: int) -> int:
    """The first line below ``line`` that is neither blank nor a comment."""
    for number, text in enumerate(lines[line:], line + 1):
        if text.strip() and not text.lstrip().startswith("#"):
            return number
    return line


def _nodes(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if node.alias is None:
            stack.extend(node.items)
            for pair in node.pairs:
                stack.extend(pair)
