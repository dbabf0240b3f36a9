"""A fleet of any size, made from numbers: 20 clusters a site, 10 sites a management cluster, 70 % on vSphere."""

from __future__ import annotations

from typing import Any

SITES_PER_MANAGEMENT_CLUSTER = 10
CLUSTERS_PER_SITE = 20


def documents(count: int, shared: dict[str, Any]) -> dict[str, Any]:
    """Return the documents of a `tst` fleet on head; `shared` holds layers 1 to 5 and the catalogue."""
    made = dict(shared)
    sites = -(-count // CLUSTERS_PER_SITE)
    for site in range(sites):
        metal = site % 10 >= 7
        names = range(site * CLUSTERS_PER_SITE, min(count, (site + 1) * CLUSTERS_PER_SITE))
        made[f"sites/site-{site}/site.yaml"] = {"facts": _metal_facts(site) if metal else _vsphere_facts(site)}
        for index, number in enumerate(names):
            order = _metal_order(site, index) if metal else _vsphere_order(site, index)
            made[f"sites/site-{site}/customer-{number % 50}/cluster-{number}.yaml"] = order
    for first in range(0, sites, SITES_PER_MANAGEMENT_CLUSTER):
        served = range(first, min(sites, first + SITES_PER_MANAGEMENT_CLUSTER))
        made[f"management-clusters/mgmt-{first // SITES_PER_MANAGEMENT_CLUSTER}.yaml"] = _management(first, served)
    for customer in range(50):
        made[f"customers/customer-{customer}.yaml"] = {}
    return made


def _net(site: int, index: int) -> str:
    number = site * (CLUSTERS_PER_SITE + 2) + index
    return f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}"


def _networks(site: int) -> dict[str, Any]:
    return {
        f"net-{index}": {
            "cidr": f"{_net(site, index)}.0/24",
            "gateway": f"{_net(site, index)}.1",
            "zone": "intranet",
            "dns": [f"{_net(site, index)}.2"],
        }
        for index in range(CLUSTERS_PER_SITE + 1)
    }


def _vsphere_facts(site: int) -> dict[str, Any]:
    zone = {"computeCluster": "cluster-a", "datastore": "ds-1", "networks": ["net-0"]}
    return {
        "location": f"location-{site // 2}",
        "provider": "vsphere",
        "capacity": {"machines": 1000},
        "networks": _networks(site),
        "vcenter": {"server": f"vcenter-{site}.schiff.example", "datacenter": "dc1", "datastore": "ds-1"},
        "failureDomains": {f"site-{site}-a": zone},
        "bgp": {"asn": 65100, "peers": {"leaf-1": {"address": f"{_net(site, 0)}.251", "asn": 65010}}},
    }


def _metal_facts(site: int) -> dict[str, Any]:
    management = _net(site, CLUSTERS_PER_SITE + 1)
    hosts = {
        f"r1-u{unit}": {
            "rack": "rack-1",
            "hardware": "controller" if unit % 6 < 3 else "worker",
            "bootMACAddress": f"52:54:{site // 256:02x}:{site % 256:02x}:{unit // 256:02x}:{unit % 256:02x}",
            "bmc": f"redfish-virtualmedia://{management}.{unit % 250 + 1}/redfish/v1/Systems/{unit}",
        }
        for unit in range((CLUSTERS_PER_SITE + 1) * 6)
    }
    return {
        "location": f"location-{site // 2}",
        "provider": "metal3",
        "racks": ["rack-1"],
        "hosts": hosts,
        "networks": _networks(site),
        "bgp": {"asn": 65100, "peers": {"leaf-1": {"address": f"{_net(site, 0)}.251", "asn": 65010}}},
    }


def _vsphere_order(site: int, index: int) -> dict[str, Any]:
    net = _net(site, index)
    return {
        "environment": "tst",
        "zone": "intranet",
        "controlPlane": {"endpoint": f"{net}.10"},
        "nodes": {"network": f"net-{index}", "addresses": f"{net}.20-{net}.120"},
        "pools": {"md-0": {"class": "large", "replicas": 3}, "md-1": {"class": "small", "replicas": 2}},
        "components": {"metallb": {"pools": {"services": {"addresses": [f"{net}.192/28"]}}}},
    }


def _metal_order(site: int, index: int) -> dict[str, Any]:
    net, first = _net(site, index), index * 6
    return {
        "environment": "tst",
        "zone": "intranet",
        "controlPlane": {
            "endpoint": f"{net}.10",
            "virtualRouterId": index + 1,
            "hosts": [f"r1-u{unit}" for unit in range(first, first + 3)],
        },
        "nodes": {"network": f"net-{index}", "addresses": f"{net}.20-{net}.120"},
        "pools": {
            "md-0": {
                "class": "worker",
                "hosts": [f"r1-u{first + 3}", f"r1-u{first + 4}"],
                "maxSurge": 0,
                "maxUnavailable": 1,
            },
            "md-1": {"class": "worker", "hosts": [f"r1-u{first + 5}"], "maxSurge": 0, "maxUnavailable": 1},
        },
        "components": {"metallb": {"pools": {"services": {"addresses": [f"{net}.192/28"]}}}},
    }


def _management(site: int, served: range) -> dict[str, Any]:
    order = _vsphere_order(site, CLUSTERS_PER_SITE)
    del order["environment"], order["components"]
    return {
        "sites": [f"site-{number}" for number in served],
        "environments": ["tst"],
        "site": f"site-{site}",
        "facts": {
            "definitionsUrl": "https://git.schiff.example/schiff/cluster-definitions.git",
            "componentsUrl": "https://git.schiff.example/schiff/cluster-components.git",
            "apiContext": "mgmt",
        },
        "cluster": order,
    }
