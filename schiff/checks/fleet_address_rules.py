"""Rules about addresses: nothing is claimed twice where both claimants could meet.

Two clusters meet when they stand at one site or share a management cluster,
which has to reach both. Whole networks: `schiff.checks.fleet_network_rules`.

=======================  ===================================================================================
node-outside-network     node addresses lie inside the network they name
vip-outside-network      so does the API address, unless servers announce it by BGP (kube-vip)
too-few-addresses        there is an address for every machine, and for one that a rollout adds
node-ranges-overlap      no node address belongs to two clusters
vip-twice                nor does an API address
vip-in-node-range        no API address can be handed out to a machine
metallb-in-node-range    nor can an address of a Service
metallb-over-vip         no Service takes an API address
metallb-pools-overlap    no address belongs to two pools of Services
router-address           nobody takes the address of a gateway or a router
unusable-address         nor the first or the last address of a network, which belong to no machine
=======================  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schiff.checks.fleet_subjects import Subject
from schiff.errors import InvalidValue, Problem
from schiff.model.fleet import Path
from schiff.values.networks import Address, AddressRange

What = Literal["nodes", "vip", "metallb"]

_PAIRS: Mapping[frozenset[What], str] = {
    frozenset[What]({"nodes"}): "node-ranges-overlap",
    frozenset[What]({"vip"}): "vip-twice",
    frozenset[What]({"vip", "nodes"}): "vip-in-node-range",
    frozenset[What]({"metallb", "nodes"}): "metallb-in-node-range",
    frozenset[What]({"metallb", "vip"}): "metallb-over-vip",
    frozenset[What]({"metallb"}): "metallb-pools-overlap",
}
_METAL3 = "metal3"
_WORDS: Mapping[What, str] = {"nodes": "the nodes", "vip": "the API address", "metallb": "a MetalLB pool"}


@dataclass(frozen=True, slots=True)
class _Claim:
    """Addresses that one cluster takes for one purpose; bounds are numbers, families apart."""

    first: tuple[int, int]
    last: tuple[int, int]
    what: What
    subject: Subject
    path: Path
    text: str

    def holds(self, address: Address) -> bool:
        return self.first <= _number(address) <= self.last

    def meets(self, other: _Claim) -> bool:
        mine, theirs = self.subject.cluster.identity, other.subject.cluster.identity
        return mine.site == theirs.site or mine.management_cluster == theirs.management_cluster


def address_problems(clusters: Sequence[Subject]) -> Iterator[Problem]:
    """Give every broken rule about addresses."""
    claims: list[_Claim] = []
    for subject in clusters:
        own = list(_claims(subject))
        claims += own
        yield from _outside(subject)
        yield from _budget(subject, own)
        yield from _routers(subject, own)
        yield from _unusable(subject, own)
    yield from _conflicts(claims)


def _outside(subject: Subject) -> Iterator[Problem]:
    spec, facts = subject.cluster.spec, subject.site.facts
    network = facts.networks[spec.nodes.network]
    for number, range_ in enumerate(spec.nodes.addresses):
        if not (network.cidr.contains(range_.first) and network.cidr.contains(range_.last)):
            message = f"{range_} leaves network {spec.nodes.network} ({network.cidr})"
            path = ("nodes", "addresses", number)
            yield subject.problem(path, message, f"take addresses of {network.cidr}", "node-outside-network")
    plane = spec.control_plane
    same_family = plane.endpoint.value.version == network.cidr.value.version
    announced = same_family and facts.provider == _METAL3 and plane.vip == "kube-vip" and facts.bgp is not None
    if not network.cidr.contains(plane.endpoint) and not announced:
        message = f"{plane.endpoint} lies outside network {spec.nodes.network} ({network.cidr})"
        cure = f"take an address of {network.cidr}, or kube-vip on servers at a site with BGP"
        yield subject.problem(("controlPlane", "endpoint"), message, cure, "vip-outside-network")


def _budget(subject: Subject, own: Sequence[_Claim]) -> Iterator[Problem]:
    have = sum(claim.last[1] - claim.first[1] + 1 for claim in own if claim.what == "nodes")
    need = sum(size + surge for _, _, size, surge, _ in subject.groups)
    if have < need:
        message = f"{have} addresses are too few for {subject.machines} machines and those a rollout adds"
        path, cure = ("nodes", "addresses"), f"write at least {need}"
        yield subject.problem(path, message, cure, "too-few-addresses")


def _routers(subject: Subject, own: Sequence[_Claim]) -> Iterator[Problem]:
    facts = subject.site.facts
    gateway = facts.networks[subject.cluster.spec.nodes.network].gateway
    routers = [(gateway, "the gateway")]
    if facts.bgp is not None:
        routers += [(peer.address, f"router {name}") for name, peer in sorted(facts.bgp.peers.items())]
    for address, who in routers:
        for claim in own:
            if claim.holds(address):
                message, cure = f"{address} is {who} of the site", "leave it out, e.g. with nodes.excluded"
                yield subject.problem(claim.path, message, cure, "router-address")


def _unusable(subject: Subject, own: Sequence[_Claim]) -> Iterator[Problem]:
    network = subject.site.facts.networks[subject.cluster.spec.nodes.network].cidr
    if network.value.version == 6 or network.value.num_addresses < 4:
        return
    for address in (Address(network.value[0]), Address(network.value[-1])):
        for claim in own:
            if claim.what != "metallb" and claim.holds(address) and claim.last <= _number(Address(network.value[-1])):
                message = f"{address} is the first or the last address of {network}, which no machine can have"
                yield subject.problem(claim.path, message, "leave it out", "unusable-address")


def _claims(subject: Subject) -> Iterator[_Claim]:
    spec = subject.cluster.spec
    yield _claim(spec.control_plane.endpoint, None, "vip", subject, ("controlPlane", "endpoint"))
    for number, range_ in enumerate(spec.nodes.addresses):
        for first, last in _without(range_, spec.nodes.excluded):
            yield _Claim(first, last, "nodes", subject, ("nodes", "addresses", number), str(range_))
    if "metallb" in subject.cluster.layers.release.components:
        for path, range_ in _metallb(spec.components.get("metallb", {})):
            yield _claim(range_.first, range_, "metallb", subject, path)


def _claim(address: Address, range_: AddressRange | None, what: What, subject: Subject, path: Path) -> _Claim:
    last = address if range_ is None else range_.last
    return _Claim(_number(address), _number(last), what, subject, path, str(range_ or address))


def _metallb(settings: Mapping[str, Any]) -> Iterator[tuple[Path, AddressRange]]:
    """Give the readable ranges of the pools; what is not readable, the component itself refuses."""
    pools = settings.get("pools")
    for name, pool in sorted(pools.items()) if isinstance(pools, dict) else ():
        addresses = pool.get("addresses") if isinstance(pool, dict) else None
        listed = [addresses] if isinstance(addresses, str) else addresses
        for number, text in enumerate(listed if isinstance(listed, list) else ()):
            try:
                range_ = AddressRange.parse(str(text))
            except InvalidValue:
                continue
            yield ("components", "metallb", "pools", name, "addresses", number), range_


def _without(range_: AddressRange, excluded: Sequence[AddressRange]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return what is left of a range, as pairs of first and last."""
    parts = [(_number(range_.first), _number(range_.last))]
    for hole in excluded:
        first, last = _number(hole.first), _number(hole.last)
        kept = []
        for start, end in parts:
            if last < start or first > end:
                kept.append((start, end))
                continue
            if start < first:
                kept.append((start, (first[0], first[1] - 1)))
            if last < end:
                kept.append(((last[0], last[1] + 1), end))
        parts = kept
    return parts


def _conflicts(claims: Sequence[_Claim]) -> Iterator[Problem]:
    """Sweep over all claims by address: neighbours alone are compared, and each meets one other of a kind at most."""
    active: list[_Claim] = []
    for claim in sorted(claims, key=lambda claim: (claim.first, claim.last, claim.subject.label)):
        active = [other for other in active if other.last >= claim.first]
        said: set[What] = set()
        for other in active:
            if other.what not in said and claim.meets(other):
                said.add(other.what)
                yield _conflict(claim, other)
        active.append(claim)


def _conflict(one: _Claim, other: _Claim) -> Problem:
    rank = ("metallb", "vip", "nodes").index
    blamed, against = sorted((one, other), key=lambda claim: (rank(claim.what), claim.subject.label))
    if one.what == other.what:
        blamed, against = against, blamed
    whose = "this cluster" if blamed.subject is against.subject else against.subject.label
    message = f"{blamed.text} meets {_WORDS[against.what]} of {whose} ({against.text})"
    rule = _PAIRS[frozenset[What]({one.what, other.what})]
    return blamed.subject.problem(blamed.path, message, "take other addresses for one of the two", rule)


def _number(address: Address) -> tuple[int, int]:
    return (address.value.version, int(address.value))
