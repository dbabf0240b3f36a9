"""What layers may set of Multus: networks that pods attach to beside their own.

Rules of one entry, in the order of the code:

1. A range has its start before its end, and both and what it leaves out inside it.
2. A network is one that the site's facts name, or one of the cluster's own (`cidr`); at most one of a family.
3. A mode is one of the type's, and SR-IOV has a resource of the node instead of a master.
4. Only pods with an address have routes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.values.names import Name
from schiff.values.networks import Address, AddressRange, Network

Kind = Literal["macvlan", "ipvlan", "vlan", "sriov"]

_MODES: Final[Mapping[str, tuple[str, ...]]] = {
    "macvlan": ("bridge", "private", "vepa", "passthru"),
    "ipvlan": ("l2", "l3", "l3s"),
    "vlan": (),
    "sriov": (),
}
_PLATFORM: Final = (
    "cert-manager", "kyverno", "portworx", "rbac-manager", "tigera-operator", "trident", "velero", "vmware-system-csi",
)  # fmt: skip


def _customers(name: str) -> str:
    """Refuse a namespace of the platform: what people attach to must not lie beside what runs the cluster."""
    if name.startswith(("calico-", "kube-", "schiff-")) or name.endswith("-system") or name in _PLATFORM:
        raise InvalidValue(f"{name!r} is a namespace of the platform (expected one of the customer's)")
    return name


Interface = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$")]
Resource = Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.[a-z]+/[A-Za-z0-9_.-]+$")]
Namespace = Annotated[Name, AfterValidator(_customers)]


class RangeSpec(Spec):
    """Addresses that whereabouts gives to pods: a network, or what of it lies between `start` and `end`."""

    range: Network
    start: Address | None = None
    end: Address | None = None
    exclude: OneOrMore[Network] = ()

    @model_validator(mode="after")
    def _its_parts_lie_inside(self) -> Self:
        for name, address in (("start", self.start), ("end", self.end)):
            if address is not None and not self.range.contains(address):
                raise InvalidValue(f"{name} {address} is outside {self.range}")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise InvalidValue(f"end {self.end} lies before start {self.start}: swap them")
        for hole in self.exclude:
            if not self.range.contains(Address(hole.value[0])) or not self.range.contains(Address(hole.value[-1])):
                raise InvalidValue(f"exclude {hole} is outside {self.range}")
        return self

    @property
    def whole(self) -> AddressRange:
        """All between its two ends, what is left out included."""
        first, last = self.start or Address(self.range.value[0]), self.end or Address(self.range.value[-1])
        return AddressRange(first, last, f"{first}-{last}")

    def free(self) -> Iterator[AddressRange]:
        """Give what pods may get: `whole` without what is left out."""
        first, last = self.whole.first, self.whole.last
        for hole in sorted(self.exclude, key=lambda hole: int(hole.value[0])):
            if first < Address(hole.value[0]):
                yield _between(first, min(last, Address(hole.value[0] - 1)))
            first = max(first, _after(hole))
        if not last < first:
            yield _between(first, last)


class AttachmentSpec(Spec):
    """A network in addition to the pods' own: where it is, how a pod hangs on it, and who gives it an address.

    Without `ranges` nobody does: a pod has the link, and addresses of its own.
    """

    network: OneOrMore[Name] = ()
    cidr: OneOrMore[Network] = ()
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    gateway: OneOrMore[Address] = ()
    namespaces: Annotated[OneOrMore[Namespace], Field(min_length=1)]
    type: Kind = "macvlan"
    mode: str | None = None
    master: Interface | None = None
    resource: Resource | None = None
    mtu: Annotated[int, Field(ge=1280, le=9000)] | None = None
    ranges: Items[RangeSpec] = ()
    routes: OneOrMore[Network] = ()

    @model_validator(mode="after")
    def _from_facts_or_its_own(self) -> Self:
        if bool(self.network) == bool(self.cidr):
            raise InvalidValue("write exactly one of network (named in the site's facts) and cidr (the cluster's own)")
        if self.network and (self.vlan is not None or self.gateway):
            raise InvalidValue("vlan and gateway are facts of the site's network: leave them out, or write cidr")
        versions = [network.value.version for network in self.cidr]
        if len(versions) != len(set(versions)):
            raise InvalidValue("cidr has two networks of one family: attach to each by an entry of its own")
        for address in self.gateway:
            if not any(network.contains(address) for network in self.cidr):
                raise InvalidValue(f"gateway {address} is outside {', '.join(map(str, self.cidr))}")
        return self

    @model_validator(mode="after")
    def _what_its_type_needs(self) -> Self:
        modes = _MODES[self.type]
        if self.mode is not None and self.mode not in modes:
            raise InvalidValue(f"{self.type} knows no mode {self.mode!r} (known: {', '.join(modes) or 'none'})")
        if self.type == "sriov" and (self.resource is None or self.master is not None):
            raise InvalidValue("sriov takes a virtual function: write resource, and no master")
        if self.type != "sriov" and self.resource is not None:
            raise InvalidValue(f"{self.type} takes no resource of the node: leave resource out, or take type: sriov")
        return self

    @model_validator(mode="after")
    def _routes_need_an_address(self) -> Self:
        if self.routes and not self.ranges:
            raise InvalidValue("routes need ranges: a pod without an address sends nothing")
        return self


class MultusSettings(Spec):
    """Networks by name; each is attached to by pods of its namespaces alone, of `default` by all."""

    networks: Mapping[Name, AttachmentSpec] = {}


def _between(first: Address, last: Address) -> AddressRange:
    return AddressRange(first, last, f"{first}-{last}")


def _after(hole: Network) -> Address:
    last = hole.value[-1]
    return Address(last + 1) if int(last) + 1 < 2**last.max_prefixlen else Address(last)
