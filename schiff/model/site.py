"""Where machines stand: the facts of a site, which act at once and are never part of a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.values.names import Domain, Name
from schiff.values.networks import Address, MacAddress, Network


class RouteFacts(Spec):
    """A network that is reached by another router than the gateway."""

    to: Network
    via: Address


class NetworkFacts(Spec):
    """A network that machines or services of the site may stand in."""

    cidr: Network
    gateway: Address
    zone: Name
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    dns: Items[Address] = ()
    ntp: Items[str] = ()
    routes: Items[RouteFacts] = ()

    @model_validator(mode="after")
    def _gateway_is_inside(self) -> Self:
        if not self.cidr.contains(self.gateway):
            raise InvalidValue(f"gateway {self.gateway} is outside {self.cidr}")
        return self

    @model_validator(mode="after")
    def _routers_are_inside(self) -> Self:
        for route in self.routes:
            if not self.cidr.contains(route.via):
                raise InvalidValue(f"router {route.via} is outside {self.cidr}, so that nobody finds the way to it")
            if route.to.value.version != route.via.value.version:
                raise InvalidValue(f"route to {route.to} is of another family than its router {route.via}")
        return self


class VCenterFacts(Spec):
    """The vCenter that a site's virtual machines are made by."""

    server: str
    datacenter: str
    datastore: str
    thumbprint: Annotated[str, Field(pattern=r"^[0-9A-F]{2}(:[0-9A-F]{2}){19}$")] | None = None
    resource_pool: str = "*/Resources/schiff"
    storage_policy: str | None = None


class FailureDomainFacts(Spec):
    """A compute cluster of the site that may fail by itself."""

    compute_cluster: str
    datastore: str
    networks: Items[str]


class HostFacts(Spec):
    """A server: where it stands, what it is, and how its management controller is reached."""

    rack: Name
    hardware: Name
    boot_mac_address: MacAddress = Field(alias="bootMACAddress")
    bmc: Annotated[str, Field(pattern=r"^(redfish|redfish-virtualmedia|idrac-virtualmedia|ipmi)(\+https?)?://")]
    root_device: str = "/dev/nvme0n1"


class CapacityFacts(Spec):
    """How many machines the site can hold beyond what facts list one by one."""

    machines: Annotated[int, Field(ge=0)]


class InfobloxFacts(Spec):
    """The Infoblox that knows the site's addresses: which instance, and which views of it.

    With `host` the site declares the instance; without, another site has declared it. Accounts are secrets.
    """

    instance: Name
    host: Domain | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    wapi_version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){1,2}$")] = "2.12"
    network_view: str = "default"
    dns_view: str | None = None
    dns_zone: Domain | None = None


class BgpPeerFacts(Spec):
    """A router that announces routes with the clusters of a site."""

    address: Address
    asn: Annotated[int, Field(ge=1, le=4294967295)]


class BgpFacts(Spec):
    """The site's BGP: the ASN of its clusters and the routers they peer with, recorded, never computed."""

    asn: Annotated[int, Field(ge=1, le=4294967295)]
    peers: Mapping[Name, BgpPeerFacts]


class SiteFacts(Spec):
    """Everything of a site that is so, whatever a release says."""

    location: Name
    provider: Name
    networks: Mapping[Name, NetworkFacts]
    capacity: CapacityFacts | None = None
    vcenter: VCenterFacts | None = None
    failure_domains: Mapping[Name, FailureDomainFacts] = {}
    racks: Items[Name] = ()
    hosts: Mapping[Name, HostFacts] = {}
    bgp: BgpFacts | None = None
    infoblox: InfobloxFacts | None = None

    @model_validator(mode="after")
    def _hosts_stand_in_known_racks(self) -> Self:
        for name, host in self.hosts.items():
            if host.rack not in self.racks:
                known = ", ".join(self.racks)
                raise InvalidValue(
                    f"host {name} stands in rack {host.rack!r}, which the site lacks; known racks: {known}"
                )
        return self
