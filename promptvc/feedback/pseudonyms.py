"""Pseudonyms of users: the same person gets the same one, and nobody without the key can tell who it is.

``u-<key id>-<32 hex digits>``: HMAC-SHA256 of the user under a secret key, cut to 128 bits; the key id says
which key, so that keys can be changed. Keys never reach git: a key lies in a file outside the work tree (by
default in git's common directory) or in the environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from promptvc.base.errors import InputError
from promptvc.base.files import fsync_directory, storage_errors

KEY_FILE = "user.key"
ENVIRONMENT = "PROMPTVC_USER_KEY"
ENVIRONMENT_FILE = "PROMPTVC_USER_KEY_FILE"
_PSEUDONYM = re.compile(r"u-[0-9a-f]{8}-[0-9a-f]{32}")
_LEAST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the public id that is derived from it; the secret does not show in a repr."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """8 hex digits that name the key and tell nothing about it."""
        return hashlib.sha256(b"promptvc user key id\0" + self.secret).hexdigest()[:8]


def pseudonym(user: str, key: Key) -> str:
    """The pseudonym of ``user`` under ``key``. Surrounding space and the Unicode form do not matter.

    A pseudonym stays what it is, so that an event can be redacted twice.
    """
    if is_pseudonym(user):
        return user
    person = unicodedata.normalize("NFC", user.strip()).encode("utf-8", "surrogatepass")
    return f"u-{key.id}-{hmac.new(key.secret, person, hashlib.sha256).hexdigest()[:32]}"


def is_pseudonym(text: str) -> bool:
    """Whether ``text`` has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(text) is not None


def find_key(directory: Path, environ: Mapping[str, str]) -> Key | None:
    """The key: from ``PROMPTVC_USER_KEY``, else the file that ``PROMPTVC_USER_KEY_FILE`` names, else ``directory``.

    Raises:
        InputError: a key that is too short, or a named file that cannot be read.
    """
    if text := environ.get(ENVIRONMENT):
        return _key(text, ENVIRONMENT)
    if named := environ.get(ENVIRONMENT_FILE):
        path = Path(named)
        try:
            return _key(path.read_text(encoding="utf-8"), named)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"cannot read the key for pseudonyms: {error}", hint=f"check {ENVIRONMENT_FILE}", file=named
            ) from error
    path = directory / KEY_FILE
    with storage_errors(path):
        if not path.exists():
            return None
        return _key(path.read_text(encoding="utf-8"), str(path))


def make_key(directory: Path, *, random: bytes | None = None) -> Key:
    """A new key in ``directory``, readable by its owner only; the one that is there, if there is one.

    Two processes that make one at the same time get the same one. ``random`` is 32 bytes, for tests.

    Raises:
        StorageError: the directory cannot be written.
    """
    path = directory / KEY_FILE
    secret = (secrets.token_bytes(32) if random is None else random).hex()
    with storage_errors(path):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = directory / f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(secret + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            # A link fails where the name is taken: whoever comes first has made the key.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
                fsync_directory(directory)
        finally:
            temporary.unlink(missing_ok=True)
        return _key(path.read_text(encoding="utf-8"), str(path))


def _key(text: str, where: str) -> Key:
    secret = text.strip().encode()
    if len(secret) < _LEAST_BYTES:
        raise InputError(
            f"the key for pseudonyms is shorter than {_LEAST_BYTES} bytes",
            hint="make one with: head -c 32 /dev/urandom | base64",
            file=where,
        )
    return Key(secret)
