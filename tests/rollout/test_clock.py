"""I20 *Clock*: when an observation may be believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.rollout.clock import disbelief
from schiff.rollout.entry import Entry
from schiff.rollout.moments import format_moment
from schiff.rollout.proofs import Receipt
from tests.rollout.season import BEGIN

SKEW = timedelta(seconds=120)
SECOND = timedelta(seconds=1)
QUARTER = timedelta(minutes=15)


def an_observation(server: timedelta | None = timedelta()) -> Entry:
    told = None if server is None else format_moment(BEGIN + server)
    return Entry(7, None, "ref", "observe", format_moment(BEGIN), told, "a", "x", {})


@pytest.mark.parametrize("apart", [timedelta(), SKEW, -SKEW])
def test_a_server_that_agrees_is_believed(apart: timedelta) -> None:
    assert disbelief(an_observation(apart), None, SKEW, None) is None


@pytest.mark.parametrize("apart", [None, SKEW + SECOND, -SKEW - SECOND, timedelta(days=14)])
def test_without_a_server_or_too_far_from_it_nothing_is_believed(apart: timedelta | None) -> None:
    assert disbelief(an_observation(apart), None, SKEW, None) == "skew"


@pytest.mark.parametrize(
    ("late", "code"),
    [(timedelta(), None), (QUARTER, None), (QUARTER + SECOND, "self-dated"), (-QUARTER - SECOND, "self-dated")],
)
def test_a_witness_received_it_within_a_quarter_of_an_hour(late: timedelta, code: str | None) -> None:
    receipts = {7: Receipt("x", BEGIN + late)}
    assert disbelief(an_observation(), receipts, SKEW, None) == code


def test_what_a_witness_never_received_does_not_count() -> None:
    assert disbelief(an_observation(), {}, SKEW, None) == "self-dated"


@pytest.mark.parametrize(("last", "code"), [(-SECOND, None), (timedelta(), "skew"), (SECOND, "skew")])
def test_time_goes_forward_along_a_chain(last: timedelta, code: str | None) -> None:
    assert disbelief(an_observation(), None, SKEW, BEGIN + last) == code
