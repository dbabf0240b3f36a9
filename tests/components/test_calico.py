from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from schiff.checks.immutability import immutability_problems
from schiff.components.calico import COMPONENT, CalicoSettings
from schiff.components.protocol import Files
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import BgpFacts
from schiff.values.versions import ComponentVersion
from tests.makers import VSPHERE_ORDER, Documents, a_resolved_cluster, changed

S2 = "v3.32.1-s2"


def settings(**values: Any) -> CalicoSettings:
    return CalicoSettings.model_validate(values)


def network(cluster: ResolvedCluster, chosen: CalicoSettings) -> dict[str, Any]:
    installation = COMPONENT.bootstrap_objects(cluster, chosen)[0]
    spec: dict[str, Any] = installation.body["spec"]["calicoNetwork"]
    return spec


def test_pods_get_the_network_the_cluster_was_made_with() -> None:
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "clusterNetwork.pods", "10.128.0.0/14"))
    (pool,) = network(cluster, settings())["ipPools"]
    assert pool["cidr"] == "10.128.0.0/14"


def test_images_come_from_the_registry_of_the_cluster() -> None:
    installation = COMPONENT.bootstrap_objects(a_resolved_cluster(), settings())[0]
    assert installation.body["spec"]["registry"] == "registry.schiff.example/"


@pytest.mark.parametrize(
    ("encapsulation", "bgp"),
    [("None", "Enabled"), ("IPIP", "Enabled"), ("VXLAN", "Disabled"), ("VXLANCrossSubnet", "Disabled")],
)
def test_only_encapsulations_that_need_bgp_turn_it_on(encapsulation: str, bgp: str) -> None:
    assert network(a_resolved_cluster(), settings(encapsulation=encapsulation))["bgp"] == bgp


def test_routers_wait_for_calicos_own_api_server() -> None:
    cluster = a_resolved_cluster("metal3")
    assert {item.api_version for item in COMPONENT.bootstrap_objects(cluster, settings(bgp=True))} == {
        "operator.tigera.io/v1"
    }
    own, leaf = COMPONENT.objects(cluster, settings(bgp=True))
    assert (own.kind, own.name, own.body["spec"]) == ("BGPConfiguration", "default", {"asNumber": 65202})
    assert leaf.body["spec"] == {"peerIP": "10.2.0.251", "asNumber": 65020, "nodeSelector": "all()"}


def test_without_being_asked_calico_leaves_the_routers_to_metallb() -> None:
    assert not COMPONENT.objects(a_resolved_cluster("metal3"), settings())


def problems(cluster: ResolvedCluster, **values: Any) -> dict[str, str]:
    return {problem.rule: problem.message for problem in COMPONENT.problems(cluster, settings(**values))}


def test_bgp_at_a_site_without_routers_is_refused() -> None:
    found = problems(a_resolved_cluster("vsphere"), bgp=True)
    assert found == {"routers": "site vsphere-site-1 has no BGP routers"}


def test_an_asn_that_calico_cannot_write_is_refused() -> None:
    cluster = a_resolved_cluster("metal3")
    facts = BgpFacts.model_validate({"asn": 4200000000, "peers": {"leaf-1": {"address": "10.2.0.251", "asn": 65020}}})
    far = replace(cluster, site=cluster.site.model_copy(update={"bgp": facts}))
    assert "no ASN above" in problems(far, bgp=True)["routers"]
    assert "routers" not in problems(cluster, bgp=True)


def test_a_block_larger_than_the_pods_network_is_refused() -> None:
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "clusterNetwork.pods", "10.128.0.0/24"))
    assert not problems(cluster, blockSize=26)
    assert list(problems(cluster, blockSize=22)) == ["block-size"]


def with_pods(network: str) -> ResolvedCluster:
    return a_resolved_cluster(documents=changed(VSPHERE_ORDER, "clusterNetwork.pods", network))


def test_ipip_cannot_carry_pods_of_ipv6() -> None:
    assert list(problems(with_pods("fd00:10::/56"), encapsulation="IPIP")) == ["family"]
    assert not problems(with_pods("fd00:10::/56"), encapsulation="VXLAN")
    assert not problems(with_pods("10.128.0.0/14"), encapsulation="IPIP")


def with_mtu(mtu: int, pods: str = "10.244.0.0/16") -> ResolvedCluster:
    documents = changed(VSPHERE_ORDER, "nodes.mtu", mtu, changed(VSPHERE_ORDER, "clusterNetwork.pods", pods))
    return a_resolved_cluster(documents=documents)


@pytest.mark.parametrize(
    ("encapsulation", "pods", "mtu"),
    [
        ("None", "10.244.0.0/16", 9000),
        ("IPIPCrossSubnet", "10.244.0.0/16", 8980),
        ("VXLAN", "10.244.0.0/16", 8950),
        ("VXLANCrossSubnet", "10.244.0.0/16", 8950),
        ("VXLAN", "fd00:10::/56", 8930),
    ],
)
def test_pods_get_what_the_encapsulation_leaves_of_the_nodes_mtu(encapsulation: str, pods: str, mtu: int) -> None:
    assert network(with_mtu(9000, pods), settings(encapsulation=encapsulation))["mtu"] == mtu


def test_a_smaller_mtu_may_be_set_and_a_larger_one_is_refused() -> None:
    assert network(with_mtu(1500), settings(mtu=1400))["mtu"] == 1400
    assert not problems(with_mtu(1500), mtu=1450)
    found = problems(with_mtu(1500), mtu=1451)
    assert found == {"mtu": "1451 and 50 bytes of VXLANCrossSubnet exceed the nodes' MTU 1500"}


@pytest.mark.parametrize("installation", ["operator", "manifests"])
def test_neither_the_pods_network_nor_its_blocks_ever_change(installation: str) -> None:
    def delivered(pods: str, **values: Any) -> dict[str, str]:
        chosen = settings(installation=installation, **values)
        objects = COMPONENT.bootstrap_objects(with_pods(pods), chosen)
        return {f"cni/{item.kind}/{item.name}.yaml": to_yaml([item]) for item in objects}

    before = delivered("10.128.0.0/14")
    for after in (delivered("10.128.0.0/13"), delivered("10.128.0.0/14", blockSize=24)):
        assert [each.rule for each in immutability_problems(before, after, COMPONENT.never)] == ["never-changes"]
    assert not list(immutability_problems(before, delivered("10.128.0.0/14", mtu=1400), COMPONENT.never))


# --- plain manifests


def compiled(version: str) -> Files:
    folder = Path("stacks/fleet/components/calico", version)
    vendored = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}
    return COMPONENT.folder(ComponentVersion.parse(version), vendored)


def pinned(version: str, documents: Documents | None = None) -> Documents:
    """Return the documents of a fleet that offers a version and runs it."""
    offered = changed("components/calico.yaml", "versions", {version: {}}, documents)
    return changed("head.yaml", "components.calico.version", version, offered)


def a_plain_cluster(version: str = S2) -> ResolvedCluster:
    return a_resolved_cluster(documents=pinned(version))


def config_maps(**values: Any) -> dict[str, dict[str, str]]:
    objects = COMPONENT.bootstrap_objects(a_plain_cluster(), settings(installation="manifests", **values))
    assert {item.kind for item in objects} == {"ConfigMap"}
    return {item.name: dict(item.body["data"]) for item in objects}


@pytest.mark.parametrize(
    ("encapsulation", "backend", "ipip", "vxlan"),
    [
        ("None", "bird", "Never", "Never"),
        ("IPIP", "bird", "Always", "Never"),
        ("IPIPCrossSubnet", "bird", "CrossSubnet", "Never"),
        ("VXLAN", "vxlan", "Never", "Always"),
        ("VXLANCrossSubnet", "vxlan", "Never", "CrossSubnet"),
    ],
)
def test_plain_manifests_read_the_pool_and_the_backend(encapsulation: str, backend: str, ipip: str, vxlan: str) -> None:
    found = config_maps(encapsulation=encapsulation)
    assert found["calico-config"]["backend"] == backend
    assert found["calico-node"] == {
        "CALICO_IPV4POOL_CIDR": "10.244.0.0/16",
        "CALICO_IPV4POOL_BLOCK_SIZE": "26",
        "CALICO_IPV4POOL_IPIP": ipip,
        "CALICO_IPV4POOL_VXLAN": vxlan,
        "CALICO_IPV4POOL_NAT_OUTGOING": "true",
    }


def test_the_plugin_of_plain_manifests_has_the_mtu_of_the_agent() -> None:
    found = config_maps(mtu=1400)["calico-config"]
    plugin, ports = json.loads(found["cni_network_config"])["plugins"]
    assert (plugin["type"], plugin["mtu"], ports["type"]) == ("calico", 1400, "portmap")
    assert found["mtu"] == "1400"


def test_plain_manifests_lie_in_the_platforms_folders() -> None:
    files = compiled(S2)
    listed = yaml.safe_load(files["manifests/kustomization.yaml"])["resources"]
    assert {path.split("/")[1] for path in listed if path.startswith("cni/")} == {
        "clusterrolebindings", "clusterroles", "daemonsets", "deployments", "poddisruptionbudgets", "serviceaccounts",
    }  # fmt: skip
    assert "../crds" in listed
    assert not [path for path in files if path.startswith("manifests/") and "operator.tigera.io" in path]


def test_the_bgp_daemon_is_looked_after_only_where_it_runs() -> None:
    cluster = a_plain_cluster()
    assert COMPONENT.variant(cluster, settings(installation="manifests")) == "manifests"
    assert COMPONENT.variant(cluster, settings(installation="manifests", encapsulation="IPIP")) == "manifests-bgp"
    assert COMPONENT.variant(cluster, settings(encapsulation="IPIP")) == "base"
    (patch,) = yaml.safe_load(compiled(S2)["manifests-bgp/kustomization.yaml"])["patches"]
    assert "-bird-ready" in patch["patch"]
    assert "bird" not in str(compiled(S2)["manifests/cni/daemonsets/calico-node.yaml"])


def test_the_older_folder_stays_as_it_was_delivered() -> None:
    old, new = compiled("v3.32.1"), compiled(S2)
    assert {path.partition("/")[0] for path in old} == {"base"}
    assert "crds/crd.projectcalico.org_ippools.yaml" in yaml.safe_load(old["base/kustomization.yaml"])["resources"]
    assert old["base/tigera-operator.yaml"] == new["base/tigera-operator.yaml"]
    vendored = {"crds/a.yaml": b"a", "b.yaml": b"b"}
    assert sorted(COMPONENT.folder(ComponentVersion.parse("v3.32.1"), vendored)) == [
        "base/b.yaml", "base/crds/a.yaml", "base/kustomization.yaml",
    ]  # fmt: skip


def test_a_version_without_plain_manifests_is_refused() -> None:
    assert list(problems(a_plain_cluster("v3.32.1"), installation="manifests")) == ["plain-version"]
    assert not problems(a_plain_cluster(), installation="manifests")


def test_plain_manifests_take_no_peers_and_no_pods_of_ipv6() -> None:
    routed = a_resolved_cluster("metal3", documents=pinned(S2))
    assert list(problems(routed, installation="manifests", bgp=True)) == ["plain-bgp"]
    six = changed(VSPHERE_ORDER, "clusterNetwork.pods", "fd00:10::/56", pinned(S2))
    assert list(problems(a_resolved_cluster(documents=six), installation="manifests")) == ["family"]
