"""`feedback keys`: which keys pseudonyms are made with here, and a new one in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import Usage
from promptvc.feedback.pseudonyms import ENVIRONMENT, ENVIRONMENT_FILE, KeyRing, rotate_key
from promptvc.workflows.gathering import keys_folder, keys_of
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key, told by what is public of it.

    ``linked``: events name a person under it too, in ``aka``; ``since``: RFC 3339, None where that is not known.
    """

    id: str
    current: bool
    linked: bool
    since: str | None

    def to_json(self) -> dict[str, Any]:
        """As `feedback keys --json` prints it."""
        return {"id": self.id, "current": self.current, "linked": self.linked, "since": self.since}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a clone, the newest first; ``origin``: the file or the variable that holds them, None: no key yet."""

    keys: tuple[KeyLine, ...]
    origin: str | None
    rotated: bool = False
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `feedback keys --json` prints it; no secret is in it."""
        return {
            "keys": [key.to_json() for key in self.keys],
            "origin": self.origin,
            "rotated": self.rotated,
        }


def list_keys(project: Project) -> Keys:
    """The keys that are in force here.

    Raises:
        InputError: a key is too short, or its file cannot be read.
    """
    ring = keys_of(project)
    return Keys((), None) if ring is None else _told(ring)


def rotate(project: Project, *, cut: bool = False) -> Keys:
    """Make a new key the current one; the earlier ones stay, so that their events are found.

    Args:
        cut: no event shall link the new pseudonyms to the old ones: for a key that somebody else has seen.

    Raises:
        Usage: the keys come from the environment, where promptvc writes nothing.
    """
    for name in (ENVIRONMENT, ENVIRONMENT_FILE):
        if given := project.environ.get(name):
            held = (
                f"the file {given}, which {name} names"
                if name == ENVIRONMENT_FILE
                else f"the variable {name}"
            )
            raise Usage(
                f"the keys come from {held}: promptvc does not write there",
                hint="put a new key on a line above the old one, with a line `cut` between the two to break the link",
            )
    ring = rotate_key(keys_folder(project), now=project.clock(), cut=cut)
    project.log.event("feedback.key_rotated", key=ring.current.id, cut=cut)
    remarks = [
        f"machines that share the key need {ring.origin} too; programs keep the old one until they read it again"
    ]
    if cut:
        remarks.append("whoever writes under the new key is not known to be the same person any more")
    return _told(ring, rotated=True, remarks=tuple(remarks))


def _told(ring: KeyRing, *, rotated: bool = False, remarks: tuple[str, ...] = ()) -> Keys:
    linked = {key.id for key in ring.linked}
    lines = tuple(
        KeyLine(
            id=key.id,
            current=key is ring.current,
            linked=key.id in linked,
            since=format_time(ring.since[key.id]) if key.id in ring.since else None,
        )
        for key in ring.keys
    )
    return Keys(lines, ring.origin, rotated, remarks)
