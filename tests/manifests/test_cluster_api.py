from __future__ import annotations

from typing import Any

import pytest

from schiff.manifests import cluster_api
from schiff.manifests.machine_group import pool_groups
from schiff.manifests.manifest import Manifest
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed

BOOTSTRAP = Manifest("bootstrap.cluster.x-k8s.io/v1beta2", "KubeadmConfigTemplate", "join")
MACHINES = Manifest("infrastructure.cluster.x-k8s.io/v1beta2", "VSphereMachineTemplate", "machines")
PLANE = Manifest("controlplane.cluster.x-k8s.io/v1beta2", "KubeadmControlPlane", "plane")


def deployment(zone: str | None = None, **pool: Any) -> Manifest:
    documents = changed(VSPHERE_ORDER, "pools.md-0", {"class": "large", "replicas": 3, **pool})
    cluster = a_resolved_cluster(documents=documents)
    [group] = pool_groups(cluster)
    return cluster_api.machine_deployment(cluster, group, BOOTSTRAP, MACHINES, replicas=3, zone=zone)


@pytest.mark.parametrize(
    ("limit", "size", "expected"),
    [("40%", 5, "40%"), ("40%", 2, 1), ("34%", 3, "34%"), ("40%", 0, 1), ("1", 9, 1), ("100%", 1, "100%")],
)
def test_a_limit_that_would_repair_nothing_repairs_one(limit: str, size: int, expected: int | str) -> None:
    assert cluster_api.repair_limit(limit, size) == expected


def test_a_namespace_is_never_removed_and_says_whose_it_is() -> None:
    namespace = cluster_api.namespace(a_resolved_cluster())
    assert namespace.name == "vsphere-site-1-customer-a-1"
    assert namespace.annotations == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    assert namespace.labels["schiff.example/owner"] == "platform"
    assert namespace.labels["schiff.example/customer"] == "customer-a"
    assert namespace.labels["schiff.example/site"] == "vsphere-site-1"


def test_labels_of_an_order_stand_on_the_cluster_in_our_domain_and_never_replace_ours() -> None:
    documents = changed(VSPHERE_ORDER, "labels", {"team": "blue", "site": "elsewhere", "example.org/cost": "7"})
    cluster = cluster_api.cluster_manifest(a_resolved_cluster(documents=documents), PLANE, MACHINES)
    assert cluster.labels["schiff.example/team"] == "blue"
    assert cluster.labels["example.org/cost"] == "7"
    assert cluster.labels["schiff.example/site"] == "vsphere-site-1"


def test_a_selector_takes_exactly_the_machines_of_its_own_pool_and_zone() -> None:
    spec = deployment("az-1").body["spec"]
    assert spec["selector"]["matchLabels"] == {
        "cluster.x-k8s.io/cluster-name": "customer-a-1",
        "node.cluster.x-k8s.io/pool": "md-0",
        "node.cluster.x-k8s.io/zone": "az-1",
    }
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert spec["template"]["spec"]["failureDomain"] == "az-1"


def test_labels_that_cluster_api_carries_to_nodes_stand_on_machines() -> None:
    labels = {
        "node-role.kubernetes.io/db": "",
        "x.node-restriction.kubernetes.io/a": "1",
        "schiff.example/tier": "db",
    }
    found = deployment(labels=labels).body["spec"]["template"]["metadata"]["labels"]
    assert "node-role.kubernetes.io/db" in found
    assert "x.node-restriction.kubernetes.io/a" in found
    assert "schiff.example/tier" not in found


def test_a_deployments_name_leaves_room_for_what_is_appended() -> None:
    assert deployment().name == "customer-a-1-md-0"
    assert deployment("az-1").name == "customer-a-1-md-0-az-1"
    long = deployment("z" * 60).name
    assert len(long) <= 51
    assert long not in {deployment("z" * 59).name, deployment("y" * 60).name}


def test_references_name_no_version_but_the_one_to_a_repair_does() -> None:
    cluster = a_resolved_cluster()
    [group] = pool_groups(cluster)
    repair = Manifest("infrastructure.cluster.x-k8s.io/v1beta2", "Metal3RemediationTemplate", "reboot")
    check = cluster_api.worker_health_check(cluster, group, 1200, repair).body["spec"]
    assert check["remediation"]["templateRef"]["apiVersion"] == "infrastructure.cluster.x-k8s.io/v1beta2"
    assert set(deployment().body["spec"]["template"]["spec"]["infrastructureRef"]) == {"apiGroup", "kind", "name"}


def test_a_health_check_counts_silence_and_failure_as_broken() -> None:
    check = cluster_api.control_plane_health_check(a_resolved_cluster(), 1200, None).body["spec"]
    assert {each["status"] for each in check["checks"]["unhealthyNodeConditions"]} == {"Unknown", "False"}
    assert check["selector"]["matchLabels"] == {"cluster.x-k8s.io/control-plane": ""}
    assert "templateRef" not in check["remediation"]
