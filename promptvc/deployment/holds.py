"""Holds: versions that nothing may deploy, one file each; deleting the file lifts the hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from promptvc.base.clock import format_time
from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate

_PATH = re.compile(r"^deployments/(?P<environment>[^/]+)/holds/(?P<name>.+)/v(?P<version>[0-9]+)\.yaml$")


@dataclass(frozen=True, slots=True)
class Hold:
    """Why ``environment`` must not run ``version`` (with ``digest``) of ``name``."""

    environment: str
    name: str
    version: int
    digest: str
    reason: str
    by: str
    time: str

    @property
    def path(self) -> str:
        """Its file, from the prompt root."""
        return hold_path(self.environment, self.name, self.version)

    def to_bytes(self) -> bytes:
        """The file's content."""
        value = {"digest": self.digest, "reason": self.reason, "by": self.by, "time": self.time}
        return dump_yaml(value).encode()


def hold_path(environment: str, name: str, version: int) -> str:
    """Where the hold of one version stands, from the prompt root."""
    return f"deployments/{environment}/holds/{name}/v{version}.yaml"


def new_hold(place: tuple[str, str, int], digest: str, *, reason: str, by: str, now: datetime) -> Hold:
    """A hold of ``place`` = (environment, name, version)."""
    environment, name, version = place
    return Hold(environment, name, version, digest, reason, by, format_time(now))


def load_hold(path: str, data: bytes, *, memo: Memo | None = None) -> Hold:
    """Read one hold file.

    Raises:
        InvalidDocument: with the line and the key.
    """
    match = _PATH.match(path)
    assert match is not None, f"{path} is not the path of a hold"
    document = load_yaml(data, file=path)
    validate(document, "hold", memo=memo)
    value = document.value
    return Hold(
        environment=match["environment"],
        name=match["name"],
        version=int(match["version"]),
        digest=value["digest"],
        reason=value["reason"],
        by=value.get("by", ""),
        time=value.get("time", ""),
    )


def hold_paths(paths: Iterable[str], environment: str | None = None, name: str | None = None) -> list[str]:
    """Those of ``paths`` (from the prompt root) that are holds, of one environment or prompt if given."""
    matches = ((path, _PATH.match(path)) for path in paths)
    return sorted(
        path
        for path, match in matches
        if match
        and (environment is None or match["environment"] == environment)
        and (name is None or match["name"] == name)
    )


def find_hold(holds: Mapping[str, Hold] | Iterable[Hold], digest: str) -> Hold | None:
    """The hold on the version with ``digest``, if there is one."""
    values = holds.values() if isinstance(holds, Mapping) else holds
    return next((hold for hold in values if hold.digest == digest), None)
