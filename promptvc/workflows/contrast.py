"""`status --diff` and `diff --env`: what environments run, held against each other and against main."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.prompts.model import Prompt
from promptvc.prompts.names import nearest
from promptvc.store.diff import Change, diff_prompts
from promptvc.store.references import parse_reference
from promptvc.workflows.project import Project
from promptvc.workflows.sides import LATEST, Sides


@dataclass(frozen=True, slots=True)
class Gap:
    """What one side of a prompt has and the other has not.

    Attributes:
        from_, to: the environments, or ``latest``.
        before, after: the versions on both sides; None where a side has none, or a content that names none.
        changes: item by item; None where a side has not got the prompt, or ``problem`` says why it cannot be read.
    """

    name: str
    from_: str
    to: str
    before: int | None
    after: int | None
    changes: tuple[Change, ...] | None
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `diff --env --json` and `status --diff --json` print it."""
        return {
            "name": self.name,
            "from": self.from_,
            "to": self.to,
            "before": self.before,
            "after": self.after,
            "count": None if self.changes is None else len(self.changes),
            "changes": None if self.changes is None else [change.to_json() for change in self.changes],
            "problem": self.problem,
        }


def contrast(project: Project, from_: str, to: str, names: Sequence[str] = ()) -> tuple[Gap, ...]:
    """What differs from what ``from_`` runs to what ``to`` runs, of every prompt or of ``names``, by name.

    Both are environments, or ``latest``. Prompts that are the same on both sides are left out.

    Raises:
        NotFound: no such environment; one of ``names`` is on neither side.
        Usage: one of ``names`` has a revision.
    """
    sides = Sides(project)
    for one in (from_, to):
        sides.require(one)
    wanted = [_alone(name) for name in names] or sorted({*sides.of(from_), *sides.of(to)})
    for name in wanted:
        if name not in sides.of(from_) and name not in sides.of(to):
            near = nearest(name, {*sides.of(from_), *sides.of(to)})
            hint = f"did you mean {near}?" if near else "promptvc status shows what runs where"
            raise NotFound(f"neither {from_} nor {to} has {name}", hint=hint)
    return tuple(gap for name in wanted if (gap := _gap(project, sides, name, from_, to)) is not None)


def gaps(project: Project, environment: str | None = None) -> tuple[Gap, ...]:
    """What differs from each environment to latest, and between the environments, each pair once.

    Args:
        environment: only from this one.

    Raises:
        NotFound: there is no such environment.
    """
    sides = Sides(project)
    if environment is not None:
        sides.require(environment)
    found = []
    for one in sides.environments if environment is None else [environment]:
        others = [other for other in sides.environments if other != one]
        others = [other for other in others if environment is not None or other > one]
        for to in (LATEST, *others):
            # What main has and an environment never ran is no difference: it was not deployed there.
            both = set(sides.of(one)) | (set(sides.of(to)) if to != LATEST else set())
            found += [
                gap for name in sorted(both) if (gap := _gap(project, sides, name, one, to)) is not None
            ]
    return tuple(found)


def _gap(project: Project, sides: Sides, name: str, from_: str, to: str) -> Gap | None:
    """What differs of one prompt; None where both sides have the same bytes."""
    one, other = sides.of(from_).get(name), sides.of(to).get(name)
    if one == other:
        return None
    versions = project.resolver.contents.versions(blob for blob in (one, other) if blob is not None)
    before, after = (versions[blob] if blob is not None else None for blob in (one, other))
    if one is None or other is None:
        return Gap(name, from_, to, before, after, None)
    both = sides.prompt(name, one), sides.prompt(name, other)
    for side in both:
        if isinstance(side, InvalidDocument):
            return Gap(name, from_, to, before, after, None, str(side))
    first, second = (side for side in both if isinstance(side, Prompt))
    return Gap(name, from_, to, before, after, diff_prompts(first, second))


def _alone(name: str) -> str:
    reference = parse_reference(name)
    if reference.revision is not None:
        raise Usage(
            f"--env says which versions to compare, and so does {name}",
            hint=f"promptvc diff {name} @REV, or leave @{reference.revision} out",
        )
    return reference.name
