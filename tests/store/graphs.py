"""Random histories with a model beside them: what git should say is known without asking git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from functools import cached_property

from hypothesis import strategies as st

from promptvc.git.objects import blob_id
from tests.builders import Repo

FILES = ("prompts/a.yaml", "prompts/b.yaml", "prompts/b/c.yaml", "deployments/production/a.yaml")


@dataclass(frozen=True)
class Node:
    """A commit: parents by index, and what it writes (None deletes) on top of its first parent's files."""

    parents: tuple[int, ...]
    edits: dict[str, str | None]


@dataclass
class Graph:
    """A history, written with one ``git fast-import``."""

    nodes: list[Node]
    ids: list[str] = field(default_factory=list)

    def write(self, repo: Repo, prefix: str = "", first: int = 0) -> None:
        """Create the commits from ``first`` on; commit ``i`` becomes the branch ``n<i>`` too."""
        stream = []
        for index, node in enumerate(self.nodes[first:], first):
            lines = [f"reset refs/heads/n{index}\n"] if not node.parents else []
            lines.append(f"commit refs/heads/n{index}\nmark :{index + 1}\n")
            lines.append(
                f"committer C <c@example.org> {1_700_000_000 + index} +0000\ndata 2\nm{index % 10}\n"
            )
            for position, parent in enumerate(node.parents):
                lines.append(f"{'from' if position == 0 else 'merge'} refs/heads/n{parent}\n")
            for path, text in node.edits.items():
                if text is None:
                    lines.append(f"D {prefix}{path}\n")
                else:
                    lines.append(f"M 100644 inline {prefix}{path}\ndata {len(text)}\n{text}\n")
            stream.append("".join(lines))
        subprocess.run(
            ["git", "fast-import", "--quiet", "--force"],
            cwd=repo.path, env=repo.environ, input="".join(stream).encode(), check=True,
        )  # fmt: skip
        listing = repo.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/n*")
        known = dict(line.split() for line in listing.splitlines())
        self.ids = [known[f"n{index}"] for index in range(len(self.nodes))]

    @cached_property
    def trees(self) -> list[dict[str, str]]:
        """The files of every commit."""
        trees: list[dict[str, str]] = []
        for node in self.nodes:
            tree = dict(trees[node.parents[0]]) if node.parents else {}
            for path, text in node.edits.items():
                if text is None:
                    tree.pop(path, None)
                else:
                    tree[path] = text
            trees.append(tree)
        return trees

    def reached(self, tip: int, *, first_parent: bool = False) -> set[int]:
        """Indices of the commits that ``tip`` reaches."""
        found: set[int] = set()
        pending = [tip]
        while pending:
            index = pending.pop()
            if index not in found:
                found.add(index)
                pending.extend(self.nodes[index].parents[: 1 if first_parent else None])
        return found

    def changes(
        self, path: str, tip: int, object_format: str, *, first_parent: bool = False
    ) -> set[tuple[str, str | None]]:
        """(commit, blob) of every commit in reach whose ``path`` differs from its first parent's."""
        found = set()
        for index in self.reached(tip, first_parent=first_parent):
            node = self.nodes[index]
            old = self.trees[node.parents[0]].get(path) if node.parents else None
            new = self.trees[index].get(path)
            if old != new:
                blob = blob_id(new.encode(), object_format) if new is not None else None
                found.add((self.ids[index], blob))
        return found


@st.composite
def graphs(draw: st.DrawFn, most: int = 10) -> Graph:
    """A history of up to ``most`` commits with merges, several roots, deletions and repeated contents."""
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, most))):
        count = draw(st.integers(0 if index == 0 else draw(st.sampled_from([0, 1, 1, 1])), min(index, 3)))
        parents = (
            draw(st.lists(st.integers(0, index - 1), min_size=count, max_size=count, unique=True))
            if count
            else []
        )
        edits: dict[str, str | None] = draw(
            st.dictionaries(
                st.sampled_from(FILES[:2] + FILES[3:]), st.none() | st.sampled_from("xyz"), max_size=2
            )
        )
        nodes.append(Node(tuple(parents), edits))
    return Graph(nodes)
