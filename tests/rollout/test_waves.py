from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from schiff.model.policy import PolicySpec
from schiff.rollout.plan import Member, Plan, Wave
from schiff.rollout.waves import (
    batch,
    deadline,
    expected_duration,
    max_unavailable,
    plan_duration,
    waves,
)
from schiff.values.names import ClusterKey
from tests.rollout.plans import NEW, OLD, RELEASE, a_management_member, a_member, a_plan, members_of


def _policy(**of_waves: Any) -> PolicySpec:
    return PolicySpec.model_validate({"waves": of_waves})


OPEN = {"site": "100%", "customer": "100%", "managementCluster": "100%"}


def _keys(count: int) -> list[ClusterKey]:
    return [ClusterKey(f"site-{number}", "a") for number in range(count)]


def _sizes(count: int, policy: PolicySpec | None = None) -> dict[str, int]:
    return {wave.name: len(wave.clusters) for wave in waves(_keys(count), policy or PolicySpec(), RELEASE)}


def _plan(members: Iterable[Member], policy: PolicySpec | None = None, **fields: Any) -> Plan:
    found = members_of(*members)
    chosen = policy or PolicySpec()
    return a_plan(found, waves(found, chosen, RELEASE), policy=chosen, **fields)


def _of(plan: Plan, names: Mapping[str, str] | None = None) -> list[str]:
    return [(names or {}).get(str(key), str(key)) for key in batch(plan, (), plan.members)]


def test_a_wave_never_passes_its_percentage_and_the_last_sweeps() -> None:
    assert _sizes(5000) == {"canary": 1, "1%": 49, "5%": 200, "25%": 1000, "50%": 1250, "100%": 2500}
    assert _sizes(61) == {"canary": 1, "5%": 2, "25%": 12, "50%": 15, "100%": 31}


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, {}),
        (1, {"canary": 1}),
        (2, {"canary": 1, "100%": 1}),
        (4, {"canary": 1, "50%": 1, "100%": 2}),
        (10, {"canary": 1, "25%": 1, "50%": 3, "100%": 5}),
    ],
)
def test_small_fleets_have_fewer_waves(count: int, sizes: Mapping[str, int]) -> None:
    assert _sizes(count) == sizes


def test_a_policy_may_do_without_a_canary() -> None:
    assert _sizes(4, _policy(order=["50%", "100%"])) == {"50%": 2, "100%": 2}


def test_the_line_is_the_one_that_everybody_can_compute() -> None:
    found = waves(_keys(3), _policy(order=["100%"]), RELEASE)
    assert [key.site for key in found[0].clusters] == ["site-2", "site-1", "site-0"]


def test_another_release_meets_other_victims() -> None:
    first = {
        release: waves(_keys(40), PolicySpec(), f"sha256:{release * 64}")[0].clusters for release in "0123456789abcdef"
    }
    assert len(set(first.values())) > 10


def test_a_site_moves_one_cluster_at_a_time() -> None:
    members = [a_member(f"site-1/{name}", customer=name) for name in "abc"]
    plan = _plan([*members, a_member("site-2/a", customer="other")])
    chosen = batch(plan, (), plan.members)
    assert sorted(key.site for key in chosen) == ["site-1", "site-2"]
    assert batch(plan, chosen, plan.members) == ()


def test_a_customer_keeps_two_thirds_of_its_clusters_and_a_small_one_still_moves() -> None:
    members = [a_member(f"site-{number}/a", customer="large") for number in range(9)]
    plan = _plan([*members, a_member("site-9/a", customer="small")])
    chosen = [plan.members[key].customer for key in batch(plan, (), plan.members)]
    assert sorted(chosen) == ["large", "large", "large", "small"]


def test_a_management_cluster_looks_after_five_moving_clusters() -> None:
    members = [a_member(f"site-{number}/a", customer=str(number)) for number in range(9)]
    other = a_member("site-9/a", customer="other", management_cluster="mgmt-2")
    plan = _plan([*members, other])
    chosen = batch(plan, (), plan.members)
    assert len(chosen) == 6
    assert other.key in chosen


def test_two_clusters_of_a_redundancy_group_never_move_together() -> None:
    pair = [a_member(f"site-{number}/a", customer=str(number), redundancy_group="shop") for number in (1, 2)]
    plan = _plan([*pair, a_member("site-3/a", customer="3")])
    first = batch(plan, (), plan.members)
    assert len({member.key for member in pair} & set(first)) == 1
    assert len(first) == 2
    assert batch(plan, first, plan.members) == ()


def test_moving_unknown_and_failed_clusters_use_up_the_budget() -> None:
    members = [a_member(f"site-{number}/a", customer=str(number)) for number in range(6)]
    plan = _plan(members, _policy(maxUnavailable=3, caps=OPEN))
    assert max_unavailable(plan) == 3
    flying = [ClusterKey("site-0", "a"), ClusterKey("site-1", "a")]
    assert len(batch(plan, flying, plan.members)) == 1
    assert batch(plan, [*flying, ClusterKey("gone", "a")], plan.members) == ()
    assert batch(plan, [*flying, ClusterKey("gone", "a"), ClusterKey("gone", "b")], plan.members) == ()


def test_the_budget_is_the_larger_of_a_number_and_a_share() -> None:
    members = [a_member(f"site-{number}/a") for number in range(600)]
    assert max_unavailable(_plan(members)) == 12
    assert max_unavailable(_plan(members[:7])) == 10


def test_who_starts_first_is_decided_by_the_waves_and_not_by_who_asks() -> None:
    members = [a_member(f"site-{number}/a", customer=str(number)) for number in range(20)]
    plan = _plan(members, _policy(maxUnavailable=4, caps=OPEN))
    line = [key for wave in plan.waves for key in wave.clusters]
    assert batch(plan, (), sorted(plan.members)) == tuple(line[:4])
    assert batch(plan, line[:2], [*line, *line]) == tuple(line[2:4])


def test_who_is_in_flight_already_is_not_started_again() -> None:
    members = [a_member(f"site-1/{name}") for name in "abcd"]
    plan = _plan(members, _policy(maxUnavailable=4, caps=OPEN))
    first, second, *rest = [key for wave in plan.waves for key in wave.clusters]
    assert batch(plan, [first, second], plan.members) == tuple(rest)


def test_clusters_that_joined_are_swept_one_at_a_time_after_the_members() -> None:
    plan = _plan([a_member("site-1/a")])
    member, neighbour = ClusterKey("site-1", "a"), ClusterKey("site-1", "joined")
    far = [ClusterKey("site-2", "joined"), ClusterKey("site-3", "joined")]
    chosen = batch(plan, (), [*far, neighbour, member])
    assert chosen[0] == member
    assert len(chosen) == 2
    assert chosen[1] in far
    assert batch(plan, chosen[1:], [*far, neighbour]) == ()
    assert batch(plan, [member], [neighbour]) == ()
    assert batch(plan, (), [neighbour]) == (neighbour,)


def test_a_deadline_grows_with_the_machines_and_is_three_times_what_is_expected() -> None:
    policy = PolicySpec()
    assert deadline(a_member("site-1/a", machines=6), policy) == timedelta(hours=4, minutes=30)
    assert deadline(a_management_member("mgmt-1", machines=3), policy) == timedelta(hours=2, minutes=15)
    assert deadline(a_member("site-1/a", machines=0), policy) == timedelta(minutes=45)
    assert expected_duration(a_member("site-1/a", machines=6), policy) == timedelta(hours=1, minutes=30)


def test_a_plan_takes_at_least_its_moves_and_its_bakes() -> None:
    plan = _plan([a_member("site-1/a", machines=4)])
    assert plan_duration(plan) == timedelta(hours=1 + 24)
    hopping = _plan([a_member("site-1/a", machines=4, hops=(OLD, NEW))])
    assert plan_duration(hopping) == timedelta(hours=1 + 24 + 1 + 24)
    managed = _plan([a_member("site-1/a", machines=4)], management_clusters={"m": a_management_member("m", 4)})
    assert plan_duration(managed) == timedelta(hours=1 + 24 + 1 + 4)


def test_what_stands_in_line_at_one_site_makes_a_plan_longer() -> None:
    alone = [a_member(f"site-{number}/a", machines=4, customer=str(number)) for number in range(5)]
    crowd = [a_member(f"site-1/{name}", machines=4, customer=name) for name in "abcde"]
    policy = _policy(order=["100%"], bake={"default": "4h"})
    assert plan_duration(_plan(alone, policy)) == timedelta(hours=1 + 4)
    assert plan_duration(_plan(crowd, policy)) == timedelta(hours=5 + 4)


def test_a_budget_of_one_puts_everybody_in_line() -> None:
    alone = [a_member(f"site-{number}/a", machines=4, customer=str(number)) for number in range(5)]
    policy = _policy(order=["100%"], bake={"default": "4h"}, maxUnavailable=1)
    assert plan_duration(_plan(alone, policy)) == timedelta(hours=5 + 4)


def test_an_empty_plan_starts_nobody_and_takes_no_time() -> None:
    plan = _plan([])
    assert batch(plan, (), ()) == ()
    assert plan_duration(plan) == timedelta()


def test_waves_are_named_as_the_policy_names_them() -> None:
    assert waves([ClusterKey("site-1", "a")], _policy(order=["canary", "100%"]), RELEASE) == (
        Wave("canary", (ClusterKey("site-1", "a"),)),
    )
