"""Networks of pods beyond what examples show, judged by a real API server: plain Calico, egress pools, two families."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schiff.components.protocol import Component
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.sources.plugins import own_components
from tests.bed.dry_run import dry_run
from tests.bed.kubernetes_client import KubernetesClient
from tests.makers import a_resolved_cluster

pytestmark = pytest.mark.xdist_group("api-server")

FAR = {"destinations": ["0.0.0.0/0"], "pool": "internet", "clients": ["shop"], "replicas": 3}
RANGES = [
    {"range": "10.250.4.0/24", "start": "10.250.4.64", "exclude": ["10.250.4.240/28"]},
    {"range": "fd00:250:4::/120"},
]
MEDIA = {
    "cidr": ["10.250.4.0/24", "fd00:250:4::/120"],
    "vlan": 501,
    "gateway": ["10.250.4.1", "fd00:250:4::1"],
    "namespaces": "default",
    "ranges": RANGES,
    "routes": ["10.251.0.0/16"],
}
SETTINGS: dict[str, dict[str, Any]] = {
    "calico": {"installation": "manifests", "encapsulation": "IPIP"},
    "coil": {"pools": {"internet": {"subnets": ["198.51.100.32/29", "203.0.113.8/30"]}}, "egresses": {"internet": FAR}},
    "multus": {
        "networks": {
            "fast": {"cidr": "10.250.5.0/24", "namespaces": "default", "type": "sriov", "resource": "intel.com/fast"},
            "media": MEDIA,
        }
    },
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_the_objects_are_accepted_as_they_were_meant(name: str, api_server: KubernetesClient) -> None:
    verdicts = dry_run(api_server, to_yaml(list(_objects(own_components()[name], SETTINGS[name]))))
    assert verdicts
    assert [str(verdict) for verdict in verdicts if not verdict.accepted or verdict.misread] == []


def _objects(component: Component, said: dict[str, Any]) -> Sequence[Manifest]:
    cluster = a_resolved_cluster("metal3")
    settings = component.settings.model_validate(said, by_name=False, by_alias=True)
    return (*component.bootstrap_objects(cluster, settings), *component.objects(cluster, settings))
