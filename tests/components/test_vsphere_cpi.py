from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from schiff.components.vsphere_cpi import COMPONENT, VsphereCpiSettings
from schiff.model.resolved import ResolvedCluster
from tests.makers import a_resolved_cluster


def configuration(cluster: ResolvedCluster) -> dict[str, Any]:
    (item,) = COMPONENT.bootstrap_objects(cluster, VsphereCpiSettings())
    read: dict[str, Any] = yaml.safe_load(item.body["data"]["vsphere.conf"])
    return read


def test_it_runs_on_vsphere_alone() -> None:
    assert COMPONENT.applies_to(a_resolved_cluster("vsphere"))
    assert not COMPONENT.applies_to(a_resolved_cluster("metal3"))


def test_credentials_are_named_and_never_written() -> None:
    written = configuration(a_resolved_cluster())
    assert written["global"] == {
        "port": 443,
        "insecureFlag": False,
        "secretName": "vsphere-cloud-secret",
        "secretNamespace": "kube-system",
    }
    assert written["vcenter"] == {"vsphere-site-1": {"server": "vcenter-1.schiff.example", "datacenters": ["dc-1"]}}


def test_zones_are_named_only_where_the_site_has_them() -> None:
    cluster = a_resolved_cluster()
    flat = replace(cluster, site=cluster.site.model_copy(update={"failure_domains": {}}))
    assert configuration(cluster)["labels"] == {"region": "k8s-region", "zone": "k8s-zone"}
    assert "labels" not in configuration(flat)


def test_a_site_without_a_vcenter_is_refused() -> None:
    cluster = a_resolved_cluster()
    bare = replace(cluster, site=cluster.site.model_copy(update={"vcenter": None}))
    assert [problem.message for problem in COMPONENT.problems(bare, VsphereCpiSettings())] == [
        "site vsphere-site-1 has no vCenter"
    ]
