"""Names of prompts and environments: what they may be, and what a wrong one was probably meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from promptvc.base.errors import InputError

FOLDER = "prompts"
RESERVED = frozenset({"evidence", "baselines", "holds", "environment", "latest", "ledger", "archive"})
MAX_LENGTH = 200

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
    better = "/".join(
        re.sub(r"[^a-z0-9_-]+", "-", part).strip("-_")
        for part in text.lower().removeprefix(f"{FOLDER}/").removesuffix(".yaml").split("/")
    )
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
    if path.startswith(f"{FOLDER}/") and path.endswith(".yaml"):
        return path[len(FOLDER) + 1 : -len(".yaml")]
    return None


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
