"""How a held cluster catches up, hop by hop, and what a hop that fails ends (section 8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from schiff.model.release import Assignment
from schiff.rollout.bodies import Pin
from schiff.rollout.decide import decide
from schiff.rollout.health import Verdict
from schiff.rollout.moves import forward_subject
from schiff.rollout.situation import Append
from schiff.values.names import ClusterKey
from tests.rollout.forgery import DAY, STEP, refused
from tests.rollout.season import VERSION, Season, a_season, healthy

KEY = ClusterKey("site-0", "tst-0")


def behind() -> tuple[Season, str]:
    """Return a season with a release that completed without one cluster, which is held."""
    season = a_season()
    season.held.add(KEY)
    release = season.cut("2026.48.0")
    season.go(3 * DAY, STEP)
    assert season.ledgers["tst"].state.completed == release
    return season, release


def agree(season: Season, release: str) -> int:
    season.approve("tst", "fast-forward", forward_subject(KEY, [Pin(release=release, kubernetes=VERSION)]))
    return season.ledgers["tst"].entries[-1].seq


def go_forward(season: Season, release: str, *approvals: int) -> None:
    """Write the first hop of a way by hand."""
    pin = {"release": release, "kubernetes": str(VERSION)}
    body = {"clusters": {str(KEY): pin}, "why": "fast-forward", "path": [pin], "approvals": list(approvals)}
    season.append("tst", "move", body)


def ill(key: ClusterKey | str, _now: object, _runs: Assignment) -> Verdict:
    return Verdict.Unhealthy if key == KEY else Verdict.Healthy


def failed() -> tuple[Season, str, int]:
    """Return a season in which a hop failed, and the approval that was used for it."""
    season, release = behind()
    seq = agree(season, release)
    go_forward(season, release, seq)
    season.health = ill
    season.go(DAY, STEP)
    assert season.ledgers["tst"].state.forwards[KEY].progress.failed
    season.verify()
    return season, release, seq


def test_the_approval_of_a_hop_that_failed_is_used_up() -> None:
    season, release, seq = failed()
    season.health = healthy
    season.go(DAY, STEP)
    go_forward(season, release, seq)
    refused(season, "it was used before")


def test_nothing_goes_on_after_a_hop_that_failed_without_a_new_approval() -> None:
    season, release, _seq = failed()
    pin = {"release": release, "kubernetes": str(VERSION)}
    season.append("tst", "move", {"clusters": {str(KEY): pin}, "why": "fast-forward"})
    refused(season, "is held again and needs a new approval: schiff fast-forward approve site-0/tst-0")


def test_after_a_hop_that_failed_a_cluster_catches_up_by_a_new_approval_once_it_is_healthy() -> None:
    season, release, _seq = failed()
    go_forward(season, release, agree(season, release))
    refused(season, "catches up once it is healthy where it is")
    season, release, _seq = failed()
    season.health = healthy
    season.go(DAY, STEP)
    go_forward(season, release, agree(season, release))
    season.verify()
    season.go(DAY, STEP)
    assert season.ledgers["tst"].state.forwards[KEY].progress.is_done


def test_a_step_takes_the_new_approval_and_not_the_old_one() -> None:
    season, release, seq = failed()
    season.health = healthy
    season.go(timedelta(hours=12), STEP)
    ways = {KEY: (Pin(release=release, kubernetes=VERSION),)}
    waiting = decide(replace(season.situation("tst"), ways=ways))
    assert not isinstance(waiting, Append)
    new = agree(season, release)
    step = decide(replace(season.situation("tst"), ways=ways))
    assert isinstance(step, Append)
    assert step.body["approvals"] == [new] != [seq]
