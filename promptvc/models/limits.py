"""What the headers of a response say about a provider's rate limits.

Read are OpenAI's (``x-ratelimit-remaining-requests: 59``, ``x-ratelimit-reset-requests: 6m0s``), Anthropic's
(``anthropic-ratelimit-tokens-remaining``, ``...-reset`` in RFC 3339) and those of the IETF: the three fields of
draft-ietf-httpapi-ratelimit-headers-07 (``ratelimit-remaining``, ``ratelimit-reset`` in seconds) and the one field
that later drafts made of them (``ratelimit: "default";r=50;t=30``). A header that is not understood says nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Each header that tells what remains: the one that tells when it resets, and whether it counts tokens.
_REMAINING: Mapping[bytes, tuple[bytes, bool]] = {
    pattern.format(kind, "remaining").encode(): (
        pattern.format(kind, "reset").encode(),
        kind.endswith("tokens"),
    )
    for pattern, kinds in (
        ("x-ratelimit-{1}-{0}", ("requests", "tokens")),
        ("anthropic-ratelimit-{0}-{1}", ("requests", "tokens", "input-tokens", "output-tokens")),
        ("ratelimit-{1}", ("",)),
    )
    for kind in kinds
}
_COMBINED, _DATE = b"ratelimit", b"date"
_READ = frozenset({*_REMAINING, *(reset for reset, _ in _REMAINING.values()), _COMBINED, _DATE})
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PARAMETER = re.compile(r";\s*([rt])=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of one limit.

    Attributes:
        name: tells it apart from the provider's other limits.
        per_token: it counts tokens, not calls.
        remaining: calls or tokens, after the call that was answered.
        reset_s: seconds until the limit is whole again.
    """

    name: str
    per_token: bool
    remaining: float
    reset_s: float


def quotas(headers: Iterable[tuple[bytes, bytes]], *, now: datetime) -> tuple[Quota, ...]:
    """The limits that ``headers`` (names in any case) tell of; none for most servers.

    A reset that is told as a moment counts from the response's own ``date``, so that clocks need not agree; from
    ``now`` where there is none. A limit without a reset is left out: nothing could be concluded from it.
    """
    found = {lower: value for name, value in headers if (lower := name.lower()) in _READ}
    if len(found) - (_DATE in found) == 0:
        return ()
    return (*_named(found, now), *_combined(_text(found.get(_COMBINED, b""))))


def parse_duration(text: str) -> float | None:
    """Seconds in a duration as Go writes it (``1h2m3.5s``, ``20ms``), or a plain number; None when it is neither."""
    parts = _PART.findall(text)
    if not parts:
        return _number(text)
    if sum(map(len, map("".join, parts))) != len(text.strip()):
        return None
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)


def retry_after(headers: Mapping[str, str]) -> str | None:
    """When to try again, in the words of ``Retry-After``; ``retry-after-ms``, which is finer, wins."""
    fine = headers.get("retry-after-ms")
    milliseconds = _number(fine) if fine is not None else None
    if milliseconds is not None:
        return str(milliseconds / 1000)
    return headers.get("retry-after")


def _named(found: Mapping[bytes, bytes], now: datetime) -> Iterator[Quota]:
    for name, (reset_name, per_token) in _REMAINING.items():
        if name not in found:
            continue
        remaining = _number(_text(found[name]))
        reset = _reset(_text(found.get(reset_name, b"")), found, now)
        if remaining is not None and reset is not None:
            yield Quota(_text(name), per_token, remaining, reset)


def _combined(text: str) -> Iterator[Quota]:
    for item in text.split(","):
        name = item.partition(";")[0].strip()
        given = {key: _number(value) for key, value in _PARAMETER.findall(item)}
        remaining, reset = given.get("r"), given.get("t")
        if remaining is not None and reset is not None:
            yield Quota(f"ratelimit {name}", "token" in name.lower(), remaining, reset)


def _reset(text: str, found: Mapping[bytes, bytes], now: datetime) -> float | None:
    seconds = parse_duration(text)
    if seconds is not None:
        return seconds
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - (_date(found.get(_DATE)) or now)).total_seconds())


def _date(value: bytes | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(_text(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _number(text: str) -> float | None:
    try:
        return _usable(float(text))
    except ValueError:
        return None


def _usable(number: float) -> float | None:
    return number if math.isfinite(number) and number >= 0 else None
