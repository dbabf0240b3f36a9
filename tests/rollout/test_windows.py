from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schiff.model.windows import FreezeSpec, WindowSpec
from schiff.rollout.windows import Closed, Scope, closed
from schiff.values.names import ClusterKey, Environment
from schiff.values.wall_time import WEEKDAYS, WallTime, zone_info

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KEY = ClusterKey("vsphere-site-2", "customer-a-3")
SCOPE = Scope("prd", "vsphere-site-2", "customer-a", KEY)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
NIGHT = WindowSpec.parse("monday,tuesday,wednesday,thursday 20:00-06:00 Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_freeze(start: str, until: str, reason: str = "end of the year", **scope: Any) -> FreezeSpec:
    data = {"from": start, "until": until, "reason": reason, "scope": scope}
    return FreezeSpec.model_validate(data)


def opens(windows: Sequence[WindowSpec], now: str, hours: float = 2, *freezes: FreezeSpec) -> str | None:
    """Return when something may start, to the minute; None where no moment is named, `now` where it may."""
    found = closed(windows, freezes, utc(now), timedelta(hours=hours), SCOPE)
    if found is None:
        return "now"
    return found.until.strftime("%Y-%m-%dT%H:%M") if found.until else None


def test_without_windows_and_freezes_it_is_open() -> None:
    assert closed([], [], utc("2026-11-23T12:00"), 100 * HOUR, SCOPE) is None


@pytest.mark.parametrize(
    ("now", "hours", "expected"),
    [
        ("2026-11-23T18:59", 2, "2026-11-23T19:00"),  # Monday evening, a minute before
        ("2026-11-23T19:00", 2, "now"),
        ("2026-11-24T03:00", 2, "now"),  # the night of Monday, ends at 05:00 UTC
        ("2026-11-24T03:01", 2, "2026-11-24T19:00"),
        ("2026-11-24T03:01", 1, "now"),
        ("2026-11-23T19:00", 10, "now"),
        ("2026-11-23T19:01", 10, "2026-11-24T19:00"),
        ("2026-11-27T04:59", 1, "2026-11-30T19:00"),  # Friday morning: the week is over
        ("2026-11-27T03:59", 1, "now"),
        ("2026-11-28T12:00", 1, "2026-11-30T19:00"),
        ("2026-11-23T20:00", 10.5, None),
    ],
)
def test_a_start_fits_into_a_window_whole(now: str, hours: float, expected: str | None) -> None:
    assert opens([NIGHT], now, hours) == expected


def test_the_sentence_names_the_windows_and_the_moment() -> None:
    found = closed([NIGHT], [], utc("2026-11-28T12:00"), 2 * HOUR, SCOPE)
    assert found == Closed(
        "no window is open for 2h before 2026-11-30T19:00:00Z:"
        " monday,tuesday,wednesday,thursday 20:00-06:00 Europe/Berlin",
        utc("2026-11-30T19:00"),
    )
    found = closed([NIGHT], [], utc("2026-11-28T12:00"), 11 * HOUR, SCOPE)
    assert found is not None
    assert found.reason.startswith("no window of the next two weeks is open for 11h: monday")


def test_a_window_is_an_hour_shorter_when_clocks_are_put_forward() -> None:
    saturday = [WindowSpec.parse("saturday 22:00-06:00 Europe/Berlin")]
    assert opens(saturday, "2027-03-20T21:00", 8) == "now"
    assert opens(saturday, "2027-03-27T21:00", 8) == "2027-04-03T20:00"
    assert opens(saturday, "2027-03-27T21:00", 7) == "now"


def test_a_window_is_an_hour_longer_when_clocks_are_put_back() -> None:
    saturday = [WindowSpec.parse("saturday 22:00-06:00 Europe/Berlin")]
    assert opens(saturday, "2027-10-30T20:00", 9) == "now"
    assert opens(saturday, "2027-10-30T20:01", 9) is None


def test_a_window_that_clocks_skip_does_not_open_that_night() -> None:
    skipped = [WindowSpec.parse("sunday 02:00-03:00 Europe/Berlin")]
    assert opens(skipped, "2027-03-27T12:00", 1) == "2027-04-04T00:00"


def test_a_window_in_the_hour_that_comes_twice_takes_the_narrow_reading() -> None:
    early = [WindowSpec.parse("sunday 01:00-02:30 Europe/Berlin")]
    late = [WindowSpec.parse("sunday 02:30-04:00 Europe/Berlin")]
    assert opens(early, "2027-10-30T23:00", 1.5) == "now"
    assert opens(early, "2027-10-31T00:00", 1) == "2027-11-07T00:00"
    assert opens(late, "2027-10-31T00:30", 1) == "2027-10-31T01:30"


def test_a_leap_day_is_a_day_like_others() -> None:
    tuesday = [WindowSpec.parse("tuesday 22:00-02:00 UTC")]
    assert opens(tuesday, "2028-02-29T21:00", 4) == "2028-02-29T22:00"
    assert opens(tuesday, "2028-02-29T23:30", 2.5) == "now"


def test_windows_that_touch_are_one() -> None:
    touching = [WindowSpec.parse("monday 22:00-24:00 UTC"), WindowSpec.parse("tuesday 00:00-04:00 UTC")]
    assert opens(touching, "2026-11-23T22:00", 6) == "now"
    always = [WindowSpec.parse(f"{','.join(WEEKDAYS)} 00:00-24:00 Europe/Berlin")]
    assert opens(always, "2027-03-27T12:00", 48) == "now"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-17T23:59", "now"),
        ("2026-12-18T00:00", "2027-01-04T00:00"),
        ("2027-01-03T23:59", "2027-01-04T00:00"),
        ("2027-01-04T00:00", "now"),
    ],
)
def test_a_freeze_holds_from_its_first_moment_until_before_its_last(now: str, expected: str) -> None:
    assert opens([], now, 2, a_freeze("2026-12-18", "2027-01-04")) == expected


def test_a_freeze_beats_a_window_and_leads_to_the_next_one() -> None:
    freeze = a_freeze("2026-11-23", "2026-11-24T20:00:00Z", "sale")
    assert opens([NIGHT], "2026-11-23T20:00", 2, freeze) == "2026-11-24T20:00"
    found = closed([NIGHT], [freeze], utc("2026-11-23T20:00"), HOUR, SCOPE)
    assert found is not None
    assert found.reason == "frozen until 2026-11-24T20:00:00Z: sale"


def test_a_freeze_does_not_stop_what_would_end_inside_it() -> None:
    assert opens([], "2026-12-17T23:59", 8, a_freeze("2026-12-18", "2027-01-04")) == "now"


def test_of_overlapping_freezes_the_longest_counts() -> None:
    chain = (
        a_freeze("2026-12-01", "2026-12-10"),
        a_freeze("2026-12-05", "2026-12-24"),
        a_freeze("2026-12-24", "2027-01-04"),
    )
    assert opens([], "2026-12-02T00:00", 2, *chain) == "2027-01-04T00:00"


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({}, True),
        ({"environment": "prd"}, True),
        ({"environment": ["tst", "ref"]}, False),
        ({"site": "vsphere-site-2"}, True),
        ({"site": "vsphere-site-1"}, False),
        ({"customer": ["customer-b", "customer-a"]}, True),
        ({"customer": "customer-b"}, False),
        ({"cluster": "vsphere-site-2/customer-a-3"}, True),
        ({"cluster": "vsphere-site-1/customer-a-3"}, False),
        ({"environment": "prd", "customer": "customer-b"}, False),
        ({"environment": "prd", "customer": "customer-a"}, True),
    ],
)
def test_a_freeze_covers_what_every_field_of_its_scope_names(scope: dict[str, Any], covered: bool) -> None:
    freeze = a_freeze("2026-12-18", "2027-01-04", **scope)
    assert (closed([], [freeze], utc("2026-12-20"), HOUR, SCOPE) is not None) == covered


def test_a_management_cluster_is_covered_by_freezes_of_everything_and_of_its_environment() -> None:
    for environment in ("tst", "prd"):
        scope = Scope(environment)
        covering = [a_freeze("2026-12-18", "2027-01-04"), a_freeze("2026-12-18", "2027-01-04", environment=environment)]
        assert all(closed([], [freeze], utc("2026-12-20"), HOUR, scope) for freeze in covering)
        assert (
            closed([], [a_freeze("2026-12-18", "2027-01-04", site="vsphere-site-2")], utc("2026-12-20"), HOUR, scope)
            is None
        )


# --- for all windows: the wall is the oracle

WALL_TIMES = st.integers(0, 47).map(lambda half: WallTime(half * 30))


@st.composite
def windows(draw: st.DrawFn) -> WindowSpec:
    start, until = draw(WALL_TIMES), draw(WALL_TIMES)
    assume(start != until)
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True))
    return WindowSpec(days=tuple(days), from_=start, until=until, zone=draw(st.sampled_from(ZONES)))


BEGIN = utc("2026-11-01")
NEAR_CHANGES = tuple(map(utc, (
    "2027-03-27T12:00", "2027-10-30T12:00", "2027-03-13T22:00", "2027-11-06T20:00", "2027-04-03T08:00",
    "2027-10-02T08:00", "2028-02-28T12:00", "2027-12-31T12:00",
)))  # fmt: skip
MOMENTS = st.one_of(
    st.integers(0, 2 * 366 * 24 * 60).map(lambda minutes: BEGIN + minutes * MINUTE),
    st.tuples(st.sampled_from(NEAR_CHANGES), st.integers(0, 36 * 60)).map(lambda drawn: drawn[0] + drawn[1] * MINUTE),
)
LENGTHS = st.integers(1, 20).map(lambda half: half * 30 * MINUTE)


def wall_says_open(window: WindowSpec, moment: datetime) -> bool:
    """Return whether a window is open by what its clocks show, without any arithmetic across days."""
    local = moment.astimezone(zone_info(window.zone))
    minutes, today = local.hour * 60 + local.minute, WEEKDAYS[local.weekday()]
    yesterday = WEEKDAYS[local.weekday() - 1]
    if window.from_ < window.until:
        return today in window.days and window.from_.minutes <= minutes < window.until.minutes
    return (today in window.days and minutes >= window.from_.minutes) or (
        yesterday in window.days and minutes < window.until.minutes
    )


def is_free(named: Sequence[WindowSpec], start: datetime, length: timedelta) -> bool:
    """Return whether the wall says open in every minute of a move."""
    minutes = int(length / MINUTE)
    return all(any(wall_says_open(window, start + MINUTE * number) for window in named) for number in range(minutes))


def is_far_from_a_change(named: Sequence[WindowSpec], moment: datetime) -> bool:
    around = (moment - timedelta(days=2), moment + timedelta(days=2))
    return all(
        around[0].astimezone(zone_info(window.zone)).utcoffset()
        == around[1].astimezone(zone_info(window.zone)).utcoffset()
        for window in named
    )


@given(named=st.lists(windows(), min_size=1, max_size=3), now=MOMENTS, length=LENGTHS)
@example([WindowSpec.parse("sunday 02:30-03:30 Europe/Berlin")], datetime(2027, 10, 31, 0, 30, tzinfo=UTC), HOUR)
@example([WindowSpec.parse("saturday 22:00-02:30 Europe/Berlin")], datetime(2027, 3, 27, 21, tzinfo=UTC), 4 * HOUR)
def test_what_may_start_is_inside_by_the_wall_and_elsewhere_the_wall_decides(
    named: list[WindowSpec], now: datetime, length: timedelta
) -> None:
    free, found = is_free(named, now, length), closed(named, [], now, length, SCOPE)
    assert found is not None or free
    if is_far_from_a_change(named, now):
        assert (found is None) == free


@given(named=st.lists(windows(), min_size=1, max_size=3), now=MOMENTS, length=LENGTHS, share=st.floats(0, 0.999))
def test_the_next_opening_is_the_first(named: list[WindowSpec], now: datetime, length: timedelta, share: float) -> None:
    found = closed(named, [], now, length, SCOPE)
    assume(found is not None and found.until is not None)
    assert found is not None
    assert found.until is not None
    assert closed(named, [], found.until, length, SCOPE) is None
    between = now + int((found.until - now) / MINUTE * share) * MINUTE
    later = closed(named, [], between, length, SCOPE)
    assert later is not None
    assert later.until == found.until


FREEZES = st.tuples(MOMENTS, st.integers(1, 40 * 24)).map(
    lambda drawn: a_freeze(
        drawn[0].strftime("%Y-%m-%dT%H:%M:%SZ"), (drawn[0] + drawn[1] * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
)


@given(
    named=st.lists(windows(), max_size=2), freezes=st.lists(FREEZES, max_size=3), now=MOMENTS, length=LENGTHS,
    environment=st.sampled_from(["tst", "ref", "prd"]),
)  # fmt: skip
def test_i9_nothing_starts_inside_a_freeze_and_a_freeze_opens_nothing(
    named: list[WindowSpec], freezes: list[FreezeSpec], now: datetime, length: timedelta, environment: Environment
) -> None:
    scope = Scope(environment)
    for freeze in freezes:
        for inside in (freeze.from_.moment, freeze.until.moment - timedelta(seconds=1)):
            assert closed(named, freezes, inside, length, scope) is not None
    with_them, without = closed(named, freezes, now, length, scope), closed(named, [], now, length, scope)
    assert with_them is not None or without is None
    if with_them is not None and with_them.until is not None:
        assert with_them.until > now
        assert closed(named, freezes, with_them.until, length, scope) is None


@given(named=st.lists(windows(), min_size=1, max_size=3), now=MOMENTS, length=LENGTHS)
def test_the_order_of_windows_is_irrelevant_and_a_shorter_move_starts_no_later(
    named: list[WindowSpec], now: datetime, length: timedelta
) -> None:
    found = closed(named, [], now, length, SCOPE)
    again = closed(named[::-1], [], now, length, SCOPE)
    assert (found and found.until) == (again and again.until)
    shorter = closed(named, [], now, length / 2, SCOPE)
    if found is None:
        assert shorter is None
    elif found.until is not None:
        assert shorter is None or (shorter.until is not None and shorter.until <= found.until)
