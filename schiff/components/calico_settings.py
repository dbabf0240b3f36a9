"""What layers may set of Calico, and what follows from it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from schiff.model.spec import Spec

Encapsulation = Literal["None", "IPIP", "IPIPCrossSubnet", "VXLAN", "VXLANCrossSubnet"]
Installation = Literal["operator", "manifests"]

LARGEST_ASN: Final = 2**31 - 1
"""Calico's fields for an ASN end here."""

_NEEDS_BGP: Final = frozenset({"None", "IPIP", "IPIPCrossSubnet"})
_IPIP, _VXLAN = 20, 50
_WIDER_HEADER: Final = 20
"""How much longer the header of an IPv6 packet is, the outer one of IPv6 pods' tunnels."""

_OVERHEAD: Final[Mapping[str, int]] = {
    "None": 0,
    "IPIP": _IPIP,
    "IPIPCrossSubnet": _IPIP,
    "VXLAN": _VXLAN,
    "VXLANCrossSubnet": _VXLAN,
}


class CalicoSettings(Spec):
    """How pods reach each other; the pods' network itself is the cluster's, and neither it nor `blockSize` may change.

    With `bgp` every node peers with the site's routers. Then MetalLB must not,
    for a router takes one session from a node. `installation` is chosen when
    the cluster is ordered: two ways at once would fight over every node.
    """

    installation: Installation = "operator"
    encapsulation: Encapsulation = "VXLANCrossSubnet"
    mtu: Annotated[int, Field(ge=1280, le=9000)] | None = None
    block_size: Annotated[int, Field(ge=20, le=32)] = 26
    nat_outgoing: bool = True
    control_plane_replicas: Annotated[int, Field(ge=1)] = 2
    bgp: bool = False

    @property
    def speaks_bgp(self) -> bool:
        """Whether nodes tell each other their routes: to peers, or because nothing else would carry them."""
        return self.bgp or self.encapsulation in _NEEDS_BGP

    def mode(self, tunnel: Literal["IPIP", "VXLAN"]) -> str:
        """Return when packets take a tunnel, as pools have it: never, always, or only beyond their own network."""
        name, found, rest = self.encapsulation.partition(tunnel)
        if name or not found:
            return "Never"
        return rest or "Always"

    def largest_mtu(self, nodes: int, version: int) -> int:
        """Return what is left for pods of a packet that fits the nodes' network, by the pods' family."""
        overhead = _OVERHEAD[self.encapsulation]
        return nodes - overhead - (_WIDER_HEADER if overhead and version != 4 else 0)
