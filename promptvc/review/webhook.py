"""Tell a URL of alerts: one POST of JSON, signed, over TLS or to this machine.

The address is a secret, for whoever knows a chat's webhook can write there. It comes from the environment alone, and
no error names more of it than its host. Redirects are not followed: the body would go where nobody meant it to.
"""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from promptvc import __version__
from promptvc.base.errors import InputError, Unfinished
from promptvc.base.jsonl import canonical_json
from promptvc.forge.url import is_loopback

ADDRESS = "PROMPTVC_WEBHOOK"
SECRET = "PROMPTVC_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
SIGNATURE = "X-Hub-Signature-256"
"""``sha256=`` and the HMAC-SHA256 of the body under the secret, in hex: what GitHub's receivers check already."""

TIMEOUT_S = 10.0
_PAUSES_S = (1.0, 3.0)
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to, and the secret to sign with; neither shows in a repr."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """What an error may name."""
        return urlsplit(self.url).hostname or ""


def read_webhook(environ: Mapping[str, str]) -> Webhook:
    """The webhook that the environment names.

    Raises:
        InputError: it names none, or one that is neither https nor on this machine.
    """
    url = environ.get(ADDRESS, "").strip()
    if not url:
        raise InputError(
            f"{ADDRESS} is not set", hint=f"export {ADDRESS}=https://...; it is read from nowhere else"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(f"{ADDRESS} is no address", hint="https://HOST/PATH") from None
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if (
        not safe
        or not host
        or parts.username is not None
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise InputError(
            f"{ADDRESS} has to be an https address without a user in it",
            hint="http is for this machine only; a secret goes into " + SECRET,
        )
    return Webhook(url, environ.get(SECRET) or None)


def signature(secret: str, body: bytes) -> str:
    """The value of :data:`SIGNATURE`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(webhook: Webhook, value: Mapping[str, object], pause: Callable[[float], None]) -> None:
    """Send ``value``; what may pass is tried three times.

    Args:
        pause: waits so many seconds.

    Raises:
        Unfinished: it cannot be reached, or refuses.
    """
    body = canonical_json(dict(value))
    headers = {"Content-Type": "application/json", "User-Agent": f"promptvc/{__version__}"}
    if webhook.secret is not None:
        headers[SIGNATURE] = signature(webhook.secret, body)
    opener = _opener(webhook)
    for wait in (*_PAUSES_S, None):
        # The scheme was checked: it is https, or http to this machine.
        request = urllib.request.Request(webhook.url, body, headers, method="POST")  # noqa: S310
        fault, passing = _sent(opener, request)
        if fault is None:
            return
        if not passing or wait is None:
            raise Unfinished(f"{webhook.host} did not take the alerts: {fault}", hint=f"look at {ADDRESS}")
        pause(wait)


def _sent(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> tuple[str | None, bool]:
    """What went wrong, None if nothing did, and whether it may pass."""
    try:
        with opener.open(request, timeout=TIMEOUT_S):
            return None, False
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP {error.code}", error.code in _AGAIN
    except urllib.error.URLError as error:
        return f"{type(error.reason).__name__}" if isinstance(
            error.reason, OSError
        ) else "no connection", True
    except (OSError, HTTPException) as error:
        return type(error).__name__, True


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - urllib's signature
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


def _opener(webhook: Webhook) -> urllib.request.OpenerDirector:
    """Without redirects; no proxy on the way to this machine."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_loopback(webhook.host):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)
