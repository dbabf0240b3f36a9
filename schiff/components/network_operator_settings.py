"""What layers may set of the network-operator: intents, or the older objects that nodes are configured by directly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.components.network_operator_direct_settings import (
    Labels,
    Layer2Spec,
    RouteSpec,
    RouteTarget,
    Vni,
)
from schiff.errors import InvalidValue
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.values.names import LabelKey, LabelValue, Name
from schiff.values.networks import Address, AddressRange, Network

INTERFACE_BUDGET: Final = 15
"""How long the kernel lets an interface's name be; a VRF is one."""

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_VRF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_VOWELS = frozenset("aeiouAEIOU")


def _interface(text: str) -> str:
    if not _INTERFACE.fullmatch(text):
        raise InvalidValue(f"{text!r} is no interface (expected at most {INTERFACE_BUDGET} characters, e.g. bond0)")
    return text


def _vrf(text: str) -> str:
    if not _VRF.fullmatch(text):
        raise InvalidValue(f"{text!r} is no name of a VRF (expected letters, digits, '_' and '-', e.g. m2m_intranet)")
    if len(reduced(text)) > INTERFACE_BUDGET:
        raise InvalidValue(
            f"{text!r} is still {len(reduced(text))} characters long as {reduced(text)!r}, at most {INTERFACE_BUDGET}"
            " fit: take a shorter name"
        )
    return text


def reduced(name: str) -> str:
    """Return a VRF's name as nodes have it: what is too long loses vowels inside words, then separators from the right.

    Vowels go where both neighbours, as written, are consonants or digits.
    """
    if len(name) <= INTERFACE_BUDGET:
        return name
    short = "".join(
        letter for index, letter in enumerate(name) if not (letter in _VOWELS and _inside(name, index))
    )  # fmt: skip
    while len(short) > INTERFACE_BUDGET and "_" in short:
        left, _, right = short.rpartition("_")
        short = left + right
    return short


def _inside(name: str, index: int) -> bool:
    return 0 < index < len(name) - 1 and _is_hard(name[index - 1]) and _is_hard(name[index + 1])


def _is_hard(letter: str) -> bool:
    return letter.isalnum() and letter not in _VOWELS


def _no_span(part: AddressRange) -> AddressRange:
    if "-" in part.text:
        raise InvalidValue(f"{part} is a span, and the operator knows networks alone (expected e.g. 10.250.4.16/29)")
    return part


Interface = Annotated[str, AfterValidator(_interface)]
Vlan = Annotated[int, Field(ge=1, le=4094)]
Mtu = Annotated[int, Field(ge=1000, le=9000)]
Asn = Annotated[int, Field(ge=1, le=4294967295)]
Seconds = Annotated[str, Field(pattern=r"^[1-9][0-9]*s$")]


class VrfSpec(Spec):
    """A routing domain of the fabric, recorded by those who run it; its name there is the entry's unless `vrf` says."""

    vrf: Annotated[str, AfterValidator(_vrf)] | None = None
    vni: Vni
    route_target: RouteTarget


class NetworkSpec(Spec):
    """A segment that is ordered for the cluster; its gateway is the first address after the network's own."""

    ipv4: Network | None = None
    ipv6: Network | None = None
    vlan: Vlan | None = None
    vni: Vni | None = None

    @model_validator(mode="after")
    def _it_is_something(self) -> Self:
        if self.ipv4 is None and self.ipv6 is None and self.vlan is None:
            raise InvalidValue("has neither addresses nor a VLAN: write ipv4, ipv6 or vlan")
        for field, version, network in (("ipv4", 4, self.ipv4), ("ipv6", 6, self.ipv6)):
            if network is not None and network.value.version != version:
                raise InvalidValue(f"{field} {network} is of the other family: write it as ipv{network.value.version}")
        return self

    @property
    def families(self) -> tuple[Network, ...]:
        """Its networks of either family."""
        return tuple(network for network in (self.ipv4, self.ipv6) if network is not None)


class PortSpec(Spec):
    """One port, or all up to `end`."""

    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    port: Annotated[int, Field(ge=1, le=65535)]
    end: Annotated[int, Field(ge=1, le=65535)] | None = None

    @model_validator(mode="after")
    def _it_ends_after_it_begins(self) -> Self:
        if self.end is not None and self.end < self.port:
            raise InvalidValue(f"end {self.end} lies before port {self.port}: swap them")
        return self


class DestinationSpec(Spec):
    """What lies behind a VRF or a next hop; others find it by its labels."""

    labels: Annotated[Mapping[LabelKey, LabelValue], Field(min_length=1)]
    prefixes: Annotated[OneOrMore[Network], Field(min_length=1)]
    vrf: Name | None = None
    next_hop: OneOrMore[Address] = ()
    ports: Items[PortSpec] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.vrf is None) == (not self.next_hop):
            raise InvalidValue("a destination is reached by vrf or by nextHop: write exactly one of the two")
        families = [address.value.version for address in self.next_hop]
        if len(families) != len(set(families)):
            raise InvalidValue("nextHop has two addresses of one family: keep one of each")
        return self


class AttachmentSpec(Spec):
    """A network on nodes: tagged on an `interface` that they have, else a VXLAN of the fabric."""

    network: Name
    destinations: Labels | None = None
    nodes: Labels | None = None
    interface: Interface | None = None
    name: Interface | None = None
    mtu: Mtu | None = None
    anycast: bool = True
    neighbor_suppression: bool = True
    node_addresses: bool = False


class _Addresses(Spec):
    """Addresses out of a network: how many, or which."""

    network: Name
    destinations: Labels | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    addresses: OneOrMore[Annotated[AddressRange, AfterValidator(_no_span)]] = ()

    @model_validator(mode="after")
    def _how_many_or_which(self) -> Self:
        if (self.count is None) == (not self.addresses):
            raise InvalidValue("write exactly one of count and addresses")
        return self


class InboundSpec(_Addresses):
    """Addresses for Services; the operator makes MetalLB's pool of them."""

    advertisement: Literal["bgp", "l2"] = "bgp"
    pool: Name | None = None


class OutboundSpec(_Addresses):
    """Addresses that pods leave by; the operator makes coil's Egress of the same name."""

    replicas: Annotated[int, Field(ge=1)] = 2


class PeeringSpec(Spec):
    """BGP with workloads: on a segment, or through addresses of each node."""

    mode: Literal["listenRange", "loopbackPeer"]
    attachment: Name | None = None
    networks: OneOrMore[Name] = ()
    inbound: OneOrMore[Name] = ()
    workload_as: Asn
    address_families: Items[Literal["ipv4Unicast", "ipv6Unicast"]] = ()
    hold_time: Seconds | None = None
    keepalive_time: Seconds | None = None
    maximum_prefixes: Annotated[int, Field(ge=1)] | None = None
    bfd_interval: Annotated[int, Field(ge=50, le=60000)] | None = None
    password_secret: Name | None = None
    communities: Items[str] = ()

    @model_validator(mode="after")
    def _what_its_mode_needs(self) -> Self:
        if self.mode == "listenRange" and (self.attachment is None or not self.networks or self.inbound):
            raise InvalidValue("listenRange peers on a segment: write attachment and networks, and no inbound")
        if self.mode == "loopbackPeer" and (self.attachment is not None or self.networks or not self.inbound):
            raise InvalidValue("loopbackPeer announces addresses: write inbound, and neither attachment nor networks")
        return self


_INTENTS: Final = ("vrfs", "networks", "destinations", "attachments", "inbound", "outbound", "peerings")
_DIRECT: Final = ("routes", "layer2")


class NetworkOperatorSettings(Spec):
    """Intents by name, or with ``api: direct`` routes and segments by name; never both."""

    api: Literal["intent", "direct"] = "intent"
    vrfs: Mapping[Name, VrfSpec] = {}
    networks: Mapping[Name, NetworkSpec] = {}
    destinations: Mapping[Name, DestinationSpec] = {}
    attachments: Mapping[Name, AttachmentSpec] = {}
    inbound: Mapping[Name, InboundSpec] = {}
    outbound: Mapping[Name, OutboundSpec] = {}
    peerings: Mapping[Name, PeeringSpec] = {}
    routes: Mapping[Name, RouteSpec] = {}
    layer2: Mapping[Name, Layer2Spec] = Field(default={}, alias="layer2")

    @model_validator(mode="after")
    def _one_api(self) -> Self:
        other = _DIRECT if self.api == "intent" else _INTENTS
        for field in other:
            if getattr(self, field):
                cure = "direct" if self.api == "intent" else "intent"
                raise InvalidValue(f"{field} is for api: {cure}, this is api: {self.api}; a cluster has one of the two")
        return self

    @property
    def routed(self) -> bool:
        """Whether nodes route for the fabric, which needs a router on each of them."""
        return self.api == "direct" or bool(self.vrfs) or any(network.vni for network in self.networks.values())
