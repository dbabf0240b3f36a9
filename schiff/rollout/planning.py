"""From a resolved environment to the plan of a rollout: who moves, how far, in which waves.

1. Members are the tenant clusters that a ledger can pin (in `tst` the candidates), except those that leave. Held ones
   stand beside with what they run. A cluster that runs the release already is a member too: it is evidence like any.
2. Management clusters that the environment owns move first, one at a time, in an order everybody can compute.
3. Every Kubernetes hop is legal, so is every component's step, and what a management cluster will run knows the
   versions of all its tenants, before, on the way and after. What is missing is named now, not half way.
4. There is room for every machine that is added before another is removed.
5. Every member has a window that is long enough, and the plan is through before the next train leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.rollout.bodies import REMOVALS
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.capacity import machines_of, require_capacity
from schiff.rollout.plan import ManagementMember, Member, Plan, known_environment
from schiff.rollout.plan_times import require_time
from schiff.rollout.waves import place_in_line, waves
from schiff.rollout.ways import Way, WayFinder
from schiff.values.names import ClusterKey, Environment


def on_release(fleet: Fleet, environment: Environment, current: Assignments, release: SharedLayers) -> Assignments:
    """Return what everybody would run after the rollout: what is to be resolved before `plan_of`."""
    target = Assignment(release.digest, release.release.kubernetes.version)
    owned = {
        name
        for name in current.management_clusters
        if fleet.management_clusters[name].spec.owning_environment == environment
    }
    return Assignments(
        {key: target if _moves(fleet, key, now) else now for key, now in current.tenants.items()},
        {name: target if name in owned else now for name, now in current.management_clusters.items()},
    )


def plan_of(
    resolved: ResolvedEnvironment,
    release: SharedLayers,
    current: Assignments,
    policy: PolicySpec,
    *,
    variants: Mapping[ClusterKey, str],
    held: Collection[ClusterKey] = (),
    others: Sequence[ResolvedEnvironment] = (),
) -> Plan:
    """Return the plan of a release through an environment.

    `resolved` is the environment `on_release`, `current` what it runs now,
    `others` environments that have machines at the same sites. Raises `Refused`
    with everything that stands in the way.
    """
    able = {key: one for key, one in resolved.tenants.items() if _moves(resolved.fleet, key, current.tenants[key])}
    moving = {key: cluster for key, cluster in able.items() if key not in held}
    managers = {
        name: resolved.management_clusters[name]
        for name in sorted(resolved.owned, key=lambda name: place_in_line(release.digest, name))
    }
    finder = WayFinder(resolved.fleet, release)
    ways = finder.ways({key: current.tenants[key] for key in moving})
    manager_ways = finder.ways({name: current.management_clusters[name] for name in managers}, management=True)
    finder.look_after(resolved, {key: (current.tenants[key].kubernetes, *ways.get(key, ())) for key in able})
    finder.require()
    require_capacity([*moving.values(), *managers.values()], _standing([resolved, *others]))
    plan = Plan(
        environment=known_environment(resolved.environment),
        release=release.digest,
        policy=policy,
        members={
            key: _member(one, current.tenants[key], ways[key], variants[key], policy) for key, one in moving.items()
        },
        management_clusters={
            name: ManagementMember(name, machines_of(one), _pin(current.management_clusters[name]), manager_ways[name])
            for name, one in managers.items()
        },
        waves=waves(moving, policy, release.digest),
        held={key: _pin(current.tenants[key]) for key in able if key in held},
    )
    require_time(plan)
    return plan


def _moves(fleet: Fleet, key: ClusterKey, now: Assignment) -> bool:
    """Return whether a rollout concerns a cluster: the ledger can pin it, and it does not leave."""
    order = fleet.orders[key]
    return now.removal is None and is_pinnable(fleet, order)


def _member(cluster: ResolvedCluster, start: Assignment, way: Way, variant: str, policy: PolicySpec) -> Member:
    """Return one member; the windows of its environment are policy's, and give way to any that layers write."""
    identity = cluster.identity
    return Member(
        key=identity.key,
        customer=identity.customer,
        management_cluster=identity.management_cluster,
        provider=identity.provider,
        zone=identity.zone,
        variant=variant,
        redundancy_group=cluster.spec.redundancy_group,
        machines=machines_of(cluster),
        start=_pin(start),
        hops=way,
        windows=cluster.spec.windows or policy.environments[cluster.spec.environment].windows,
    )


def _pin(now: Assignment) -> Assignment:
    return Assignment(now.release, now.kubernetes)


def _standing(environments: Iterable[ResolvedEnvironment]) -> Iterator[ResolvedCluster]:
    """Give every cluster that has machines, once; a management cluster serves several environments."""
    managers: dict[str, ResolvedCluster] = {}
    for environment in environments:
        managers |= environment.management_clusters
        yield from (one for one in environment.tenants.values() if one.assignment.removal != REMOVALS[-1])
    yield from managers.values()
