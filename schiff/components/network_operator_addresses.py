"""Rules about the addresses that the network-operator hands out: whose they are, and that there are enough.

The first address after a network's own is its gateway on every node; nobody else gets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from schiff.components.network_operator_settings import InboundSpec, NetworkOperatorSettings, OutboundSpec
from schiff.components.protocol import SettingProblem
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import Address, AddressRange, Network

Found = Iterator[SettingProblem]


def address_problems(cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Found:
    """Give every broken rule about addresses."""
    yield from _networks_apart(cluster, settings)
    yield from _inside(settings)
    yield from _apart(settings)
    yield from _enough(settings)


def _networks_apart(cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Found:
    own = [(name, one) for name, network in sorted(settings.networks.items()) for one in network.families]
    inside = cluster.spec.cluster_network
    around = [("the pods' network", inside.pods), ("the services' network", inside.services)]
    around += [(f"the site's network {name}", facts.cidr) for name, facts in sorted(cluster.site.networks.items())]
    clashes = [
        (name, f"{network} overlaps {what} {other}")
        for name, network in own
        for what, other in around
        if _overlap(network, other) and not (what.startswith("the site") and network == other)
    ]
    clashes += [
        (name, f"{network} overlaps {other} of network {other_name}")
        for (other_name, other), (name, network) in combinations(own, 2)
        if _overlap(network, other)
    ]
    for name, message in clashes:
        yield SettingProblem(("networks", name), message, "take addresses that nobody has", "networks-apart")


def _overlap(one: Network, other: Network) -> bool:
    return one.as_range().overlaps(other.as_range())


def _users(settings: NetworkOperatorSettings) -> list[tuple[tuple[str, str], InboundSpec | OutboundSpec]]:
    return [
        *((("inbound", name), one) for name, one in sorted(settings.inbound.items())),
        *((("outbound", name), one) for name, one in sorted(settings.outbound.items())),
    ]


def _inside(settings: NetworkOperatorSettings) -> Found:
    for path, one in _users(settings):
        network = settings.networks.get(one.network)
        for part in one.addresses if network else ():
            home = next((each for each in network.families if _holds(each, part)), None) if network else None
            at = (*path, "addresses")
            if home is None:
                message = f"{part} lies outside network {one.network}"
                yield SettingProblem(at, message, "take addresses of that network", "addresses-inside")
            elif part.contains(_gateway(home)):
                message = f"{part} contains {_gateway(home)}, the gateway of network {one.network}"
                yield SettingProblem(at, message, "begin behind the gateway", "addresses-inside")


def _holds(network: Network, part: AddressRange) -> bool:
    return network.contains(part.first) and network.contains(part.last)


def _gateway(network: Network) -> Address:
    return Address(network.value.network_address + 1)


def _apart(settings: NetworkOperatorSettings) -> Found:
    parts = [(path, part) for path, one in _users(settings) for part in one.addresses]
    for (path, part), (other_path, other) in combinations(parts, 2):
        if part.overlaps(other):
            message = f"{other} overlaps {part} of {path[0]}[{path[1]}]"
            at = (*other_path, "addresses")
            yield SettingProblem(at, message, "give each address to one of them", "addresses-apart")


def _enough(settings: NetworkOperatorSettings) -> Found:
    for name, network in sorted(settings.networks.items()):
        wanted = sum(one.count or 0 for _, one in _users(settings) if one.network == name)
        pinned = sum(part.size for _, one in _users(settings) if one.network == name for part in one.addresses)
        for family in network.families if wanted else ():
            free = max(family.value.num_addresses - 3, 0)  # its own, the gateway's, the last
            if wanted + pinned > free:
                message = f"{wanted + pinned} addresses are asked of {family}, which has {free} to give"
                yield SettingProblem(("networks", name), message, "order a larger network", "count-fits")
