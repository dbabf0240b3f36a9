"""The time of decisions (I20): what a witness tells of it, and what nobody may gain by writing another one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.model.policy import PolicySpec
from schiff.rollout.decide import decide
from schiff.rollout.entry import Entry
from schiff.rollout.moments import format_moment, parse_moment
from schiff.rollout.proofs import Receipt
from schiff.rollout.situation import Append
from schiff.values.names import Environment
from tests.rollout.forgery import DAY, STEP, promotion, refused, steps, until
from tests.rollout.season import BEGIN, BERT, Season, a_season

HOUR = timedelta(hours=1)
FREEZE = {"from": format_moment(BEGIN + 2 * HOUR), "until": format_moment(BEGIN + 9 * DAY), "reason": "sale"}


def before_a_freeze(**fields: object) -> tuple[Season, Append]:
    """Return a season an hour before a freeze, and the first move, which is due and not written yet."""
    season = a_season(policy=PolicySpec.model_validate({"freezes": [FREEZE]}), **fields)  # type: ignore[arg-type]
    season.cut("2026.48.0")
    season.now, look = BEGIN + HOUR, None
    while True:
        step = decide(season.situation("tst", look))
        if isinstance(step, Append) and step.kind == "move":
            return season, step
        look = season._done("tst", step, look)


def late(season: Season, environment: Environment, by: timedelta) -> Entry:
    """Let the witness have received the newest entry later than it says."""
    entry = season.ledgers[environment].entries[-1]
    season.receipts[environment][entry.seq] = Receipt(entry.digest, parse_moment(entry.at) + by)
    return entry


def test_a_move_that_is_dated_back_before_a_freeze_does_not_count() -> None:
    season, due = before_a_freeze()
    early = season.now
    season.go(DAY, STEP)
    season.append("tst", "move", due.body, at=early)
    refused(season, "says .* yet follows what a witness received at about")


def test_a_move_that_nobody_received_yet_is_dated_back_no_further_than_what_was_received() -> None:
    season, due = before_a_freeze()
    early = season.now
    season.go(DAY, STEP)
    season.append("tst", "move", due.body, at=early)
    del season.receipts["tst"][season.ledgers["tst"].entries[-1].seq]
    refused(season, "yet follows what a witness received")


def test_without_a_witness_time_is_self_asserted() -> None:
    season, due = before_a_freeze(witnessed=False)
    season.append("tst", "move", due.body)
    season.verify()


@pytest.mark.parametrize("hours", [1, 20, 36])
def test_a_move_whose_run_was_killed_stands_though_a_freeze_began_before_the_next_run_told(hours: int) -> None:
    season, due = before_a_freeze()
    season.append("tst", "move", due.body)
    late(season, "tst", hours * HOUR)
    season.verify()


def test_a_move_that_was_received_much_later_must_be_one_that_may_be_made_then() -> None:
    season, due = before_a_freeze()
    season.append("tst", "move", due.body)
    late(season, "tst", 37 * HOUR)
    refused(season, "was received at .* frozen until")
    late(season, "tst", 9 * DAY)
    season.verify()


def test_a_decision_of_a_runner_whose_clock_is_ahead_does_not_count() -> None:
    season, due = before_a_freeze()
    season.append("tst", "move", due.body, at=season.now + timedelta(minutes=16))
    refused(season, "received it at .*, before that")


@pytest.mark.parametrize(("days", "said"), [(1, None), (3, "it expired at")])
def test_an_approval_that_expired_is_not_used_by_dating_back(days: int, said: str | None) -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    steps(season, 18)
    season.approve("prd", "promote", release, BERT)
    seq = season.ledgers["prd"].entries[-1].seq
    body, plan = promotion(season, "prd", release, approvals=[seq])
    at = season.now + 23 * HOUR
    season.append("prd", "promote", body, at=at, objects={plan.digest: plan.to_bytes()})
    late(season, "prd", days * DAY)
    if said is None:
        season.verify()
    else:
        refused(season, said)
