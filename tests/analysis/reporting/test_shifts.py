"""When a series got worse: steps, drifts, ends; and silence where nothing did, or too little is known."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.reporting.grouping import Finding
from promptvc.analysis.reporting.periods import last_complete
from promptvc.analysis.reporting.shifts import Shift, find_shifts
from promptvc.analysis.reporting.slices import Rates, Slice, Times
from promptvc.analysis.reporting.tails import Between, at_least, days_differ, t_tail, unevenness

LIMIT = 1e-6
DAYS = 364


def rates(share: list[float], n: int = 60, seed: int = 1, between: float = 0.01) -> Rates:
    """A series with a share of bad answers by day, ``n`` a day, and weeks that differ."""
    draw = random.Random(seed)
    weeks = [draw.gauss(0, between) for _ in range(DAYS // 7)]
    bad = [sum(draw.random() < share[day] + weeks[day // 7] for _ in range(n)) for day in range(DAYS)]
    return Rates("success", Slice("a/b"), bad, [n] * DAYS)


def step(at: int, low: float = 0.15, high: float = 0.35, end: int = DAYS) -> list[float]:
    return [high if at <= day < end else low for day in range(DAYS)]


def only(found: list[Shift]) -> Shift:
    (one,) = found
    return one


def test_nothing_is_found_where_nothing_got_worse() -> None:
    drifting = [0.18 + 0.03 * math.sin(2 * math.pi * day / 270) for day in range(DAYS)]
    for seed in range(4):
        assert find_shifts(rates(drifting, seed=seed, between=0.015), LIMIT) == []


def test_an_improvement_is_no_problem() -> None:
    assert find_shifts(rates(step(200, low=0.4, high=0.15)), LIMIT) == []


@pytest.mark.parametrize("day", [100, 203, 350])
def test_a_fall_is_found_on_its_day(day: int) -> None:
    found = only(find_shifts(rates(step(day)), LIMIT))
    assert abs(found.start - day) <= 2
    assert (found.slow, found.open, found.end) == (False, True, DAYS)
    assert found.rise == pytest.approx(0.2, abs=0.03)


def test_what_is_over_has_an_end() -> None:
    found = only(find_shifts(rates(step(150, end=220)), LIMIT))
    assert not found.open
    assert abs(found.start - 150) <= 2
    assert abs(found.end - 220) <= 2


def test_a_good_week_does_not_end_a_fall() -> None:
    """Six events a day: one week among the bad ones is as good as before by chance."""
    bad = [0.9] * 310 + [2.7] * 54
    for lucky in (343, 350, 357):
        part = [round(sum(bad[: day + 1])) - round(sum(bad[:day])) for day in range(DAYS)]
        part[lucky : lucky + 7] = [1, 2, 2, 1, 2, 2, 2]
        assert only(find_shifts(Rates("success", Slice("a/b"), part, [6] * DAYS), 1e-4)).open


def test_two_falls_are_two() -> None:
    share = [0.4 if 100 <= day < 140 or day >= 300 else 0.15 for day in range(DAYS)]
    found = sorted(find_shifts(rates(share), LIMIT), key=lambda one: one.start)
    assert [one.open for one in found] == [False, True]


def test_a_slow_decline_is_told_as_one() -> None:
    share = [0.15 + 0.2 * min(1.0, max(0.0, (day - 120) / 150)) for day in range(DAYS)]
    found = only(find_shifts(rates(share), LIMIT))
    assert found.slow
    assert 100 <= found.start <= 190


@pytest.mark.parametrize("day", [200, 203, 207])
def test_a_sudden_fall_within_a_week_is_not_slow(day: int) -> None:
    found = only(find_shifts(rates(step(day, low=0.06, high=0.9), n=2), LIMIT))
    assert not found.slow
    assert abs(found.start - day) <= 3


def test_weeks_that_differ_much_need_more_to_be_news() -> None:
    """The same fall among weeks that differ by eight points is ordinary."""
    share = step(300, high=0.3)
    assert find_shifts(rates(share, n=400), LIMIT)
    assert not find_shifts(rates(share, n=400, between=0.08), LIMIT)


def test_a_handful_of_events_is_no_problem() -> None:
    series = Rates("errors", Slice("a"), [0] * 350 + [1, 2, 1] + [0] * 11, [3] * DAYS)
    assert find_shifts(series, 0.05) == []


def test_a_rare_error_that_becomes_fifteen_times_as_frequent_is_news() -> None:
    share = [0.015 if day >= 300 else 0.001 for day in range(DAYS)]
    errors = replace(rates(share, n=300, between=0.0), measure="errors")
    found = only(find_shifts(errors, LIMIT))
    assert abs(found.start - 300) <= 2
    assert not find_shifts(replace(rates([0.001 + 0.004 * (day >= 300) for day in range(DAYS)], n=300, between=0.0),
                                   measure="errors"), LIMIT)  # fmt: skip


def test_before_a_gap_is_before() -> None:
    """Nothing was said for a hundred days: what it was like before is still known."""
    whole = [0 if 150 <= day <= 250 else 40 for day in range(DAYS)]
    series = Rates(
        "success", Slice("a/b"), [n * (14 if day > 250 else 6) // 40 for day, n in enumerate(whole)], whole
    )
    shift = only(find_shifts(series, LIMIT))
    first, end = Finding(series, shift).past
    assert end == shift.start
    assert series.n(first, end) >= 40 * 50
    assert series.level(first, end) == 6 / 40


def test_slower_calls_are_found_by_week() -> None:
    draw = random.Random(1)
    weeks = []
    for week in range(52):
        factor = (1.6 if week >= 30 else 1.0) * math.exp(draw.gauss(0, 0.04))
        weeks.append({round(factor * math.exp(0.5 * z / 10), 3): 40 for z in range(-20, 21)})
    found = only(find_shifts(Times(Slice("a"), weeks), LIMIT))
    assert (found.start, found.open) == (210, True)


# Tails of Student's t, from SciPy 1.14: scipy.stats.t.sf(t, df).
@pytest.mark.parametrize(
    ("t", "df", "tail"),
    [(2.0, 10, 0.03669402), (4.0, 5, 0.00516171), (5.0, 20, 3.4401e-05), (1.0, 50, 0.16106282)],
)
def test_the_tail_of_t(t: float, df: int, tail: float) -> None:
    assert t_tail(t, df) == pytest.approx(tail, rel=0.04)


@settings(max_examples=40)
@given(st.integers(1, 40), st.floats(0.01, 0.9), st.data())
def test_the_bound_of_a_binomial_is_one(n: int, p: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    exact = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    assert at_least(k, n, p) >= exact * (1 - 1e-9)


def test_days_that_differ_make_a_difference_less_clear() -> None:
    even, uneven = (
        [(80, 100)] * 7,
        [(60, 100), (99, 100), (61, 100), (98, 100), (62, 100), (98, 100), (82, 100)],
    )
    after = [(70, 100)] * 7
    clear, unclear = days_differ(even, after), days_differ(uneven, after)
    assert clear is not None
    assert unclear is not None
    assert clear < 1e-4
    assert unclear > 0.05
    lively = days_differ(even, after, Between(0.01, 40))
    assert lively is not None
    assert lively > 0.05
    assert days_differ([], after) is None


def test_unevenness_is_blind_to_one_jump() -> None:
    draw = random.Random(3)
    flat = [(round(1000 * (0.2 + draw.gauss(0, 0.03))), 1000) for _ in range(50)]
    jump = [(k + 300 * (at > 25), n) for at, (k, n) in enumerate(flat)]
    spread, jumped = (math.sqrt(unevenness(weeks).variance) for weeks in (flat, jump))
    assert spread == pytest.approx(0.03, abs=0.012)
    assert jumped == pytest.approx(spread, abs=0.012)


def test_weeks_that_nobody_saw_differ_too() -> None:
    """One step between two weeks says nothing of how weeks differ: it is the difference in question."""
    few, many = unevenness([(500, 1000), (900, 1000)]), unevenness([(750, 1000)] * 50)
    assert math.sqrt(few.variance) == pytest.approx(0.025, abs=0.005)
    assert many.variance < few.variance / 4
    assert few.degrees < 10 < many.degrees


@pytest.mark.parametrize(
    ("kind", "moment", "label", "before"),
    [
        ("weekly", datetime(2027, 1, 4, tzinfo=UTC), "2026-W53", "2026-W52"),
        ("weekly", datetime(2027, 1, 3, 23, tzinfo=UTC), "2026-W52", "2026-W51"),
        ("monthly", datetime(2026, 3, 31, 23, tzinfo=UTC), "2026-02", "2026-01"),
        ("monthly", datetime(2026, 2, 1, tzinfo=UTC), "2026-01", "2025-12"),
    ],
)
def test_only_whole_periods_count(kind: str, moment: datetime, label: str, before: str) -> None:
    period = last_complete("weekly" if kind == "weekly" else "monthly", moment)
    assert (period.label, period.before.label) == (label, before)
    assert period.before.end == period.start
    assert period.end <= moment.date()
    assert (period.window[1] - period.window[0]).days == DAYS


def test_the_month_of_a_leap_year() -> None:
    assert last_complete("monthly", datetime(2028, 3, 1, tzinfo=UTC)).end == date(2028, 3, 1)
