from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from schiff.checks.immutability import immutability_problems
from schiff.components.coil import COMPONENT
from schiff.components.coil_settings import CoilSettings
from schiff.components.protocol import Files
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.values.versions import ComponentVersion
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed

POOL = {"internet": {"subnets": ["198.51.100.32/29", "203.0.113.8/30"]}}
WAY = {"internet": {"destinations": "0.0.0.0/0", "pool": "internet"}}


def settings(**values: Any) -> CoilSettings:
    return CoilSettings.model_validate(values)


def objects(kind: str, chosen: CoilSettings) -> dict[str, Manifest]:
    return {item.name: item for item in COMPONENT.objects(a_resolved_cluster(), chosen) if item.kind == kind}


def test_each_subnet_is_a_pool_of_calicos_that_no_node_takes_by_itself() -> None:
    found = objects("IPPool", settings(pools=POOL))
    assert [(name, item.body["spec"]["cidr"]) for name, item in found.items()] == [
        ("internet-0", "198.51.100.32/29"),
        ("internet-1", "203.0.113.8/30"),
    ]
    assert found["internet-0"].body["spec"] == {
        "cidr": "198.51.100.32/29",
        "blockSize": 32,
        "ipipMode": "Never",
        "vxlanMode": "CrossSubnet",
        "natOutgoing": False,
        "nodeSelector": "!all()",
        "allowedUses": ["Workload"],
    }


@pytest.mark.parametrize(
    ("encapsulation", "ipip", "vxlan"),
    [("None", "Never", "Never"), ("IPIP", "Always", "Never"), ("VXLAN", "Never", "Always")],
)
def test_clients_on_other_nodes_reach_an_egress_as_they_reach_all_pods(
    encapsulation: str, ipip: str, vxlan: str
) -> None:
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "components.calico.encapsulation", encapsulation))
    pools = [item for item in COMPONENT.objects(cluster, settings(pools=POOL)) if item.kind == "IPPool"]
    assert {(item.body["spec"]["ipipMode"], item.body["spec"]["vxlanMode"]) for item in pools} == {(ipip, vxlan)}


def test_the_pods_of_an_egress_name_every_subnet_of_its_pool() -> None:
    way = objects("Egress", settings(pools=POOL, egresses=WAY))["internet"]
    template = way.body["spec"]["template"]
    assert way.namespace == "schiff-egress"
    assert template["metadata"]["annotations"] == {"cni.projectcalico.org/ipv4pools": '["internet-0","internet-1"]'}
    assert way.body["spec"]["destinations"] == ["0.0.0.0/0"]


def test_without_a_pool_pods_leave_by_the_pods_network() -> None:
    way = objects("Egress", settings(egresses={"internet": {"destinations": "0.0.0.0/0"}}))["internet"]
    assert "metadata" not in way.body["spec"]["template"]


def test_no_pod_is_replaced_by_one_that_would_need_an_address_more() -> None:
    spec = objects("Egress", settings(pools=POOL, egresses=WAY))["internet"].body["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert spec["podDisruptionBudget"] == {"maxUnavailable": 1}
    assert (spec["replicas"], spec["sessionAffinity"]) == (2, "ClientIP")


def test_only_pods_of_the_clients_namespaces_get_in_by_the_tunnel() -> None:
    assert not objects("NetworkPolicy", settings(egresses=WAY, pools=POOL))
    way = {"internet": {**WAY["internet"], "clients": ["shop", "billing"]}}
    spec = objects("NetworkPolicy", settings(egresses=way, pools=POOL))["internet"].body["spec"]
    tunnel, metrics = spec["ingress"]
    assert tunnel["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == ["shop", "billing"]
    assert tunnel["ports"] == [{"protocol": "UDP", "port": 5555}]
    assert "from" not in metrics
    assert spec["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "internet"


def delivered(*subnets: str, bits: int = 0) -> dict[str, str]:
    pools = {"internet": {"subnets": list(subnets), "blockSizeBits": bits}}
    found = COMPONENT.objects(a_resolved_cluster(), settings(pools=pools))
    return {f"config/coil/{item.kind}/{item.name}.yaml": to_yaml([item]) for item in found}


@pytest.mark.parametrize(
    ("after", "refused"),
    [
        (delivered("198.51.100.32/29", "203.0.113.8/30", "203.0.113.16/30"), False),
        (delivered("198.51.100.32/29"), True),
        (delivered("198.51.100.64/29", "203.0.113.8/30"), True),
        (delivered("203.0.113.8/30", "198.51.100.32/29"), True),
        (delivered("198.51.100.32/28", "203.0.113.8/30"), True),
        (delivered("198.51.100.32/29", "203.0.113.8/30", bits=1), True),
        ({}, False),
    ],
)
def test_subnets_are_added_at_the_end_and_never_edited_or_removed(after: dict[str, str], *, refused: bool) -> None:
    before = delivered("198.51.100.32/29", "203.0.113.8/30")
    found = list(immutability_problems(before, after, COMPONENT.never))
    assert bool(found) == refused
    assert all("add a subnet at the end" in problem.cure for problem in found)


def test_a_block_is_no_larger_than_calico_writes_them() -> None:
    settings(pools={"wide": {"subnets": "10.64.0.0/16", "blockSizeBits": 12}})
    with pytest.raises(ValidationError):
        settings(pools={"wide": {"subnets": "10.64.0.0/16", "blockSizeBits": 13}})


def test_addresses_that_the_outside_knows_are_identifiers_everywhere() -> None:
    found = list(COMPONENT.identifiers(a_resolved_cluster(), settings(pools=POOL)))
    assert [(each.scope, each.value) for each in found] == [("", "198.51.100.32/29"), ("", "203.0.113.8/30")]


# --- what runs


def compiled() -> Files:
    folder = Path("stacks/fleet/components/coil/v2.15.0")
    vendored = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}
    return COMPONENT.folder(ComponentVersion.parse("v2.15.0"), vendored)


def running(kind: str, name: str) -> dict[str, Any]:
    documents = yaml.safe_load_all(compiled()["base/coil.yaml"])
    found: dict[str, Any] = next(i for i in documents if (i["kind"], i["metadata"]["name"]) == (kind, name))
    return found


def test_coil_is_chained_to_calico_and_manages_no_addresses() -> None:
    network = json.loads(running("ConfigMap", "coil-config")["data"]["cni_netconf"])
    assert [plugin["type"] for plugin in network["plugins"]] == ["calico", "coil", "bandwidth", "portmap"]
    (agent,) = running("DaemonSet", "coild")["spec"]["template"]["spec"]["containers"]
    assert "--enable-ipam=false" in agent["args"]
    assert not [path for path in compiled() if "addresspool" in path]


def test_pods_of_ipv6_have_their_routes_in_another_table() -> None:
    six = changed(VSPHERE_ORDER, "clusterNetwork.pods", "fd00:10::/56")
    assert COMPONENT.variant(a_resolved_cluster(), settings()) == "base"
    assert COMPONENT.variant(a_resolved_cluster(documents=six), settings()) == "ipv6"
    (patch,) = yaml.safe_load(compiled()["ipv6/kustomization.yaml"])["patches"]
    test, replacement = json.loads(patch["patch"])
    (agent,) = running("DaemonSet", "coild")["spec"]["template"]["spec"]["containers"]
    assert agent["args"][int(test["path"].rpartition("/")[2])] == test["value"]
    assert replacement["value"] == "--pod-table-id=255"


def test_the_webhooks_secret_comes_without_content_and_is_the_only_one_the_controller_writes() -> None:
    assert not {"data", "stringData"} & set(running("Secret", "coilv2-egress-webhook-server-cert"))
    rules = running("Role", "coil-egress-controller")["rules"]
    writing = [rule for rule in rules if rule["resources"] == ["secrets"] and "update" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in writing] == [["coilv2-egress-webhook-server-cert"]]
