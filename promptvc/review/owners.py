"""CODEOWNERS: whom a forge asks about files. Read from the base branch: a change must not choose its own reviewers.

A line that a forge cannot read is skipped by it, and so it is here. Sources: docs.github.com "About code owners",
docs.gitlab.com "Syntax of CODEOWNERS file", docs.gitea.com "Code Owners"; Forgejo is the same, with its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from promptvc.base.slow_patterns import is_slow
from promptvc.forge.forge import Kind
from promptvc.review.patterns import MOST_CHARACTERS, github_pattern, gitlab_pattern

PLACES: Mapping[Kind, tuple[str, ...]] = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
    "gitea": ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS", ".forgejo/CODEOWNERS"),
}
"""By forge where the file may lie, from the repository's top. The first one that is there counts, no other."""

MOST_BYTES = 3 * 1024 * 1024
"""Of the file: GitHub loads no larger one."""

_USER = re.compile(r"@(?P<login>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})?)")
_TEAM = re.compile(r"@(?P<team>[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)+)")
_MAIL = re.compile(r"[^\s@,;<>()]{1,64}@[^\s@,;<>()]+\.[^\s@,;<>()]+")
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[(?P<approvals>[0-9]+)\])?(?P<owners>(?:\s.*)?)")


@dataclass(frozen=True, slots=True)
class Owners:
    """Whom to ask, each sorted: logins and ``org/team`` without ``@``, e-mail addresses.

    A GitLab group without a slash looks like a login, and is one of ``users``: only the forge can tell.
    """

    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    mails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    """Files and their owners; ``excludes``: the files are nobody's, whatever else their section says."""

    matches: Callable[[str], bool]
    owners: tuple[str, ...]
    excludes: bool = False


@dataclass(slots=True)
class _Section:
    defaults: tuple[str, ...] = ()
    rules: list[_Rule] = field(default_factory=list)


def owners_of(files: Iterable[str], text: str, kind: Kind) -> Owners:
    """Whom ``text`` of a CODEOWNERS file names as owners of ``files``.

    Args:
        files: paths from the repository's top.
        kind: the forge by whose rules it is read.
    """
    paths = sorted(set(files))
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        return Owners()
    return _sorted(_FORGES[kind](paths, text.splitlines()))


def _github(files: list[str], lines: list[str]) -> Iterator[str]:
    """The last line that matches counts, also where it names nobody."""
    rules = []
    for line in lines:
        words = _split(line, comment=True)
        pattern = github_pattern(words[0]) if words and _plain(words[0]) else None
        owners = tuple(words[1:])
        if pattern is not None and all(_is_owner(owner) for owner in owners):
            rules.append(_Rule(_matcher(pattern), owners))
    for file in files:
        yield from next((rule.owners for rule in reversed(rules) if rule.matches(file)), ())


def _plain(pattern: str) -> bool:
    """Whether it has none of what GitHub takes from `.gitignore` but does not support."""
    return not pattern.startswith(("!", "\\#")) and "[" not in pattern


def _gitlab(files: list[str], lines: list[str]) -> Iterator[str]:
    """In each section the last line that matches counts; sections of one name, whatever its case, are one."""
    sections = {"": _Section()}
    section = sections[""]
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        heading = _SECTION.fullmatch(text)
        if heading is not None:
            section = sections.setdefault(heading["name"].strip().lower(), _Section())
            section.defaults = section.defaults or tuple(heading["owners"].split())
            continue
        rule = _gitlab_rule(text, section.defaults)
        if rule is not None:
            section.rules.append(rule)
    for each in sections.values():
        for file in files:
            matching = [rule for rule in each.rules if rule.matches(file)]
            if matching and not any(rule.excludes for rule in matching):
                yield from matching[-1].owners


def _gitlab_rule(text: str, defaults: tuple[str, ...]) -> _Rule | None:
    """Comments at the end of a line are not supported: owners that stand in one count."""
    words = _split(text, comment=False)
    excludes = words[0].startswith("!")
    pattern = gitlab_pattern(words[0].removeprefix("!"))
    if pattern is None:
        return None
    named = tuple(word for word in words[1:] if _is_owner(word))
    return _Rule(_matcher(pattern), named or defaults, excludes)


def _gitea(files: list[str], lines: list[str]) -> Iterator[str]:
    """Every line that matches counts; patterns are regular expressions of the whole path, ``!`` turns one round."""
    for line in lines:
        words = _unescaped(line)
        if len(words) < 2:
            continue
        negative = words[0].startswith("!")
        pattern = _regular(words[0].removeprefix("!"))
        if pattern is not None and any((pattern.search(file) is None) is negative for file in files):
            yield from (f"@{word.removeprefix('@')}" for word in words[1:])


def _regular(text: str) -> re.Pattern[str] | None:
    """Go's expressions take linear time, Python's do not: one that could take exponential time is skipped."""
    if len(text) > MOST_CHARACTERS or is_slow(text):
        return None
    try:
        # Flags have to come first in Python, and may in Go.
        flags, rest = ("(?i)", text[4:]) if text.startswith("(?i)") else ("", text)
        return re.compile(rf"{flags}^{rest}\Z")
    except (re.error, OverflowError, RecursionError):
        return None


def _matcher(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda file: pattern.fullmatch(file) is not None


def _split(line: str, *, comment: bool) -> list[str]:
    """The words of a line. A backslash makes a blank a part of the word; before anything else it is the pattern's."""
    words: list[str] = []
    word, escaped = "", False
    for character in line.strip():
        if escaped:
            word += character if character in " \t" else f"\\{character}"
        elif character == "#" and comment and not word:
            break
        elif character in " \t":
            words += [word] if word else []
            word = ""
        elif character != "\\":
            word += character
        escaped = character == "\\" and not escaped
    return [*words, word] if word else words


def _unescaped(line: str) -> list[str]:
    """The words of a line as Gitea reads it: a backslash takes any sign as it is, ``#`` ends the line."""
    words: list[str] = []
    word, escaped = "", False
    for character in line.strip().replace("\t", " "):
        if escaped:
            word += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "#":
            break
        elif character == " ":
            words += [word] if word else []
            word = ""
        else:
            word += character
    return [*words, word] if word else words


def _is_owner(text: str) -> bool:
    return any(form.fullmatch(text) for form in (_USER, _TEAM, _MAIL))


def _sorted(owners: Iterable[str]) -> Owners:
    users, teams, mails = set(), set(), set()
    for owner in owners:
        if (user := _USER.fullmatch(owner)) is not None:
            users.add(user["login"])
        elif (team := _TEAM.fullmatch(owner)) is not None:
            teams.add(team["team"])
        elif _MAIL.fullmatch(owner) is not None:
            mails.add(owner)
    return Owners(tuple(sorted(users)), tuple(sorted(teams)), tuple(sorted(mails)))


_FORGES: Mapping[Kind, Callable[[list[str], list[str]], Iterator[str]]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _gitea,
}
