"""Arrivals as iCalendar text (RFC 5545), for people who read calendars.

1. Lines end with CR LF, and are folded before the 75th octet, never inside a character.
2. In texts a backslash, a semicolon, a comma and a line's end are escaped.
3. An event's UID names cluster and release, so that a later calendar moves an event instead of adding one.
4. DTSTAMP is the moment that the calendar was made, given by the caller: equal input gives equal bytes.

What nobody can date is no event. The last day to hold is an event of that day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from schiff.rollout.calendar import Arrival

_LIMIT = 75
_UID = 32
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def to_ical(name: str, arrivals: Iterable[Arrival], now: datetime) -> str:
    """Return the calendar called `name`."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//schiff//calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
        *(line for arrival in arrivals for line in _events(arrival, now)),
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _events(arrival: Arrival, now: datetime) -> Iterator[str]:
    if arrival.at is None:
        return
    what = f"{arrival.release} reaches {arrival.cluster} ({arrival.environment})"
    note = f"; {arrival.note}" if arrival.note else ""
    said = f"At the earliest. {arrival.machines} machines will be replaced{note}."
    yield from _event(arrival, "arrival", now, [f"DTSTART:{_moment(arrival.at)}"], what, said)
    if arrival.last_day_to_hold is not None:
        day = arrival.last_day_to_hold
        dates = [f"DTSTART;VALUE=DATE:{_day(day)}", f"DTEND;VALUE=DATE:{_day(day + timedelta(days=1))}"]
        what = f"Last day to hold {arrival.release} off {arrival.cluster}"
        said = "A hold that is merged by the end of this day keeps the release away."
        yield from _event(arrival, "hold", now, dates, what, said)


def _event(arrival: Arrival, kind: str, now: datetime, dates: list[str], summary: str, said: str) -> Iterator[str]:  # noqa: PLR0917 -- one line of the format each
    identity = hashlib.sha256(f"{kind}|{arrival.cluster}|{arrival.digest}".encode()).hexdigest()[:_UID]
    yield "BEGIN:VEVENT"
    yield f"UID:{identity}@schiff"
    yield f"DTSTAMP:{_moment(now)}"
    yield from dates
    yield f"SUMMARY:{_text(summary)}"
    yield f"DESCRIPTION:{_text(said)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(text: str) -> str:
    return text.translate(_ESCAPES)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")


def _folded(line: str) -> str:
    """Return a line in pieces of at most 75 octets; each after the first begins with a space that belongs to none."""
    pieces = [""]
    for character in line:
        if len((pieces[-1] + character).encode()) > _LIMIT:
            pieces.append(" ")
        pieces[-1] += character
    return "\r\n".join(pieces)
