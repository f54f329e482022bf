"""Addresses in their parts: a remote's, whichever way git writes it, and those of the web."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from promptvc.base.errors import InputError

_ALIASES = {"ssh.github.com": "github.com", "www.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
"""Hosts for ssh through the port of https."""


_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:\s@]+):(?P<path>(?!//).+)", re.DOTALL)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]+")
_SCHEMES = {"http", "https", "ssh", "git", "git+ssh", "ssh+git", "git+https"}
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote's address in its parts. ``port``: None for the usual one; ``path`` without slashes at its ends."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def web(self) -> bool:
        """Whether it is the address of a web server, whose port the API has too."""
        return self.scheme in {"http", "https"}

    @property
    def authority(self) -> str:
        """The host, and a port that the API has too."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.web and self.port is not None else host


def parse_remote(url: str) -> Remote:
    """A remote's address in its parts; user and password are dropped.

    Raises:
        InputError: it is a folder, or no address at all.
    """
    text = url.strip()
    if any(ord(character) < 33 or ord(character) == 127 for character in text):
        raise InputError("the address of the remote has blanks or control characters in it")
    if "://" in text:
        scheme, host, port, path = _split(text)
        if scheme not in _SCHEMES:
            raise InputError(
                f"the remote is a {scheme or 'strange'} address: no forge is there",
                hint="name the remote that is on a forge: the key `remote` of promptvc.yaml",
            )
    else:
        found = _SCP.fullmatch(text)
        if found is None or (len(found["host"]) == 1 and found["path"][:1] in "/\\"):
            raise InputError(
                "the remote is a folder: no forge is there",
                hint="name the remote that is on a forge: the key `remote` of promptvc.yaml",
            )
        scheme, host, port, path = "ssh", found["host"].strip("[]").lower(), None, found["path"]
    host = _ALIASES.get(host, host)
    if not _HOST.fullmatch(host):
        raise InputError("the address of the remote has no host")
    path = path.strip("/").removesuffix(".git").rstrip("/")
    return Remote(scheme.removeprefix("git+"), host, port, path)


def host_of(url: str) -> str | None:
    """The host of a web address, or of a bare ``host[:port]``, with its port where it is not the usual one."""
    text = url.strip()
    if not text:
        return None
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    return shown if port in (None, _PORTS.get(parts.scheme)) else f"{shown}:{port}"


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a web address; None of anything else."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    usual = _PORTS.get(parts.scheme)
    return None if not host or usual is None else (parts.scheme, host, usual if port is None else port)


def is_loopback(host: str) -> bool:
    """Whether nothing leaves this machine on the way to ``host`` (no port)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> tuple[str, str, int | None, str]:
    try:
        parts: SplitResult = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InputError("the address of the remote cannot be read: its port is no number") from None
    usual = {"https": 443, "http": 80, "ssh": 22}.get(parts.scheme)
    return parts.scheme.lower(), (parts.hostname or "").lower(), None if port == usual else port, parts.path
