"""Assertions about the text of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evaluation.assertions.grading import check


@pytest.mark.parametrize(
    ("kind", "value", "text", "holds"),
    [
        ("equals", "billing", "billing", True),
        ("equals", "billing", " billing\n", True),
        ("equals", "billing", "Billing", False),
        ("equals", "billing", "billing.", False),
        ("equals", 3, "3", True),
        ("equals", True, "true", True),
        ("equals", {"team": "billing", "n": 1}, '{"n": 1.0, "team": "billing"}', True),
        ("equals", {"n": True}, '{"n": 1}', False),
        ("equals", ["a", "b"], '["b", "a"]', False),
        ("equals", {"n": 1}, "n: 1", False),
        ("contains", "card", "lost card", True),
        ("contains", "Card", "lost card", False),
        ("icontains", "CARD", "lost card", True),
        ("icontains", "STRASSE", "Straße 5", True),
        ("icontains", "pin", "lost card", False),
        ("contains-any", ["pin", "card"], "lost card", True),
        ("contains-any", ["pin", "Card"], "lost card", False),
        ("contains-any", "pin, card", "lost card", True),
        ("contains-all", ["lost", "card"], "lost card", True),
        ("contains-all", ["lost", "pin"], "lost card", False),
        ("contains-all", [1, 2], "12", True),
        ("icontains-any", ["PIN", "CARD"], "lost card", True),
        ("icontains-all", ["LOST", "CARD"], "lost card", True),
        ("icontains-all", ["LOST", "PIN"], "lost card", False),
        ("starts-with", "Dear", "\nDear customer", True),
        ("starts-with", "dear", "Dear customer", False),
    ],
)
def test_answers(kind: str, value: Any, text: str, *, holds: bool) -> None:
    check(kind, value, text, holds=holds)
