"""Addresses for machines out of Infoblox, by Telekom's provider (domain reference 8).

Infoblox hands out any free address of a network, and the provider gives each
machine the length of that network: a pool names whole networks and excludes
nothing. What no machine may take is reserved in Infoblox itself, where nobody
but people can; `reserved_addresses` says what that is.
"""

from __future__ import annotations

from schiff.manifests.cluster_objects import NEVER_PRUNED, cluster_object
from schiff.manifests.ipam import node_network, pool_name, remaining, reserved
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import InfobloxFacts
from schiff.values.networks import AddressRange

API = "ipam.cluster.x-k8s.io/v1alpha1"
"""What the definitions of the provider serve, v0.2.1 to v1.0.1; its README says v1beta1."""
NAMESPACE = "capi-ipam-infoblox-system"
"""Of the provider, which looks for accounts there alone."""


def infoblox_pool(cluster: ResolvedCluster, facts: InfobloxFacts) -> Manifest:
    """Return the pool that machines take addresses from: the network, as Infoblox knows it."""
    network = node_network(cluster)
    views = {"networkView": facts.network_view, "dnsView": facts.dns_view, "dnsZone": facts.dns_zone}
    spec = {
        "instance": {"name": facts.instance},
        "subnets": [{"cidr": str(network.cidr), "gateway": str(network.gateway)}],
        **{key: value for key, value in views.items() if value is not None},
    }
    return cluster_object(cluster, API, "InfobloxIPPool", pool_name(cluster), spec, annotations=NEVER_PRUNED)


def infoblox_instance(site: str, location: str, label_domain: str, facts: InfobloxFacts) -> Manifest:
    """Return how the provider reaches Infoblox; the account is the secret ``<instance>-credentials`` beside it."""
    spec = {
        "host": facts.host,
        "port": str(facts.port),
        "wapiVersion": facts.wapi_version,
        "credentialsSecretRef": {"name": f"{facts.instance}-credentials"},
        "disableTLSVerification": False,
        "defaultNetworkView": facts.network_view,
    }
    if facts.dns_view is not None:
        spec["defaultDNSView"] = facts.dns_view
    return Manifest(
        API,
        "InfobloxInstance",
        facts.instance,
        labels={f"{label_domain}/site": site, f"{label_domain}/location": location},
        annotations=NEVER_PRUNED,
        body={"spec": spec},
    )


def reserved_addresses(cluster: ResolvedCluster) -> tuple[AddressRange, ...]:
    """Return what people reserve in Infoblox: all of the network that is not for the machines of the cluster."""
    whole = [node_network(cluster).cidr.as_range()]
    free = [
        AddressRange(first, last, f"{first}-{last}")
        for first, last in remaining(cluster.spec.nodes.addresses, reserved(cluster))
    ]
    return tuple(AddressRange(first, last, f"{first}-{last}") for first, last in remaining(whole, free))
