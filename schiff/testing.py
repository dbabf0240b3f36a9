"""Makers for tests: a small fleet that is right, and clusters resolved from it.

`a_fleet()` has one vSphere and one metal site, a management cluster that serves
both, a customer and a cluster on each. `changed` writes a value into a copy of
its documents, so that a test names only what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal

from schiff.layers.construct import fleet_of
from schiff.layers.resolve import Resolver, resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.model.tenant_cluster import Removal, TenantClusterSpec
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey

Documents = dict[str, dict[str, Any]]
Provider = Literal["vsphere", "metal3"]

VSPHERE_ORDER = "sites/vsphere-site-1/customer-a/customer-a-1.yaml"
METAL3_ORDER = "sites/baremetal-site-1/customer-a/customer-a-2.yaml"
MANAGEMENT_CLUSTER = "management-clusters/schiff-mgmt-x.yaml"

_KEYS: Mapping[Provider, ClusterKey] = {
    "vsphere": ClusterKey("vsphere-site-1", "customer-a-1"),
    "metal3": ClusterKey("baremetal-site-1", "customer-a-2"),
}


def a_fleet(documents: Documents | None = None) -> Fleet:
    """Return the fleet of `documents`, by default of `fleet_documents()`."""
    return fleet_of(fleet_documents() if documents is None else documents)


def changed(path: str, field: str, value: Any, documents: Documents | None = None) -> Documents:
    """Return the documents with the value at a dotted path of one file replaced; a new file is made."""
    result = deepcopy(fleet_documents() if documents is None else documents)
    here = result.setdefault(path, {})
    *above, last = field.split(".")
    for key in above:
        here = here.setdefault(key, {})
    here[last] = value
    return result


def an_assignment(fleet: Fleet, release: str = HEAD, removal: Removal | None = None) -> Assignment:
    """Return that a cluster runs a release, by default head, with its Kubernetes version."""
    return Assignment(release, fleet.layers_of(release).release.kubernetes.version, removal)


def assignments_of(fleet: Fleet, environment: str = "tst", release: str = HEAD) -> Assignments:
    """Return that everything in one environment runs one release, by default head."""
    one = an_assignment(fleet, release)
    tenants = {key: one for key, order in fleet.orders.items() if order.document.data["environment"] == environment}
    served = {n: one for n, cluster in fleet.management_clusters.items() if environment in cluster.spec.environments}
    return Assignments(tenants, served)


def a_resolved_environment(fleet: Fleet | None = None, environment: str = "tst") -> ResolvedEnvironment:
    """Return one environment with everything at head."""
    described = a_fleet() if fleet is None else fleet
    return resolve_environment(described, environment, assignments_of(described, environment))


def a_resolved_cluster(
    provider: Provider = "vsphere",
    *,
    documents: Documents | None = None,
    release: str = HEAD,
    removal: Removal | None = None,
) -> ResolvedCluster:
    """Return the tenant cluster on this infrastructure, resolved through layers."""
    fleet = a_fleet(documents)
    return Resolver(fleet).cluster(_KEYS[provider], an_assignment(fleet, release, removal))


def a_resolved_management_cluster(documents: Documents | None = None) -> ResolvedCluster:
    """Return the management cluster's own cluster, resolved through layers."""
    fleet = a_fleet(documents)
    return Resolver(fleet).management_cluster("schiff-mgmt-x", an_assignment(fleet))


def a_cluster(provider: Provider = "vsphere") -> TenantClusterSpec:
    """Return what the tenant cluster on this infrastructure is asked to be."""
    return a_resolved_cluster(provider).spec


def fleet_documents() -> Documents:
    """Return new documents of a fleet that is right, by path below the fleet folder."""
    return {
        "fleet.yaml": {
            "baseDomain": "schiff.example",
            "labelDomain": "schiff.example",
            "customerMaySet": ["hold", "access.sshKeys"],
        },
        "head.yaml": _versions(),
        "policy.yaml": {"environments": {"prd": {"orders": {"maxClusters": 3, "maxMachines": 20}}}},
        "defaults.yaml": {
            "registry": "registry.schiff.example",
            "clusterNetwork": {"pods": "10.244.0.0/16", "services": "10.96.0.0/16"},
            "access": {"oidc": {"issuerUrl": "https://sso.schiff.example", "clientId": "kubernetes"}},
        },
        "environments/tst.yaml": {},
        "environments/ref.yaml": {},
        "environments/prd.yaml": {"audit": {"maxAgeDays": 90}},
        "providers/vsphere.yaml": {
            "machineClasses": {
                "control-plane": {"cpus": 4, "memoryMiB": 16384, "diskGiB": 80},
                "large": {"cpus": 8, "memoryMiB": 32768, "diskGiB": 120},
            }
        },
        "providers/metal3.yaml": {
            "machineClasses": {"control-plane": {"hardware": "controller"}, "worker": {"hardware": "worker"}},
            "controlPlane": {"vip": "keepalived", "maxSurge": 0, "nodeDrainSeconds": 900},
            "nodes": {"interfaces": ["eno1", "eno2"], "mtu": 9000},
            "imageServer": "https://images.schiff.example",
        },
        "zones/intranet.yaml": {"components": {"calico": {"encapsulation": "VXLANCrossSubnet"}}},
        "zones/internet.yaml": {"components": {"calico": {"encapsulation": "VXLAN"}}},
        "classes/far-edge.yaml": {"controlPlane": {"replicas": 1, "maxSurge": 1}},
        **{f"components/{name}.yaml": {"versions": {version: {}}} for name, version in _COMPONENTS.items()},
        "customers/customer-a.yaml": {},
        "customers/customer-b.yaml": {},
        "sites/vsphere-site-1/site.yaml": {"facts": _vsphere_facts()},
        "sites/baremetal-site-1/site.yaml": {"facts": _metal3_facts()},
        MANAGEMENT_CLUSTER: _management_cluster(),
        VSPHERE_ORDER: {
            "environment": "tst",
            "zone": "intranet",
            "controlPlane": {"endpoint": "10.1.0.10"},
            "nodes": {"network": "pg-customer-a-1", "addresses": "10.1.0.20-10.1.0.120"},
            "pools": {"md-0": {"class": "large", "replicas": 3}},
        },
        METAL3_ORDER: {
            "environment": "tst",
            "zone": "intranet",
            "labels": {"candidate": "true"},
            "controlPlane": {
                "endpoint": "10.2.0.10",
                "virtualRouterId": 21,
                "hosts": ["r1-u01", "r2-u01", "r3-u01"],
            },
            "nodes": {"network": "nodes", "addresses": "10.2.0.20-10.2.0.60"},
            "pools": {"md-0": {"class": "worker", "hosts": ["r1-u07", "r2-u07"], "maxSurge": 0, "maxUnavailable": 1}},
        },
    }


_COMPONENTS = {
    "flux": "v2.9.3",
    "calico": "v3.32.1",
    "metallb": "v0.16.1",
    "vsphere-cpi": "v1.35.1",
    "vsphere-csi": "v3.7.3",
}


def _versions() -> dict[str, Any]:
    return {
        "components": {
            name: {"version": version, "kubernetes": ">=1.33,<1.37"} for name, version in _COMPONENTS.items()
        },
        "kubernetes": {
            "version": "v1.35.4",
            "via": ["v1.34.6"],
            "images": {
                "vsphere": {"template": "ubuntu-2404-kube-v1.35.4"},
                "metal3": {"url": "https://images.schiff.example/ubuntu-2404-kube-v1.35.4.qcow2", "sha256": "4b" * 32},
            },
        },
        "managementPlane": {
            "capi": "v1.13.5",
            "capm3": "v1.13.2",
            "capv": "v1.16.1",
            "ipamInCluster": "v1.0.3",
            "ipamMetal3": "v1.13.2",
            "schiff": "source",
        },
    }


def _management_cluster() -> dict[str, Any]:
    return {
        "sites": ["vsphere-site-1", "baremetal-site-1"],
        "environments": ["tst", "ref"],
        "site": "vsphere-site-1",
        "facts": {
            "definitionsUrl": "https://git.schiff.example/schiff/cluster-definitions.git",
            "componentsUrl": "https://git.schiff.example/schiff/cluster-components.git",
            "apiContext": "schiff-mgmt-x",
        },
        "cluster": {
            "zone": "intranet",
            "controlPlane": {"endpoint": "10.1.9.10"},
            "nodes": {"network": "pg-platform", "addresses": "10.1.9.20-10.1.9.120"},
            "pools": {"md-0": {"class": "large", "replicas": 3}},
        },
    }


def _network(number: str, **more: Any) -> dict[str, Any]:
    return {"cidr": f"{number}.0/24", "gateway": f"{number}.1", "zone": "intranet", "dns": [f"{number}.2"], **more}


def _vsphere_facts() -> dict[str, Any]:
    return {
        "location": "location-1",
        "provider": "vsphere",
        "networks": {
            "pg-customer-a-1": _network("10.1.0"),
            "pg-customer-b-1": _network("10.1.1"),
            "pg-platform": _network("10.1.9"),
        },
        "capacity": {"machines": 40},
        "vcenter": {"server": "vcenter-1.schiff.example", "datacenter": "dc-1", "datastore": "datastore-1"},
        "failureDomains": {
            az: {"computeCluster": f"cluster-{az}", "datastore": f"datastore-{az}", "networks": ["pg-customer-a-1"]}
            for az in ("az-1", "az-2")
        },
    }


def _metal3_facts() -> dict[str, Any]:
    units = [("01", "controller"), ("02", "controller"), ("07", "worker"), ("08", "worker")]
    return {
        "location": "location-1",
        "provider": "metal3",
        "racks": ["rack-1", "rack-2", "rack-3"],
        "networks": {"nodes": _network("10.2.0", vlan=202)},
        "hosts": {
            f"r{rack}-u{unit}": {
                "rack": f"rack-{rack}",
                "hardware": hardware,
                "bootMACAddress": f"52:54:00:02:0{rack}:{unit}",
                "bmc": f"redfish-virtualmedia://10.202.{rack}.{int(unit)}/redfish/v1/Systems/1",
            }
            for rack in (1, 2, 3)
            for unit, hardware in units
        },
        "bgp": {"asn": 65202, "peers": {"leaf-1": {"address": "10.2.0.251", "asn": 65020}}},
    }
