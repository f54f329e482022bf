"""`docs/threats.md` and the tests say the same: every threat names attacks that exist, every attack is in a row."""

from __future__ import annotations

import ast
import re

from tests.commands import ROOT

PAGE = ROOT / "docs" / "threats.md"
THREATS = {f"T{number:02d}" for number in range(1, 29)}
_ROW = re.compile(r"^\| (T\d\d) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, list[tuple[str, str]]]]:
    """The id of each threat, and its tests: file below ``tests/``, function."""
    return [(row[1], _TEST.findall(row[4])) for row in _ROW.finditer(PAGE.read_text("utf-8"))]


def functions(file: str) -> set[str]:
    """The names of a file's tests, without running it."""
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_threat_names_a_test_that_exists() -> None:
    found = rows()
    assert {threat for threat, _ in found} == THREATS
    for threat, named in found:
        assert named, threat
        for file, function in named:
            assert function in functions(file), f"{threat}: there is no {file}::{function}"


def test_every_line_of_the_table_is_read() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| T\d", line)]
    assert len(lines) == len(rows())


def test_every_attack_is_in_a_row() -> None:
    named = {pair for _, tests in rows() for pair in tests}
    here = {
        (f"safety/{path.name}", function)
        for path in (ROOT / "tests" / "safety").glob("test_*.py")
        if path.name != "test_threat_model.py"
        for function in functions(f"safety/{path.name}")
    }
    assert here - named == set()
