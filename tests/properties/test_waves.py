"""I6 Partition: waves are disjoint and cover the plan. I7 Budget: who is in flight keeps to maxUnavailable and caps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from schiff.model.policy import PolicySpec
from schiff.rollout.plan import Member, Plan
from schiff.rollout.waves import batch, max_unavailable, waves
from schiff.values.names import ClusterKey
from schiff.values.shares import Allowance, Percent
from tests.rollout.plans import a_member, a_plan, members_of

few = st.integers(0, 4).map(str)
groups = st.none() | st.sampled_from(["shop", "bank"])


@st.composite
def all_members(draw: st.DrawFn, least: int = 0) -> dict[ClusterKey, Member]:
    keys = draw(st.sets(st.tuples(few, st.integers(0, 9)), min_size=least, max_size=30))
    return members_of(*(
        a_member(
            f"site-{site}/c{number}", customer=draw(few), management_cluster=draw(few), redundancy_group=draw(groups)
        )
        for site, number in sorted(keys)
    ))  # fmt: skip


@st.composite
def policies(draw: st.DrawFn) -> PolicySpec:
    shares = sorted(draw(st.sets(st.integers(1, 99), max_size=5)))
    allowances = st.one_of(st.integers(1, 12), st.integers(1, 100).map("{}%".format))
    canary = draw(st.sampled_from([["canary"], []]))
    caps = {name: draw(allowances) for name in ("site", "customer", "managementCluster")}
    order = [*canary, *map("{}%".format, shares), "100%"]
    return PolicySpec.model_validate({
        "waves": {"order": order, "maxUnavailable": draw(allowances), "caps": caps, "maxFailures": 30},
    })  # fmt: skip


releases = st.integers(0, 2**256 - 1).map("sha256:{:064x}".format)


@given(members=all_members(), policy=policies(), release=releases, data=st.data())
def test_waves_are_disjoint_cover_the_plan_and_know_no_input_order(
    members: Mapping[ClusterKey, Member], policy: PolicySpec, release: str, data: st.DataObject
) -> None:
    found = waves(members, policy, release)
    named = [key for wave in found for key in wave.clusters]
    assert sorted(named) == sorted(members)
    assert all(wave.clusters for wave in found)
    assert waves(data.draw(st.permutations(sorted(members))), policy, release) == found


@given(members=all_members(), policy=policies(), release=releases)
def test_no_wave_passes_the_share_it_is_named_after(
    members: Mapping[ClusterKey, Member], policy: PolicySpec, release: str
) -> None:
    moved = 0
    for wave in waves(members, policy, release):
        moved += len(wave.clusters)
        assert moved == 1 if wave.name == "canary" else moved * 100 <= Percent.parse(wave.name).value * len(members)


@given(members=all_members(), policy=policies(), release=releases)
def test_a_plan_of_waves_reads_back(members: Mapping[ClusterKey, Member], policy: PolicySpec, release: str) -> None:
    plan = a_plan(members, waves(members, policy, release), policy=policy, release=release)
    read = Plan.parse(plan.to_bytes())
    assert read == plan
    assert read.digest == plan.digest


def _allowed(plan: Plan, in_flight: Collection[ClusterKey]) -> bool:
    """Say I7 in other words than the code: count, for every site, customer, management cluster and group."""
    caps = plan.policy.waves.caps
    flying = [plan.members[key] for key in in_flight]
    everybody = list(plan.members.values())
    looks: list[tuple[Allowance, Callable[[Member], str]]] = [
        (caps.site, lambda member: member.key.site),
        (caps.customer, lambda member: member.customer),
        (caps.management_cluster, lambda member: member.management_cluster),
    ]
    for allowance, name_of in looks:
        total = Counter(map(name_of, everybody))
        for name, count in Counter(map(name_of, flying)).items():
            if count > max(1, allowance.number, total[name] * allowance.percent // 100):
                return False
    grouped = Counter(member.redundancy_group for member in flying if member.redundancy_group is not None)
    budget = plan.policy.waves.max_unavailable
    allowed = max(1, budget.number, len(everybody) * budget.percent // 100)
    return len(flying) <= allowed and all(count == 1 for count in grouped.values())


def _rollout(plan: Plan, draw: Callable[[st.SearchStrategy[str]], str]) -> Iterator[set[ClusterKey]]:
    """Roll out wave by wave with any outcomes, giving who is in flight after every step; failures get mended."""
    in_flight: set[ClusterKey] = set()
    for wave in plan.waves:
        waiting = list(wave.clusters)
        while waiting or in_flight:
            started = batch(plan, in_flight, waiting)
            assert started or in_flight, "a cluster waits, nobody is in flight, and nobody may start"
            waiting = [key for key in waiting if key not in started]
            in_flight |= set(started)
            yield in_flight
            outcomes = {key: draw(st.sampled_from(["done", "done", "still", "failed"])) for key in sorted(in_flight)}
            stuck = {key for key, outcome in outcomes.items() if outcome != "done"}
            in_flight = stuck if len(stuck) < len(in_flight) else set(sorted(stuck)[1:])


@given(members=all_members(least=1), policy=policies(), release=releases, data=st.data())
def test_budget_and_caps_hold_at_every_moment_and_never_starve_a_rollout(
    members: Mapping[ClusterKey, Member], policy: PolicySpec, release: str, data: st.DataObject
) -> None:
    plan = a_plan(members, waves(members, policy, release), policy=policy, release=release)
    seen: set[ClusterKey] = set()
    for in_flight in _rollout(plan, data.draw):
        assert _allowed(plan, in_flight)
        seen |= in_flight
    assert seen == set(members)


@given(members=all_members(least=1), policy=policies(), release=releases, data=st.data())
def test_a_batch_is_as_large_as_may_be_and_knows_no_input_order(
    members: Mapping[ClusterKey, Member], policy: PolicySpec, release: str, data: st.DataObject
) -> None:
    plan = a_plan(members, waves(members, policy, release), policy=policy, release=release)
    some = data.draw(st.lists(st.sampled_from(sorted(members)), unique=True))
    in_flight = set(batch(plan, (), some[: len(some) // 2]))
    started = batch(plan, in_flight, some)
    assert batch(plan, in_flight, data.draw(st.permutations(some))) == started
    assert batch(plan, in_flight, started) == started
    assert len(in_flight) + len(started) <= max_unavailable(plan)
    for left in set(some) - in_flight - set(started):
        assert not _allowed(plan, {*in_flight, *started, left})
