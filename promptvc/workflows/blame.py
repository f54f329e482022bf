"""`blame`: every rule, example and line of a version, each with the version that first had its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.workflows.credits import Credit, Credits, Item, Said
from promptvc.workflows.project import Project

__all__ = ["Blame", "Blamed", "Credit", "Said", "blame"]


@dataclass(frozen=True, slots=True)
class Blamed:
    """One item and where it comes from; ``events`` say their words where they were asked for, else None."""

    credit: Credit
    events: tuple[Said, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """As `blame --json` prints it; what is not committed yet has no commit, author and time."""
        item, introduced = self.credit.item, self.credit.introduced
        value: dict[str, Any] = {
            "path": item.path,
            "kind": item.kind,
            "number": item.number,
            "text": item.text,
            "version": introduced.version,
            "commit": introduced.commit,
            "author": introduced.author,
            "time": introduced.time,
            "approach": introduced.approach,
            "because": list(self.credit.because),
        }
        if self.events is not None:
            value["events"] = [one.to_json() for one in self.events]
        return value


@dataclass(frozen=True, slots=True)
class Blame:
    """The items of one version, in the order of its file."""

    name: str
    version: int
    items: tuple[Blamed, ...] = field(repr=False)

    def to_json(self) -> list[dict[str, Any]]:
        """As `blame --json` prints it."""
        return [one.to_json() for one in self.items]


def blame(project: Project, reference: str, *, events: bool = False) -> Blame:
    """Where every rule, every example and every other line of ``NAME[@REV]`` comes from. Nothing is run.

    Kinds and numbers are those that `why` takes. Blank lines are nobody's.

    Args:
        events: also read what the events behind each item say.

    Raises:
        NotFound: no such prompt or revision; a shallow clone, which cannot know.
        InvalidDocument: the version is no prompt.
    """
    credits_ = Credits(project, project.resolver.resolve(reference))
    traced = credits_.of(_in_order(credits_))
    said: Mapping[str, Said] = {}
    if events:
        said = credits_.said({event for one in traced for event in one.because})
    items = tuple(
        Blamed(one, tuple(said[event] for event in one.because) if events else None) for one in traced
    )
    return Blame(credits_.version.name, credits_.version.version, items)


def _in_order(found: Credits) -> list[Item]:
    """Rules and examples where their first line stands, every other line that is not blank as itself."""
    waiting = {(item.kind, item.number): item for kind in ("rule", "example") for item in found.items(kind)}
    items = []
    for line in found.items("line"):
        place = found.place(line.number)
        if place == ("line", line.number):
            if line.text.strip():
                items.append(line)
        elif place in waiting:
            items.append(waiting.pop(place))
    # Of several on one line (`rules: [{text: a}, {text: b}]`) only the first has a line of its own.
    for place, item in waiting.items():
        earlier = [
            at for at, one in enumerate(items) if (one.kind, one.number) < place and one.kind == item.kind
        ]
        items.insert(earlier[-1] + 1 if earlier else len(items), item)
    return items
