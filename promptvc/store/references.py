"""References to versions: ``NAME``, ``NAME@REVISION``, ``prompts:/NAME@ALIAS``, ``prompts:/NAME/3``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from promptvc.base.errors import Usage
from promptvc.prompts.names import check_name

_VERSION = re.compile(r"v?([0-9]{1,9})")
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SCHEME = "prompts:/"


@dataclass(frozen=True, slots=True)
class Reference:
    """A prompt's name and the revision asked for; None asks for the working tree's file."""

    name: str
    revision: str | None = None

    @property
    def version(self) -> int | None:
        """The number, when the revision is ``v3`` or ``3``."""
        found = _VERSION.fullmatch(self.revision) if self.revision is not None else None
        return int(found[1]) if found else None

    @property
    def environment(self) -> str | None:
        """The revision, when it could name an environment."""
        found = self.revision is not None and _ENVIRONMENT.fullmatch(self.revision)
        return self.revision if found else None

    def __str__(self) -> str:
        return self.name if self.revision is None else f"{self.name}@{self.revision}"


def name_alone(text: str) -> str:
    """The name of a prompt, for `train`, which always starts from main.

    Raises:
        InputError: the name is not one.
        Usage: there is a revision.
    """
    found = parse_reference(text)
    if found.revision is not None:
        raise Usage("train takes a NAME, no revision", hint=f"train {found.name}: it starts from main")
    return found.name


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Raises:
        InputError: the name is not one.
        Usage: nothing after the ``@``.
    """
    body = text.removeprefix(_SCHEME).lstrip("/") if text.startswith(_SCHEME) else text
    name, at, revision = body.partition("@")
    if text.startswith(_SCHEME) and not at:
        folder, _, last = body.rpartition("/")
        if folder and last.isascii() and last.isdigit():
            name, at, revision = folder, "/", last
    if at and not revision:
        raise Usage(f"no revision after the @ in `{text}`", hint=f"for example {name}@v3 or {name}@latest")
    return Reference(check_name(name), revision or None)
