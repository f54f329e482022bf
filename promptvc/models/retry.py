"""When a failed call is made again: exponential backoff with full jitter, or the server's ``Retry-After``.

Formula: the n-th pause is drawn evenly from 0 to ``min(longest_s, base_s * 2**(n - 1))`` seconds ("full
jitter", AWS Architecture Blog, 2015). A ``Retry-After`` (RFC 9110, section 10.2.3: seconds, or an HTTP date)
replaces it, plus up to a tenth, so that callers told the same moment do not all return at it.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from promptvc.base.clock import utc_now


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently. Times in seconds; ``attempts`` counts the first call too.

    ``sleep``, ``draw`` (0..1) and ``now`` are handed in by tests.
    """

    attempts: int = 5
    base_s: float = 0.5
    longest_s: float = 30.0
    longest_retry_after_s: float = 120.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = random.random
    now: Callable[[], datetime] = utc_now

    def pause(self, attempt: int, retry_after: str | None) -> float | None:
        """Seconds to wait after failed attempt number ``attempt`` (from 1); None when it was the last.

        None too when the server asks for more than ``longest_retry_after_s``: a person should hear of that
        now.
        """
        if attempt >= self.attempts:
            return None
        asked = parse_retry_after(retry_after, now=self.now())
        if asked is None:
            return self.draw() * min(self.longest_s, self.base_s * 2.0 ** (attempt - 1))
        if asked > self.longest_retry_after_s:
            return None
        return asked * (1 + self.draw() / 10)


def parse_retry_after(text: str | None, *, now: datetime) -> float | None:
    """Seconds from ``now``, never negative; None when absent or not understood."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
