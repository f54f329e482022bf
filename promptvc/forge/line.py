"""The line to one forge: what goes wrong on it, how long we wait, and what is safe to say twice.

Limits: GitHub's primary limit (``X-RateLimit-Reset``) and its secondary one (``Retry-After``, else a minute),
GitLab's 429 (``Retry-After``, ``RateLimit-Reset``). A request that met a limit was not carried out, so any may be
repeated. After a 5xx or a broken connection nobody knows: what changes nothing by being repeated is repeated, and what
makes something looks first whether it is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TypeVar

from promptvc.base.errors import InputError, NotFound, PromptvcError, Refused, Unfinished
from promptvc.forge.tokens import Token

T = TypeVar("T")
_A_MINUTE = 60.0
"""What GitHub asks for where a secondary limit says nothing (docs.github.com/rest, "Rate limits")."""

_MOST_WORDS = 300


class Trouble(Exception):
    """What a forge or the line to it answered instead of what was asked. It never leaves this package.

    Attributes:
        status: of HTTP; None where there was no answer.
        message: the forge's own words, untrusted.
        headers: by lower-case name.
        soon: whether the forge may only not have noticed yet what was pushed a moment ago.
    """

    def __init__(
        self,
        status: int | None,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        *,
        soon: bool = False,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.soon = soon
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}

    @property
    def unsure(self) -> bool:
        """Whether the request may have been carried out."""
        return self.status is None or self.status >= 500

    @property
    def limited(self) -> bool:
        """Whether this is a rate limit."""
        if self.status == 429:
            return True
        words = self.message.lower()
        if self.status == 403:
            empty = self.headers.get("x-ratelimit-remaining") == "0"
            return empty or "retry-after" in self.headers or "rate limit" in words
        return self.status == 400 and "rate_limited" in words  # GraphQL's way of saying it

    def wait_s(self, now: float) -> float:
        """Seconds until a limit is over; ``now`` in seconds since 1970."""
        after = self.headers.get("retry-after", "")
        if after.isdigit():
            return float(after)
        if after:
            try:
                return max(0.0, parsedate_to_datetime(after).timestamp() - now)
            except ValueError:
                return _A_MINUTE
        reset = self.headers.get("ratelimit-reset") or self.headers.get("x-ratelimit-reset", "")
        # GitHub sends the reset of the hour with every answer: it counts only where nothing remains.
        if reset.isdigit() and (self.status == 429 or self.headers.get("x-ratelimit-remaining") == "0"):
            return max(0.0, float(reset) - now) + 1
        return _A_MINUTE


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a forge is waited for.

    Attributes:
        attempts: of one request.
        most_wait_s: for limits, one call of ours in all.
        timeout_s: for one answer.
        clock: seconds since 1970.
    """

    attempts: int = 4
    most_wait_s: float = 120.0
    timeout_s: int = 20
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Line:
    """Asks, waits, and words what went wrong. ``host`` is for messages."""

    host: str
    name: str
    token: Token
    patience: Patience = field(default_factory=Patience)

    def ask(self, what: str, call: Callable[[], T]) -> T:
        """The answer to a call that may be repeated. ``what`` completes "cannot …".

        Raises:
            PromptvcError: as :class:`promptvc.forge.forge.Forge` says.
        """
        try:
            return self._limited(lambda: self._steady(call))
        except Trouble as trouble:
            raise self.error(trouble, what) from None

    def make(self, what: str, find: Callable[[], T | None], create: Callable[[], T]) -> tuple[T, bool]:
        """Find, else create; whether it was created. After an answer that tells nothing it is looked for again.

        Raises:
            PromptvcError: as :class:`promptvc.forge.forge.Forge` says.
        """
        last = Trouble(None)
        for attempt in range(self.patience.attempts):
            found = self.ask(what, find)
            if found is not None:
                return found, False
            try:
                return self._limited(create), True
            except Trouble as trouble:
                last = trouble
            if not (last.unsure or last.soon):
                # Somebody may have been quicker: each forge has another way of saying so.
                found = self.ask(what, find)
                if found is not None:
                    return found, False
                break
            if attempt + 1 < self.patience.attempts:
                self.patience.sleep(2.0**attempt)
        raise self.error(last, what)

    def try_once(self, call: Callable[[], T]) -> T:
        """The same patience with limits and a bad line, but a no is left to the caller.

        Raises:
            Trouble: the forge says no.
        """
        return self._limited(lambda: self._steady(call))

    def _limited(self, call: Callable[[], T]) -> T:
        waited = 0.0
        while True:
            try:
                return call()
            except Trouble as trouble:
                if not trouble.limited:
                    raise
                wait = max(1.0, trouble.wait_s(self.patience.clock()))
                if waited + wait > self.patience.most_wait_s:
                    raise Unfinished(
                        f"{self.host} limits how often it may be asked: it wants another {wait:.0f} seconds",
                        hint="run the same command later: what is done is found again",
                    ) from None
                waited += wait
                self.patience.sleep(wait)

    def _steady(self, call: Callable[[], T]) -> T:
        for attempt in range(self.patience.attempts - 1):
            try:
                return call()
            except Trouble as trouble:
                if not trouble.unsure:
                    raise
                self.patience.sleep(2.0**attempt)
        return call()

    def error(self, trouble: Trouble, what: str) -> PromptvcError:
        """What a user is told."""
        said = self._said(trouble.message)
        told = f": {said}" if said else ""
        if trouble.status is None:
            return Unfinished(f"{self.host} cannot be reached{told}", hint="try again later")
        if trouble.status >= 500:
            return Unfinished(f"{self.host} fails with status {trouble.status}{told}", hint="try again later")
        if trouble.status == 401:
            return InputError(
                f"{self.host} does not accept the token in {self.token.variable}{told}",
                hint="it may have expired: make a new token",
            )
        if 300 <= trouble.status < 400:
            return NotFound(
                f"{self.host} says that {self.name} is elsewhere{told}",
                hint="set its new address: git remote set-url REMOTE URL",
            )
        if trouble.status == 404:
            return NotFound(
                f"cannot {what}: {self.host} has no such thing in {self.name}, or hides it from the token in "
                f"{self.token.variable}",
                hint="check the address of the remote, the number, and what the token may see",
            )
        hint = None
        if trouble.status == 403:
            hint = f"give the token in {self.token.variable} the right to write pull requests and issues"
            if "not permitted to create" in said:
                hint = (
                    "allow it in the settings of the repository, Actions, General, or use the token of an app"
                )
        return Refused(f"{self.host} refuses to {what}{told}", hint=hint)

    def _said(self, message: str) -> str:
        text = " ".join(message.replace(self.token.value, "[token]").split()) if self.token.value else message
        return text if len(text) <= _MOST_WORDS else text[:_MOST_WORDS] + "…"
