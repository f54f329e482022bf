"""Pseudonyms of users: the same person gets the same one, and nobody without the key can tell who it is.

``u-<key id>-<32 hex digits>``: HMAC-SHA256 of the user under a secret key, cut to 128 bits; the key id says
which key, so that keys can be changed. Keys never reach git: they lie in a file outside the work tree (by
default in git's common directory) or in the environment.

One text holds all keys, the newest first, one a line. Two lines are none: ``since TIME`` says since when the
key on the next line is used, and ``cut`` that no event shall link a newer key's pseudonyms to those of the keys
below it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import InputError
from promptvc.base.files import FileLock, fsync_directory, storage_errors, write_atomic

KEY_FILE = "user.key"
ENVIRONMENT = "PROMPTVC_USER_KEY"
ENVIRONMENT_FILE = "PROMPTVC_USER_KEY_FILE"
_PSEUDONYM = re.compile(r"u-[0-9a-f]{8}-[0-9a-f]{32}")
_SINCE = re.compile(r"since ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)")
_CUT = "cut"
_LEAST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the public id that is derived from it; the secret does not show in a repr."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """8 hex digits that name the key and tell nothing about it."""
        return hashlib.sha256(b"promptvc user key id\0" + self.secret).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of a clone, the newest first.

    Attributes:
        keys: all of them; there is at least one.
        cuts: ids of the keys that have ``cut`` right above.
        since: by key id, since when it is used, where that is known.
        origin: the file, or the variable, that holds them.
    """

    keys: tuple[Key, ...]
    cuts: frozenset[str] = frozenset()
    since: Mapping[str, datetime] = field(default_factory=dict)
    origin: str = ""

    @property
    def current(self) -> Key:
        """The key of new pseudonyms."""
        return self.keys[0]

    @property
    def linked(self) -> tuple[Key, ...]:
        """The earlier keys under which an event names the person, too: those above the first ``cut``."""
        earlier = self.keys[1:]
        return tuple(itertools.takewhile(lambda key: key.id not in self.cuts, earlier))

    def before(self) -> KeyRing | None:
        """The keys as they were before the newest came; ``None`` when it is the only one."""
        if len(self.keys) == 1:
            return None
        return KeyRing(self.keys[1:], self.cuts, self.since, self.origin)


def pseudonym(user: str, key: Key) -> str:
    """The pseudonym of ``user`` under ``key``. Surrounding space and the Unicode form do not matter.

    A pseudonym stays what it is, so that an event can be redacted twice.
    """
    if is_pseudonym(user):
        return user
    person = unicodedata.normalize("NFC", user.strip()).encode("utf-8", "surrogatepass")
    return f"u-{key.id}-{hmac.new(key.secret, person, hashlib.sha256).hexdigest()[:32]}"


def pseudonyms_of(user: str, keys: Iterable[Key]) -> tuple[str, ...]:
    """Every pseudonym of ``user`` under ``keys``, in their order; a pseudonym is its own only one.

    What other names its events give a pseudonym, :class:`promptvc.feedback.people.People` knows.
    """
    return tuple(dict.fromkeys(pseudonym(user, key) for key in keys)) if not is_pseudonym(user) else (user,)


def is_pseudonym(text: str) -> bool:
    """Whether ``text`` has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(text) is not None


def find_key(directory: Path, environ: Mapping[str, str]) -> Key | None:
    """The current key: the first of :func:`find_keys`."""
    ring = find_keys(directory, environ)
    return None if ring is None else ring.current


def find_keys(directory: Path, environ: Mapping[str, str]) -> KeyRing | None:
    """The keys of ``PROMPTVC_USER_KEY``, else of the file that ``PROMPTVC_USER_KEY_FILE`` names, else of ``directory``.

    Raises:
        InputError: a key that is too short, or a named file that cannot be read.
    """
    if text := environ.get(ENVIRONMENT):
        return _ring(text, ENVIRONMENT)
    if named := environ.get(ENVIRONMENT_FILE):
        path = Path(named)
        try:
            return _ring(path.read_text(encoding="utf-8"), named)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"cannot read the key for pseudonyms: {error}", hint=f"check {ENVIRONMENT_FILE}", file=named
            ) from error
    path = directory / KEY_FILE
    with storage_errors(path):
        if not path.exists():
            return None
        return _ring(path.read_text(encoding="utf-8"), str(path))


def make_key(directory: Path, *, random: bytes | None = None, now: datetime | None = None) -> Key:
    """A new key in ``directory``, readable by its owner only; the one that is there, if there is one.

    Two processes that make one at the same time get the same one. ``random`` is 32 bytes, for tests; ``now`` is
    kept as the time since when it is used.

    Raises:
        StorageError: the directory cannot be written.
    """
    path = directory / KEY_FILE
    text = "" if now is None else f"since {format_time(now)}\n"
    text += _secret(random) + "\n"
    with storage_errors(path):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = directory / f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            # A link fails where the name is taken: whoever comes first has made the key.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
                fsync_directory(directory)
        finally:
            temporary.unlink(missing_ok=True)
        return _ring(path.read_text(encoding="utf-8"), str(path)).current


def rotate_key(directory: Path, *, now: datetime, cut: bool = False, random: bytes | None = None) -> KeyRing:
    """A new current key above those that ``directory`` holds; without one, the first.

    Args:
        now: since when the new key is used.
        cut: no event shall link its pseudonyms to earlier ones; for a key that somebody else has seen.
        random: 32 bytes, for tests.

    Raises:
        InputError: a key that is there cannot be read.
        Busy: another process rotates it.
        StorageError: the directory cannot be written; the keys are as they were.
    """
    path = directory / KEY_FILE
    with storage_errors(path):
        first = not path.exists()
    if first:
        make_key(directory, random=random, now=now)
        return _ring(path.read_text(encoding="utf-8"), str(path))
    with FileLock(directory / f"{KEY_FILE}.lock"):
        with storage_errors(path):
            there = path.read_text(encoding="utf-8")
        _ring(there, str(path))
        lines = (f"since {format_time(now)}", _secret(random), *((_CUT,) if cut else ()), there)
        with storage_errors(path):
            path.chmod(0o600)  # what is written takes the mode of what is there
        write_atomic(path, "\n".join(lines).encode())
        return _ring("\n".join(lines), str(path))


def _secret(random: bytes | None) -> str:
    return (secrets.token_bytes(32) if random is None else random).hex()


def _ring(text: str, where: str) -> KeyRing:
    keys: dict[str, Key] = {}
    cuts: set[str] = set()
    since: dict[str, datetime] = {}
    dated, cut = None, False
    for line in filter(None, map(str.strip, text.splitlines())):
        if line == _CUT:
            cut = True
            continue
        if found := _SINCE.fullmatch(line):
            dated = _time(found[1], where)
            continue
        key = _key(line, where)
        if key.id not in keys:
            keys[key.id] = key
            since |= {} if dated is None else {key.id: dated}
            cuts |= {key.id} if cut and len(keys) > 1 else set()
        dated, cut = None, False
    if not keys:
        _key("", where)
    return KeyRing(tuple(keys.values()), frozenset(cuts), since, where)


def _time(text: str, where: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise InputError(
            f"no such time: {text}", hint="such as since 2026-11-20T10:30:00Z", file=where
        ) from None


def _key(text: str, where: str) -> Key:
    secret = text.encode()
    if len(secret) < _LEAST_BYTES:
        raise InputError(
            f"the key for pseudonyms is shorter than {_LEAST_BYTES} bytes",
            hint="make one with: head -c 32 /dev/urandom | base64",
            file=where,
        )
    return Key(secret)
