"""A large rollout planned: who moves in which wave, and who starts now.

    python -m bench.waves CLUSTERS

Twenty clusters a site, ten sites a management cluster, fifty customers, every
tenth cluster in a redundancy group; production's policy. Beside the figure: what
the plan costs that is written once, cited by its digest and read at every step.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from bench.measure import Steps, on_one_core, peak_mib
from bench.synthetic import CLUSTERS_PER_SITE, SITES_PER_MANAGEMENT_CLUSTER
from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.rollout.plan import Member, Plan
from schiff.rollout.waves import batch, plan_duration, waves
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

_BEFORE, _RELEASE = (f"sha256:{digit * 64}" for digit in "ba")
_START = Assignment(_BEFORE, KubernetesVersion(1, 34, 6))
_TARGET = KubernetesVersion(1, 35, 4)


def members(count: int) -> dict[ClusterKey, Member]:
    """Return the members of a fleet of this size."""
    found = (_member(number) for number in range(count))
    return {member.key: member for member in found}


def _member(number: int) -> Member:
    site = number // CLUSTERS_PER_SITE
    return Member(
        key=ClusterKey(f"site-{site}", f"cluster-{number}"),
        customer=f"customer-{number % 50}",
        management_cluster=f"mgmt-{site // SITES_PER_MANAGEMENT_CLUSTER}",
        provider="metal3" if site % 10 >= 7 else "vsphere",
        zone="intranet",
        variant="flux=intranet,metallb=bgp",
        redundancy_group=None if number % 10 else f"group-{number // 20}",
        machines=8,
        start=_START,
        hops=(_TARGET,),
    )


def measure(clusters: int) -> dict[str, Any]:
    """Plan one rollout and find its first batch, and the batch of a later step."""
    policy, steps, everybody = PolicySpec(), Steps(), members(clusters)
    with steps.step("waves"):
        found = waves(everybody, policy, _RELEASE)
        plan = Plan("prd", _RELEASE, policy, everybody, {}, found)
    with steps.step("first batch"):
        started = batch(plan, (), plan.members)
    beside = Steps()
    with beside.step("written"):
        content = plan.to_bytes()
    with beside.step("read"):
        read = Plan.parse(content)
    with beside.step("next batch"):
        batch(plan, started, plan.members)
    with beside.step("duration"):
        plan_duration(plan)
    if read != plan or sum(len(wave.clusters) for wave in found) != clusters:
        raise SystemExit("the plan does not hold what was planned")
    named = {"waves": len(found), "started": len(started), "kilobytes": len(content) // 1000, "peak": peak_mib()}
    return {**steps.as_dict(), "beside": beside.seconds, **named}


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clusters", type=int)
    asked = parser.parse_args()
    on_one_core()
    print(json.dumps(measure(asked.clusters)))


if __name__ == "__main__":
    main()
