from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import InvalidValue
from schiff.values.instants import Instant
from schiff.values.wall_time import WallTime, WeeklyMoment, zone_info

BERLIN = "Europe/Berlin"
FORWARD, BACK = date(2027, 3, 28), date(2027, 10, 31)


def utc(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("text", ["24:01", "25:00", "9:00", "22:60", "22", "22:00:00", "", "-1:00"])
def test_a_time_of_day_has_one_spelling(text: str) -> None:
    with pytest.raises(InvalidValue, match="expected 00:00 to 24:00"):
        WallTime.parse(text)
    assert str(WallTime.parse("24:00")) == "24:00"


def test_midnight_is_the_end_of_one_day_and_the_beginning_of_the_next() -> None:
    assert WallTime.parse("24:00").on(date(2028, 2, 28), BERLIN) == WallTime.parse("00:00").on(
        date(2028, 2, 29), BERLIN
    )


def test_what_clocks_skip_is_when_they_are_put_forward() -> None:
    for text in ("02:00", "02:30", "02:59", "03:00"):
        for last in (False, True):
            assert WallTime.parse(text).on(FORWARD, BERLIN, last=last) == utc(28, 1)
    assert WallTime.parse("01:59").on(FORWARD, BERLIN) == utc(28, 0, 59)
    assert WallTime.parse("03:01").on(FORWARD, BERLIN) == utc(28, 1, 1)


def test_what_clocks_show_twice_is_the_first_or_the_last() -> None:
    half_past = WallTime.parse("02:30")
    assert half_past.on(BACK, BERLIN) == utc(31, 0, 30, month=10)
    assert half_past.on(BACK, BERLIN, last=True) == utc(31, 1, 30, month=10)


def test_half_an_hour_of_daylight_saving_counts_too() -> None:
    assert WallTime.parse("02:15").on(date(2027, 10, 3), "Australia/Lord_Howe") == datetime(
        2027, 10, 2, 15, 30, tzinfo=UTC
    )


@given(day=st.dates(date(2026, 1, 1), date(2032, 12, 31)), minutes=st.integers(0, 24 * 60 - 1))
def test_clocks_show_the_time_at_its_moment_unless_they_skip_it(day: date, minutes: int) -> None:
    wall = WallTime(minutes)
    shown = wall.on(day, BERLIN).astimezone(zone_info(BERLIN))
    skipped = day.month == 3 and day.weekday() == 6 and day.day >= 25 and 120 <= minutes < 180
    expected = WallTime(180) if skipped else wall
    assert (shown.date(), shown.hour * 60 + shown.minute) == (day, expected.minutes)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"), ("Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
        ("localtime", "expected"), ("", "expected"), ("Europe", "expected"), ("../etc/passwd", "expected"),
        ("posix/Europe/Berlin", "expected"), ("CEST", "expected"),
    ],
)  # fmt: skip
def test_a_zone_has_its_iana_name(name: str, near: str) -> None:
    with pytest.raises(InvalidValue, match="is not a time zone") as caught:
        zone_info(name)
    assert near in str(caught.value)


def test_a_weekly_moment_has_one_spelling() -> None:
    moment = WeeklyMoment.parse("tuesday 09:00 Europe/Berlin")
    assert str(moment) == "tuesday 09:00 Europe/Berlin"
    assert moment.on(date(2026, 11, 24)) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert moment.on(date(2026, 7, 7)) == datetime(2026, 7, 7, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["tuesday", "tuesday 09:00", "tuesday  09:00 UTC", "Tuesday 09:00 UTC", "tue 09:00 UTC", "09:00 tuesday UTC"],
)
def test_a_weekly_moment_says_day_time_and_zone(text: str) -> None:
    with pytest.raises(InvalidValue, match="expected"):
        WeeklyMoment.parse(text)


def test_an_instant_is_a_date_or_a_moment_in_utc() -> None:
    assert Instant.parse("2026-12-18").moment == datetime(2026, 12, 18, tzinfo=UTC)
    assert Instant.parse("2026-12-18T22:30Z").moment == datetime(2026, 12, 18, 22, 30, tzinfo=UTC)
    assert str(Instant.parse("2026-12-18")) == "2026-12-18T00:00:00Z"
    assert Instant.parse(str(Instant.parse("2028-02-29"))) == Instant.parse("2028-02-29")


@pytest.mark.parametrize(
    "text", ["2026-2-1", "2027-02-29", "2026-12-18 22:30", "2026-12-18T22:30:00+01:00", "18.12.2026", "", "tomorrow"]
)
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a date or a moment in UTC"):
        Instant.parse(text)


def test_a_day_and_its_zone_decide_the_length_of_a_day() -> None:
    midnight = WallTime.parse("00:00")
    lengths = {day: WallTime.parse("24:00").on(day, BERLIN) - midnight.on(day, BERLIN) for day in (FORWARD, BACK)}
    assert lengths == {FORWARD: timedelta(hours=23), BACK: timedelta(hours=25)}
