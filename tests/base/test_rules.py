"""The names of rules: each finding in the code has one, each is told apart, near misses are named."""

from __future__ import annotations

import ast

from promptvc.base.rules import RULES, nearest_rule
from tests.architecture.source import python_files

KINDS = {"Problem", "Remark", "problems_of", "_lint", "_integrity"}


def named() -> set[str]:
    """First arguments of everything that makes a finding, and the constants called RULE."""
    found: set[str] = set()
    for path in python_files():
        if path.name in {"rules.py", "schemas.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in KINDS
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RULE":
                assert isinstance(node.value, ast.Constant)
                found.add(str(node.value.value))
    return found


def test_every_finding_has_a_rule_and_every_rule_a_finding() -> None:
    assert named() == set(RULES)


def test_names_are_words_with_hyphens_and_every_rule_says_what_and_why() -> None:
    for name, rule in RULES.items():
        assert name == rule.id
        assert name.replace("-", "").isalpha()
        assert name.islower()
        assert rule.summary.endswith(".")
        assert rule.reason.endswith(".")
        assert rule.ignorable or not rule.fixable


def test_what_guards_history_and_secrets_cannot_be_ignored() -> None:
    guards = {"secret", "version-reuse", "deployment", "derived", "link", "conflict-markers", "hold-ignored"}
    assert not any(RULES[name].ignorable for name in guards)


def test_a_near_miss_is_named() -> None:
    assert nearest_rule("unused-variables") == "unused-variable"
    assert nearest_rule("nonsense") is None
