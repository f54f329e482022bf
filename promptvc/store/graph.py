"""A graph of versions drawn with ASCII, as `git log --graph` draws commits. Pure.

A lane is a column of the drawing and waits for one node. A node ends its lane or hands it to its first parent; each
further parent gets a lane to the right. Two lanes that wait for the same node become one, the left one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands in front of one node's lines.

    Attributes:
        node: of its first line, with its ``*``; below: of further lines about it.
        edges: whole lines that lead to the next node.
    """

    node: str
    below: str
    edges: tuple[str, ...]


def draw(nodes: Sequence[tuple[str, Sequence[str]]]) -> list[Drawn]:
    """The drawing of nodes, each with its parents; parents come after their children. Others are left out."""
    place = {key: at for at, (key, _) in enumerate(nodes)}
    lanes: list[str] = []
    drawn = []
    for at, (key, named) in enumerate(nodes):
        parents = [one for one in dict.fromkeys(named) if place.get(one, -1) > at]
        if key not in lanes:
            lanes.append(key)
        own = lanes.index(key)
        node = _row(["*" if lane == own else "|" for lane in range(len(lanes))])
        below = _row([" " if lane == own and not parents else "|" for lane in range(len(lanes))])
        edges = _edges(lanes, own, parents)
        if not parents and own == len(lanes) and at + 1 < len(nodes) and nodes[at + 1][0] not in lanes:
            # The next node begins a lane in the same column: without a line between it would look like a parent.
            edges.append(_row(["|"] * len(lanes)))
        drawn.append(Drawn(node, below, tuple(edges)))
    return drawn


def _edges(lanes: list[str], own: int, parents: list[str]) -> list[str]:
    """The lines that lead from the node in lane ``own`` to its parents; ``lanes`` are changed accordingly."""
    if not parents:
        return _close(lanes, own)
    known = [one for one in parents if one in lanes]
    fresh = [one for one in parents if one not in lanes]
    rows = []
    if fresh:
        lanes[own] = fresh[0]
    for parent in reversed(fresh[1:]):
        rows.append(_opened(len(lanes), own))
        lanes.insert(own + 1, parent)
    rows += [_crossing(len(lanes), own, lanes.index(parent)) for parent in (known if fresh else known[1:])]
    if not fresh:
        other = lanes.index(known[0])
        left, right = sorted((own, other))
        rows.append(_joined(len(lanes), left, right))
        lanes[left] = known[0]
        del lanes[right]
    return rows


def _close(lanes: list[str], own: int) -> list[str]:
    """A root's lane ends; those to the right of it move up."""
    del lanes[own]
    if own == len(lanes):
        return []
    return [_write({2 * lane: "|" for lane in range(own)} | _moved_left(own + 1, len(lanes) + 1))]


def _opened(count: int, own: int) -> str:
    """A lane begins to the right of ``own``; those beyond make room."""
    marks = {2 * lane: "|" for lane in range(own + 1)}
    return _write(marks | {2 * lane + 1: "\\" for lane in range(own, count)})


def _crossing(count: int, own: int, other: int) -> str:
    """An edge from ``own``, which goes on, to another lane, over those between."""
    marks = {2 * lane: "|" for lane in range(count)}
    if other < own:
        return _write(marks | _flat(other, own - 1) | {2 * own - 1: "/"})
    return _write(marks | {2 * own + 1: "\\"} | _flat(own + 1, other))


def _joined(count: int, left: int, right: int) -> str:
    """Lane ``right`` ends in ``left``; those beyond it move up."""
    marks = {2 * lane: "|" for lane in range(right)}
    return _write(marks | _flat(left, right - 1) | {2 * right - 1: "/"} | _moved_left(right + 1, count))


def _flat(first: int, last: int) -> dict[int, str]:
    return {2 * lane + 1: "_" for lane in range(first, last)}


def _moved_left(first: int, end: int) -> dict[int, str]:
    return {2 * lane - 1: "/" for lane in range(first, end)}


def _row(lanes: Sequence[str]) -> str:
    return " ".join(lanes).rstrip()


def _write(marks: dict[int, str]) -> str:
    return "".join(marks.get(at, " ") for at in range(max(marks) + 1))
