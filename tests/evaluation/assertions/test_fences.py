"""Fenced code as Markdown has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.assertions.fences import Fenced, split_fences


@pytest.mark.parametrize(
    ("text", "blocks", "rest"),
    [
        ("a\n```sql\nSELECT\n```\nb", [Fenced("sql", "SELECT\n")], "a\nb"),
        ("```\nx", [Fenced("", "x")], ""),
        ("~~~ Python 3\n```\n~~~\n", [Fenced("python", "```\n")], ""),
        ("````\n```\n````", [Fenced("", "```\n")], ""),
        ("   ```\nx\n   ```", [Fenced("", "x\n")], ""),
        ("    ```\nx", [], "    ```\nx"),
        ("``` a `b`\nx", [], "``` a `b`\nx"),
        ("```a\n```b\n```\n", [Fenced("a", "```b\n")], ""),
        ("``\nx", [], "``\nx"),
        ("", [], ""),
    ],
)
def test_blocks(text: str, blocks: list[Fenced], rest: str) -> None:
    assert split_fences(text) == (blocks, rest)


@given(
    st.lists(st.sampled_from(["```", "~~~~", "```sql", "a", "", "   ```", "````"]), max_size=9).map("\n".join)
)
def test_no_line_is_lost(text: str) -> None:
    blocks, rest = split_fences(text)
    kept = sum(len(block.text) for block in blocks) + len(rest)
    fences = len(text) - kept
    assert 0 <= fences <= len(text)
    if not blocks:
        assert rest == text
