"""The laws of waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from promptvc.models.retry import Retry, parse_retry_after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
draws = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 60), draws)
def test_a_pause_is_never_longer_than_the_doubling_or_the_limit(attempt: int, draw: float) -> None:
    retry = Retry(attempts=100, base_s=0.5, longest_s=30.0, draw=lambda: draw)
    pause = retry.pause(attempt, None)
    assert pause is not None
    assert 0 <= pause <= min(30.0, 0.5 * 2.0 ** (attempt - 1))
    assert pause == draw * min(30.0, 0.5 * 2.0 ** (attempt - 1))


@given(st.integers(1, 10), st.integers(0, 20))
def test_the_last_attempt_has_no_pause_after_it(attempts: int, more: int) -> None:
    assert Retry(attempts=attempts).pause(attempts + more, "1") is None


@given(st.integers(0, 120), draws)
def test_the_servers_wish_is_a_lower_bound(seconds: int, draw: float) -> None:
    for text in (str(seconds), format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)):
        pause = Retry(draw=lambda: draw, now=lambda: NOW).pause(1, text)
        assert pause is not None
        assert seconds <= pause <= seconds * 1.1


@given(st.text(max_size=40))
def test_any_header_is_read_or_ignored(text: str) -> None:
    seconds = parse_retry_after(text, now=NOW)
    assert seconds is None or seconds >= 0


def test_the_forms_of_the_header() -> None:
    assert parse_retry_after("1.5", now=NOW) == 1.5
    assert parse_retry_after("-3", now=NOW) == 0
    assert parse_retry_after("Fri, 20 Nov 2026 11:59:00 GMT", now=NOW) == 0
    assert parse_retry_after("Fri, 20 Nov 2026 12:01:00 -0000", now=NOW) == 60
    for text in (None, "", "soon", "nan", "inf", "1e999"):
        assert parse_retry_after(text, now=NOW) is None
