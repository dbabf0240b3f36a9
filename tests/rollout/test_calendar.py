from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.model.policy import PolicySpec
from schiff.model.tenant_cluster import HoldSpec
from schiff.model.windows import WindowSpec
from schiff.rollout.calendar import Arrival, Stop, arrivals
from schiff.rollout.icalendar import to_ical
from schiff.rollout.itinerary import NEXT_TRAIN, Itinerary, Passage, Traveller, itinerary
from schiff.values.names import ClusterKey

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
TRAIN = datetime(2026, 12, 8, 8, tzinfo=UTC)
DAY = timedelta(days=1)
SHOP, BANK = ClusterKey("site-1", "shop"), ClusterKey("site-2", "bank")


def before(days: int) -> Passage:
    return Passage(NOW - days * DAY, days * DAY)


OLD = Traveller("2026.44.0", "old", {"tst": before(60), "ref": before(45), "prd": before(30)})
NEW = Traveller("2026.48.0", "new", {"tst": before(20), "ref": Passage(NOW - 5 * DAY, 4 * DAY)})
PLAN: Itinerary = itinerary([OLD, NEW], PolicySpec(), TRAIN, NOW)


def hold(until: str | None = None) -> HoldSpec:
    return HoldSpec(by="ops", reason="sale", since="2026-11-01", until=until)


def stop(key: ClusterKey = SHOP, **more: Any) -> Stop:
    found = Stop(key, "prd", "customer-a", "old", timedelta(hours=1))
    return replace(found, **more)


def told(
    *stops: Stop,
    policy: PolicySpec | None = None,
    starts: Mapping[ClusterKey, timedelta] = {},
) -> tuple[Arrival, ...]:
    def offset(key: ClusterKey, digest: str) -> timedelta:
        return starts.get(key, timedelta()) if digest == "new" else timedelta()

    return arrivals(stops, PLAN, policy or PolicySpec(), NOW, machines=lambda _, digest: len(digest), offset=offset)


def test_each_release_that_comes_has_a_date_machines_and_a_last_day_to_hold() -> None:
    first, second = told(stop())
    assert first == Arrival(SHOP, "prd", "2026.48.0", "new", NOW + 10 * DAY, 3, date(2026, 12, 10))
    assert (second.release, second.machines) == (NEXT_TRAIN, len(NEXT_TRAIN))
    assert first.as_json() == {
        "cluster": "site-1/shop",
        "environment": "prd",
        "release": "2026.48.0",
        "earliest": "2026-12-11T09:00:00Z",
        "machines": 3,
        "lastDayToHold": "2026-12-10",
        "note": "",
    }


def test_what_a_cluster_reached_does_not_come_again() -> None:
    assert [it.release for it in told(stop(release="new"))] == [NEXT_TRAIN]
    assert [it.release for it in told(stop(release="older"))] == ["2026.44.0", "2026.48.0", NEXT_TRAIN]


def test_a_release_that_is_due_comes_now_and_can_no_longer_be_held_off() -> None:
    late, *_ = told(stop(release="older"))
    assert (late.at, late.last_day_to_hold) == (NOW, None)


def test_only_production_can_hold() -> None:
    assert all(it.last_day_to_hold is None for it in told(stop(environment="ref", release="older")))


def test_a_later_wave_comes_later() -> None:
    first, second = told(stop(), stop(BANK), starts={BANK: timedelta(hours=30)})[:2]
    assert (first.cluster, second.cluster) == (SHOP, BANK)
    assert second.at == NOW + 10 * DAY + timedelta(hours=30)


def test_a_hold_lets_releases_pass_by_and_delays_them_to_its_end() -> None:
    assert [(it.at, it.note) for it in told(stop(hold=hold()))] == [(None, "held by ops: it passes by")] * 2
    first, second = told(stop(hold=hold("2026-12-20")))
    assert (first.at, first.note) == (datetime(2026, 12, 20, tzinfo=UTC), "held by ops until then")
    assert second.note == ""


def test_windows_and_freezes_move_the_date() -> None:
    window = WindowSpec.parse("saturday 22:00-23:30 UTC")
    first, *_ = told(stop(windows=(window,)))
    assert first.at == datetime(2026, 12, 12, 22, tzinfo=UTC)
    assert "no window is open" in first.note
    freeze = {"from": "2026-12-10", "until": "2027-01-04", "reason": "year's end"}
    first, *_ = told(stop(), policy=PolicySpec.model_validate({"freezes": [freeze]}))
    assert first.at == datetime(2027, 1, 4, tzinfo=UTC)
    assert first.note.startswith("frozen until 2027-01-04")
    assert first.last_day_to_hold == date(2027, 1, 3)


def test_what_nobody_can_date_comes_last() -> None:
    assert [it.at is None for it in told(stop(hold=hold()), stop(BANK))] == [False, False, True, True]


def ical(*found: Arrival) -> str:
    return to_ical("releases for customer-a", found, NOW)


def test_a_calendar_is_what_rfc_5545_asks_for() -> None:
    first, *_ = told(stop())
    arrival, hold_ = re.findall(r"UID:[0-9a-f]{32}@schiff", ical(first))
    assert ical(first).split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//schiff//calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:releases for customer-a",
        "BEGIN:VEVENT",
        arrival,
        "DTSTAMP:20261201T090000Z",
        "DTSTART:20261211T090000Z",
        "SUMMARY:2026.48.0 reaches site-1/shop (prd)",
        "DESCRIPTION:At the earliest. 3 machines will be replaced.",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "BEGIN:VEVENT",
        hold_,
        "DTSTAMP:20261201T090000Z",
        "DTSTART;VALUE=DATE:20261210",
        "DTEND;VALUE=DATE:20261211",
        "SUMMARY:Last day to hold 2026.48.0 off site-1/shop",
        "DESCRIPTION:A hold that is merged by the end of this day keeps the release ",
        " away.",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_an_event_keeps_its_identity_when_its_date_moves() -> None:
    first, *_ = told(stop())
    later = replace(first, at=NOW + 20 * DAY, note="frozen")
    uids = [[line for line in ical(it).split("\r\n") if line.startswith("UID:")] for it in (first, later)]
    assert uids[0] == uids[1]
    assert len(set(uids[0])) == 2


def test_what_has_no_date_is_no_event() -> None:
    assert "VEVENT" not in ical(*told(stop(hold=hold())))


@pytest.mark.parametrize(("text", "written"), [("a,b", "a\\,b"), ("a;b\\", "a\\;b\\\\"), ("a\r\nb", "a\\nb")])
def test_texts_are_escaped(text: str, written: str) -> None:
    assert f"X-WR-CALNAME:{written}\r\n" in to_ical(text, (), NOW)


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_no_line_is_too_long_and_unfolding_gives_the_text_back(name: str) -> None:
    content = to_ical(name, (), NOW).encode()
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() is not None for line in lines)
    unfolded = content.decode().replace("\r\n ", "")
    escaped = name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert f"X-WR-CALNAME:{escaped}\r\n" in unfolded
