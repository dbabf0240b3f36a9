"""Plans made by hand: members that differ in what waves look at, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.rollout.plan import ManagementMember, Member, Plan, Wave
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

BEFORE = f"sha256:{'b' * 64}"
RELEASE = f"sha256:{'a' * 64}"
OLD = KubernetesVersion(1, 34, 6)
NEW = KubernetesVersion(1, 35, 4)


def a_member(key: str, **fields: Any) -> Member:
    """Return a member of its own site and customer."""
    found: dict[str, Any] = {
        "customer": "customer-a",
        "management_cluster": "mgmt-1",
        "provider": "vsphere",
        "zone": "intranet",
        "variant": "large",
        "redundancy_group": None,
        "machines": 6,
        "start": Assignment(BEFORE, OLD),
        "hops": (NEW,),
        **fields,
    }
    return Member(key=ClusterKey.parse(key), **found)


def members_of(*members: Member) -> dict[ClusterKey, Member]:
    """Return members by their keys."""
    return {member.key: member for member in members}


def a_plan(members: Mapping[ClusterKey, Member], waves: Iterable[Wave], **fields: Any) -> Plan:
    """Return a plan with these waves."""
    found: dict[str, Any] = {
        "environment": "prd",
        "release": RELEASE,
        "policy": PolicySpec(),
        "management_clusters": {},
        **fields,
    }
    return Plan(members=members, waves=tuple(waves), **found)


def a_management_member(name: str, machines: int = 3) -> ManagementMember:
    """Return a management cluster that moves one minor up."""
    return ManagementMember(name, machines, Assignment(BEFORE, OLD), (NEW,))
