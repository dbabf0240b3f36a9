from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schiff.errors import InvalidInput, Problem
from schiff.layers.resolve import Resolver, resolve_environment, survey_environment
from schiff.model.release import Assignment, Assignments
from schiff.sources.fleet_files import load_fleet
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion
from tests.layers.test_assemble import RELEASE, with_release
from tests.makers import (
    MANAGEMENT_CLUSTER,
    METAL3_ORDER,
    VSPHERE_ORDER,
    Documents,
    a_fleet,
    a_resolved_cluster,
    a_resolved_environment,
    a_resolved_management_cluster,
    an_assignment,
    assignments_of,
    changed,
    fleet_documents,
    fleet_folder,
)

KEY = ClusterKey("vsphere-site-1", "customer-a-1")
ON_METAL = ClusterKey("baremetal-site-1", "customer-a-2")


def problems(documents: Documents, *, frozen: bool = False) -> tuple[Problem, ...]:
    fleet = a_fleet(documents)
    release = next(iter(fleet.releases)) if frozen else HEAD
    with pytest.raises(InvalidInput) as caught:
        resolve_environment(fleet, "tst", assignments_of(fleet, "tst", release))
    return caught.value.problems


def only(documents: Documents, *, frozen: bool = False) -> Problem:
    found = problems(documents, frozen=frozen)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def test_a_cluster_has_the_values_of_all_its_layers() -> None:
    cluster = a_resolved_cluster("metal3")
    spec = cluster.spec
    assert spec.registry == "registry.schiff.example"
    assert spec.control_plane.vip == "keepalived"
    assert spec.components["calico"] == {"encapsulation": "VXLANCrossSubnet"}
    assert str(spec.control_plane.endpoint) == "10.2.0.10"
    assert cluster.identity.namespace == "baremetal-site-1-customer-a-2"
    assert cluster.identity.fqdn == "customer-a-2.baremetal-site-1.location-1.schiff.example"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("defaults.yaml", "registry"),
        ("environments/tst.yaml", "registry"),
        ("providers/vsphere.yaml", "registry"),
        ("zones/intranet.yaml", "registry"),
        ("classes/far-edge.yaml", "registry"),
        ("sites/vsphere-site-1/site.yaml", "values.registry"),
        (VSPHERE_ORDER, "registry"),
    ],
)
def test_each_layer_reaches_the_cluster(path: str, field: str) -> None:
    documents = changed(VSPHERE_ORDER, "class", "far-edge", changed(path, field, "from-here"))
    documents = changed(VSPHERE_ORDER, "controlPlane.replicas", 3, documents)
    assert a_resolved_cluster("vsphere", documents=documents).spec.registry == "from-here"


def test_a_customer_layer_lies_below_the_order_and_above_the_rest() -> None:
    documents = changed("fleet.yaml", "customerMaySet", ["registry"])
    documents = changed(
        "defaults.yaml", "registry", "a", changed("customers/customer-a.yaml", "registry", "b", documents)
    )
    assert a_resolved_cluster(documents=documents).spec.registry == "b"
    assert a_resolved_cluster(documents=changed(VSPHERE_ORDER, "registry", "c", documents)).spec.registry == "c"


def test_another_order_of_the_layers_gives_another_winner() -> None:
    order = ["defaults", "zone", "environment", "provider", "class", "site", "customer", "cluster"]
    documents = changed("zones/intranet.yaml", "registry", "zone", changed("environments/tst.yaml", "registry", "env"))
    assert a_resolved_cluster(documents=documents).spec.registry == "zone"
    assert a_resolved_cluster(documents=changed("fleet.yaml", "layers", order, documents)).spec.registry == "env"


def test_a_cluster_reads_the_shared_layers_of_its_release_only() -> None:
    documents = changed("defaults.yaml", "registry", "head", with_release())
    release = next(iter(a_fleet(documents).releases))
    assert a_resolved_cluster(documents=documents).spec.registry == "head"
    assert a_resolved_cluster(documents=documents, release=release).spec.registry == "registry.schiff.example"


def test_a_management_cluster_is_resolved_like_an_order() -> None:
    cluster = a_resolved_management_cluster()
    assert cluster.self_managed
    assert cluster.identity.customer == "platform"
    assert cluster.identity.environment == "tst"
    assert cluster.identity.namespace == "schiff-mgmt-x"
    assert cluster.spec.machine_classes["large"].cpus == 8


def test_an_environment_has_its_tenants_and_every_management_cluster_that_serves_it() -> None:
    documents = changed(METAL3_ORDER, "environment", "ref")
    fleet = a_fleet(documents)
    tst, ref = a_resolved_environment(fleet), a_resolved_environment(fleet, "ref")
    assert (list(tst.tenants), list(ref.tenants)) == ([KEY], [ON_METAL])
    assert list(tst.management_clusters) == list(ref.management_clusters) == ["schiff-mgmt-x"]
    assert (tst.owned, ref.owned) == (("schiff-mgmt-x",), ())


def test_the_origin_of_every_value_can_be_asked(tmp_path: Path) -> None:
    fleet = load_fleet(fleet_folder(tmp_path))
    merged = Resolver(fleet).merged(KEY, an_assignment(fleet))
    assert str(merged.origins[("registry",)].place) == "defaults.yaml:1:1"
    assert merged.origins[("pools", "md-0", "replicas")].layer == "cluster"


@pytest.mark.parametrize(
    ("path", "field", "value", "expected"),
    [
        (VSPHERE_ORDER, "zone", "dmz", ("zone", "no zone is called 'dmz'")),
        (VSPHERE_ORDER, "class", "huge", ("class", "no class is called 'huge'")),
        (VSPHERE_ORDER, "nodes.network", "pg", ("nodes.network", "has no network called 'pg'")),
        (VSPHERE_ORDER, "pools.md-0.class", "xl", ("pools[md-0].class", "no machine class is called 'xl'")),
        (VSPHERE_ORDER, "controlPlane.class", "xl", ("controlPlane.class", "no machine class is called 'xl'")),
        (VSPHERE_ORDER, "registry", None, ("registry", "is missing")),
        (VSPHERE_ORDER, "controlPlane.endpoint", None, ("controlPlane.endpoint", "is missing")),
        (VSPHERE_ORDER, "components", {"metalb": {}}, ("components[metalb]", "no component is called 'metalb'")),
        (VSPHERE_ORDER, "controlPlane.vip", "keepalived", ("controlPlane.vip", "keepalived needs virtualRouterId")),
        (METAL3_ORDER, "controlPlane.replicas", 1, ("controlPlane.replicas", "maxSurge 0 replaces first")),
        (METAL3_ORDER, "pools.md-0.maxUnavailable", 0, ("pools[md-0].maxSurge", "no machine could ever be replaced")),
        (VSPHERE_ORDER, "machineClasses.large.hardware", "x", ("machineClasses[large].hardware", "not both")),
        (MANAGEMENT_CLUSTER, "cluster.zone", "dmz", ("cluster.zone", "no zone is called 'dmz'")),
        (MANAGEMENT_CLUSTER, "cluster.nodes.network", "pg", ("cluster.nodes.network", "has no network called")),
    ],
)  # fmt: skip
def test_what_only_the_merged_value_shows_stands_where_it_was_written(
    tmp_path: Path, path: str, field: str, value: Any, expected: tuple[str, str]
) -> None:
    fleet = load_fleet(fleet_folder(tmp_path, changed(path, field, value)))
    found = survey_environment(fleet, "tst", assignments_of(fleet))[1]
    assert [(problem.place.file, problem.path) for problem in found] == [(path, expected[0])]
    assert expected[1] in found[0].message
    assert found[0].place.line


def test_an_order_names_its_environment() -> None:
    documents = fleet_documents()
    del documents[VSPHERE_ORDER]["environment"]
    with pytest.raises(InvalidInput, match=r"environment: is missing: .*; write one of tst, ref, prd"):
        a_fleet(documents)


def test_what_no_two_clusters_share_is_missing_in_the_order(tmp_path: Path) -> None:
    documents = changed(METAL3_ORDER, "controlPlane.virtualRouterId", None)
    fleet = load_fleet(fleet_folder(tmp_path, changed(VSPHERE_ORDER, "controlPlane", {}, documents)))
    found = survey_environment(fleet, "tst", assignments_of(fleet))[1]
    assert [(problem.place.file, problem.path) for problem in found] == [
        (METAL3_ORDER, "controlPlane.virtualRouterId"),
        (VSPHERE_ORDER, "controlPlane.endpoint"),
    ]
    assert all(problem.place.line for problem in found)


def test_a_cluster_needs_a_management_cluster_for_its_environment() -> None:
    fleet = a_fleet(changed(VSPHERE_ORDER, "environment", "prd"))
    with pytest.raises(InvalidInput, match="no management cluster serves site vsphere-site-1 for"):
        Resolver(fleet).cluster(KEY, an_assignment(fleet))


def test_the_line_of_a_problem_is_the_line_of_the_value(tmp_path: Path) -> None:
    text = "machineClasses:\n  large: {hardware: x}\n  control-plane:\n    cpus: 8\n    hardware: x\n"
    fleet = load_fleet(fleet_folder(tmp_path, texts={"providers/vsphere.yaml": text}))
    found = survey_environment(fleet, "tst", assignments_of(fleet))[1]
    assert [str(problem.place) for problem in found] == ["providers/vsphere.yaml:5:5"]
    assert [problem.layer for problem in found] == ["provider"]


def test_a_class_that_head_has_and_the_release_lacks_says_so() -> None:
    documents = changed("classes/new.yaml", "registry", "x", changed(VSPHERE_ORDER, "class", "new", with_release()))
    problem = only(documents, frozen=True)
    assert problem.message == "class 'new' exists at head, but not in release 2026.48.0, which this cluster runs"
    a_resolved_cluster(documents=documents)


def test_a_machine_class_that_head_has_and_the_release_lacks_says_so() -> None:
    new = {"cpus": 16, "memoryMiB": 65536, "diskGiB": 120}
    documents = changed("providers/vsphere.yaml", "machineClasses.xl", new, with_release())
    documents = changed(VSPHERE_ORDER, "pools.md-0.class", "xl", documents)
    assert "machine class 'xl' exists at head, but not in release" in only(documents, frozen=True).message
    a_resolved_cluster(documents=documents)


def test_a_component_that_head_has_and_the_release_lacks_says_so() -> None:
    documents = with_release()
    del documents[f"{RELEASE}release.yaml"]["components"]["metallb"]
    documents = changed(VSPHERE_ORDER, "components", {"metallb": {"mode": "bgp"}}, documents)
    assert "component 'metallb' exists at head, but not in release" in only(documents, frozen=True).message
    a_resolved_cluster(documents=documents)


def test_what_a_customer_may_set_at_head_waits_for_the_release() -> None:
    documents = with_release()
    documents = changed("fleet.yaml", "customerMaySet", ["registry"], documents)
    documents = changed("customers/customer-a.yaml", "registry", "x", documents)
    problem = only(documents, frozen=True)
    assert problem.rule == "customer-may-not"
    assert "release 2026.48.0 allows" in problem.message


def test_a_release_that_the_fleet_lacks_is_a_problem_of_each_cluster() -> None:
    fleet = a_fleet()
    gone = Assignment("sha256:" + "0" * 64, KubernetesVersion(1, 35, 4))
    with pytest.raises(InvalidInput, match="which the fleet lacks"):
        Resolver(fleet).cluster(KEY, gone)
    with pytest.raises(InvalidInput, match="which the fleet lacks"):
        Resolver(fleet).management_cluster("schiff-mgmt-x", gone)


@pytest.mark.parametrize(("minor", "right"), [(31, False), (32, True), (36, True), (37, False)])
def test_a_management_cluster_runs_what_cluster_api_runs_on(minor: int, right: bool) -> None:
    fleet = a_fleet()
    assignment = Assignment(HEAD, KubernetesVersion(1, minor, 0))
    if right:
        assert Resolver(fleet).management_cluster("schiff-mgmt-x", assignment).assignment is assignment
        return
    with pytest.raises(InvalidInput, match=r"outside 1\.32-1\.36"):
        Resolver(fleet).management_cluster("schiff-mgmt-x", assignment)


def test_the_problems_of_all_clusters_appear_together() -> None:
    documents = changed(VSPHERE_ORDER, "zone", "dmz", changed(METAL3_ORDER, "nodes.network", "x"))
    documents = changed(MANAGEMENT_CLUSTER, "cluster.zone", "dmz", documents)
    found = problems(documents)
    assert [problem.place.file for problem in found] == [MANAGEMENT_CLUSTER, METAL3_ORDER, VSPHERE_ORDER]


def test_a_survey_gives_the_clusters_that_are_right() -> None:
    fleet = a_fleet(changed(VSPHERE_ORDER, "zone", "dmz"))
    resolved, found = survey_environment(fleet, "tst", assignments_of(fleet))
    assert list(resolved.tenants) == [ON_METAL]
    assert len(found) == 1


def test_a_shared_mistake_is_said_once() -> None:
    documents = fleet_documents()
    del documents["defaults.yaml"]["clusterNetwork"]["pods"]
    found = problems(documents)
    assert {(problem.place.file, problem.path) for problem in found} == {("defaults.yaml", "clusterNetwork.pods")}


def test_nothing_assigned_is_nothing_resolved() -> None:
    resolved = resolve_environment(a_fleet(), "tst", Assignments({}, {}))
    assert (resolved.tenants, resolved.management_clusters) == ({}, {})


def test_a_customers_hold_is_for_its_production_clusters() -> None:
    hold = {"by": "customer-a", "reason": "year's end", "since": "2026-12-01", "until": "2027-01-10"}
    documents = changed("customers/customer-a.yaml", "hold", hold)
    assert a_resolved_cluster(documents=documents).spec.hold is None
    documents[VSPHERE_ORDER]["environment"] = "prd"
    documents[MANAGEMENT_CLUSTER]["environments"] = ["tst", "prd"]
    held = a_resolved_cluster(documents=documents).spec.hold
    assert held is not None
    assert held.is_open(datetime(2026, 12, 1, tzinfo=UTC))
    assert not held.is_open(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert not held.is_open(datetime(2027, 1, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("since", "until", "path"),
    [
        ("yesterday", None, "hold.since"),
        ("2026-02-29", None, "hold.since"),
        ("2026-12-01", "2026-12-01", "hold.until"),
        ("2026-12-01", "2026-11-01T00:00:00Z", "hold.until"),
        ("2026-12-01", "2027", "hold.until"),
    ],
)
def test_a_hold_has_dates_in_their_order(since: str, until: str | None, path: str) -> None:
    documents = changed(VSPHERE_ORDER, "hold", {"by": "a", "reason": "b", "since": since, "until": until})
    documents[VSPHERE_ORDER]["environment"] = "prd"
    documents[MANAGEMENT_CLUSTER]["environments"] = ["tst", "prd"]
    with pytest.raises(InvalidInput) as caught:
        a_resolved_cluster(documents=documents)
    assert {problem.path for problem in caught.value.problems} == {path}


def test_the_last_layer_that_names_windows_has_all_of_them() -> None:
    night = {"days": ["monday"], "from": "22:00", "until": "04:00", "zone": "Europe/Berlin"}
    day = {"days": ["sunday"], "from": "08:00", "until": "18:00", "zone": "Europe/Berlin"}
    documents = changed("customers/customer-a.yaml", "windows", [night, day])
    documents["fleet.yaml"]["customerMaySet"].append("windows")
    assert len(a_resolved_cluster(documents=documents).spec.windows) == 2
    documents = changed(VSPHERE_ORDER, "windows", [day], documents)
    assert [str(one) for one in a_resolved_cluster(documents=documents).spec.windows] == [
        "sunday 08:00-18:00 Europe/Berlin"
    ]
