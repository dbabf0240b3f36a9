"""The network-operator's objects: intents for the management cluster, and the older ones for the tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.network_operator_direct_settings import Layer2Spec, PrefixSpec, RouteSpec
from schiff.components.network_operator_settings import (
    AttachmentSpec,
    DestinationSpec,
    InboundSpec,
    NetworkOperatorSettings,
    NetworkSpec,
    OutboundSpec,
    PeeringSpec,
    VrfSpec,
)
from schiff.manifests.cluster_objects import cluster_object
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import Address, AddressRange

INTENT_API: Final = "network-connector.sylvaproject.org/v1alpha1"
DIRECT_API: Final = "network.t-caas.telekom.com/v1alpha1"


def intents(cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> tuple[Manifest, ...]:
    """Return every intent, what others refer to first; their names are unique per kind."""
    specs: Iterable[tuple[str, str, dict[str, Any]]] = (
        *(("VRF", name, _vrf(name, vrf)) for name, vrf in sorted(settings.vrfs.items())),
        *(("Network", name, _network(network)) for name, network in sorted(settings.networks.items())),
        *(("Layer2Attachment", name, _attachment(one)) for name, one in sorted(settings.attachments.items())),
        *(("Inbound", name, _inbound(one)) for name, one in sorted(settings.inbound.items())),
        *(("Outbound", name, _outbound(one)) for name, one in sorted(settings.outbound.items())),
        *(("BGPPeering", name, _peering(one)) for name, one in sorted(settings.peerings.items())),
    )
    destinations = (_destination(cluster, name, one) for name, one in sorted(settings.destinations.items()))
    return (*destinations, *(cluster_object(cluster, INTENT_API, kind, name, spec) for kind, name, spec in specs))


def _vrf(name: str, vrf: VrfSpec) -> dict[str, Any]:
    return {"vrf": vrf.vrf or name, "vni": vrf.vni, "routeTarget": vrf.route_target}


def _network(network: NetworkSpec) -> dict[str, Any]:
    families = {f"ipv{one.value.version}": {"cidr": str(one)} for one in network.families}
    return {**families, **_given(vlan=network.vlan, vni=network.vni)}


def _destination(cluster: ResolvedCluster, name: str, destination: DestinationSpec) -> Manifest:
    """Return a destination with its own labels beside the cluster's: selectors look at them."""
    spec = {
        "prefixes": [str(prefix) for prefix in destination.prefixes],
        **_given(vrfRef=destination.vrf, nextHop=_by_family(destination.next_hop), ports=_ports(destination)),
    }
    labels = {**cluster.identity.labels, **destination.labels}
    return Manifest(INTENT_API, "Destination", name, cluster.identity.namespace, labels=labels, body={"spec": spec})


def _by_family(addresses: Sequence[Address]) -> dict[str, str]:
    return {f"ipv{address.value.version}": str(address) for address in addresses}


def _ports(destination: DestinationSpec) -> list[dict[str, Any]]:
    return [
        {"protocol": one.protocol, "port": one.port}
        if one.end is None
        else {"protocol": one.protocol, "portRange": {"start": one.port, "end": one.end}}
        for one in destination.ports
    ]


def _attachment(attachment: AttachmentSpec) -> dict[str, Any]:
    return {
        "networkRef": attachment.network,
        **_selected("destinations", attachment.destinations),
        **_selected("nodeSelector", attachment.nodes),
        **_given(interfaceRef=attachment.interface, interfaceName=attachment.name, mtu=attachment.mtu),
        **({} if attachment.anycast else {"disableAnycast": True}),
        **({} if attachment.neighbor_suppression else {"disableNeighborSuppression": True}),
        **({"nodeIPs": {"enabled": True}} if attachment.node_addresses else {}),
    }


def _inbound(inbound: InboundSpec) -> dict[str, Any]:
    return {
        **_addresses(inbound),
        **_given(poolName=inbound.pool),
        "advertisement": {"type": inbound.advertisement},
    }


def _outbound(outbound: OutboundSpec) -> dict[str, Any]:
    return {**_addresses(outbound), "replicas": outbound.replicas}


def _addresses(one: InboundSpec | OutboundSpec) -> dict[str, Any]:
    families: dict[str, list[str]] = {}
    for part in one.addresses:
        families.setdefault(f"ipv{part.first.value.version}", []).append(_network_of(part))
    spec = {"networkRef": one.network, **_selected("destinations", one.destinations)}
    return {**spec, **_given(count=one.count, addresses=families)}


def _network_of(part: AddressRange) -> str:
    """Return the part as a network: the operator reads no address without a length."""
    return part.text if "/" in part.text else f"{part}/{part.first.value.max_prefixlen}"


def _peering(peering: PeeringSpec) -> dict[str, Any]:
    reference = _given(
        attachmentRef=peering.attachment, networkRefs=list(peering.networks), inboundRefs=list(peering.inbound)
    )
    return {
        "mode": peering.mode,
        "ref": reference,
        "workloadAS": peering.workload_as,
        **_given(
            addressFamilies=list(peering.address_families),
            holdTime=peering.hold_time,
            keepaliveTime=peering.keepalive_time,
            maximumPrefixes=peering.maximum_prefixes,
        ),
        **({"enableBFD": True, "bfdProfile": {"minInterval": peering.bfd_interval}} if peering.bfd_interval else {}),
        **({"authSecretRef": {"name": peering.password_secret}} if peering.password_secret else {}),
        **({"export": {"communities": list(peering.communities)}} if peering.communities else {}),
    }


# --- the older objects


def direct_objects(settings: NetworkOperatorSettings) -> Iterator[Manifest]:
    """Yield routes and segments, which belong to no namespace."""
    for name, route in sorted(settings.routes.items()):
        yield Manifest(DIRECT_API, "VRFRouteConfiguration", name, body={"spec": _route(route)})
    for name, segment in sorted(settings.layer2.items()):
        yield Manifest(DIRECT_API, "Layer2NetworkConfiguration", name, body={"spec": _segment(segment)})


def _route(route: RouteSpec) -> dict[str, Any]:
    return {
        "vrf": route.vrf,
        "vni": route.vni,
        "routeTarget": route.route_target,
        "seq": route.seq,
        "import": [_line(line) for line in route.imports],
        "export": [_line(line) for line in route.exports],
        **_given(
            aggregate=[str(network) for network in route.aggregate],
            sbrPrefixes=[str(network) for network in route.sbr_prefixes],
            communities=list(route.communities),
        ),
        **_selected("nodeSelector", route.nodes),
    }


def _line(line: PrefixSpec) -> dict[str, Any]:
    return {"cidr": str(line.cidr), "action": line.action, **_given(ge=line.ge, le=line.le, seq=line.seq)}


def _segment(segment: Layer2Spec) -> dict[str, Any]:
    return {
        "id": segment.vlan,
        "vni": segment.vni,
        "mtu": segment.mtu,
        **_given(
            vrf=segment.vrf, anycastMac=segment.anycast_mac, anycastGateways=list(segment.anycast_gateways)
        ),
        "neighSuppression": segment.neighbor_suppression,
        **_selected("nodeSelector", segment.nodes),
    }  # fmt: skip


def _selected(field: str, labels: Mapping[str, str] | None) -> dict[str, Any]:
    return {field: {"matchLabels": dict(sorted(labels.items()))}} if labels else {}


def _given(**values: Any) -> dict[str, Any]:
    """Return the values that were set: an empty list or map says as little as none."""
    return {key: value for key, value in values.items() if value is not None and value not in ([], {})}
