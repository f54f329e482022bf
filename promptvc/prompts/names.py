"""Names of prompts and environments: what they may be, and what a wrong one was probably meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from promptvc.base.errors import InputError

FOLDER = "prompts"
RESERVED = frozenset({"evidence", "baselines", "holds", "environment", "latest", "ledger", "archive"})
MAX_LENGTH = 200
FOREIGN_SUFFIXES = (".prompt.yml", ".prompt.yaml")
"""How files of GitHub's format end, which are used as they lie: see :mod:`promptvc.store.foreign`."""

_SEGMENT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VERSION = re.compile(r"v[0-9]+")
_ENVIRONMENT_LIKE_A_VERSION = re.compile(r"v?[0-9]+")


def check_name(text: str, *, what: str = "prompt") -> str:
    """``text`` itself, when it can name a prompt, or ``what`` is named alike: lower-case segments joined by ``/``.

    Raises:
        InputError: with the reason, and a name that would do where one is near.
    """
    reason = _name_fault(text)
    if reason is None:
        return text
    better = foreign_name(text) or _spelled(text.removesuffix(".yaml"))
    usable = better != text and _name_fault(better) is None
    hint = (
        f"`{better}` would do" if usable else "for example `support/triage`: a-z, 0-9, - and _, joined by /"
    )
    raise InputError(f"{_quoted(text)} cannot name a {what}: {reason}", hint=hint)


def check_environment(text: str) -> str:
    """``text`` itself, when it can name an environment: one segment, not like a version, not ``latest``.

    Raises:
        InputError: with the reason.
    """
    reason = None
    if not _SEGMENT.fullmatch(text) or len(text) > MAX_LENGTH:
        reason = "it must be one word of a-z, 0-9, - and _"
    elif _ENVIRONMENT_LIKE_A_VERSION.fullmatch(text):
        reason = "it reads like a version"
    elif text == "latest":
        reason = "`latest` always means the newest version on main"
    if reason:
        raise InputError(
            f"{_quoted(text)} cannot name an environment: {reason}", hint="for example `production`"
        )
    return text


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``name`` was probably meant to be: by spelling, or by its last segment."""
    if len(name) > MAX_LENGTH:
        return None
    candidates = sorted(set(known))
    wanted = name.lower().removesuffix(".yaml").removeprefix(f"{FOLDER}/")
    found = difflib.get_close_matches(wanted, candidates, n=1, cutoff=0.6)
    if found:
        return found[0]
    longer = [candidate for candidate in candidates if candidate.startswith(wanted)]
    if len(wanted) >= 3 and len(longer) == 1:
        return longer[0]
    last = {candidate.rsplit("/", 1)[-1]: candidate for candidate in reversed(candidates)}
    found = difflib.get_close_matches(wanted.rsplit("/", 1)[-1], list(last), n=1, cutoff=0.7)
    return last[found[0]] if found else None


def path_of(name: str) -> str:
    """Where the prompt lives, relative to the prompt root: ``prompts/support/triage.yaml``."""
    return f"{FOLDER}/{name}.yaml"


def name_of(path: str) -> str | None:
    """The name that a path relative to the prompt root stands for; None when it is not a prompt's path.

    The name is not checked: a file with an impossible name is a problem to report, not one to overlook.
    """
    if path.startswith(f"{FOLDER}/") and path.endswith(".yaml") and not is_foreign(path):
        return path[len(FOLDER) + 1 : -len(".yaml")]
    return None


def is_foreign(path: str) -> bool:
    """Whether ``path`` is a file of GitHub's format, by its ending."""
    return path.endswith(FOREIGN_SUFFIXES)


def foreign_name(path: str) -> str | None:
    """The name that a file of GitHub's format has here, from its path; None where its path gives none.

    Its path from the prompt root without ``prompts/`` and the ending, in small letters; what cannot stand in a name
    becomes ``-``, and goes at both ends of a segment: ``.github/prompts/Sum up.prompt.yml`` is `github/prompts/sum-up`.
    """
    ending = next((suffix for suffix in FOREIGN_SUFFIXES if path.endswith(suffix)), None)
    if ending is None:
        return None
    name = _spelled(path.removesuffix(ending))
    return name if _name_fault(name) is None else None


def _spelled(path: str) -> str:
    """``path`` as a name is spelled, from the prompt root or from ``prompts/``."""
    parts = path.lower().removeprefix(f"{FOLDER}/").split("/")
    return "/".join(re.sub(r"[^a-z0-9_-]+", "-", part).strip("-_") for part in parts)


def _name_fault(text: str) -> str | None:
    if not text:
        return "it is empty"
    if len(text) > MAX_LENGTH:
        return f"it has more than {MAX_LENGTH} characters"
    for part in text.split("/"):
        if not part:
            return "it has an empty segment"
        if not _SEGMENT.fullmatch(part):
            return f"the segment `{part}` is not of a-z, 0-9, - and _, or begins with - or _"
        if _VERSION.fullmatch(part):
            return f"the segment `{part}` reads like a version"
        if part in RESERVED:
            return f"the segment `{part}` is reserved"
    return None


def _quoted(text: str) -> str:
    return f"`{text}`" if len(text) <= 80 else f"`{text[:76]}...`"
