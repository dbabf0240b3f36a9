"""What layers may set of MetalLB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.values.names import LabelKey, LabelValue, Name
from schiff.values.networks import Address, AddressRange

_SHORTEST_HOLD = 3
_COMMUNITY = re.compile(r"([0-9]{1,5}):([0-9]{1,5})|large(:[0-9]{1,10}){3}")
_LARGEST: Final = {"large": 2**32 - 1}
_LARGEST_STANDARD = 2**16 - 1


def is_community(text: str) -> bool:
    """Return whether a text is the number of a community, and no name of one."""
    parts = text.split(":")
    largest = _LARGEST.get(parts[0], _LARGEST_STANDARD)
    numbers = parts[1:] if parts[0] in _LARGEST else parts
    return _COMMUNITY.fullmatch(text) is not None and all(int(number) <= largest for number in numbers)


def _community(text: str) -> str:
    if not is_community(text):
        raise InvalidValue(f"{text!r} is no community (expected e.g. 65010:100 or large:65010:1:100)")
    return text


def _hold_time(text: str) -> str:
    if int(text.removesuffix("s")) < _SHORTEST_HOLD:
        raise InvalidValue(f"holdTime {text} is shorter than BGP knows (expected at least {_SHORTEST_HOLD}s)")
    return text


Asn = Annotated[int, Field(ge=1, le=4294967295)]
Community = Annotated[str, AfterValidator(_community)]
HoldTime = Annotated[str, Field(pattern=r"^[1-9][0-9]*s$"), AfterValidator(_hold_time)]


class PoolSpec(Spec):
    """Addresses for Services; without `namespaces` anybody's."""

    addresses: Annotated[OneOrMore[AddressRange], Field(min_length=1)]
    auto_assign: bool = True
    avoid_buggy_ips: bool = Field(default=True, alias="avoidBuggyIPs")
    namespaces: Items[Name] = ()
    priority: Annotated[int, Field(ge=0)] = 50


class BfdSpec(Spec):
    """How fast a broken path is noticed, in milliseconds."""

    receive_interval: Annotated[int, Field(ge=10, le=60000)] = 300
    transmit_interval: Annotated[int, Field(ge=10, le=60000)] = 300
    detect_multiplier: Annotated[int, Field(ge=2, le=255)] = 3


class PeerSpec(Spec):
    """A router; of one that the site's facts name, only what differs. A password is a secret's name, never text."""

    address: Address | None = None
    interface: str | None = None
    asn: Asn | None = None
    dynamic_asn: Literal["internal", "external"] | None = None
    my_asn: Asn | None = None
    hold_time: HoldTime = "90s"
    graceful_restart: bool = False
    bfd_profile: Name | None = None
    password_secret: Name | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.address is not None and self.interface is not None:
            raise InvalidValue("address and interface exclude each other: a peer is reached in one way")
        if self.asn is not None and self.dynamic_asn is not None:
            raise InvalidValue("asn and dynamicAsn exclude each other: a peer's ASN is known or learnt")
        return self


class BgpAdvertisementSpec(Spec):
    """Pools that routers hear of: all their Services, each address for itself, or those with some labels."""

    pools: Annotated[OneOrMore[Name], Field(min_length=1)]
    aggregation_length: Annotated[int, Field(ge=1, le=32)] = 32
    aggregation_length_v6: Annotated[int, Field(ge=1, le=128)] = Field(default=128, alias="aggregationLengthV6")
    communities: Items[str] = ()
    peers: Items[Name] = ()
    local_pref: Annotated[int, Field(ge=0)] | None = None
    services: Mapping[LabelKey, LabelValue] = {}

    @model_validator(mode="after")
    def _aggregates_or_selects(self) -> Self:
        if self.services and {"aggregation_length", "aggregation_length_v6"} & self.model_fields_set:
            raise InvalidValue("services and aggregationLength exclude each other: what is selected is not aggregated")
        return self


class L2AdvertisementSpec(Spec):
    """Pools that the segment hears of."""

    pools: Annotated[OneOrMore[Name], Field(min_length=1)]
    interfaces: Items[str] = ()


class MetallbSettings(Spec):
    """Pools by name, and how they are announced; `mode` follows the site's facts where nothing is set."""

    mode: Literal["bgp", "l2"] | None = None
    pools: Mapping[Name, PoolSpec] = {}
    peers: Mapping[Name, PeerSpec] = {}
    bfd: Mapping[Name, BfdSpec] = {}
    communities: Mapping[Name, Community] = {}
    bgp_advertisements: Mapping[Name, BgpAdvertisementSpec] = {}
    l2_advertisements: Mapping[Name, L2AdvertisementSpec] = Field(default={}, alias="l2Advertisements")
