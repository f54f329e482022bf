"""Patterns of CODEOWNERS as regular expressions, as each forge reads them.

GitHub: the rules of ``.gitignore`` without ``!`` and ``[]`` (docs.github.com, "About code owners"): a pattern with a
slash before its end is of the repository's root, any other of every folder; ``docs/*`` is what lies in ``docs`` itself.

GitLab: what does not begin with a slash is of every folder, what ends in one is all below it, and ``**/`` any folders
(docs.gitlab.com, "Syntax of CODEOWNERS file"). A path without a slash at its end is a file, not a folder.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 500
"""Of a pattern; a longer one is no path, and is skipped like any line that cannot be read."""

_MOST_STARS = 10
"""Stars in a pattern: matching takes longer with each, and a repository has no path that needs more."""


def github_pattern(text: str) -> re.Pattern[str] | None:
    """The whole path of a file matches; None where the text is no pattern."""
    if not _is_usable(text) or "***" in text or text == "/":
        return None
    parts = text.split("/")
    if parts[0] == "":
        parts = parts[1:]
    elif len(parts) == 1 or (len(parts) == 2 and parts[1] == ""):
        parts = ["**", *parts] if parts[0] != "**" else parts
    if len(parts) > 1 and parts[-1] == "":
        parts[-1] = "**"
    return _compiled(parts, folders=True)


def gitlab_pattern(text: str) -> re.Pattern[str] | None:
    """The whole path of a file matches; None where the text is no pattern."""
    if not _is_usable(text) or text == "/":
        return None
    if text == "*":
        return re.compile(r".+", re.DOTALL)
    parts = text.removeprefix("/").split("/")
    if not text.startswith("/"):
        parts = ["**", *parts]
    if parts[-1] == "":
        parts[-1:] = ["**", "*"]
    return _compiled(parts, folders=False)


def _is_usable(text: str) -> bool:
    return bool(text) and len(text) <= MOST_CHARACTERS and text.count("*") <= _MOST_STARS


def _compiled(parts: list[str], *, folders: bool) -> re.Pattern[str]:
    """The parts between slashes; with ``folders`` a name that is matched stands for all below it as well."""
    found: list[str] = []
    slash = False
    parts = [part for at, part in enumerate(parts) if part != "**" or parts[at - 1 : at] != ["**"]]
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            found.append(_globstar(first=at == 0, last=last))
            slash = at > 0 and not last
            continue
        found.append("/" if slash else "")
        found.append(_part(part))
        slash = True
        if last and folders and part != "*":
            found.append("(?:/.*)?")
    return re.compile("".join(found), re.DOTALL)


def _globstar(*, first: bool, last: bool) -> str:
    if last:
        return ".+" if first else "/.*"
    return "(?:.+/)?" if first else "(?:/.+)?"


def _part(text: str) -> str:
    """A name between slashes: stars and question marks stop at a slash, a backslash takes the next sign as it is."""
    if text == "*":
        return "[^/]+"
    found: list[str] = []
    escaped = False
    for character in text:
        if escaped:
            found.append(re.escape(character))
        elif character == "*":
            found.append("[^/]*")
        elif character == "?":
            found.append("[^/]")
        elif character != "\\":
            found.append(re.escape(character))
        escaped = character == "\\" and not escaped
    return "".join(found)
