from __future__ import annotations

import hashlib
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from schiff.compiler.cluster_variant import variants_of
from schiff.errors import Refused
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedEnvironment
from schiff.model.tenant_cluster import Removal
from schiff.model.windows import WindowSpec
from schiff.rollout.plan import Plan
from schiff.rollout.planning import on_release, plan_of
from schiff.sources.plugins import load_parts
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey, Environment
from schiff.values.versions import KubernetesVersion
from tests.makers import (
    METAL3_ORDER,
    VSPHERE_ORDER,
    Documents,
    a_fleet,
    assignments_of,
    changed,
    fleet_documents,
)

VIRTUAL, METAL = ClusterKey("vsphere-site-1", "customer-a-1"), ClusterKey("baremetal-site-1", "customer-a-2")
MANAGER = "schiff-mgmt-x"
V34, V35 = KubernetesVersion(1, 34, 6), KubernetesVersion(1, 35, 4)
SHARED = ("fleet.yaml", "defaults.yaml", "environments/", "providers/", "zones/", "classes/", "components/")


def _released(documents: Documents, name: str, version: str, **versions: Any) -> Documents:
    """Return the documents with a release of their shared layers."""
    frozen = {f"releases/{name}/{path}": deepcopy(data) for path, data in documents.items() if path.startswith(SHARED)}
    release = deepcopy({"kind": "train", **documents["head.yaml"]})
    release["kubernetes"] = {
        **release["kubernetes"],
        "version": version,
        "images": {
            "vsphere": {"template": f"image-{version}"},
            "metal3": {"url": f"https://images.schiff.example/{version}.qcow2", "sha256": "4b" * 32},
        },
        **versions.pop("kubernetes", {}),
    }
    for component, pin in versions.items():
        release["components"][component] |= pin
    return {**documents, **frozen, f"releases/{name}/release.yaml": release}


def _documents(*changes: tuple[str, str, Any], **versions: Any) -> Documents:
    """Return a fleet of two clusters of `ref` with an old and a new release."""
    documents = fleet_documents()
    for order in (VSPHERE_ORDER, METAL3_ORDER):
        documents = changed(order, "environment", "ref", documents)
    documents = changed("management-clusters/schiff-mgmt-x.yaml", "owner", "ref", documents)
    for path, field, value in changes:
        documents = changed(path, field, value, documents)
    return _released(_released(documents, "2026.46.0", "v1.34.6"), "2026.48.0", "v1.35.4", **versions)


@dataclass(frozen=True)
class Situation:
    """An environment that runs the old release, or something else, before it is planned."""

    fleet: Fleet
    environment: Environment
    current: Assignments
    release: SharedLayers

    @property
    def resolved(self) -> ResolvedEnvironment:
        after = on_release(self.fleet, self.environment, self.current, self.release)
        return resolve_environment(self.fleet, self.environment, after)

    def plan(self, held: Collection[ClusterKey] = (), **more: Any) -> Plan:
        variants = variants_of(self.resolved, load_parts())
        policy = self.fleet.policy
        return plan_of(self.resolved, self.release, self.current, policy, variants=variants, held=held, **more)


def _situation(documents: Documents, environment: Environment = "ref", start: str = "2026.46.0") -> Situation:
    fleet = a_fleet(documents)
    old, new = fleet.release_named(start), fleet.release_named("2026.48.0")
    assert new is not None
    now = assignments_of(fleet, environment, HEAD if old is None else old.digest)
    return Situation(fleet, environment, now, new)


def _refusal(situation: Situation, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        situation.plan(**more)
    return caught.value


def test_a_plan_names_every_cluster_with_what_waves_look_at() -> None:
    situation = _situation(_documents((VSPHERE_ORDER, "redundancyGroup", "shop")))
    plan = situation.plan()
    assert (plan.environment, plan.release) == ("ref", situation.release.digest)
    virtual = plan.members[VIRTUAL]
    assert virtual.start == situation.current.tenants[VIRTUAL]
    assert virtual.hops == (V35,)
    assert (virtual.provider, virtual.zone, virtual.customer) == ("vsphere", "intranet", "customer-a")
    assert (virtual.machines, virtual.management_cluster, virtual.redundancy_group) == (6, MANAGER, "shop")
    assert plan.members[METAL].machines == 5
    assert plan.members[METAL].redundancy_group is None
    assert sorted(key for wave in plan.waves for key in wave.clusters) == [METAL, VIRTUAL]
    assert Plan.parse(plan.to_bytes()) == plan


def test_a_variant_names_the_components_that_are_not_as_everywhere() -> None:
    members = _situation(_documents()).plan().members
    assert members[VIRTUAL].variant != members[METAL].variant
    assert "flux=intranet" in members[METAL].variant


def test_the_management_cluster_moves_with_the_environment_that_owns_it() -> None:
    owned = _situation(_documents()).plan()
    assert owned.management_clusters[MANAGER].hops == (V35,)
    assert owned.management_clusters[MANAGER].machines == 6
    elsewhere = _situation(_documents(("management-clusters/schiff-mgmt-x.yaml", "owner", "tst")))
    new = Assignment(elsewhere.release.digest, V35)
    later = replace(elsewhere, current=Assignments(elsewhere.current.tenants, {MANAGER: new}))
    assert later.plan().management_clusters == {}


def test_a_held_cluster_stands_beside_with_what_it_runs() -> None:
    situation = _situation(_documents())
    plan = situation.plan(held=[VIRTUAL])
    assert list(plan.members) == [METAL]
    assert plan.held == {VIRTUAL: situation.current.tenants[VIRTUAL]}
    assert [key for wave in plan.waves for key in wave.clusters] == [METAL]


def test_a_cluster_that_leaves_is_not_planned() -> None:
    situation = _situation(_documents((VSPHERE_ORDER, "decommission", "customer-a-1")))
    tenants = situation.current.tenants
    leaving = {**tenants, VIRTUAL: replace(tenants[VIRTUAL], removal="b")}
    plan = replace(situation, current=Assignments(leaving, situation.current.management_clusters)).plan()
    assert list(plan.members) == [METAL]


def test_in_the_first_environment_candidates_alone_are_planned() -> None:
    documents = _documents((VSPHERE_ORDER, "environment", "tst"), (METAL3_ORDER, "environment", "tst"))
    situation = _situation(documents, "tst")
    head = Assignment(HEAD, V35)
    now = Assignments({VIRTUAL: head, METAL: head}, situation.current.management_clusters)
    later = replace(situation, current=Assignments(now.tenants, {MANAGER: Assignment(situation.release.digest, V35)}))
    assert list(later.plan().members) == [METAL]
    assert later.plan().members[METAL].start == head


def test_windows_of_the_environment_give_way_to_those_that_layers_write() -> None:
    night = {"days": ["sunday"], "from": "02:00", "until": "06:00", "zone": "Europe/Berlin"}
    noon = {**night, "from": "12:00", "until": "14:00"}
    policy = {"environments": {"ref": {"windows": [night]}}}
    documents = _documents((VSPHERE_ORDER, "windows", [noon]))
    members = _situation({**documents, "policy.yaml": policy}).plan().members
    assert members[METAL].windows == (WindowSpec.parse("sunday 02:00-06:00 Europe/Berlin"),)
    assert members[VIRTUAL].windows == (WindowSpec.parse("sunday 12:00-14:00 Europe/Berlin"),)


def test_a_cluster_that_runs_the_release_already_is_evidence_too() -> None:
    situation = _situation(_documents(), start="2026.48.0")
    assert situation.plan().members[METAL].hops == (V35,)


def test_a_missing_minor_is_named_with_the_clusters_that_need_it() -> None:
    situation = _situation(_documents(kubernetes={"via": []}))
    v33 = Assignment(situation.current.tenants[METAL].release, KubernetesVersion(1, 33, 9))
    late = replace(situation, current=Assignments({METAL: v33, VIRTUAL: v33}, situation.current.management_clusters))
    refused = _refusal(late)
    assert refused.code == "no-path"
    assert str(refused).startswith("baremetal-site-1/customer-a-2, vsphere-site-1/customer-a-1: release 2026.48.0")
    assert "1.34" in str(refused)


def test_two_minors_are_two_hops() -> None:
    situation = _situation(_documents())
    v33 = Assignment(situation.current.tenants[METAL].release, KubernetesVersion(1, 33, 9))
    late = replace(situation, current=Assignments({METAL: v33, VIRTUAL: v33}, situation.current.management_clusters))
    assert late.plan().members[METAL].hops == (V34, V35)


def test_a_component_that_cannot_follow_is_named() -> None:
    offered: tuple[str, str, Any] = ("components/calico.yaml", "versions", {"v3.32.1": {}, "v3.40.0": {}})
    refused = _refusal(_situation(_documents(offered, calico={"version": "v3.40.0", "upgradeFrom": ">=3.39"})))
    assert refused.code == "no-path"
    assert "calico v3.40.0 follows >=3.39, not v3.32.1" in str(refused)


def test_a_management_cluster_must_know_every_tenant_before_and_after() -> None:
    situation = _situation(_documents())
    ancient = Assignment(situation.current.tenants[METAL].release, KubernetesVersion(1, 20, 0))
    tenants = {METAL: ancient, VIRTUAL: situation.current.tenants[VIRTUAL]}
    held = replace(situation, current=Assignments(tenants, situation.current.management_clusters))
    refused = _refusal(held, held=[METAL])
    assert str(refused).startswith(f"baremetal-site-1/customer-a-2: management cluster {MANAGER}: v1.20.0 is outside")


def test_the_plane_of_a_management_cluster_does_not_go_down() -> None:
    documents = _documents()
    documents["releases/2026.46.0/release.yaml"]["managementPlane"]["capi"] = "v1.14.0"
    refused = _refusal(_situation(documents))
    assert str(refused) == f"{MANAGER}: Cluster API goes down from v1.14.0 to v1.13.5, which it does not support"


def test_a_management_cluster_runs_what_its_cluster_api_runs_on_at_every_hop() -> None:
    anywhere = {name: {"kubernetes": ">=1.30"} for name in fleet_documents()["head.yaml"]["components"]}
    stops = {"via": ["v1.31.9", "v1.32.9", "v1.33.9", "v1.34.6"]}
    situation = _situation(_documents(kubernetes=stops, **anywhere))
    ancient = Assignment(situation.current.management_clusters[MANAGER].release, KubernetesVersion(1, 30, 0))
    late = replace(situation, current=Assignments(situation.current.tenants, {MANAGER: ancient}))
    refused = _refusal(late)
    assert str(refused).startswith(f"{MANAGER}: v1.31.9 is outside 1.32-1.36")
    assert refused.code == "no-path"


def test_a_plan_needs_room_at_a_site_of_virtual_machines() -> None:
    full = _documents(("sites/vsphere-site-1/site.yaml", "facts.capacity.machines", 12))
    refused = _refusal(_situation(full))
    assert refused.code == "no-capacity"
    assert "pool md-0 of vsphere-site-1/customer-a-1 adds 1 before it removes" in str(refused)
    assert "site vsphere-site-1 has room for none" in str(refused)
    assert "write maxSurge: 0 and maxUnavailable: 1, or make room" in str(refused)
    _situation(_documents(("sites/vsphere-site-1/site.yaml", "facts.capacity.machines", 13))).plan()


def test_machines_of_other_environments_take_room_too() -> None:
    roomy = _situation(_documents(("sites/vsphere-site-1/site.yaml", "facts.capacity.machines", 13)))
    other = _situation(_documents((VSPHERE_ORDER, "environment", "tst")), "tst").resolved
    assert _refusal(roomy, others=[other]).code == "no-capacity"


def test_a_cluster_whose_machines_are_gone_leaves_its_room() -> None:
    situation = _situation(
        _documents(
            ("sites/vsphere-site-1/site.yaml", "facts.capacity.machines", 7),
            (VSPHERE_ORDER, "decommission", "customer-a-1"),
        )
    )
    tenants, managers = situation.current.tenants, situation.current.management_clusters
    states: list[tuple[Removal, bool]] = [("d", False), ("e", True)]
    for state, room in states:
        leaving = {**tenants, VIRTUAL: replace(tenants[VIRTUAL], removal=state)}
        later = replace(situation, current=Assignments(leaving, managers))
        assert (list(later.plan().members) == [METAL]) if room else (_refusal(later).code == "no-capacity")


@pytest.mark.parametrize("machines", [11, 12])
def test_what_is_replaced_in_place_needs_no_room(machines: int) -> None:
    in_place = {"class": "large", "replicas": 3, "maxSurge": 0, "maxUnavailable": 1}
    full = _documents(
        ("sites/vsphere-site-1/site.yaml", "facts.capacity.machines", machines),
        (VSPHERE_ORDER, "pools.md-0", in_place),
        (VSPHERE_ORDER, "controlPlane.maxSurge", 0),
        ("management-clusters/schiff-mgmt-x.yaml", "cluster.pools.md-0", in_place),
        ("management-clusters/schiff-mgmt-x.yaml", "cluster.controlPlane.maxSurge", 0),
    )
    assert sorted(_situation(full).plan().members) == [METAL, VIRTUAL]


def test_one_control_plane_server_without_a_spare_cannot_be_replaced() -> None:
    alone = {"endpoint": "10.2.0.10", "virtualRouterId": 21, "hosts": ["r1-u01"], "replicas": 1, "maxSurge": 1}
    refused = _refusal(_situation(_documents((METAL3_ORDER, "controlPlane", alone))))
    assert str(refused) == (
        "the control plane of baremetal-site-1/customer-a-2 adds 1 before it removes, and none of its servers is spare;"
        " make room: fewer than 3 cannot be replaced in place"
    )
    spare = {**alone, "hosts": ["r1-u01", "r2-u01"]}
    _situation(_documents((METAL3_ORDER, "controlPlane", spare))).plan()


def test_a_pool_whose_servers_are_all_in_use_is_replaced_in_place_whatever_it_says() -> None:
    wanted = {"class": "worker", "hosts": ["r1-u07", "r2-u07"], "maxSurge": 1}
    assert METAL in _situation(_documents((METAL3_ORDER, "pools.md-0", wanted))).plan().members


def test_a_plan_that_cannot_be_through_in_time_is_refused() -> None:
    slow = {"waves": {"bake": {"canary": "20d"}}}
    refused = _refusal(_situation({**_documents(), "policy.yaml": slow}))
    assert refused.code == "too-long"


def test_management_clusters_stand_in_an_order_that_everybody_can_compute() -> None:
    facts = fleet_documents()["sites/vsphere-site-1/site.yaml"]["facts"]
    documents = _documents(("sites/other-site/site.yaml", "facts", facts))
    second = deepcopy(documents["management-clusters/schiff-mgmt-x.yaml"])
    second |= {"sites": ["other-site"], "site": "other-site"}
    situation = _situation({**documents, "management-clusters/schiff-mgmt-w.yaml": second})
    order = list(situation.plan().management_clusters)
    assert sorted(order) == ["schiff-mgmt-w", MANAGER]
    orders = {tuple(sorted(order, key=lambda name: _rank(digest, name))) for digest in "abcdefgh"}
    assert len(orders) == 2
    assert tuple(order) == tuple(sorted(order, key=lambda name: _rank(situation.release.digest, name)))


def _rank(release: str, name: str) -> str:
    return hashlib.sha256(f"{release}|{name}".encode()).hexdigest()
