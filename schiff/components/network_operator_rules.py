"""What is wrong with the network-operator's settings, seen together and beside the rest of the cluster (domain 14).

Shapes refuse by themselves what one entry gets wrong (a VRF's name, count and addresses, the lines of a list, a
peering's mode, the other API's fields). Here, in the order of the code: references and selectors, numbers of the
fabric, the two ways to attach, the older objects, and what else the cluster runs; addresses have a module of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from schiff.components.network_operator_addresses import address_problems
from schiff.components.network_operator_settings import INTERFACE_BUDGET, NetworkOperatorSettings, reduced
from schiff.components.protocol import SettingProblem
from schiff.model.resolved import ResolvedCluster

RULES: Final[Mapping[str, str]] = {
    "known": "An intent names networks, VRFs, attachments and inbounds that exist.",
    "selects": "A selector of destinations selects at least one.",
    "numbers": "A VNI, a VLAN, a route target and a VRF's name on nodes stand for one thing in a cluster.",
    "site-vlan": "A network has no VLAN that the site's facts give to another network.",
    "networks-apart": "Networks of the cluster overlap neither each other nor those of the site, of pods, of services.",
    "addresses-inside": "Addresses of an inbound or outbound lie inside its network, beside the gateway.",
    "addresses-apart": "An address belongs to one inbound or outbound.",
    "count-fits": "A network has as many addresses as inbounds and outbounds count.",
    "pure-l2": "A network that is tagged on an interface has no VNI, any other attached one has VLAN and VNI.",
    "interface-name": "The name of a tagged interface fits into the kernel's 15 characters.",
    "merge": "Routes of one VRF have one VNI and one route target, and each its own seq.",
    "pools": "MetalLB's pools are written in its settings or generated from inbounds, never both.",
    "needs-coil": "Outbounds need coil.",
}

Found = Iterator[SettingProblem]


def problems(cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Found:
    """Give everything that is wrong."""
    yield from _references(settings)
    yield from _selectors(settings)
    yield from _numbers(settings)
    yield from _site_vlans(cluster, settings)
    yield from address_problems(cluster, settings)
    yield from _attachments(settings)
    yield from _merged_routes(settings)
    yield from _neighbours(cluster, settings)


def _references(settings: NetworkOperatorSettings) -> Found:
    named: list[tuple[tuple[str, ...], tuple[str, ...], Mapping[str, Any], str]] = []
    for field in ("attachments", "inbound", "outbound"):
        for name, one in sorted(getattr(settings, field).items()):
            named.append(((field, name, "network"), (one.network,), settings.networks, "network"))
    for name, one in sorted(settings.destinations.items()):
        named.append((("destinations", name, "vrf"), (one.vrf,) if one.vrf else (), settings.vrfs, "VRF"))
    for name, one in sorted(settings.peerings.items()):
        at, attachment = ("peerings", name), (one.attachment,) if one.attachment else ()
        named.append(((*at, "attachment"), attachment, settings.attachments, "attachment"))
        named.append(((*at, "networks"), one.networks, settings.networks, "network"))
        named.append(((*at, "inbound"), one.inbound, settings.inbound, "inbound"))
    for name, one in sorted(settings.layer2.items()):
        vrfs = {route.vrf: route for route in settings.routes.values()}
        named.append((("layer2", name, "vrf"), (one.vrf,) if one.vrf else (), vrfs, "VRF of routes"))
    for path, names, known, what in named:
        for missing in sorted(set(names) - set(known)):
            cure = f"known: {', '.join(sorted(known)) or 'none'}"
            yield SettingProblem(path, f"no {what} is called {missing!r}", cure, "known")


def _selectors(settings: NetworkOperatorSettings) -> Found:
    for field in ("attachments", "inbound", "outbound"):
        for name, one in sorted(getattr(settings, field).items()):
            wanted = one.destinations
            if wanted and not any(wanted.items() <= other.labels.items() for other in settings.destinations.values()):
                said = ", ".join(f"{key}: {value}" for key, value in sorted(wanted.items()))
                cure = "label a destination so, or leave destinations out"
                yield SettingProblem((field, name, "destinations"), f"no destination has {said}", cure, "selects")


# --- numbers of the fabric


def _numbers(settings: NetworkOperatorSettings) -> Found:
    vrfs, networks = sorted(settings.vrfs.items()), sorted(settings.networks.items())
    segments = sorted(settings.layer2.items())
    route_vnis = {route.vrf: (("routes", name, "vni"), route.vni) for name, route in sorted(settings.routes.items())}
    yield from _twice("VNI", [
        *((("vrfs", name, "vni"), one.vni) for name, one in vrfs),
        *((("networks", name, "vni"), one.vni) for name, one in networks if one.vni),
        *route_vnis.values(),
        *((("layer2", name, "vni"), one.vni) for name, one in segments),
    ])  # fmt: skip
    yield from _twice("VLAN", [
        *((("networks", name, "vlan"), one.vlan) for name, one in networks if one.vlan),
        *((("layer2", name, "vlan"), one.vlan) for name, one in segments),
    ])  # fmt: skip
    yield from _twice("route target", [(("vrfs", name, "routeTarget"), one.route_target) for name, one in vrfs])
    yield from _twice("name on nodes", [(("vrfs", name, "vrf"), reduced(one.vrf or name)) for name, one in vrfs])


def _twice(what: str, found: list[tuple[tuple[str, str, str], Any]]) -> Found:
    seen: dict[Any, tuple[str, str, str]] = {}
    for path, value in found:
        first = seen.setdefault(value, path)
        if first != path:
            message = f"{what} {value} is that of {first[0]}[{first[1]}] too"
            yield SettingProblem(path, message, "take the number that the fabric's plan records for it", "numbers")


def _site_vlans(cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Found:
    for name, network in sorted(settings.networks.items()):
        for other, facts in sorted(cluster.site.networks.items()):
            if network.vlan is not None and network.vlan == facts.vlan and facts.cidr not in network.families:
                message = f"VLAN {network.vlan} is that of the site's network {other} ({facts.cidr})"
                cure = f"take another VLAN, or the addresses {facts.cidr}"
                yield SettingProblem(("networks", name, "vlan"), message, cure, "site-vlan")


# --- attachments and routes


def _attachments(settings: NetworkOperatorSettings) -> Found:
    for name, one in sorted(settings.attachments.items()):
        network = settings.networks.get(one.network)
        if network is None:
            continue
        at = ("attachments", name, "interface")
        if one.interface is not None and network.vni is not None:
            message = f"network {one.network} has VNI {network.vni}, and what is tagged on {one.interface} has none"
            yield SettingProblem(at, message, "leave the network's vni out, or interface", "pure-l2")
        elif one.interface is None and (network.vni is None or network.vlan is None):
            message = f"network {one.network} lacks vni or vlan, and without interface the fabric carries it"
            yield SettingProblem(at, message, "write both for the network, or an interface to tag it on", "pure-l2")
        elif one.interface is not None and network.vlan is not None:
            tagged = f"{one.interface}.{network.vlan}"
            if len(tagged) > INTERFACE_BUDGET:
                message = f"{tagged} has {len(tagged)} characters, at most {INTERFACE_BUDGET} fit"
                yield SettingProblem(at, message, "tag it on an interface with a shorter name", "interface-name")


def _merged_routes(settings: NetworkOperatorSettings) -> Found:
    for (name, one), (other_name, other) in combinations(sorted(settings.routes.items()), 2):
        if one.vrf != other.vrf:
            continue
        if one.seq == other.seq:
            message = f"seq {other.seq} of VRF {one.vrf} is that of routes[{name}] too"
            yield SettingProblem(("routes", other_name, "seq"), message, "give each its own place", "merge")
        if (one.vni, one.route_target) != (other.vni, other.route_target):
            message = f"VRF {one.vrf} has VNI {one.vni} and route target {one.route_target} in routes[{name}]"
            yield SettingProblem(("routes", other_name), message, "write the same numbers in both", "merge")


# --- what else runs


def _neighbours(cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Found:
    raw = cluster.spec.components
    if settings.inbound and raw.get("metallb", {}).get("pools"):
        message = "MetalLB has pools of its own, and the operator generates others from inbounds"
        cure = "leave components.metallb.pools out, or write addresses there and no inbound"
        yield SettingProblem(("inbound",), message, cure, "pools")
    if settings.outbound and "coil" not in raw:
        cure = "write components.coil: {}, or leave outbound out"
        yield SettingProblem(
            ("outbound",), "the cluster runs no coil, which lets pods leave by them", cure, "needs-coil"
        )
