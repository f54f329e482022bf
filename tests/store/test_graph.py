"""Graphs of versions as they are drawn: by example, and held against a reader that follows the lines."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.store.graph import draw

Nodes = Sequence[tuple[str, Sequence[str]]]


def lines(nodes: Nodes) -> list[str]:
    """The drawing, each node's line with its key behind it."""
    found = []
    for (key, _), drawn in zip(nodes, draw(nodes), strict=True):
        found += [f"{drawn.node}  {key}", *drawn.edges]
    return found


@pytest.mark.parametrize(
    ("nodes", "drawing"),
    [
        ([("2", ["1"]), ("1", [])], ["*  2", "*  1"]),
        ([("b", ["r"]), ("a", ["r"]), ("r", [])], ["*  b", "| *  a", "|/", "*  r"]),
        (
            [("m", ["a", "b"]), ("a", ["r"]), ("c", ["r"]), ("b", ["r"]), ("r", [])],
            ["*  m", "|\\", "* |  a", "| | *  c", "|_|/", "| *  b", "|/", "*  r"],
        ),
        ([("b", []), ("a", [])], ["*  b", "", "*  a"]),
        ([("a", ["gone"])], ["*  a"]),
        ([], []),
    ],
)
def test_a_drawing(nodes: Nodes, drawing: list[str]) -> None:
    assert lines(nodes) == drawing


def edges_of(rows: Sequence[str], keys: Sequence[str]) -> set[tuple[str, str]]:
    """Child and parent of every edge, found by walking down the lines of a drawing.

    From a bar a line goes on below; a slash leads to the lane beside it, or as far as what lies flat before it.
    """
    found = set()
    order = iter(keys)
    owner: dict[tuple[int, int], str] = {}
    for at, row in enumerate(rows):
        if "*" in row:
            owner[at, row.index("*")] = next(order)
    for (at, start), child in owner.items():
        waiting = [(at + 1, start)]
        seen = set()
        while waiting:
            here, column = waiting.pop()
            if here >= len(rows) or (here, column) in seen:
                continue
            seen.add((here, column))
            row = rows[here].ljust(column + 2)
            if (here, column) in owner:
                found.add((child, owner[here, column]))
                continue
            left = row[column - 1] if column else " "
            if row[column] == "|":
                waiting.append((here + 1, column))
            if left == "/" and (row[column] == " " or _is_of_node(rows, here, column, at)):
                end = column - 2
                while end >= 2 and row[end - 1] == "_":
                    end -= 2
                waiting.append((here + 1, end))
            if row[column + 1] == "\\" and (row[column] == " " or _is_of_node(rows, here, column, at)):
                end = column + 2
                while end + 1 < len(row) and row[end + 1] == "_":
                    end += 2
                waiting.append((here + 1, end))
    return found


def _is_of_node(rows: Sequence[str], here: int, column: int, at: int) -> bool:
    """Whether the edge row ``here`` follows the node in row ``at``, whose own lane is ``column``."""
    return all("*" not in row for row in rows[at + 1 : here + 1]) and rows[at].find("*") == column


@st.composite
def graphs(draw_from: st.DrawFn) -> list[tuple[str, list[str]]]:
    count = draw_from(st.integers(1, 9))
    return [
        (
            str(at),
            [
                str(parent)
                for parent in draw_from(
                    st.lists(st.integers(at + 1, count), max_size=2, unique=True)
                    if at < count
                    else st.just([])
                )
                if parent < count
            ],
        )
        for at in range(count)
    ]


@given(graphs())
def test_every_node_has_a_line_of_its_own_and_every_lane_is_a_bar_wide(
    nodes: list[tuple[str, list[str]]],
) -> None:
    drawn = draw(nodes)
    assert len(drawn) == len(nodes)
    for one in drawn:
        assert one.node.count("*") == 1
        assert set(one.node[::2]) <= set("*|")
        assert set(one.node[1::2]) <= {" "}
        assert one.below.replace("|", " ").strip() == ""
        for row in one.edges:
            assert set(row) <= set(r"|/\_ ")
            assert row == row.rstrip()


@given(graphs())
def test_the_lines_lead_from_every_node_to_its_parents(nodes: list[tuple[str, list[str]]]) -> None:
    rows = [row for one in draw(nodes) for row in (one.node, *one.edges)]
    wanted = {(key, parent) for key, parents in nodes for parent in parents}
    assert wanted == edges_of(rows, [key for key, _ in nodes])
