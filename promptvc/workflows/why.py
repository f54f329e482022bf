"""`why`: from a rule, an example or a line to the version that introduced its words, and to the events behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import NotFound, Usage
from promptvc.workflows.credits import LISTS, Credits, Introduced, Item, Kind, Said
from promptvc.workflows.project import Project

__all__ = ["Introduced", "Item", "Reason", "Reasons", "Said", "WhyRequest", "why"]


@dataclass(frozen=True, slots=True)
class WhyRequest:
    """What is asked about: a ``line`` of the file, a ``rule``, an ``example``, from 1; none: every rule and example."""

    reference: str
    line: int | None = None
    rule: int | None = None
    example: int | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one item is there."""

    item: Item
    introduced: Introduced
    events: tuple[Said, ...]

    def to_json(self) -> dict[str, Any]:
        """As `why --json` prints it."""
        return {
            "item": self.item.to_json(),
            "introduced": self.introduced.to_json(),
            "events": [event.to_json() for event in self.events],
        }


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why things are in a version; ``alone`` when one was asked about."""

    name: str
    version: int
    reasons: tuple[Reason, ...]
    alone: bool

    def to_json(self) -> dict[str, Any]:
        """As `why --json` prints it: the reason that was asked for, or all of them under ``items``."""
        head = {"name": self.name, "version": self.version}
        if self.alone:
            return head | self.reasons[0].to_json()
        return head | {"items": [reason.to_json() for reason in self.reasons]}


def why(project: Project, request: WhyRequest) -> Reasons:
    """Why a rule, an example or a line is in a version. Nothing is run.

    Raises:
        NotFound: no such prompt, revision, line, rule or example; a shallow clone, which cannot know.
        Usage: several things are asked about.
        InvalidDocument: the version is no prompt.
    """
    chosen = [kind for kind in LISTS if getattr(request, kind) is not None]
    if len(chosen) > 1:
        raise Usage(
            f"--{chosen[0]} and --{chosen[1]} are two questions",
            hint="ask for one of them, or leave both out",
        )
    found = Credits(project, project.resolver.resolve(request.reference))
    if chosen:
        items = [_item(found, chosen[0], getattr(request, chosen[0]))]
    else:
        items = [*found.items("rule"), *found.items("example")]
    return Reasons(found.version.name, found.version.version, _reasons(found, items), bool(chosen))


def _item(found: Credits, kind: Kind, number: int) -> Item:
    """The ``number``-th of a kind; a line inside a rule or an example is that."""
    items = found.items(kind)
    if not 1 <= number <= len(items):
        noun = kind if len(items) == 1 else f"{kind}s"
        raise NotFound(
            f"{found.version.name} v{found.version.version} has no {kind} {number}",
            hint=f"it has {len(items)} {noun}",
        )
    if kind == "line" and found.place(number) != ("line", number):
        return _item(found, *found.place(number))
    return items[number - 1]


def _reasons(found: Credits, items: Sequence[Item]) -> tuple[Reason, ...]:
    traced = found.of(items)
    said = found.said({event for credit in traced for event in credit.because})
    return tuple(
        Reason(credit.item, credit.introduced, tuple(said[event] for event in credit.because))
        for credit in traced
    )
