"""Rules over machines, hosts and addresses: vSphere, Metal3 and both kinds of IP pools (domain reference 6 to 8)."""

from __future__ import annotations

from collections.abc import Iterator

from schiff.checks.documents import KubernetesObject, Path
from schiff.checks.rules import Breach, Objects, Rule, each
from schiff.errors import InvalidValue
from schiff.values.networks import Address, AddressRange

_POOLS = ("InClusterIPPool", "GlobalInClusterIPPool")
_METAL_POOL = "ipam.metal3.io"
_SERVERS_OWN = ("consumerRef", "image", "userData", "networkData", "metaData")
_LONGEST_INTERFACE = 15
_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
_TEMPLATES = ("VSphereMachineTemplate", "Metal3MachineTemplate", "Metal3DataTemplate", "KubeadmConfigTemplate")
_OUTLIVE = (*_TEMPLATES, "Cluster", "BareMetalHost", "Namespace")

Found = Iterator[tuple[Path, str, str]]


def _range(text: object) -> AddressRange | None:
    try:
        return AddressRange.parse(text) if isinstance(text, str) else None
    except InvalidValue:
        return None


def _pool_ranges(item: KubernetesObject) -> Iterator[tuple[Path, AddressRange | None]]:
    """Yield every range a pool hands out, with its path; None where it is no range."""
    for index, text in enumerate(item.items_at("spec", "addresses")):
        yield ("spec", "addresses", index), _range(text)
    for index, pool in enumerate(item.items_at("spec", "pools") if item.group == _METAL_POOL else ()):
        if isinstance(pool, dict):
            start = pool.get("start")
            yield ("spec", "pools", index), _range(f"{start}-{pool.get('end', start)}" if start else pool.get("subnet"))


def _ranges_hold(item: KubernetesObject) -> Found:
    for path, found in _pool_ranges(item):
        if found is None:
            yield path, "is no range of addresses", "write e.g. 10.1.0.20-10.1.0.120, lowest first, or 10.1.0.0/24"


def _metal_ranges_hold(item: KubernetesObject) -> Found:
    if item.group == _METAL_POOL:
        yield from _ranges_hold(item)


def _endpoint_outside_pools(objects: Objects) -> Iterator[Breach]:
    path = ("spec", "controlPlaneEndpoint", "host")
    for item in objects.of("VSphereCluster", "Metal3Cluster"):
        try:
            endpoint = Address.parse(item.text_at(*path))
        except InvalidValue:
            continue
        for pool in objects.neighbours(item, *_POOLS, "IPPool"):
            excluded = [_range(text) for text in pool.items_at("spec", "excludedAddresses")]
            taken = any(found and found.contains(endpoint) for _, found in _pool_ranges(pool))
            if taken and not any(found and found.contains(endpoint) for found in excluded):
                message = f"{endpoint} may be handed out to a machine by {pool.title}"
                yield Breach(item, path, message, "take it out of the pool's addresses")


def _host_free(item: KubernetesObject) -> Found:
    for name in _SERVERS_OWN[:3]:
        if name in item.map_at("spec"):
            yield ("spec", name), f"{name} is written by the provider that takes the host", "leave it out of Git"


def _virtual_machine_placed(item: KubernetesObject) -> Found:
    base = ("spec", "template", "spec")
    if item.at(*base, "cloneMode") == "linkedClone" and item.at(*base, "diskGiB"):
        yield (*base, "diskGiB"), "a linked clone keeps the disk of its snapshot", "write cloneMode fullClone"
    for index, device in enumerate(item.items_at(*base, "network", "devices")):
        if isinstance(device, dict) and not (device.get("dhcp4") or device.get("dhcp6") or _pooled(device)):
            path = (*base, "network", "devices", index)
            yield path, "gets no address: neither DHCP nor a pool", "write addressesFromPools, or dhcp4: true"


def _pooled(device: dict[str, object]) -> bool:
    return bool(device.get("addressesFromPools"))


def _interface_names(item: KubernetesObject) -> Found:
    links = ("spec", "networkData", "links")
    for kind in ("ethernets", "bonds", "vlans"):
        for index, link in enumerate(item.items_at(*links, kind)):
            name = link.get("id") if isinstance(link, dict) else None
            if isinstance(name, str) and len(name) > _LONGEST_INTERFACE:
                path = (*links, kind, index, "id")
                yield path, f"{name!r} is too long for an interface", f"write at most {_LONGEST_INTERFACE} characters"


def _outlives(objects: Objects) -> Iterator[Breach]:
    tenants = {item.namespace for item in objects.of("Cluster")}
    for item in objects.of(*_OUTLIVE):
        if item.kind in ("Namespace", "BareMetalHost") and (item.namespace or item.name) not in tenants:
            continue  # a host that is free is pruned when a cluster takes it
        if item.text_at("metadata", "annotations", _PRUNE) not in ("disabled", "enabled"):
            message = "a mistake in Git could delete it, and with it machines"
            yield Breach(item, ("metadata", "annotations", _PRUNE), message, f"annotate it {_PRUNE}: disabled")


RULES: tuple[Rule, ...] = (
    each("pool-ranges", "An IP pool lists ranges of addresses.", _POOLS, _ranges_hold),
    each("metal-pool-ranges", "A metal3 IP pool lists ranges of addresses.", ("IPPool",), _metal_ranges_hold),
    Rule("endpoint-outside-pools", "No IP pool hands out the endpoint of the API.", _endpoint_outside_pools),
    each("host-free", "A BareMetalHost in Git is free: consumer, image and user data are the provider's.",
         ("BareMetalHost",), _host_free),
    each("machine-addressed", "A virtual machine gets its disk and its addresses.",
         ("VSphereMachineTemplate",), _virtual_machine_placed),
    each("interface-name", "An interface's name has at most 15 characters.", ("Metal3DataTemplate",), _interface_names),
    Rule("outlives", "Clusters, their hosts, machine templates and namespaces say whether Flux may prune them.",
         _outlives, whole=True),
)  # fmt: skip
