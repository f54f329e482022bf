"""What a provider's exception means: try again, give up on this call, or give up on the run.

Provider packages have no error tree in common. Their exceptions do agree on a few names (``status_code``,
``response.headers``, ``body``), so they are read by shape, and promptvc depends on none of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import ProviderError, ProviderRefused
from promptvc.models.limits import retry_after

_LONGEST = 300
_AGAIN = frozenset({408, 409, 425, 429})
# Too many calls, in the words of HTTP, of OpenAI ("slow down") and of Anthropic ("overloaded").
_LIMITED = frozenset({429, 503, 529})
_HINTS = {
    400: "the provider does not accept this request: look at the model's name and its parameters",
    401: "the API key is wrong or expired: set the environment variable again",
    402: "the account has no credit left",
    403: "the API key may not use this model or endpoint",
    404: "no such model or endpoint: look at the model's name, and at the base URL if one is set",
    429: "the rate limit was hit: lower --concurrency, or try again later; finished calls are kept",
}
# Failures that every further call would meet as well.
_REFUSALS = frozenset({401, 402, 403, 404})
# Class names, anywhere in an exception's ancestry or causes, of a connection that broke or took too long.
_BROKEN = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ClientConnectionError",
        "ClientPayloadError",
        "IncompleteRead",
        "ReadTimeout",
        "RemoteProtocolError",
        "TimeoutException",
        "TransportError",
    }
)
# A redirect is never followed: it would carry the key to an address that nobody configured.
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt.

    ``again``: worth another try; ``refusal``: every other call would fail too; ``limited``: there were too many calls.
    """

    message: str
    hint: str | None
    again: bool
    refusal: bool = False
    limited: bool = False
    retry_after: str | None = None

    def error(self, model: str, *, attempts: int) -> ProviderError:
        """As the error to raise after ``attempts`` attempts."""
        tried = f" (after {attempts} attempts)" if attempts > 1 else ""
        kind = ProviderRefused if self.refusal else ProviderError
        return kind(f"{model}: {self.message}{tried}", hint=self.hint)


def classify(error: BaseException, *, secrets: Sequence[str] = ()) -> Failure:
    """Read a client's exception. ``secrets`` are blotted out of the message, as is anything like a key."""
    for cause in _causes(error):
        status = _status(cause)
        if status is not None:
            return _from_status(cause, status, secrets)
    causes = list(_causes(error))
    # A refused connection first: some transports report it as a timeout.
    if any(_is_network(cause) for cause in causes) or (
        any(_is_broken(cause) for cause in causes) and not any(_is_timeout(cause) for cause in causes)
    ):
        reason = scrub(_broken_by(causes), secrets)
        hint = "look at the network and at the base URL, then run the command again; finished calls are kept"
        return Failure(f"the connection failed: {reason}", hint, again=True)
    if any(_is_timeout(cause) for cause in causes):
        # A server that cannot keep up lets calls wait rather than refuse them.
        return Failure(
            "no answer in time", "raise models.timeout_s in promptvc.yaml", again=True, limited=True
        )
    return _malformed(causes, secrets)


def scrub(text: str, secrets: Sequence[str] = ()) -> str:
    """``text`` on one line, of bounded length, without ``secrets`` and without what looks like a key."""
    for secret in secrets:
        if len(secret) >= 6:
            text = text.replace(secret, "[secret]")
    text = re.sub(r"(?i)\b(?:sk|pk|rk|key|lsv2|gsk|xai|hf|AIza)[-_][A-Za-z0-9*._-]{6,}", "[secret]", text)
    text = re.sub(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}", r"\1 [secret]", text)
    text = re.sub(r"://[^/\s@]*@", "://[secret]@", text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _from_status(error: BaseException, status: int, secrets: Sequence[str]) -> Failure:
    detail = scrub(_detail(error), secrets)
    message = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
    if status in _REDIRECTS:
        hint = "redirects are not followed: set the base URL to the final address"
        return Failure(f"HTTP {status}: the endpoint redirects", hint, again=False, refusal=True)
    if status == 429 and "insufficient_quota" in json.dumps(_body(error), default=str):
        return Failure(message, _HINTS[402], again=False, refusal=True)
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None)
    return Failure(
        message,
        _HINTS.get(status, "the provider has a problem: try again later; finished calls are kept"),
        again=status in _AGAIN or status >= 500,
        refusal=status in _REFUSALS,
        limited=status in _LIMITED,
        retry_after=retry_after(headers) if headers is not None else None,
    )


def _malformed(causes: Sequence[BaseException], secrets: Sequence[str]) -> Failure:
    """An answer came and is no chat completion. It was paid for, and would come again: no further attempt."""
    hint = "look at the base URL: it must lead to a chat completions API"
    if any(isinstance(cause, json.JSONDecodeError) for cause in causes):
        return Failure(f"the answer is not JSON: {scrub(_not_json(causes), secrets)}", hint, again=False)
    if isinstance(causes[0], LookupError | TypeError | AttributeError):
        return Failure("the answer is not a chat completion", hint, again=False)
    reason = scrub(str(causes[0]) or type(causes[0]).__name__, secrets)
    return Failure(f"no usable answer: {reason}", hint, again=False)


def _not_json(causes: Sequence[BaseException]) -> str:
    """What the parser said; what lies deeper was handled on the way, and misleads."""
    return str(next(cause for cause in causes if isinstance(cause, json.JSONDecodeError)))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what led to it, the members of groups too (several addresses were tried), each once."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        before = current.__cause__ or current.__context__
        if before is not None:
            waiting.append(before)
        if isinstance(current, BaseExceptionGroup):
            waiting += reversed(current.exceptions)


def _broken_by(causes: Sequence[BaseException]) -> str:
    """The deepest failure of the network itself. What lies deeper was handled on the way, and misleads."""
    refused = next((cause for cause in causes if isinstance(cause, ConnectionRefusedError)), None)
    if refused is not None:
        said = str(refused)
        return said if "refused" in said.lower() else f"connection refused: {said}".removesuffix(": ")
    telling = [cause for cause in causes if _is_network(cause)] or [c for c in causes if _is_broken(c)]
    return str(telling[-1]) or type(telling[-1]).__name__


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and status >= 300:
            return status
    return None


def _body(error: BaseException) -> Any:
    return getattr(error, "body", None)


def _detail(error: BaseException) -> str:
    body = _body(error)
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict) and isinstance(inner.get("message"), str):
            return str(inner["message"])
        if isinstance(inner, str):
            return inner
    if isinstance(body, str):
        return body
    return str(error)


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _is_network(error: BaseException) -> bool:
    return isinstance(error, OSError) and not isinstance(error, TimeoutError)


def _is_timeout(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or bool({"APITimeoutError", "TimeoutException"} & _names(error))


def _is_broken(error: BaseException) -> bool:
    return bool(_BROKEN & _names(error))
