"""What layers may set of the network-operator's older objects, which nodes are configured by without intents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.values.names import LabelKey, LabelValue
from schiff.values.networks import MacAddress, Network

DIRECT_VRF_BUDGET: Final = 12

_ROUTE_TARGET = re.compile(r"[0-9]{1,10}:[0-9]{1,10}")


def _route_target(text: str) -> str:
    if not _ROUTE_TARGET.fullmatch(text):
        raise InvalidValue(f"{text!r} is no route target (expected <ASN>:<number>, e.g. 64512:100100)")
    return text


def _gateway(text: str) -> str:
    try:
        ip_interface(text)
    except ValueError:
        text = ""
    if "/" not in text:
        raise InvalidValue("a gateway is an address with the length of its network (expected e.g. 10.250.4.1/24)")
    return text


def _direct_vrf(text: str) -> str:
    if not text or len(text) > DIRECT_VRF_BUDGET:
        raise InvalidValue(f"{text!r} has {len(text)} characters, and a VRF's name 1 to {DIRECT_VRF_BUDGET}")
    return text


Vni = Annotated[int, Field(ge=1, le=16777215)]
RouteTarget = Annotated[str, AfterValidator(_route_target)]
Labels = Annotated[Mapping[LabelKey, LabelValue], Field(min_length=1)]
"""Labels that select; none at all would select everything."""

DirectVrf = Annotated[str, AfterValidator(_direct_vrf)]


class PrefixSpec(Spec):
    """One line of a list of prefixes; without `seq` its place in the list counts."""

    cidr: Network
    action: Literal["permit", "deny"] = "permit"
    ge: Annotated[int, Field(ge=0, le=128)] | None = None
    le: Annotated[int, Field(ge=0, le=128)] | None = None
    seq: Annotated[int, Field(ge=1, le=4294967295)] | None = None

    @model_validator(mode="after")
    def _lengths_rise(self) -> Self:
        longest = self.cidr.value.max_prefixlen
        lengths = [length for length in (self.cidr.prefix, self.ge, self.le, longest) if length is not None]
        if lengths != sorted(lengths):
            raise InvalidValue(f"{self.cidr}: expected {self.cidr.prefix} <= ge <= le <= {longest}")
        return self


class RouteSpec(Spec):
    """Which routes go between the cluster and a VRF; several of one VRF are merged in the order of `seq`."""

    vrf: DirectVrf
    vni: Vni
    route_target: RouteTarget
    seq: Annotated[int, Field(ge=1, le=65534)]
    imports: Items[PrefixSpec] = Field(default=(), alias="import")
    exports: Items[PrefixSpec] = Field(default=(), alias="export")
    aggregate: OneOrMore[Network] = ()
    sbr_prefixes: OneOrMore[Network] = ()
    communities: Items[str] = ()
    nodes: Labels | None = None

    @model_validator(mode="after")
    def _places_differ(self) -> Self:
        for name, lines in (("import", self.imports), ("export", self.exports)):
            places = [line.seq or index for index, line in enumerate(lines, 1)]
            if len(places) != len(set(places)):
                raise InvalidValue(f"two lines of {name} have one seq: give each its own, or none any")
        return self


class Layer2Spec(Spec):
    """A segment of the fabric on nodes: VLAN and VNI, and the gateway that every node is."""

    vlan: Annotated[int, Field(ge=1, le=4094)]
    vni: Vni
    mtu: Annotated[int, Field(ge=1000, le=9000)] = 1500
    vrf: DirectVrf | None = None
    anycast_mac: MacAddress | None = None
    anycast_gateways: OneOrMore[Annotated[str, AfterValidator(_gateway)]] = ()
    neighbor_suppression: bool = True
    nodes: Labels | None = None

    @model_validator(mode="after")
    def _a_gateway_has_both(self) -> Self:
        if (self.anycast_mac is None) != (not self.anycast_gateways):
            raise InvalidValue("an anycast gateway has anycastMac and anycastGateways: write both or neither")
        return self
