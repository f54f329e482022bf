"""Who commits, and what the user's configuration says about commits: one ``git var -l`` answers it all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from promptvc.base.errors import GitError, InputError
from promptvc.git.process import Running
from promptvc.git.repo import Repository

_IDENT = re.compile(r"(?P<name>[^<>\n]+) <(?P<email>[^<>\n]*)> (?P<date>\d+ [+-]\d{4})")
_AUTHOR = re.compile(r"\s*(?P<name>[^<>\n]*[^<>\s])\s*<(?P<email>[^<>\n]+)>\s*")
_TRUE = {"true", "yes", "on", "1", ""}


@dataclass(frozen=True, slots=True)
class Person:
    """Author or committer. ``date`` is git's raw form: seconds and zone."""

    name: str
    email: str
    date: str

    @property
    def line(self) -> bytes:
        """As it stands in a commit object."""
        return f"{self.name} <{self.email}> {self.date}".encode("utf-8", "surrogateescape")

    def variables(self, role: str) -> dict[str, str]:
        """The environment that makes git write this person as ``AUTHOR`` or ``COMMITTER``."""
        prefix = f"GIT_{role}_"
        return {prefix + "NAME": self.name, prefix + "EMAIL": self.email, prefix + "DATE": f"@{self.date}"}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The effective configuration and the two people that a commit names."""

    values: Mapping[str, str]
    author: Person
    committer: Person

    def flag(self, key: str) -> bool:
        """Whether a boolean key is set and true; a key without a value is true."""
        value = self.values.get(key)
        return value is not None and value.lower() in _TRUE

    def with_people(self, author: str | None, now: datetime | None) -> Preferences:
        """The same with ``author`` (``Name <mail>``) in place of the configured one, both dated ``now``.

        Raises:
            InputError: ``author`` is not in that form.
        """
        people = self
        if author is not None:
            found = _AUTHOR.fullmatch(author)
            if not found:
                raise InputError(f"not an author: {author!r}", hint="write it as 'Name <mail@example.org>'")
            person = replace(self.author, name=found["name"], email=found["email"])
            people = replace(people, author=person)
        if now is not None:
            date = _raw_date(now)
            people = replace(
                people,
                author=replace(people.author, date=date),
                committer=replace(people.committer, date=date),
            )
        return people


def begin_preferences(repository: Repository) -> Running:
    """Ask git; ``read_preferences`` takes the answer. In between other processes can run."""
    return repository.begin("var", "-l")


def read_preferences(repository: Repository, running: Running) -> Preferences:
    """What git answered.

    Raises:
        GitError: nobody said who commits; the hint is the two lines of configuration.
    """
    _, stdout, stderr = running.outcome()
    values: dict[str, str] = {}
    for line in stdout.decode("utf-8", "surrogateescape").splitlines():
        key, _, value = line.partition("=")
        values[key] = value
    people = [_person(repository, values, role, stderr) for role in ("AUTHOR", "COMMITTER")]
    return Preferences(values, people[0], people[1])


def _person(repository: Repository, values: Mapping[str, str], role: str, stderr: str) -> Person:
    ident = values.get(f"GIT_{role}_IDENT")
    if ident is None or not _is_configured(repository.environ, values, role):
        # `git var -l` falls back to the login and host name in silence; asked for one, git is strict.
        code, stdout, stderr = repository.outcome("var", f"GIT_{role}_IDENT")
        ident = stdout.decode("utf-8", "surrogateescape").strip() if code == 0 else None
    found = _IDENT.fullmatch(ident or "")
    if not found:
        reason = next((line for line in stderr.splitlines() if line.startswith("fatal: ")), "")
        raise GitError(
            "git does not know who commits" + (f": {reason.removeprefix('fatal: ')}" if reason else ""),
            hint='git config --global user.name "Your Name"\ngit config --global user.email you@example.org',
        )
    return Person(found["name"], found["email"], found["date"])


def _is_configured(environ: Mapping[str, str], values: Mapping[str, str], role: str) -> bool:
    def known(field: str) -> bool:
        keys = (f"{role.lower()}.{field}", f"user.{field}")
        return bool(environ.get(f"GIT_{role}_{field.upper()}")) or any(values.get(key) for key in keys)

    return known("name") and known("email")


def _raw_date(moment: datetime) -> str:
    return f"{int(moment.timestamp())} {moment.strftime('%z')[:5] or '+0000'}"
