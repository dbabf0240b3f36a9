from __future__ import annotations

from typing import Any

import yaml

from schiff.manifests import kubeadm
from schiff.manifests.audit import POLICY_FILE
from schiff.manifests.machine_group import control_plane_group, pool_groups
from schiff.manifests.manifest import Manifest
from schiff.manifests.node_setup import Endpoint, MachineFile, NodeSetup
from schiff.model.resolved import ResolvedCluster
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed

MACHINES = Manifest("infrastructure.cluster.x-k8s.io/v1beta2", "VSphereMachineTemplate", "machines")
NODE = NodeSetup("{{ local_hostname }}", node_labels={"b": "2"}, commands=("first",))


def plane(cluster: ResolvedCluster, endpoint: Endpoint | None = None) -> Any:
    group = control_plane_group(cluster)
    return kubeadm.control_plane(cluster, group, MACHINES, NODE, endpoint or Endpoint()).body["spec"]


def template(**pool: Any) -> Manifest:
    documents = changed(VSPHERE_ORDER, "pools.md-0", {"class": "large", "replicas": 3, **pool})
    cluster = a_resolved_cluster(documents=documents)
    return kubeadm.kubeadm_config_template(cluster, pool_groups(cluster)[0], NODE)


def joined(manifest: Manifest) -> Any:
    return manifest.body["spec"]["template"]["spec"]["joinConfiguration"]["nodeRegistration"]


def args(values: list[dict[str, str]]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in values}


def test_the_api_server_knows_who_vouches_for_people() -> None:
    flags = args(plane(a_resolved_cluster())["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]["extraArgs"])
    assert flags["oidc-issuer-url"] == "https://sso.schiff.example"
    assert flags["oidc-groups-claim"] == "groups"


def test_without_oidc_no_flag_of_it_is_written() -> None:
    documents = changed("defaults.yaml", "access", {})
    server = plane(a_resolved_cluster(documents=documents))["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]
    assert not [each for each in server["extraArgs"] if each["name"].startswith("oidc")]


def test_the_audit_log_is_written_where_a_machine_keeps_it_as_long_as_asked() -> None:
    documents = changed(VSPHERE_ORDER, "audit", {"maxAgeDays": 7})
    config = plane(a_resolved_cluster(documents=documents))["kubeadmConfigSpec"]
    server = config["clusterConfiguration"]["apiServer"]
    flags, mounts = args(server["extraArgs"]), {each["mountPath"] for each in server["extraVolumes"]}
    assert flags["audit-log-maxage"] == "7"
    assert flags["audit-policy-file"] in mounts
    assert flags["audit-log-path"].rpartition("/")[0] in mounts
    assert flags["audit-policy-file"] in {file["path"] for file in config["files"]}


def test_the_audit_log_never_records_what_secrets_say() -> None:
    rules = yaml.safe_load(POLICY_FILE.content)["rules"]
    first = next(
        rule for rule in rules if any("secrets" in each.get("resources", []) for each in rule.get("resources", []))
    )
    assert first["level"] == "Metadata"
    assert all(rule["level"] == "None" for rule in rules[: rules.index(first)])


def test_certificates_are_renewed_by_replacing_machines_in_time() -> None:
    documents = changed(VSPHERE_ORDER, "controlPlane.certificatesExpiryDays", 30)
    rollout = plane(a_resolved_cluster(documents=documents))["rollout"]
    assert rollout["before"] == {"certificatesExpiryDays": 30}
    assert rollout["strategy"]["rollingUpdate"] == {"maxSurge": 1}


def test_files_and_commands_of_the_node_come_before_those_of_the_endpoint() -> None:
    endpoint = Endpoint((MachineFile("/etc/vip", "vip"),), ("second",))
    config = plane(a_resolved_cluster(), endpoint)["kubeadmConfigSpec"]
    assert config["preKubeadmCommands"] == ["first", "second"]
    assert [file["path"] for file in config["files"]] == ["/etc/vip", "/etc/kubernetes/audit-policy.yaml"]


def test_a_pools_labels_and_taints_are_there_from_the_first_moment() -> None:
    labels = {"a.example/tier": "db", "node-role.kubernetes.io/db": ""}
    node = joined(template(labels=labels, taints=[{"key": "db", "effect": "NoSchedule"}]))
    expected = "a.example/tier=db,b=2,node.schiff.example/pool=md-0"
    assert args(node["kubeletExtraArgs"])["node-labels"] == expected
    assert node["taints"] == [{"key": "db", "effect": "NoSchedule"}]


def test_a_template_is_named_after_what_replaces_machines_and_nothing_else() -> None:
    assert template().name == template(replicas=9, maxSurge=2, nodeDrainSeconds=1).name
    assert template().name != template(labels={"a.example/tier": "db"}).name


def test_parts_that_would_be_empty_are_left_out() -> None:
    config = template().body["spec"]["template"]["spec"]
    assert set(config) == {"joinConfiguration", "preKubeadmCommands"}
