from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from schiff.components.multus import COMPONENT
from schiff.components.multus_config import read
from schiff.components.multus_settings import MultusSettings, RangeSpec
from schiff.components.protocol import Files
from schiff.errors import InvalidValue
from schiff.model.resolved import ResolvedCluster
from schiff.sources.plugins import own_components
from schiff.values.versions import ComponentVersion
from tests.components.example_clusters import offering_all
from tests.makers import METAL3_ORDER, a_resolved_cluster, changed

METAL_FACTS = "sites/baremetal-site-1/site.yaml"
MEDIA = {"cidr": "10.250.4.0/24", "gateway": "10.250.4.1", "zone": "intranet", "vlan": 501}
MEDIA_SIX = {"cidr": "fd00:250:4::/120", "gateway": "fd00:250:4::1", "zone": "intranet", "vlan": 501}


def settings(**networks: Any) -> MultusSettings:
    named = {name: {"namespaces": "apps", **values} for name, values in networks.items()}
    return MultusSettings.model_validate({"networks": named})


def a_metal_cluster(**order: Any) -> ResolvedCluster:
    """Return a cluster whose site has two more networks, on servers with a bond."""
    documents = changed(METAL_FACTS, "facts.networks.media", MEDIA, offering_all())
    documents = changed(METAL_FACTS, "facts.networks.media-six", MEDIA_SIX, documents)
    for path, value in order.items():
        documents = changed(METAL3_ORDER, path, value, documents)
    return a_resolved_cluster("metal3", documents=documents)


def config(chosen: MultusSettings, cluster: ResolvedCluster | None = None) -> dict[str, Any]:
    (definition,) = COMPONENT.objects(cluster or a_metal_cluster(), chosen)
    read(definition.body["spec"]["config"])
    said: dict[str, Any] = json.loads(definition.body["spec"]["config"])
    return said


def test_a_network_of_the_site_brings_its_vlan_and_its_gateway() -> None:
    chosen = settings(media={"network": "media", "ranges": [{"range": "10.250.4.128/25"}], "routes": "10.251.0.0/16"})
    assert config(chosen) == {
        "cniVersion": "0.3.1",
        "name": "media",
        "type": "macvlan",
        "mode": "bridge",
        "master": "bond0.501",
        "ipam": {
            "type": "whereabouts",
            "range": "10.250.4.128/25",
            "routes": [{"dst": "10.251.0.0/16", "gw": "10.250.4.1"}],
        },
    }


def test_the_text_is_canonical() -> None:
    (definition,) = COMPONENT.objects(a_metal_cluster(), settings(media={"network": "media"}))
    assert definition.body["spec"]["config"] == (
        '{"cniVersion":"0.3.1","ipam":{},"master":"bond0.501","mode":"bridge","name":"media","type":"macvlan"}'
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "ipvlan"}, {"type": "ipvlan", "mode": "l2", "master": "bond0.501"}),
        ({"type": "ipvlan", "mode": "l3s"}, {"mode": "l3s"}),
        ({"type": "vlan"}, {"type": "vlan", "master": "bond0", "vlanId": 501}),
        ({"type": "macvlan", "master": "ens4", "mtu": 9000}, {"master": "ens4", "mtu": 9000}),
        ({"type": "sriov", "resource": "intel.com/media"}, {"type": "sriov", "vlan": 501}),
    ],
)
def test_each_type_says_what_its_plugin_reads(said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected.items() <= config(settings(media={"network": "media", **said})).items()


def test_a_virtual_function_is_asked_of_the_device_plugin() -> None:
    chosen = settings(media={"network": "media", "type": "sriov", "resource": "intel.com/media"})
    (definition,) = COMPONENT.objects(a_metal_cluster(), chosen)
    assert definition.annotations == {"k8s.v1.cni.cncf.io/resourceName": "intel.com/media"}
    assert "master" not in json.loads(definition.body["spec"]["config"])


def test_two_families_are_ranges_of_one_network_with_a_gateway_each() -> None:
    ranges = [
        {"range": "10.250.4.0/24", "start": "10.250.4.64", "end": "10.250.4.127"},
        {"range": "fd00:250:4::/120", "exclude": ["fd00:250:4::/124"]},
    ]
    routes = ["10.251.0.0/16", "fd00:251::/64"]
    chosen = settings(media={"network": ["media", "media-six"], "ranges": ranges, "routes": routes})
    assert config(chosen)["ipam"] == {
        "type": "whereabouts",
        "ipRanges": [
            {"range": "10.250.4.0/24", "range_start": "10.250.4.64", "range_end": "10.250.4.127"},
            {"range": "fd00:250:4::/120", "exclude": ["fd00:250:4::/124"]},
        ],
        "routes": [
            {"dst": "10.251.0.0/16", "gw": "10.250.4.1"},
            {"dst": "fd00:251::/64", "gw": "fd00:250:4::1"},
        ],
    }


def test_a_network_of_the_nodes_own_vlan_hangs_on_their_interface() -> None:
    assert config(settings(own={"network": "nodes"}))["master"] == "bond0.202"
    single = a_metal_cluster(**{"nodes.interfaces": ["eno1"]})
    assert config(settings(own={"network": "nodes"}), single)["master"] == "eno1.202"


def test_a_network_lies_in_each_of_its_namespaces() -> None:
    chosen = settings(media={"network": "media", "namespaces": ["shop", "billing"]})
    assert [item.namespace for item in COMPONENT.objects(a_metal_cluster(), chosen)] == ["billing", "shop"]


def test_a_customers_namespace_is_made_and_never_removed_and_everybodys_is_there() -> None:
    chosen = settings(media={"network": "media", "namespaces": ["shop", "default"]}, other={"network": "media"})
    made = COMPONENT.inputs(a_metal_cluster(), chosen)
    assert [(item.kind, item.name) for item in made] == [("Namespace", "apps"), ("Namespace", "shop")]
    assert {item.annotations["kustomize.toolkit.fluxcd.io/prune"] for item in made} == {"disabled"}


OURS = sorted({name for component in own_components().values() for name in component.namespaces})


@pytest.mark.parametrize("namespace", ["kube-public", "schiff-system", "calico-apiserver", *OURS])
def test_namespaces_of_the_platform_are_refused(namespace: str) -> None:
    with pytest.raises(ValidationError, match="namespace of the platform"):
        settings(media={"network": "media", "namespaces": namespace})


def test_multus_waits_for_what_it_wraps() -> None:
    plain, chained = a_metal_cluster(), a_metal_cluster(**{"components.coil": {}})
    assert COMPONENT.variant(plain, settings()) == "calico"
    assert COMPONENT.variant(chained, settings()) == "coil"
    files = compiled()
    for variant, file in (("calico", "10-calico.conflist"), ("coil", "01-coil.conflist")):
        said = yaml.safe_load(files[f"{variant}/config.yaml"])["data"]["daemon-config.json"]
        assert json.loads(said)["readinessindicatorfile"] == f"/host/etc/cni/net.d/{file}"


def test_a_cluster_that_gets_coil_starts_multus_anew() -> None:
    files = compiled()
    patches = {name: yaml.safe_load(files[f"{name}/kustomization.yaml"])["patches"] for name in ("calico", "coil")}
    (plain,), (chained,) = (json.loads(patches[name][0]["patch"]) for name in ("calico", "coil"))
    assert plain["path"] == chained["path"] == "/spec/template/metadata/annotations"
    assert plain["value"] != chained["value"]


def compiled() -> Files:
    folder = Path("stacks/fleet/components/multus/v4.3.0")
    vendored = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}
    return COMPONENT.folder(ComponentVersion.parse("v4.3.0"), vendored)


def test_the_daemon_reads_what_it_needs_and_writes_nothing_but_what_pods_got() -> None:
    documents = yaml.safe_load_all(compiled()["base/multus.yaml"])
    (role,) = (item for item in documents if item["kind"] == "ClusterRole")
    written = {each for rule in role["rules"] if "update" in rule["verbs"] for each in rule["resources"]}
    assert written == {"pods/status", "events"}


def test_ranges_are_identifiers_and_vlans_are_shared_ones() -> None:
    chosen = settings(media={"network": "media", "ranges": [{"range": "10.250.4.128/25"}]})
    found = [(each.kind, each.value, each.shared) for each in COMPONENT.identifiers(a_metal_cluster(), chosen)]
    assert found == [("vlan", "501", True), ("pod range", "10.250.4.128-10.250.4.255", False)]


def test_a_segment_of_the_clusters_own_shares_its_addresses_with_nobody_outside_its_vlan() -> None:
    own = {"cidr": "10.250.9.0/24", "ranges": [{"range": "10.250.9.0/24"}]}
    chosen = settings(tagged={**own, "vlan": 509}, untagged=own)
    scopes = [each.scope for each in COMPONENT.identifiers(a_metal_cluster(), chosen) if each.kind == "pod range"]
    assert scopes == ["baremetal-site-1 vlan 509"]


@pytest.mark.parametrize(
    ("exclude", "free"),
    [
        ([], ["10.0.0.0-10.0.0.15"]),
        (["10.0.0.0/30"], ["10.0.0.4-10.0.0.15"]),
        (["10.0.0.12/30", "10.0.0.4/30"], ["10.0.0.0-10.0.0.3", "10.0.0.8-10.0.0.11"]),
        (["10.0.0.0/29", "10.0.0.4/30"], ["10.0.0.8-10.0.0.15"]),
        (["10.0.0.0/28"], []),
    ],
)
def test_what_is_left_out_of_a_range_is_not_given_away(exclude: list[str], free: list[str]) -> None:
    said = RangeSpec.model_validate({"range": "10.0.0.0/28", "exclude": exclude})
    assert [str(part) for part in said.free()] == free


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        '{"cniVersion":"0.3.1","name":"a","type":"bridge","ipam":{}}',
        '{"cniVersion":"0.3.1","name":"a","type":"macvlan","ipam":{}}',
        '{"cniVersion":"0.3.1","name":"a","type":"macvlan","master":"x","ipam":{},"mastre":"y"}',
        '{"cniVersion":"0.3.1","name":"a","type":"macvlan","master":"x","ipam":{"type":"whereabouts"}}',
        '{"cniVersion":"0.3.1","name":"a","type":"ipvlan","master":"x","ipam":{"type":"host-local"}}',
    ],
)
def test_a_text_that_a_plugin_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="not readable"):
        read(text)
