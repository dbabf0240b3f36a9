"""In which order clusters move, and which of them may start now.

1. Clusters stand in the order of ``sha256(release | cluster)``: other victims each time, and anybody can compute them.
2. The first is the canary. Each further wave fills up to its percentage of the plan, rounded down, so that a wave never
   touches more than its name says; the last is 100% in every policy. A wave that would be empty is dropped.
3. Moving, unknown and failed clusters together stay within `maxUnavailable`.
4. So do those of one site, one customer and one management cluster within their caps; a share of few is at least one.
5. Two clusters of one redundancy group never move together.
6. A cluster that is in no wave (it joined, or its hold ended) is swept alone: a chain knows its site, and no more.

Allowed sets shrink well: what may start together may start one by one, so a
move is within budget exactly when `batch` gives all of it back.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Final

from schiff.model.policy import CANARY, PolicySpec
from schiff.rollout.plan import ManagementMember, Member, Plan, Wave
from schiff.values.names import ClusterKey
from schiff.values.shares import Percent

_STRANGER: Final = ("stranger", "")
_DEADLINE_IS: Final = 3
"""How many times the expected duration a deadline is."""

Claim = tuple[str, str]
"""What clusters share that bounds how many of them move: a site, a customer, a management cluster, a group."""


def place_in_line(release: str, name: object) -> str:
    """Return what clusters are ordered by."""
    return hashlib.sha256(f"{release}|{name}".encode()).hexdigest()


def waves(members: Iterable[ClusterKey], policy: PolicySpec, release: str) -> tuple[Wave, ...]:
    """Return the waves of a plan: disjoint, covering, whatever the order of `members`."""
    line = sorted(set(members), key=lambda key: place_in_line(release, key))
    found: list[Wave] = []
    done = 0
    for name in policy.waves.order:
        end = _end(name, len(line))
        if end > done:
            found.append(Wave(name, tuple(line[done:end])))
            done = end
    return tuple(found)


def _end(name: str, total: int) -> int:
    """Return how many clusters have moved when a wave is through."""
    return min(1, total) if name == CANARY else Percent.parse(name).value * total // 100


def max_unavailable(plan: Plan) -> int:
    """Return how many clusters may be moving, unknown or failed at once."""
    return plan.policy.waves.max_unavailable.of(len(plan.members))


def batch(plan: Plan, in_flight: Collection[ClusterKey], candidates: Iterable[ClusterKey]) -> tuple[ClusterKey, ...]:
    """Return which of `candidates` may start now, in the order of the plan, whatever order they are given in.

    `in_flight` is who is moving, unknown or failed. With nobody in flight and
    a candidate there is always one that may start.
    """
    free = max_unavailable(plan) - len(set(in_flight))
    taken: dict[Claim, int] = defaultdict(int)
    for claim in (claim for key in set(in_flight) for claim in claims(plan, key)):
        taken[claim] += 1
    chosen: list[ClusterKey] = []
    for key in sorted(set(candidates).difference(in_flight), key=lambda key: _rank(plan, key)):
        if len(chosen) >= free:
            break
        mine = claims(plan, key)
        if all(taken[claim] < limit(plan, claim) for claim in mine):
            chosen.append(key)
            for claim in mine:
                taken[claim] += 1
    return tuple(chosen)


def claims(plan: Plan, key: ClusterKey) -> tuple[Claim, ...]:
    """Return what a cluster shares with others; of one that is no member only its site is known."""
    member = plan.members.get(key)
    if member is None:
        return ("site", key.site), _STRANGER
    shared = (("site", key.site), ("customer", member.customer), ("managementCluster", member.management_cluster))
    return shared if member.redundancy_group is None else (*shared, ("redundancyGroup", member.redundancy_group))


def limit(plan: Plan, claim: Claim) -> int:
    """Return how many clusters with this claim may be in flight at once; a share is one of the members that have it."""
    caps, (kind, name) = plan.policy.waves.caps, claim
    match kind:
        case "site":
            return caps.site.of(plan.sizes["site"][name])
        case "customer":
            return caps.customer.of(plan.sizes["customer"][name])
        case "managementCluster":
            return caps.management_cluster.of(plan.sizes["managementCluster"][name])
        case _:
            return 1


def _rank(plan: Plan, key: ClusterKey) -> tuple[int, str]:
    """Return where a cluster stands: members as in their waves, then the others in the order of their digests."""
    place = plan.places.get(key)
    return (len(plan.places), place_in_line(plan.release, key)) if place is None else (place, "")


def deadline(member: Member | ManagementMember, policy: PolicySpec) -> timedelta:
    """Return how long one hop may take before the cluster counts as failed."""
    return max(1, member.machines) * policy.waves.deadline_per_machine.delta


def expected_duration(member: Member | ManagementMember, policy: PolicySpec) -> timedelta:
    """Return how long one hop is expected to take: a third of its deadline, or windows of a night would never open."""
    return deadline(member, policy) / _DEADLINE_IS


def plan_duration(plan: Plan) -> timedelta:
    """Return how long a plan takes at least: every hop as long as expected, nothing fails, no window is closed."""
    bake = plan.policy.bake_of("")
    managers = sum(
        (len(one.hops) * (expected_duration(one, plan.policy) + bake) for one in plan.management_clusters.values()),
        timedelta(),
    )
    return managers + sum((_wave_duration(plan, wave) for wave in plan.waves), timedelta())


def _wave_duration(plan: Plan, wave: Wave) -> timedelta:
    """Return the longest of what must happen one after the other, and the bake of the last cluster."""
    bake = plan.policy.bake_of(wave.name)
    work: Counter[Claim] = Counter()
    longest = whole = 0
    for key in wave.clusters:
        member = plan.members[key]
        seconds = len(member.hops) * int(expected_duration(member, plan.policy).total_seconds())
        whole += seconds
        longest = max(longest, seconds + (len(member.hops) - 1) * int(bake.total_seconds()))
        for claim in claims(plan, key):
            work[claim] += seconds
    shares = (seconds // limit(plan, claim) for claim, seconds in work.items())
    return timedelta(seconds=max(longest, whole // max_unavailable(plan), *shares)) + bake
