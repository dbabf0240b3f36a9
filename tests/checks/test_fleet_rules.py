from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schiff.checks.fleet_rules import fleet_problems
from schiff.errors import Problem
from schiff.layers.construct import fleet_of
from schiff.layers.resolve import resolve_environment
from schiff.model.release import Assignment, Assignments
from schiff.sources.fleet_files import load_fleet
from schiff.values.versions import ComponentVersion, KubernetesVersion
from tests.makers import (
    MANAGEMENT_CLUSTER,
    METAL3_ORDER,
    VSPHERE_ORDER,
    Documents,
    a_fleet,
    a_resolved_environment,
    assignments_of,
    changed,
    fleet_documents,
    fleet_folder,
)

SITE, METAL_SITE = "sites/vsphere-site-1/site.yaml", "sites/baremetal-site-1/site.yaml"
SECOND = "sites/vsphere-site-1/customer-b/customer-b-1.yaml"
SECOND_ON_METAL = "sites/baremetal-site-1/customer-b/customer-b-2.yaml"

DOMAIN: dict[str, Any] = {"computeCluster": "c", "datastore": "d", "networks": []}

BGP: dict[str, Any] = {"asn": 65101, "peers": {"leaf-1": {"address": "10.1.0.251", "asn": 65010}}}

Change = tuple[str, str, Any]

OFFERED: tuple[Change, ...] = (
    ("head.yaml", "components.flux.version", "v2.9.3-s2"),
    ("components/flux.yaml", "versions", {"v2.9.3": {}, "v2.9.3-s2": {}}),
)


def a_window(until: str, opens: str = "22:00") -> dict[str, Any]:
    return {"days": ["sunday"], "from": opens, "until": until, "zone": "UTC"}


def two_of_each() -> Documents:
    """Return the makers' fleet with a second cluster on each infrastructure, in another environment."""
    documents = changed("classes/one.yaml", "controlPlane.replicas", 1)
    documents[SECOND] = {
        "environment": "ref",
        "zone": "intranet",
        "controlPlane": {"endpoint": "10.1.0.11"},
        "nodes": {"network": "pg-customer-a-1", "addresses": ["10.1.0.130-10.1.0.140"]},
        "pools": {"md-0": {"class": "large", "replicas": 1}},
        "components": {"metallb": {"pools": {"services": {"addresses": ["10.1.0.192/28"]}}}},
    }
    documents[SECOND_ON_METAL] = {
        "environment": "ref",
        "zone": "intranet",
        "controlPlane": {"endpoint": "10.2.0.11", "virtualRouterId": 22, "hosts": ["r1-u02", "r2-u02", "r3-u02"]},
        "nodes": {"network": "nodes", "addresses": ["10.2.0.70-10.2.0.90"], "excluded": []},
        "pools": {"md-0": {"class": "worker", "hosts": ["r3-u07"], "maxSurge": 0, "maxUnavailable": 1}},
    }
    return documents


def with_changes(changes: tuple[Change, ...]) -> Documents:
    documents = two_of_each()
    for path, field, value in changes:
        documents = changed(path, field, value, documents)
    return documents


def problems(documents: Documents) -> list[Problem]:
    fleet = a_fleet(documents)
    return list(fleet_problems(*(a_resolved_environment(fleet, environment) for environment in ("tst", "ref"))))


WRONG: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "decommission-other",
        f"{VSPHERE_ORDER} (cluster): decommission",
        ((VSPHERE_ORDER, "decommission", "customer-a-2"),),
    ),
    ("manager-too-small", "controlPlane.replicas", ((MANAGEMENT_CLUSTER, "cluster.controlPlane.replicas", 1),)),
    ("manager-too-small", "cluster.pools", ((MANAGEMENT_CLUSTER, "cluster.pools", {}),)),
    (
        "name-over-budget",
        "pools[md-0]",
        ((SITE, "facts.failureDomains", {"z" * 40: DOMAIN}), (VSPHERE_ORDER, "pools.md-0.zones", ["z" * 40])),
    ),
    (
        "alerts-secret",
        f"{MANAGEMENT_CLUSTER}: facts.alerts.secret",
        ((MANAGEMENT_CLUSTER, "facts.alerts", {"type": "slack", "secret": "chat"}),),
    ),
    ("zone-of-network", "nodes.network", ((SITE, "facts.networks.pg-customer-a-1.zone", "internet"),)),
    ("node-outside-network", "nodes.addresses[0]", ((SECOND, "nodes.addresses", ["10.1.0.250-10.1.1.20"]),)),
    ("vip-outside-network", "controlPlane.endpoint", ((SECOND, "controlPlane.endpoint", "10.1.1.11"),)),
    ("too-few-addresses", "nodes.addresses", ((SECOND, "nodes.addresses", ["10.1.0.130-10.1.0.134"]),)),
    (
        "node-ranges-overlap",
        f"{SECOND} (cluster): nodes.addresses[0]",
        ((SECOND, "nodes.addresses", ["10.1.0.120-10.1.0.140"]),),
    ),
    (
        "node-ranges-overlap",
        f"{SECOND} (cluster): nodes.addresses[0]",
        ((SECOND, "nodes.addresses", ["10.1.0.130-10.1.0.140", "10.1.0.140"]),),
    ),
    ("vip-twice", f"{SECOND} (cluster): controlPlane.endpoint", ((SECOND, "controlPlane.endpoint", "10.1.0.10"),)),
    (
        "vip-in-node-range",
        f"{SECOND} (cluster): controlPlane.endpoint",
        ((SECOND, "controlPlane.endpoint", "10.1.0.60"),),
    ),
    (
        "vip-in-node-range",
        f"{SECOND} (cluster): controlPlane.endpoint",
        ((SECOND, "controlPlane.endpoint", "10.1.0.135"),),
    ),
    (
        "metallb-in-node-range",
        "components[metallb].pools.services.addresses[0]",
        ((SECOND, "nodes.addresses", ["10.1.0.130-10.1.0.192"]),),
    ),
    (
        "metallb-over-vip",
        "components[metallb].pools.services.addresses[0]",
        ((SECOND, "controlPlane.endpoint", "10.1.0.200"),),
    ),
    (
        "metallb-pools-overlap",
        "components[metallb].pools",
        ((VSPHERE_ORDER, "components.metallb.pools.a.addresses", "10.1.0.207"),),
    ),
    ("router-address", "nodes.addresses[0]", ((METAL3_ORDER, "nodes.addresses", ["10.2.0.200-10.2.0.251"]),)),
    ("router-address", "controlPlane.endpoint", ((SECOND, "controlPlane.endpoint", "10.1.0.1"),)),
    (
        "pods-overlap",
        "defaults.yaml (defaults): clusterNetwork.services",
        (("defaults.yaml", "clusterNetwork.services", "10.244.8.0/24"),),
    ),
    ("pods-overlap", "clusterNetwork.pods", ((SECOND, "clusterNetwork.pods", "10.1.0.0/16"),)),
    (
        "pods-overlap",
        f"{SECOND} (cluster): clusterNetwork.pods: 10.96.0.0/16 overlaps the services' 10.96.0.0/16",
        ((SECOND, "clusterNetwork.pods", "10.96.0.0/16"),),
    ),
    (
        "networks-overlap",
        f"{SITE}: facts.networks[other].cidr: 10.1.0.128/25 overlaps network pg-customer-a-1 (10.1.0.0/24)",
        ((SITE, "facts.networks.other", {"cidr": "10.1.0.128/25", "gateway": "10.1.0.129", "zone": "intranet"}),),
    ),
    (
        "networks-overlap",
        "facts.networks[other].cidr: 10.2.0.0/26 overlaps network nodes (10.2.0.0/24) of site baremetal-site-1",
        ((SITE, "facts.networks.other", {"cidr": "10.2.0.0/26", "gateway": "10.2.0.1", "zone": "intranet"}),),
    ),
    ("unusable-address", "nodes.addresses[0]", ((SECOND, "nodes.addresses", ["10.1.0.215-10.1.0.255"]),)),
    ("unusable-address", "controlPlane.endpoint", ((SECOND, "controlPlane.endpoint", "10.1.0.0"),)),
    (
        "vip-outside-network",
        "controlPlane.endpoint",
        ((SECOND, "controlPlane.endpoint", "10.9.0.1"), (SITE, "facts.bgp", BGP)),
    ),
    (
        "vip-outside-network",
        "controlPlane.endpoint",
        ((METAL3_ORDER, "controlPlane.vip", "kube-vip"), (METAL3_ORDER, "controlPlane.endpoint", "fd00::1")),
    ),
    (
        "wrong-machine-class",
        "pools[md-0].class",
        (
            (VSPHERE_ORDER, "machineClasses.server", {"hardware": "worker"}),
            (VSPHERE_ORDER, "pools.md-0.class", "server"),
        ),
    ),
    (
        "wrong-machine-class",
        "pools[md-0].class",
        (
            (METAL3_ORDER, "machineClasses.vm", {"cpus": 2, "memoryMiB": 4096, "diskGiB": 40}),
            (METAL3_ORDER, "pools.md-0.class", "vm"),
        ),
    ),
    ("host-unknown", "pools[md-0].hosts", ((VSPHERE_ORDER, "pools.md-0.hosts", ["r1-u07"]),)),
    ("host-unknown", "pools[md-0].hosts[1]", ((METAL3_ORDER, "pools.md-0.hosts", ["r1-u07", "r9-u07"]),)),
    (
        "host-twice",
        f"{METAL3_ORDER} (cluster): pools[md-0].hosts[1]",
        ((METAL3_ORDER, "pools.md-0.hosts", ["r1-u07", "r1-u07"]),),
    ),
    (
        "host-twice",
        f"{SECOND_ON_METAL} (cluster): pools[md-0].hosts[0]",
        ((SECOND_ON_METAL, "pools.md-0.hosts", ["r1-u07"]),),
    ),
    (
        "host-of-other-hardware",
        "pools[md-0].hosts[0]",
        (
            (SECOND_ON_METAL, "pools.md-0.hosts", ["r1-u08"]),
            ("providers/metal3.yaml", "machineClasses.worker.hardware", "gpu"),
        ),
    ),
    ("too-few-hosts", "pools[md-0].hosts", ((METAL3_ORDER, "pools.md-0.replicas", 3),)),
    ("too-few-hosts", "controlPlane.hosts", ((METAL3_ORDER, "controlPlane.hosts", ["r1-u01", "r2-u01"]),)),
    ("no-spare-host", "pools[md-0].maxSurge", ((METAL3_ORDER, "pools.md-0.maxSurge", 1),)),
    ("no-spare-host", "controlPlane.maxSurge", ((METAL3_ORDER, "controlPlane.maxSurge", 1),)),
    ("unknown-failure-domain", "pools[md-0].zones[1]", ((VSPHERE_ORDER, "pools.md-0.zones", ["az-1", "az-9"]),)),
    ("unknown-failure-domain", "pools[md-0].zones[0]", ((METAL3_ORDER, "pools.md-0.zones", ["rack-9"]),)),
    ("site-without-capacity", f"{SITE}: facts.capacity.machines", ((SITE, "facts.capacity.machines", 15),)),
    ("site-without-capacity", f"{SITE}: facts.capacity", ((SITE, "facts.capacity", None),)),
    ("site-without-vcenter", f"{SITE}: facts.vcenter", ((SITE, "facts.vcenter", None),)),
    (
        "router-id-twice",
        f"{SECOND_ON_METAL} (cluster): controlPlane.virtualRouterId",
        ((SECOND_ON_METAL, "controlPlane.virtualRouterId", 21),),
    ),
    ("window-too-short", f"{SECOND} (cluster): windows", ((SECOND, "windows", [a_window("22:59")]),)),
    ("window-too-short", f"{METAL3_ORDER} (cluster): windows", ((METAL3_ORDER, "windows", [a_window("23:14")]),)),
    (
        "window-too-short",
        "customers/customer-b.yaml (customer): windows",
        (
            ("fleet.yaml", "customerMaySet", ["windows"]),
            ("customers/customer-b.yaml", "windows", [a_window("22:45"), a_window("06:30", "05:45")]),
        ),
    ),
    ("shards-too-early", f"{MANAGEMENT_CLUSTER}: facts.shards: Flux", ((MANAGEMENT_CLUSTER, "facts.shards", 2),)),
    (
        "window-too-short",
        "takes 1h, and no window is so long (sunday 22:00-22:45 UTC)",
        (("policy.yaml", "environments.ref.windows", [a_window("22:45")]),),
    ),
)

RIGHT: tuple[tuple[str, tuple[Change, ...]], ...] = (
    ("shards of a version that has them", (*OFFERED, (MANAGEMENT_CLUSTER, "facts.shards", 2))),
    ("a move just fits into the window", ((SECOND, "windows", [a_window("23:00")]),)),
    ("a move fits into two that touch", ((SECOND, "windows", [a_window("22:30"), a_window("23:00", "22:30")]),)),
    ("who follows the working copy never moves", ((VSPHERE_ORDER, "windows", [a_window("22:01")]),)),
    (
        "its own windows are read instead of the environment's",
        (
            ("policy.yaml", "environments.ref.windows", [a_window("22:45")]),
            (SECOND, "windows", [a_window("23:00")]),
            (SECOND_ON_METAL, "windows", [a_window("23:00")]),
        ),
    ),
    ("it names itself", ((VSPHERE_ORDER, "decommission", "customer-a-1"),)),
    (
        "a zone's name just fits",
        ((SITE, "facts.failureDomains", {"z" * 33: DOMAIN}), (VSPHERE_ORDER, "pools.md-0.zones", ["z" * 33])),
    ),
    ("the last address of a network", ((SECOND, "nodes.addresses", ["10.1.0.215-10.1.0.254"]),)),
    ("neighbours do not overlap", ((SECOND, "nodes.addresses", ["10.1.0.121-10.1.0.140"]),)),
    ("just enough addresses", ((SECOND, "nodes.addresses", ["10.1.0.130-10.1.0.135"]),)),
    (
        "the API address is left out of its range",
        ((SECOND, "controlPlane.endpoint", "10.1.0.135"), (SECOND, "nodes.excluded", "10.1.0.135")),
    ),
    (
        "a neighbour left the address out",
        ((SECOND, "controlPlane.endpoint", "10.1.0.60"), (VSPHERE_ORDER, "nodes.excluded", ["10.1.0.60"])),
    ),
    ("a MetalLB pool beside the nodes", ((SECOND, "nodes.addresses", ["10.1.0.130-10.1.0.191"]),)),
    ("MetalLB pools side by side", ((VSPHERE_ORDER, "components.metallb.pools.a.addresses", "10.1.0.208/28"),)),
    (
        "a router is left out",
        (
            (METAL3_ORDER, "nodes.addresses", ["10.2.0.200-10.2.0.254"]),
            (METAL3_ORDER, "nodes.excluded", ["10.2.0.251"]),
        ),
    ),
    (
        "kube-vip announces by BGP",
        ((METAL3_ORDER, "controlPlane.vip", "kube-vip"), (METAL3_ORDER, "controlPlane.endpoint", "10.9.0.1")),
    ),
    ("pods beside services", (("defaults.yaml", "clusterNetwork.services", "10.245.0.0/16"),)),
    ("equal networks inside two clusters", ((SECOND, "clusterNetwork.pods", "10.244.0.0/16"),)),
    (
        "spare servers let a rollout add first",
        ((METAL3_ORDER, "pools.md-0.replicas", 1), (METAL3_ORDER, "pools.md-0.maxSurge", 1)),
    ),
    (
        "known failure domains",
        (
            (VSPHERE_ORDER, "pools.md-0.zones", ["az-1", "az-2"]),
            (METAL3_ORDER, "pools.md-0.zones", ["rack-1", "rack-2"]),
        ),
    ),
    ("the site is just full", ((SITE, "facts.capacity.machines", 16),)),
    (
        "one router id in two networks",
        (
            (SECOND_ON_METAL, "controlPlane.virtualRouterId", 21),
            (SECOND_ON_METAL, "nodes.network", "other"),
            (SECOND_ON_METAL, "nodes.addresses", ["10.2.1.70-10.2.1.90"]),
            (SECOND_ON_METAL, "controlPlane.endpoint", "10.2.1.11"),
            (METAL_SITE, "facts.networks.other", {"cidr": "10.2.1.0/24", "gateway": "10.2.1.1", "zone": "intranet"}),
        ),
    ),
    (
        "an id that nobody uses counts for nobody",
        ((SECOND, "controlPlane.virtualRouterId", 21), (VSPHERE_ORDER, "controlPlane.virtualRouterId", 21)),
    ),
)


def test_the_fleet_that_is_changed_is_right() -> None:
    assert problems(two_of_each()) == []


@pytest.mark.parametrize(("rule", "place", "changes"), WRONG, ids=[f"{case[0]}-{case[1][-40:]}" for case in WRONG])
def test_a_broken_rule_is_found_where_it_is_broken(rule: str, place: str, changes: tuple[Change, ...]) -> None:
    found = problems(with_changes(changes))
    assert {problem.rule for problem in found} == {rule}, "\n".join(map(str, found))
    assert any(place in str(problem) for problem in found), "\n".join(map(str, found))
    assert all(problem.cure for problem in found)


@pytest.mark.parametrize("changes", [case[1] for case in RIGHT], ids=[case[0] for case in RIGHT])
def test_what_nearly_breaks_a_rule_passes(changes: tuple[Change, ...]) -> None:
    assert problems(with_changes(changes)) == []


def test_every_rule_that_is_listed_is_tried() -> None:
    folder = Path(__file__).parents[2] / "schiff" / "checks"
    texts = [(folder / name).read_text().split('"""')[1] for name in MODULES]
    tables = [line for text in texts for line in text.split("===\n")[1].splitlines()]
    listed = {line.split()[0] for line in tables if line and not line.startswith("=")}
    assert listed == {case[0] for case in WRONG} | {"name-of-manager", "manager-skew", "intents-need-network-sync"}


MODULES = (
    "fleet_rules.py",
    "fleet_address_rules.py",
    "fleet_network_rules.py",
    "fleet_machine_rules.py",
    "fleet_window_rules.py",
)


def test_a_tenant_is_not_called_like_its_management_cluster() -> None:
    documents = two_of_each()
    documents["sites/vsphere-site-1/customer-b/schiff-mgmt-x.yaml"] = documents.pop(SECOND)
    assert {problem.rule for problem in problems(documents)} == {"name-of-manager"}


@pytest.mark.parametrize(("kubernetes", "found"), [("v1.31.0", set()), ("v1.30.9", {"manager-skew"})])
def test_a_manager_that_moved_on_still_knows_the_minor_of_who_stayed(kubernetes: str, found: set[str]) -> None:
    environment = a_resolved_environment()
    (name, manager), *_ = environment.management_clusters.items()
    plane = manager.layers.release.management_plane.model_copy(update={"capi": ComponentVersion(1, 14, 0)})
    release = manager.layers.release.model_copy(update={"management_plane": plane})
    moved_on = replace(manager, layers=replace(manager.layers, release=release))
    stayed = Assignment("head", KubernetesVersion.parse(kubernetes))
    tenants = {key: replace(cluster, assignment=stayed) for key, cluster in environment.tenants.items()}
    skewed = replace(environment, tenants=tenants, management_clusters={name: moved_on})
    assert {problem.rule for problem in fleet_problems(skewed)} == found
    assert all("fast-forward" in problem.cure for problem in fleet_problems(skewed))


NETWORKS: tuple[Change, ...] = (
    ("head.yaml", "components.network-operator", {"version": "v0.5.3"}),
    ("components/network-operator.yaml", "versions", {"v0.5.3": {}}),
)
ORDERED: Change = (METAL3_ORDER, "components.network-operator", {})
SYNCED: tuple[Change, ...] = (
    ("head.yaml", "components.network-sync", {"version": "v0.5.3"}),
    ("components/network-sync.yaml", "versions", {"v0.5.3": {}}),
)


def test_intents_need_what_brings_them_on_the_management_cluster() -> None:
    (problem,) = problems(with_changes((*NETWORKS, ORDERED)))
    assert problem.rule == "intents-need-network-sync"
    assert str(problem) == (
        f"{METAL3_ORDER} (cluster): components[network-operator]: management cluster schiff-mgmt-x runs no"
        " network-sync, so it knows no intents and brings none; let schiff-mgmt-x run a release that pins"
        " network-sync first"
    )


@pytest.mark.parametrize(
    "changes",
    [
        (*NETWORKS, *SYNCED, ORDERED),
        NETWORKS,
        (*NETWORKS, (METAL3_ORDER, "components.network-operator", {"api": "direct"})),
        (*NETWORKS, (MANAGEMENT_CLUSTER, "cluster.components.network-operator", {})),
    ],
    ids=["it runs there", "nobody orders it", "its objects are the older ones", "the manager has no intents"],
)
def test_who_brings_no_intents_needs_nothing_on_the_management_cluster(changes: tuple[Change, ...]) -> None:
    assert problems(with_changes(changes)) == []


def test_the_release_of_the_management_cluster_counts_and_not_the_tenants_own() -> None:
    environment = a_resolved_environment(a_fleet(with_changes((*NETWORKS, *SYNCED, ORDERED))))
    (name, manager), *_ = environment.management_clusters.items()
    pinned = {key: pin for key, pin in manager.layers.release.components.items() if key != "network-sync"}
    release = manager.layers.release.model_copy(update={"components": pinned})
    behind = replace(manager, layers=replace(manager.layers, release=release))
    found = fleet_problems(replace(environment, management_clusters={name: behind}))
    assert {problem.rule for problem in found} == {"intents-need-network-sync"}


@pytest.mark.parametrize(("namespace", "found"), [("schiff-system", set()), ("default", {"alerts-secret"})])
def test_alerts_find_their_secret_where_flux_looks_for_it(namespace: str, found: set[str]) -> None:
    text = f"kind: Secret\nmetadata: {{name: chat, namespace: {namespace}}}\nstringData: {{address: 'ENC[x]'}}\n"
    documents = changed(MANAGEMENT_CLUSTER, "facts.alerts", {"type": "slack", "secret": "chat"})
    secrets = {"management-clusters/schiff-mgmt-x.secrets/chat.yaml": f"{text}sops: {{mac: 'ENC[x]'}}\n".encode()}
    fleet = fleet_of(documents, secrets)
    assert {problem.rule for problem in fleet_problems(a_resolved_environment(fleet))} == found


def test_the_line_of_the_value_is_named(tmp_path: Path) -> None:
    text = (
        "environment: ref\nzone: intranet\ncontrolPlane:\n  endpoint: 10.1.0.10\nnodes:\n  network: pg-customer-a-1\n"
    )
    text += "  addresses: 10.1.0.130-10.1.0.140\npools: {md-0: {class: large, replicas: 1}}\n"
    fleet = load_fleet(fleet_folder(tmp_path, two_of_each(), {SECOND: text}))
    (problem,) = fleet_problems(a_resolved_environment(fleet), a_resolved_environment(fleet, "ref"))
    assert str(problem) == (
        f"{SECOND}:4:3 (cluster): controlPlane.endpoint: 10.1.0.10 meets the API address of"
        " vsphere-site-1/customer-a-1 (10.1.0.10); take other addresses for one of the two"
    )


def test_sites_that_never_meet_may_use_the_same_addresses() -> None:
    documents = fleet_documents()
    documents["sites/vsphere-site-2/site.yaml"] = documents[SITE]
    documents["sites/vsphere-site-2/customer-a/customer-a-3.yaml"] = documents[VSPHERE_ORDER]
    manager: dict[str, Any] = {
        **documents[MANAGEMENT_CLUSTER],
        "sites": ["vsphere-site-2"],
        "site": "vsphere-site-2",
    }
    apart = {**documents, "management-clusters/schiff-mgmt-y.yaml": manager}
    assert problems(apart) == []
    together = changed(MANAGEMENT_CLUSTER, "sites", ["vsphere-site-1", "baremetal-site-1", "vsphere-site-2"], documents)
    assert {problem.rule for problem in problems(together)} == {
        "vip-twice",
        "node-ranges-overlap",
        "networks-overlap",
    }


def test_a_cluster_in_its_last_removal_state_claims_nothing() -> None:
    documents = changed(SECOND, "controlPlane.endpoint", "10.1.0.10", two_of_each())
    fleet = a_fleet(documents)
    ref = assignments_of(fleet, "ref")
    (key,) = (key for key in ref.tenants if key.name == "customer-b-1")
    gone = {**ref.tenants, key: Assignment("head", ref.tenants[key].kubernetes, "e")}
    resolved = resolve_environment(fleet, "ref", Assignments(gone, ref.management_clusters))
    assert list(fleet_problems(a_resolved_environment(fleet), resolved)) == []
