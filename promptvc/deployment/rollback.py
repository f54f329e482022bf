"""Which version a rollback goes back to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Past:
    """One state of a deployment's file on main's first-parent history; no ``digest`` where it was deleted."""

    commit: str
    digest: str | None


def choose(past: Iterable[Past], *, current: str, held: Collection[str]) -> Past | None:
    """The newest state in ``past`` (newest first) that differs from ``current`` and is not held, or None."""
    return next(
        (one for one in past if one.digest not in {None, current} and one.digest not in held),
        None,
    )
