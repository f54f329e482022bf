"""HTTP by requests, which has its home here: a session that never follows a redirect, and never sends a token twice.

PyGithub and python-gitlab bring requests along. It follows redirects by itself and then keeps headers such as
``PRIVATE-TOKEN`` on the way to another host; and a ``.netrc`` wins over a header. Neither happens here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from promptvc.forge.line import Trouble
from promptvc.forge.url import host_of, is_loopback, origin_of

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer, unpacked: a page of a hundred pull requests with their bodies has a tenth of that."""

_MOST_PAGES = 1000
_PART = 64 * 1024


class _Headers(AuthBase):
    """The token's headers, set last, so that nothing else of the machine takes their place."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = dict(headers)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers)
        return request


def bound(session: requests.Session) -> None:
    """Let ``session`` read no answer of more than :data:`MOST_BYTES`: that one is Trouble."""
    session.hooks["response"].append(_read)


def _read(answer: requests.Response, **_: Any) -> None:
    """Read the body before requests does, which would read it to any end."""
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(_PART):
        size += len(part)
        if size > MOST_BYTES:
            answer.close()
            raise Trouble(502, f"an answer of more than {MOST_BYTES >> 20} MiB")
        parts.append(part)
    answer._content = b"".join(parts)  # noqa: SLF001 - where requests itself puts it


class Session(requests.Session):
    """A session for one host. Any answer but a good one is :class:`promptvc.forge.line.Trouble`."""

    def __init__(self, api: str, headers: Mapping[str, str], timeout_s: float) -> None:
        super().__init__()
        self._origin = origin_of(api)
        self._timeout_s = timeout_s
        self._token = _Headers(headers)
        bound(self)
        self.trust_env = not is_loopback(urlsplit(api).hostname or "")  # no proxy on the way to this machine

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """As in requests, for this scheme, host and port alone.

        Raises:
            Trouble: no answer, none of 2xx, or one of more than :data:`MOST_BYTES`.
        """
        origin = origin_of(str(url))
        if origin is None or origin != self._origin:
            raise Trouble(
                502, f"the forge sends us on to {'://'.join(map(str, (origin or ('nowhere',))[:2]))}"
            )
        options |= {"allow_redirects": False, "auth": self._token, "timeout": self._timeout_s}
        with broken():
            answer = super().request(method, url, *args, **options)
        if not 200 <= answer.status_code < 300:
            raise Trouble(answer.status_code, _message(answer), answer.headers)
        return answer

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None, **params: str | int) -> Any:
        """The JSON of one answer; None where it is empty."""
        return _value(self.request(method, url, json=body, params=params))

    def pages(self, url: str, **params: str | int) -> Iterator[Any]:
        """The items of all pages, by the links that the answers carry (RFC 8288)."""
        answer = self.request("GET", url, params=params)
        for _ in range(_MOST_PAGES):
            yield from cast("list[Any]", _value(answer) or [])
            following = answer.links.get("next", {}).get("url")
            if not following:
                return
            # Behind a proxy a forge may give its own address another name: ours stays.
            parts, ours = urlsplit(following), urlsplit(url)
            answer = self.request("GET", parts._replace(scheme=ours.scheme, netloc=ours.netloc).geturl())
        raise Trouble(502, "there is no end to its pages")


@contextlib.contextmanager
def broken() -> Iterator[None]:
    """Turn what breaks on the way into Trouble without a status."""
    try:
        yield
    except requests.Timeout:
        raise Trouble(None, "no answer in time") from None
    except requests.exceptions.SSLError as error:
        raise Trouble(None, f"its certificate is not trusted: {_reason(error)}") from None
    except requests.ConnectionError as error:
        raise Trouble(None, _reason(error)) from None
    except requests.RequestException as error:
        raise Trouble(None, type(error).__name__) from None


def _reason(error: BaseException) -> str:
    """The innermost reason in a few words; the outer ones repeat the address."""
    inner: BaseException = error
    while inner.args and isinstance(inner.args[-1], BaseException):
        inner = inner.args[-1]
    reason = getattr(inner, "reason", inner)
    return str(reason).rpartition(": ")[2][:200]


def _message(answer: requests.Response) -> str:
    """``message`` or ``error`` of a JSON answer, whatever form it has; else the reason of the status."""
    if 300 <= answer.status_code < 400:
        return str(host_of(answer.headers.get("location", "")) or "")
    try:
        value = answer.json()
    except ValueError:
        return str(answer.reason or "")
    found = value.get("message") or value.get("error") if isinstance(value, dict) else value
    if isinstance(found, dict):
        found = "; ".join(f"{key} {_joined(text)}" for key, text in found.items())
    return _joined(found)


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _value(answer: requests.Response) -> Any:
    if answer.status_code == 204 or not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        raise Trouble(502, "an answer that is no JSON") from None
