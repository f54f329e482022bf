"""Open the forge that hosts a remote. Which module speaks its dialect is a plain dict, and an entry-point group."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import NamedTuple

from promptvc.base.errors import InputError
from promptvc.forge.address import Address, find_address
from promptvc.forge.dialect import Dialect
from promptvc.forge.forge import Forge
from promptvc.forge.line import Line, Patience
from promptvc.forge.remote import RemoteForge
from promptvc.forge.tokens import Token, find_token

GROUP = "promptvc.forges"
"""Each entry is named after a kind, and makes a dialect of (address, token, patience)."""


class _Home(NamedTuple):
    """Where a dialect lives, the library that it needs and the extra that brings it."""

    module: str
    attribute: str
    library: str
    extra: str


FORGES: dict[str, _Home] = {
    "github": _Home("promptvc.forge.github", "GitHub", "PyGithub", "github"),
    "gitlab": _Home("promptvc.forge.gitlab", "GitLab", "python-gitlab", "gitlab"),
    "gitea": _Home("promptvc.forge.gitea", "Gitea", "requests", "gitea"),
}

Make = Callable[[Address, Token, Patience], Dialect]


def open_forge(
    remote_url: str,
    environ: Mapping[str, str],
    *,
    kind: str | None = None,
    patience: Patience | None = None,
) -> Forge:
    """The forge of a remote, as the token in the environment sees it. Nothing is asked of it yet.

    Args:
        remote_url: what ``git remote get-url NAME`` says: git has applied ``insteadOf``.
        environ: where tokens and, in CI, the forge's own addresses are.
        kind: what ``review.forge`` of the settings says.
        patience: how long it is waited for.

    Raises:
        InputError: no forge is there, no token is for it, or its library is not installed.
    """
    address = find_address(remote_url, environ, kind=kind)
    token = find_token(address, environ)
    patience = patience or Patience()
    dialect = _maker(address.kind)(address, token, patience)
    return RemoteForge(dialect, Line(address.host, address.name, token, patience))


def _maker(kind: str) -> Make:
    home = FORGES.get(kind)
    if home is None:
        for point in entry_points(group=GROUP, name=kind):
            found: Make = point.load()
            return found
        raise InputError(f"no forge is called {kind}", hint=f"known are {', '.join(sorted(FORGES))}")
    try:
        module = importlib.import_module(home.module)
    except ImportError as error:
        if error.name is None or error.name.startswith("promptvc"):
            raise
        raise InputError(
            f"{home.library} is not installed, and {kind} needs it",
            hint=f"pip install 'promptvc[{home.extra}]'",
        ) from error
    made: Make = getattr(module, home.attribute)
    return made
