"""The calendar of trains: by wall time, n weeks apart, through every oddity of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.model.policy import TrainsPolicy
from schiff.rollout.trains import AT_ONCE, next_train
from schiff.values.wall_time import WEEKDAYS, zone_info

TUESDAYS = TrainsPolicy()
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC")


def trains(every: str, on: str) -> TrainsPolicy:
    return TrainsPolicy.model_validate({"every": every, "on": on})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_first_train_waits_for_no_calendar() -> None:
    assert next_train(TUESDAYS, None) == AT_ONCE


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-11-24T09:00:00+01:00", "2026-12-08T09:00:00+01:00"),
        ("2026-11-24T08:59:59+01:00", "2026-12-01T09:00:00+01:00"),
        ("2026-11-24T09:00:01+01:00", "2026-12-08T09:00:00+01:00"),
    ],
)
def test_two_weeks_are_the_second_moment_after_the_last_cut(last: str, expected: str) -> None:
    assert next_train(TUESDAYS, moment(last)) == moment(expected)


def test_a_train_that_waited_does_not_move_the_calendar() -> None:
    in_time, late = moment("2026-11-24T09:00:00+01:00"), moment("2026-11-30T23:00:00+01:00")
    assert next_train(TUESDAYS, in_time) == next_train(TUESDAYS, late)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-03-17T09:00:00+01:00", "2026-03-31T09:00:00+02:00"),  # clocks go forward on the 29th
        ("2026-10-20T09:00:00+02:00", "2026-11-03T09:00:00+01:00"),  # and back on the 25th
        ("2028-02-15T09:00:00+01:00", "2028-02-29T09:00:00+01:00"),  # a leap day
        ("2028-02-29T09:00:00+01:00", "2028-03-14T09:00:00+01:00"),
        ("2026-12-22T09:00:00+01:00", "2027-01-05T09:00:00+01:00"),  # 2026 has a week 53
    ],
)
def test_the_time_of_day_stays_what_clocks_show(last: str, expected: str) -> None:
    assert next_train(TUESDAYS, moment(last)) == moment(expected)


def test_a_time_that_clocks_skip_is_when_they_are_put_forward() -> None:
    night = trains("1w", "sunday 02:30 Europe/Berlin")
    assert next_train(night, moment("2026-03-28T12:00:00Z")) == moment("2026-03-29T01:00:00Z")


def test_a_time_that_clocks_show_twice_is_one_train() -> None:
    night = trains("1w", "sunday 02:30 Europe/Berlin")
    first = next_train(night, moment("2026-10-24T12:00:00Z"))
    assert first == moment("2026-10-25T00:30:00Z")
    assert next_train(night, first) == moment("2026-11-01T01:30:00Z")


def test_midnight_at_the_end_of_a_day_is_one_moment() -> None:
    late = trains("1w", "tuesday 24:00 Europe/Berlin")
    assert next_train(late, moment("2026-11-24T23:59:00+01:00")) == moment("2026-11-25T00:00:00+01:00")
    assert next_train(late, moment("2026-11-25T00:00:00+01:00")) == moment("2026-12-02T00:00:00+01:00")


def test_an_interval_that_is_no_whole_number_of_weeks_is_not_cut_short() -> None:
    last = moment("2026-11-24T09:00:00+01:00")
    assert next_train(trains("10d", "tuesday 09:00 Europe/Berlin"), last) == next_train(TUESDAYS, last)


policies = st.builds(
    lambda weeks, day, hour, minute, zone: trains(f"{weeks}w", f"{day} {hour:02}:{minute:02} {zone}"),
    st.integers(1, 8), st.sampled_from(WEEKDAYS), st.integers(0, 23), st.sampled_from([0, 30, 59]),
    st.sampled_from(ZONES),
)  # fmt: skip
moments = st.datetimes(datetime(2012, 2, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- as hypothesis asks


@given(policies, moments)
def test_a_train_comes_after_the_last_and_no_later_than_its_interval(policy: TrainsPolicy, last: datetime) -> None:
    following = next_train(policy, last)
    hour = timedelta(hours=1)
    assert following > last
    assert policy.every.delta - timedelta(weeks=1) - hour <= following - last <= policy.every.delta + hour


@given(policies, moments)
def test_trains_in_time_are_their_interval_apart_on_the_wall(policy: TrainsPolicy, last: datetime) -> None:
    one = next_train(policy, last)
    other = next_train(policy, one)
    zone = zone_info(policy.on.zone)
    assert other.astimezone(zone).date() - one.astimezone(zone).date() == policy.every.delta


@given(policies, moments, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_later_cut_never_makes_an_earlier_train(policy: TrainsPolicy, last: datetime, later: timedelta) -> None:
    assert next_train(policy, last) <= next_train(policy, last + later)


@given(policies, moments)
def test_a_train_leaves_on_its_weekday_at_its_time_where_clocks_show_it(policy: TrainsPolicy, last: datetime) -> None:
    local = next_train(policy, last).astimezone(zone_info(policy.on.zone))
    shown = f"{WEEKDAYS[local.weekday()]} {local:%H:%M} {policy.on.zone}"
    skipped = local - timedelta(hours=2)
    assert shown == str(policy.on) or local.utcoffset() != skipped.utcoffset() or local.fold
