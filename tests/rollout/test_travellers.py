from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schiff.rollout.itinerary import Passage
from schiff.rollout.plan import Wave
from schiff.rollout.running import Rollout
from schiff.rollout.soak import Soak
from schiff.rollout.stage import Stage
from schiff.rollout.travellers import travellers, turns
from schiff.values.names import ClusterKey
from tests.rollout.plans import a_management_member, a_member, a_plan, members_of
from tests.rollout.versions import layers_of, release_of

CUT = "2026-11-24T08:00:00Z"
BEGUN = datetime(2026, 11, 25, tzinfo=UTC)
LAYERS = layers_of(release_of("1.35.4", name="2026.48.0", cut=CUT))
SHOP, BANK = ClusterKey("site-1", "shop"), ClusterKey("site-2", "bank")
MEMBERS = members_of(a_member("site-1/shop"), a_member("site-2/bank"))
PLAN = a_plan(MEMBERS, [Wave("canary", (SHOP,)), Wave("100%", (BANK,))], environment="ref", release=LAYERS.digest)
FORTNIGHT = timedelta(days=14)


def running(soaked: int = 0, **more: object) -> Rollout:
    rollout = Rollout.begun("2026.48.0", PLAN, 3, BEGUN, expedited=False)
    rollout.soak = Soak(timedelta(days=soaked))
    for name, value in more.items():
        setattr(rollout, name, value)
    return rollout


def passage(stage: Stage) -> Passage | None:
    (found,) = travellers([LAYERS], {"ref": stage})
    return found.passages.get("ref")


def test_a_rollout_is_a_passage_with_what_it_earned() -> None:
    assert passage(Stage(rollout=running(5))) == Passage(BEGUN, timedelta(days=5), FORTNIGHT)


def test_a_halted_one_says_why() -> None:
    found = passage(Stage(rollout=running(halted="disks")))
    assert found is not None
    assert found.halted == "disks"


def test_what_was_there_from_the_beginning_has_nothing_to_show_any_more() -> None:
    found = passage(Stage(completed_releases=[LAYERS.digest]))
    assert found == Passage(datetime(2026, 11, 24, 8, tzinfo=UTC), needed=timedelta())


def test_a_past_rollout_counts_only_when_it_had_soaked() -> None:
    assert passage(Stage(past={LAYERS.digest: running(13)})) is None
    assert passage(Stage(past={LAYERS.digest: running(14)})) == Passage(BEGUN, FORTNIGHT, FORTNIGHT)


def test_a_release_that_was_nowhere_has_no_passage() -> None:
    assert passage(Stage()) is None


def test_a_release_revoked_anywhere_is_revoked() -> None:
    (found,) = travellers([LAYERS], {"tst": Stage(), "ref": Stage(revoked={LAYERS.digest: "disks"})})
    assert found.revoked


def test_releases_are_told_oldest_first() -> None:
    older = layers_of(release_of("1.35.4", name="2026.46.0", cut="2026-11-10T08:00:00Z"))
    assert [it.name for it in travellers([LAYERS, older], {})] == ["2026.46.0", "2026.48.0"]


def test_later_waves_begin_after_those_before_them_and_tenants_after_their_manager() -> None:
    starts = turns(PLAN)
    assert starts[SHOP] == timedelta()
    assert starts[BANK] >= timedelta(hours=24)
    managed = a_plan(MEMBERS, PLAN.waves, management_clusters={"mgmt-1": a_management_member("mgmt-1")})
    assert turns(managed)[SHOP] > timedelta()
    assert turns(managed)[BANK] - turns(managed)[SHOP] == starts[BANK]
