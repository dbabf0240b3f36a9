"""The network-operator: VRFs, VXLANs and VLANs of the fabric on every node (domain reference 14).

Two generations of its API. *Intents* lie in the cluster's namespace on the
management cluster; the component ``network-sync`` there copies them to the
tenant, where the operator makes MetalLB's pools and coil's egress of them. The older *direct*
objects lie in the tenant. An operator that reads intents reads nothing else,
so a cluster has one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.network_operator_objects import direct_objects, intents
from schiff.components.network_operator_rules import RULES, problems
from schiff.components.network_operator_settings import NetworkOperatorSettings
from schiff.components.protocol import (
    BASE,
    Files,
    Identifier,
    Never,
    OrdinaryComponent,
    SettingProblem,
    versioned_folder,
)
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "network-operator-system"
"""Of the operator, and of the intents in a tenant: ``network-sync`` is told to put them there."""

DIRECT: Final = "direct"
INTENT: Final = "intent"
INTENT_L2: Final = "intent-l2"

_IMAGES = ("network-operator", "nwop-agent-cra-frr", "nwop-agent-netplan", "platform-coil",
           "platform-metallb")  # fmt: skip
_ORDER_ANEW = "order another under a new name, move what uses the old one, then remove that"


class NetworkOperator(OrdinaryComponent):
    """What the fabric carries to and from a cluster."""

    name = "network-operator"
    settings = NetworkOperatorSettings
    optional = True
    requires = ("calico",)
    after = ("metallb", "coil")
    namespaces = (NAMESPACE,)
    images = tuple(f"telekom/das-schiff-{name}" for name in _IMAGES)
    rules = RULES
    never = (
        Never("Layer2Attachment", ("spec", "networkRef"), _ORDER_ANEW),
        Never("Layer2Attachment", ("spec", "interfaceName"), _ORDER_ANEW),
        Never("Inbound", ("spec", "networkRef"), _ORDER_ANEW),
        Never("Outbound", ("spec", "networkRef"), _ORDER_ANEW),
        Never("BGPPeering", ("spec", "mode"), _ORDER_ANEW),
    )
    example = """\
api: intent
vrfs:
  intranet: {vni: 100100, routeTarget: "64512:100100"}
networks:
  vlan501: {ipv4: 10.250.4.0/24, vlan: 501, vni: 4000501}
  storage: {vlan: 510}
destinations:
  corporate: {labels: {zone: intranet}, vrf: intranet, prefixes: [10.0.0.0/8]}
attachments:
  vlan501: {network: vlan501, destinations: {zone: intranet}}
  storage: {network: storage, interface: bond0, mtu: 9000}
inbound:
  production: {network: vlan501, destinations: {zone: intranet}, count: 8, pool: production}
peerings:
  ingress: {mode: loopbackPeer, inbound: production, workloadAs: 65301, passwordSecret: ingress-bgp}
"""

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether it is a tenant's whose layers name it; management clusters have no intents of their own."""
        return super().applies_to(cluster) and not cluster.self_managed

    def variant(self, cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> str:  # noqa: ARG002
        """Return the variant of its API, with the agent of routers where nodes have one."""
        if settings.api == "direct":
            return DIRECT
        return INTENT if settings.routed else INTENT_L2

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return definitions, which stay, and operator, agents and generators, put together for each variant."""
        reads_intents = {"patches": [_reading_intents()]}
        routed = ["../operator", "../router"]
        return versioned_folder(
            vendored,
            {
                BASE: {"patches": [kept_definitions()]},
                "operator": {"resources": ["../base", *_listed(vendored, "operator")]},
                "router": {},
                "platform": {},
                DIRECT: {"resources": routed},
                INTENT: {"resources": [*routed, "../platform"], **reads_intents},
                INTENT_L2: {"resources": ["../operator", "../platform"], **reads_intents},
            },
        )

    def objects(self, cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Sequence[Manifest]:  # noqa: ARG002
        """Return the older objects."""
        return tuple(direct_objects(settings))

    def management_objects(self, cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Sequence[Manifest]:
        """Return the intents."""
        return intents(cluster, settings)

    def identifiers(self, cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Iterator[Identifier]:
        """Give the numbers that the fabric knows: a segment is one cluster's, a VRF many clusters'."""
        site = cluster.identity.site
        vrfs = [(vrf.vni, vrf.route_target) for _, vrf in sorted(settings.vrfs.items())]
        vrfs += [(route.vni, route.route_target) for _, route in sorted(settings.routes.items())]
        for number, target in dict.fromkeys(vrfs):
            yield Identifier("fabric", "vrf vni", site, str(number), shared=True)
            yield Identifier("fabric", "route target", site, target, shared=True)
        segments = [(one.vni, one.vlan) for _, one in sorted(settings.networks.items())]
        for vni, vlan in (*segments, *((one.vni, one.vlan) for _, one in sorted(settings.layer2.items()))):
            if vni is not None:
                yield Identifier("fabric", "vni", site, str(vni))
            if vlan is not None:
                yield Identifier("fabric", "vlan", site, str(vlan))

    def problems(self, cluster: ResolvedCluster, settings: NetworkOperatorSettings) -> Iterator[SettingProblem]:
        """Give what does not fit together, or not beside what else runs."""
        return problems(cluster, settings)


def _listed(vendored: Mapping[str, bytes], folder: str) -> list[str]:
    return sorted(path.partition("/")[2] for path in vendored if path.startswith(f"{folder}/"))


def _reading_intents() -> dict[str, Any]:
    arguments = ("--enable-intent-reconciler", f"--intent-namespace={NAMESPACE}")
    operations = [
        {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": argument} for argument in arguments
    ]
    return patch("Deployment", "network-operator", operations)


COMPONENT = NetworkOperator()
