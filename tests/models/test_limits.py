"""What headers of providers say about their limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.models.limits import Quota, parse_duration, quotas, retry_after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def read(now: datetime = NOW, **headers: str) -> dict[str, Quota]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {quota.name: quota for quota in quotas(raw, now=now)}


def test_the_limits_of_openai() -> None:
    found = read(
        X_RateLimit_Limit_Requests="60",
        x_ratelimit_limit_tokens="150000",
        x_ratelimit_remaining_requests="59",
        X_RATELIMIT_REMAINING_TOKENS="149984",
        x_ratelimit_reset_requests="1s",
        x_ratelimit_reset_tokens="6m0s",
    )
    assert found == {
        "x-ratelimit-remaining-requests": Quota("x-ratelimit-remaining-requests", False, 59, 1),
        "x-ratelimit-remaining-tokens": Quota("x-ratelimit-remaining-tokens", True, 149984, 360),
    }


def test_the_limits_of_anthropic_count_from_the_servers_own_clock() -> None:
    found = read(
        NOW + timedelta(minutes=7),  # this machine's clock is wrong
        date="Fri, 20 Nov 2026 12:00:00 GMT",
        anthropic_ratelimit_requests_limit="50",
        anthropic_ratelimit_requests_remaining="49",
        anthropic_ratelimit_requests_reset="2026-11-20T12:00:30Z",
        anthropic_ratelimit_input_tokens_remaining="900",
        anthropic_ratelimit_input_tokens_reset="2026-11-20T13:00:02+01:00",
        anthropic_ratelimit_output_tokens_remaining="0",
        anthropic_ratelimit_output_tokens_reset="2026-11-20T11:59:00Z",
        anthropic_ratelimit_tokens_remaining="3",
        anthropic_ratelimit_tokens_reset="2026-11-20T12:01:00Z",
    )
    assert {
        name.removeprefix("anthropic-ratelimit-"): (quota.per_token, quota.remaining, quota.reset_s)
        for name, quota in found.items()
    } == {
        "requests-remaining": (False, 49, 30),
        "input-tokens-remaining": (True, 900, 2),
        "output-tokens-remaining": (True, 0, 0),
        "tokens-remaining": (True, 3, 60),
    }


def test_without_a_date_a_moment_counts_from_now() -> None:
    found = read(
        anthropic_ratelimit_requests_remaining="1", anthropic_ratelimit_requests_reset="2026-11-20T12:00:05Z"
    )
    assert [quota.reset_s for quota in found.values()] == [5]


def test_the_limits_of_the_ietf_in_both_forms() -> None:
    assert read(ratelimit_limit="10", ratelimit_remaining="4", ratelimit_reset="50") == {
        "ratelimit-remaining": Quota("ratelimit-remaining", False, 4, 50)
    }
    assert read(ratelimit='"default";r=50;t=30, "Tokens";r=999;pk=:x1==:;t=2.5, "new";r=1') == {
        'ratelimit "default"': Quota('ratelimit "default"', False, 50, 30),
        'ratelimit "Tokens"': Quota('ratelimit "Tokens"', True, 999, 2.5),
    }


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/json", "date": "Fri, 20 Nov 2026 12:00:00 GMT"},
        {"x_ratelimit_remaining_requests": "0"},
        {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "soon"},
        {"x_ratelimit_remaining_requests": "many", "x_ratelimit_reset_requests": "1s"},
        {"x_ratelimit_remaining_requests": "nan", "x_ratelimit_reset_requests": "1s"},
        {"x_ratelimit_remaining_requests": "-1", "x_ratelimit_reset_requests": "1s"},
        {"x_ratelimit_remaining_images": "0", "x_ratelimit_reset_images": "1s"},
        {"ratelimit": "?1;;=,"},
    ],
)
def test_what_is_not_understood_says_nothing(headers: dict[str, str]) -> None:
    assert read(NOW, **headers) == {}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("20ms", 0.02),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("2d", 172800),
        ("150µs", 0.00015),
        ("7", 7),
        ("0.5", 0.5),
        ("", None),
        ("s", None),
        ("1x", None),
        ("1s!", None),
        ("inf", None),
        ("-3", None),
        ("2026-11-20T12:00:05Z", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    found = parse_duration(text)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(st.integers(0, 100), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_duration_as_go_writes_it_is_read_back(hours: int, minutes: int, seconds: int, ms: int) -> None:
    total = hours * 3600 + minutes * 60 + seconds + ms / 1000
    assert parse_duration(f"{hours}h{minutes}m{seconds}s{ms}ms") == pytest.approx(total)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_breaks_it(remaining: str, reset: str) -> None:
    raw = [
        (b"x-ratelimit-remaining-tokens", remaining.encode()),
        (b"x-ratelimit-reset-tokens", reset.encode()),
        (b"RateLimit", f"{remaining};r=1;t={reset}".encode()),
        (b"date", reset.encode()),
    ]
    for quota in quotas(raw, now=NOW):
        assert quota.remaining >= 0
        assert quota.reset_s >= 0


def test_milliseconds_are_finer_than_seconds() -> None:
    assert retry_after({"retry-after-ms": "1500", "retry-after": "2"}) == "1.5"
    assert retry_after({"retry-after-ms": "soon", "retry-after": "2"}) == "2"
    assert retry_after({"retry-after": "Fri, 20 Nov 2026 12:00:07 GMT"}) == "Fri, 20 Nov 2026 12:00:07 GMT"
    assert retry_after({}) is None
