"""Differences inside nested values: parameters, output schemas, metadata. The home of DeepDiff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

Kind = Literal["added", "removed", "changed", "moved"]
Steps = tuple[str | int, ...]

_KINDS: dict[str, Kind] = {
    "values_changed": "changed",
    "type_changes": "changed",
    "dictionary_item_added": "added",
    "dictionary_item_removed": "removed",
    "iterable_item_added": "added",
    "iterable_item_removed": "removed",
}


def nested(before: Any, after: Any) -> Iterator[tuple[Steps, Kind, Any, Any]]:
    """Where two values differ: the way down, the kind, both sides (None on the side that has nothing)."""
    # Importing DeepDiff costs more than everything else that `diff` does, and few versions change here.
    from deepdiff import DeepDiff

    tree = DeepDiff(before, after, view="tree", ignore_order=False, threshold_to_diff_deeper=0).tree
    for name, kind in _KINDS.items():
        for level in tree.get(name, ()):
            steps = tuple(level.path(output_format="list"))
            yield (
                steps,
                kind,
                None if kind == "added" else level.t1,
                None if kind == "removed" else level.t2,
            )
