"""Whether clusters may be moved: I7 *Budget*, I8, I10, I13 and I16, by the rules of `schiff.rollout.moves`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.model.policy import PolicySpec
from schiff.rollout.bodies import MoveBody, Reason
from schiff.rollout.health import Verdict
from schiff.rollout.moves import Transfer, transfer_refusals
from schiff.values.names import ClusterKey
from tests.rollout.forgery import DAY, SOME_DIGEST
from tests.rollout.season import FIRST, Season, a_season, healthy


def looked() -> tuple[Season, str]:
    """Return a season whose clusters were seen and whose first release moved its canary."""
    season = a_season()
    release = season.cut("2026.48.0")
    season.go(timedelta(hours=1))
    return season, release


def looked_at(policy: PolicySpec) -> tuple[Season, str]:
    """Return a season of a policy, with more clusters than may be moved at once."""
    season = a_season(tst=8, policy=policy)
    release = season.cut("2026.48.0")
    season.go(timedelta(hours=1))
    return season, release


def codes(
    season: Season, keys: list[ClusterKey], release: str, why: Reason = "wave", version: str = "v1.35.4"
) -> set[str]:
    body = MoveBody.model_validate(
        {"clusters": {str(key): {"release": release, "kubernetes": version} for key in keys}, "why": why}
    )
    stage = season.ledgers["tst"].state
    return {one.code for one in transfer_refusals(Transfer(body, season.now, stage, season.proofs("tst")))}


def order(season: Season, release: str) -> list[ClusterKey]:
    return [key for wave in season.plan("tst", release).waves for key in wave.clusters]


def through() -> tuple[Season, str, list[ClusterKey]]:
    """Return a season whose canary is through and whose next clusters may start."""
    season, release = looked()
    season.go(timedelta(hours=23))
    for _ in range(20):
        line = order(season, release)
        done = season.ledgers["tst"].state.rollout
        assert done is not None
        if done.clusters[line[0]].is_done:
            break
        season.now += timedelta(hours=1)
        look = season.look("tst")
        body = look.report.body(release, done.population, held=0, plane=look.plane)
        season.append(
            "tst", "observe", body, at=season.now, server=season.now, objects={body["report"]: look.report.to_bytes()}
        )
    return season, release, line


def test_the_next_of_the_line_may_start() -> None:
    season, release, line = through()
    assert codes(season, line[1:2], release) == set()


def test_a_later_wave_waits_for_its_turn() -> None:
    season, release = looked()
    assert codes(season, order(season, release)[1:2], release) == {"progressing"}


@pytest.mark.parametrize(("release", "version"), [(SOME_DIGEST, "v1.35.4"), (None, "v1.36.0")])
def test_a_cluster_moves_to_its_next_hop_and_to_nothing_else(release: str | None, version: str) -> None:
    season, own, line = through()
    assert codes(season, line[1:2], release or own, version=version) == {"not-admitted"}


def test_a_stranger_does_not_move() -> None:
    season, release, _line = through()
    assert codes(season, [ClusterKey("site-0", "stranger")], release) == {"not-admitted"}


def test_two_of_one_site_do_not_move_together() -> None:
    season, release, line = through()
    site = [key for key in line[1:] if key.site == line[1].site or key.site == "site-0"]
    assert "blast-radius" in codes(season, line[1:], release) or len({key.site for key in site}) == len(site)


def test_stale_health_is_no_health() -> None:
    season, release, line = through()
    season.now += timedelta(hours=36, minutes=1)
    assert codes(season, line[1:2], release) == {"observe"}


def observe(season: Season, release: str) -> None:
    """Let half an hour pass and write down what is seen then."""
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    season.now += timedelta(minutes=30)
    look = season.look("tst")
    body = look.report.body(release, rollout.population, held=0, plane=look.plane)
    objects = {body["report"]: look.report.to_bytes()}
    season.append("tst", "observe", body, at=season.now, server=season.now, objects=objects)


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.Unhealthy, "unhealthy"), (Verdict.Unknown, "unknown"), (None, "unknown")]
)
def test_while_what_was_done_burns_nothing_starts(verdict: Verdict | None, code: str) -> None:
    season, release, line = through()
    season.health = lambda key, _now, _runs: verdict if key == line[0] else Verdict.Healthy
    observe(season, release)
    assert codes(season, line[1:2], release) == {code}
    season.health = healthy
    observe(season, release)
    assert codes(season, line[1:2], release) == set()


@pytest.mark.parametrize("verdict", [Verdict.Unhealthy, None])
def test_a_person_vouches_for_what_was_done_and_is_away_until_it_is_back(verdict: Verdict | None) -> None:
    season, release, line = through()
    season.health = lambda key, _now, _runs: verdict if key == line[0] else Verdict.Healthy
    observe(season, release)
    season.append("tst", "ack", {"cluster": str(line[0]), "release": release, "text": "its rack is being moved"})
    assert codes(season, line[1:2], release) == set()
    observe(season, release)
    assert codes(season, line[1:2], release) == set()
    season.health = healthy
    observe(season, release)
    season.health = lambda key, _now, _runs: verdict if key == line[0] else Verdict.Healthy
    observe(season, release)
    assert codes(season, line[1:2], release) != set()


@pytest.mark.parametrize("verdict", [Verdict.Unhealthy, Verdict.Unknown])
def test_more_in_doubt_than_may_fail_stops_what_is_new_like_failures_do(verdict: Verdict) -> None:
    season, release = looked_at(PolicySpec.model_validate({"waves": {"order": ["100%"], "maxUnavailable": 6}}))
    line = order(season, release)
    moving = [key for key in line if season.runs("tst", key).release == release]
    season.health = lambda key, _now, _runs: verdict if key in moving else Verdict.Healthy
    assert len(moving) > 1
    for _ in range(9):
        observe(season, release)
    waiting = next(key for key in line if key not in moving)
    assert codes(season, [waiting], release) <= {"blast-radius"}
    observe(season, release)
    assert codes(season, [waiting], release) == {"halted" if verdict is Verdict.Unhealthy else "unknown"}
    season.health = healthy
    observe(season, release)
    assert ("unknown" in codes(season, [waiting], release)) is False


def test_nothing_goes_back_that_was_not_revoked() -> None:
    season, _release = looked()
    assert codes(season, order(season, _release)[:1], FIRST, "rollback") == {"not-admitted"}


def test_on_the_way_back_a_cluster_goes_where_it_came_from_and_nowhere_else() -> None:
    season, release = looked()
    canary = order(season, release)[0]
    season.append("tst", "revoke", {"release": release, "reason": "x", "target": FIRST, "verdict": "full"})
    assert codes(season, [canary], FIRST, "rollback") == set()
    assert codes(season, [canary], release, "rollback") == {"not-admitted"}
    assert codes(season, [canary], release, "wave") == {"not-admitted"}


def test_on_the_way_back_nobody_returns_to_what_was_revoked_since() -> None:
    season = a_season()
    first = season.cut("2026.48.0")
    season.go(16 * DAY, timedelta(hours=3))
    assert season.ledgers["tst"].state.completed == first
    second = season.cut("2026.50.0")
    season.go(timedelta(hours=1))
    canary = order(season, second)[0]
    for release in (first, second):
        season.append("tst", "revoke", {"release": release, "reason": "x", "target": FIRST, "verdict": "full"})
    assert codes(season, [canary], first, "rollback") == {"not-admitted"}
    assert codes(season, [canary], FIRST, "rollback") == set()
    season.step("tst")
    assert season.runs("tst", canary).release == FIRST
    season.verify()


def test_where_everything_was_revoked_nothing_goes_back_and_a_person_is_told() -> None:
    season, release = looked()
    canary = order(season, release)[0]
    season.append("tst", "revoke", {"release": release, "reason": "x", "target": FIRST, "verdict": "full"})
    season.append("tst", "revoke", {"release": FIRST, "reason": "x", "target": release, "verdict": "full"})
    assert codes(season, [canary], FIRST, "rollback") == {"no-path"}
    assert season.step("tst").refusal.code == "no-path"


def test_a_fast_forward_needs_a_path_that_completed_and_somebody_who_agrees() -> None:
    season, release = looked()
    canary = order(season, release)[-1]
    found = codes(season, [canary], SOME_DIGEST, "fast-forward")
    assert "not-admitted" in found
    body = MoveBody.model_validate(
        {
            "clusters": {str(canary): {"release": SOME_DIGEST, "kubernetes": "v1.35.4"}},
            "why": "fast-forward",
            "path": [{"release": SOME_DIGEST, "kubernetes": "v1.35.4"}],
        }
    )
    stage = season.ledgers["tst"].state
    said = {one.code for one in transfer_refusals(Transfer(body, season.now + DAY, stage, season.proofs("tst")))}
    assert said == {"no-path", "approval"}


def test_a_cluster_that_was_not_healthy_before_does_not_move() -> None:
    season, release, line = through()
    season.health = lambda key, _now, _runs: Verdict.Progressing if key == line[1] else Verdict.Healthy
    season.now += timedelta(minutes=30)
    rollout, look = season.ledgers["tst"].state.rollout, season.look("tst")
    assert rollout is not None
    body = look.report.body(release, rollout.population, held=0, plane=look.plane)
    objects = {body["report"]: look.report.to_bytes()}
    season.append("tst", "observe", body, at=season.now, server=season.now, objects=objects)
    assert codes(season, line[1:2], release) == {"progressing"}


def test_a_cluster_goes_back_once() -> None:
    season, release = looked()
    canary = order(season, release)[0]
    season.append("tst", "revoke", {"release": release, "reason": "x", "target": FIRST, "verdict": "full"})
    pins = {str(canary): {"release": FIRST, "kubernetes": "v1.35.4"}}
    season.append("tst", "move", {"clusters": pins, "why": "rollback"})
    assert "not-admitted" in codes(season, [canary], FIRST, "rollback")
