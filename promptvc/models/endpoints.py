"""Where a provider is reached, and whether that is this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from promptvc.base.errors import InputError

# User names in an address, back-slashes and spaces are read differently by different clients; none is needed.
_UNSAFE = re.compile(r"[\s\\@\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An http(s) address; ``variable`` is the environment variable it came from, None for a built-in one."""

    url: str
    host: str
    variable: str | None

    @property
    def is_loopback(self) -> bool:
        """Whether ``host`` is this machine; see :func:`is_loopback`."""
        return is_loopback(self.host)

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be shown and what tells two endpoints apart."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def parse_endpoint(text: str, *, variable: str | None) -> Endpoint:
    """Read an address; a bare ``host:port`` is taken as http.

    Raises:
        InputError: no http(s) address, or one that carries a user name, a query or a fragment.
    """
    where = f"the environment variable {variable}" if variable else "the endpoint"
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if (
        _UNSAFE.search(url)
        or parts.scheme not in {"http", "https"}
        or not host
        or parts.query
        or parts.fragment
    ):
        # The address itself is not shown: it may hold a password.
        raise InputError(
            f"{where} holds no usable address",
            hint="write http://host:port/path or https://..., without a user name, query or fragment",
        )
    return Endpoint(url.rstrip("/"), host, variable)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is 127.0.0.0/8, ::1, or ``localhost`` where every address of that is loopback.

    Other names are refused even when they resolve to loopback now: the answer could change between the check
    and the call. Short forms such as ``127.1`` are no literal addresses and count as names.
    """
    if host.lower() == "localhost":
        try:
            found = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
        except OSError:
            return False
        return bool(found) and all(_is_loopback_address(str(entry[4][0])) for entry in found)
    return _is_loopback_address(host)


def _is_loopback_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
