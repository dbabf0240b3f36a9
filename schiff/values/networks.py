"""Addresses, networks and ranges; one family each, written as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Self

from pydantic import AfterValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True, slots=True)
class Address(Parsed):
    """One IP address such as ``10.1.0.10``."""

    value: IPv4Address | IPv6Address

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address in its canonical spelling; raises `InvalidValue`."""
        try:
            return cls(ip_address(text))
        except ValueError:
            raise InvalidValue(f"{text!r} is not an IP address (expected e.g. 10.1.0.10)") from None

    def __str__(self) -> str:
        return str(self.value)

    def __lt__(self, other: Address) -> bool:
        return (self.value.version, int(self.value)) < (other.value.version, int(other.value))


@dataclass(frozen=True, slots=True)
class Network(Parsed):
    """A network in CIDR form such as ``10.1.0.0/24``, without host bits."""

    value: IPv4Network | IPv6Network

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a network; raises `InvalidValue` for host bits and bad prefixes too."""
        try:
            network = ip_network(text)
        except ValueError:
            network = None
        if network is None or "/" not in text:
            raise InvalidValue(f"{text!r} is not a network (expected e.g. 10.1.0.0/24, without host bits)")
        return cls(network)

    def __str__(self) -> str:
        return str(self.value)

    @property
    def prefix(self) -> int:
        """The prefix length."""
        return self.value.prefixlen

    def contains(self, address: Address) -> bool:
        """Return whether `address` lies in this network."""
        return address.value in self.value

    def as_range(self) -> AddressRange:
        """Return all addresses, network and broadcast included."""
        return AddressRange(Address(self.value[0]), Address(self.value[-1]), str(self))


@dataclass(frozen=True, slots=True)
class AddressRange(Parsed):
    """Consecutive addresses, written ``10.1.0.20-10.1.0.120``, ``10.1.4.0/28`` or as one address."""

    first: Address
    last: Address
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a range; raises `InvalidValue`."""
        if "/" in text:
            network = Network.parse(text)
            return cls(Address(network.value[0]), Address(network.value[-1]), text)
        start, dash, end = text.partition("-")
        first = Address.parse(start.strip())
        last = Address.parse(end.strip()) if dash else first
        if first.value.version != last.value.version or last < first:
            raise InvalidValue(f"{text!r} is not an address range (expected e.g. 10.1.0.20-10.1.0.120)")
        return cls(first, last, text)

    def __str__(self) -> str:
        return self.text

    @property
    def size(self) -> int:
        """How many addresses it holds."""
        return int(self.last.value) - int(self.first.value) + 1

    def contains(self, address: Address) -> bool:
        """Return whether `address` lies in this range."""
        return not address < self.first and not self.last < address

    def overlaps(self, other: AddressRange) -> bool:
        """Return whether the two share an address."""
        return not self.last < other.first and not other.last < self.first


def _mac(text: str) -> str:
    if not _MAC.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a MAC address (expected lower case, e.g. 52:54:00:aa:00:07)")
    return text


MacAddress = Annotated[str, AfterValidator(_mac)]
