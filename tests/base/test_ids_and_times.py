"""Identifiers sort by time and derive from content; times round trip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.clock import format_time, parse_time
from promptvc.base.ids import derived_ulid, is_ulid, new_ulid, ulid_time

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
RANDOM = st.binary(min_size=10, max_size=10)


@given(MOMENTS, RANDOM)
def test_a_ulid_carries_its_time_to_the_millisecond(moment: datetime, random: bytes) -> None:
    ulid = new_ulid(moment, random)
    assert is_ulid(ulid)
    assert abs(ulid_time(ulid) - moment) <= timedelta(milliseconds=1)


@given(MOMENTS, MOMENTS, RANDOM, RANDOM)
def test_ulids_sort_as_their_times(one: datetime, other: datetime, a: bytes, b: bytes) -> None:
    if other - one >= timedelta(milliseconds=1):
        assert new_ulid(one, a) < new_ulid(other, b)


def test_the_examples_of_the_specification() -> None:
    assert new_ulid(datetime.fromtimestamp(1469918176.385, UTC), bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert new_ulid(datetime(1970, 1, 1, tzinfo=UTC), b"\xff" * 10) == "0" * 10 + "Z" * 16


@given(MOMENTS, st.binary(), st.integers(0, 5))
def test_a_derived_ulid_depends_on_its_arguments_only(moment: datetime, content: bytes, ordinal: int) -> None:
    assert derived_ulid(moment, content, ordinal) == derived_ulid(moment, content, ordinal)
    assert derived_ulid(moment, content, ordinal) != derived_ulid(moment, content, ordinal + 1)
    assert derived_ulid(moment, content, ordinal) != derived_ulid(moment, content + b"x", ordinal)


@pytest.mark.parametrize(
    "text", ["", "01ARYZ6S41", "8" + "0" * 25, "01aryz6s41" + "0" * 16, "01ARYZ6S4I" + "0" * 16, None, 7]
)
def test_what_is_no_ulid(text: object) -> None:
    assert not is_ulid(text)


def test_a_time_that_no_ulid_holds() -> None:
    with pytest.raises(ValueError, match="outside"):
        new_ulid(datetime(1969, 1, 1, tzinfo=UTC))


@given(MOMENTS)
def test_a_written_time_reads_back_to_the_millisecond(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_beyond_the_calendar_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="outside of the years"):
        parse_time(text)


def test_the_first_year_reads_back() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert format_time(first) == "0001-01-01T00:00:00Z"
    assert parse_time(format_time(first)) == first


def test_times_are_written_in_utc() -> None:
    east = datetime(2026, 11, 20, 13, 0, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(east) == "2026-11-20T11:00:00Z"
    assert format_time(east.replace(microsecond=5000)) == "2026-11-20T11:00:00.005Z"
    assert parse_time("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    with pytest.raises(ValueError, match="yesterday"):
        parse_time("yesterday")
