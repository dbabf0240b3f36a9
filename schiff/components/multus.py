"""Multus: pods that hang on more than one network (domain reference 12).

A NetworkAttachmentDefinition is made of a network that the site's facts name,
or of one that only this cluster has: VLAN, gateway and addresses come from
there, so that nobody writes them twice. It lies in the namespaces whose pods
may attach; one in ``default`` is for all. Such a namespace is made where it is
missing, and never removed: it is the customer's.

Multus wraps the file that comes first on a node, so the CNI must have written
its own before: Calico's, or coil's where coil chains itself to Calico.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.multus_config import Config, Nothing, Range, Route, Whereabouts, config, text
from schiff.components.multus_rules import RULES, master_of, networks_of, problems
from schiff.components.multus_settings import AttachmentSpec, MultusSettings, RangeSpec
from schiff.components.protocol import BASE, Files, Identifier, OrdinaryComponent, SettingProblem, versioned_folder
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import Address
from schiff.values.versions import ComponentVersion

EVERYBODYS: Final = "default"

_VARIANTS = ("calico", "coil")
_RESOURCE = "k8s.v1.cni.cncf.io/resourceName"
_KEEP = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


class Multus(OrdinaryComponent):
    """The daemon, and the networks that pods may attach to."""

    name = "multus"
    settings = MultusSettings
    optional = True
    requires = ("calico",)
    after = ("coil",)
    images = ("ghcr.io/k8snetworkplumbingwg/multus-cni",)
    rules: Mapping[str, str] = RULES
    example = """\
networks:
  media:
    cidr: 10.250.4.0/24          # or network: a name of the site's facts, which know all of this
    vlan: 501
    gateway: 10.250.4.1
    namespaces: [default]        # pods of these attach: k8s.v1.cni.cncf.io/networks: default/media
    type: macvlan
    mode: bridge
    master: bond0.501
    mtu: 1500
  storage:
    cidr: [10.250.8.0/24, "fd00:250:8::/120"]
    vlan: 508
    namespaces: [default]
    type: vlan
    master: bond0
"""

    def variant(self, cluster: ResolvedCluster, settings: MultusSettings) -> str:  # noqa: ARG002
        """Return what Multus waits for and wraps on a node."""
        return "coil" if "coil" in cluster.spec.components else "calico"

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the daemon, and its configuration by what it wraps; it reads it when it starts, so it starts anew."""
        parts = {
            variant: {"resources": [f"../{BASE}", "config.yaml"], "patches": [_started_for(variant)]}
            for variant in _VARIANTS
        }
        return versioned_folder(vendored, {BASE: {}, **parts})

    def inputs(self, cluster: ResolvedCluster, settings: MultusSettings) -> Sequence[Manifest]:
        """Return the namespaces that the networks lie in; they are the customer's, so none is ever removed."""
        names = {name for one in settings.networks.values() for name in one.namespaces} - {EVERYBODYS}
        labels = cluster.identity.labels
        return tuple(Manifest("v1", "Namespace", name, labels=labels, annotations=_KEEP) for name in sorted(names))

    def objects(self, cluster: ResolvedCluster, settings: MultusSettings) -> Sequence[Manifest]:
        """Return a definition for each network and each of its namespaces."""
        return tuple(
            _definition(name, namespace, one, cluster)
            for name, one in sorted(settings.networks.items())
            for namespace in sorted(set(one.namespaces))
        )

    def identifiers(self, cluster: ResolvedCluster, settings: MultusSettings) -> Iterator[Identifier]:
        """Give VLANs, which clusters may share, and in each of them ranges of addresses, which they may not."""
        site = cluster.identity.site
        for one in settings.networks.values():
            vlan = _vlan(one, cluster)
            if vlan is not None:
                yield Identifier("network", "vlan", site, str(vlan), shared=True)
            if vlan is not None or one.network:
                scope = site if one.network else f"{site} vlan {vlan}"
                yield from (Identifier("network", "pod range", scope, str(each.whole)) for each in one.ranges)

    def problems(self, cluster: ResolvedCluster, settings: MultusSettings) -> Iterator[SettingProblem]:
        """Give what does not fit to the site, to the nodes, or to each other."""
        yield from problems(cluster, settings)


def _started_for(variant: str) -> dict[str, Any]:
    note = {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"multus/wraps": variant}}
    return patch("DaemonSet", "kube-multus-ds", [note])


def _definition(name: str, namespace: str, one: AttachmentSpec, cluster: ResolvedCluster) -> Manifest:
    return Manifest(
        "k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", name, namespace,
        labels=cluster.identity.labels,
        annotations={_RESOURCE: one.resource} if one.resource else {},
        body={"spec": {"config": text(_config(name, one, cluster))}},
    )  # fmt: skip


def _config(name: str, one: AttachmentSpec, cluster: ResolvedCluster) -> Config:
    vlan = _vlan(one, cluster)
    said = {"name": name, "type": one.type, "ipam": _addresses(one, cluster)}
    if one.type == "sriov":
        return config(**said, vlan=vlan)
    tag = {"vlanId": vlan} if one.type == "vlan" else {"mode": one.mode}
    return config(**said, **tag, master=master_of(one, cluster), mtu=one.mtu)


def _vlan(one: AttachmentSpec, cluster: ResolvedCluster) -> int | None:
    found = [one.vlan, *(network.vlan for network in networks_of(one, cluster).values())]
    return next((vlan for vlan in found if vlan is not None), None)


def _addresses(one: AttachmentSpec, cluster: ResolvedCluster) -> Whereabouts | Nothing:
    if not one.ranges:
        return Nothing()
    return Whereabouts.of([_range(each) for each in one.ranges], list(_routes(one, cluster)))


def _range(each: RangeSpec) -> Range:
    return Range(range=each.range, range_start=each.start, range_end=each.end, exclude=list(each.exclude) or None)


def _routes(one: AttachmentSpec, cluster: ResolvedCluster) -> Iterator[Route]:
    gateways: list[Address] = [*one.gateway, *(network.gateway for network in networks_of(one, cluster).values())]
    for route in one.routes:
        family = route.value.version
        yield Route(dst=route, gw=next((each for each in gateways if each.value.version == family), None))


COMPONENT = Multus()
