"""Rules about whole networks: those of sites, and those inside clusters.

Networks inside a cluster may be the same everywhere: they are not routed.

=======================  ===================================================================================
networks-overlap         networks of a site, and of sites with one management cluster, are apart from each other
pods-overlap             networks of pods, services, and those of the site are apart from each other
=======================  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schiff.checks.fleet_subjects import Subject
from schiff.errors import Problem
from schiff.model.fleet import Path, Site
from schiff.values.networks import Network

_PODS, _SERVICES = ("clusterNetwork", "pods"), ("clusterNetwork", "services")


def network_problems(clusters: Sequence[Subject]) -> Iterator[Problem]:
    """Give every broken rule about networks."""
    met: dict[tuple[str, Network], list[str]] = {}
    for subject in clusters:
        yield from _inside(subject, met)
    yield from _of_sites(clusters)


def _inside(subject: Subject, met: dict[tuple[str, Network], list[str]]) -> Iterator[Problem]:
    """Judge the networks inside a cluster; `met` remembers what meets a site's, most clusters have the same."""
    inside, site = subject.cluster.spec.cluster_network, subject.site
    mine: dict[Path, Network] = {_PODS: inside.pods, _SERVICES: inside.services}
    if _meet(inside.pods, inside.services):
        path = subject.latest(_PODS, _SERVICES)
        what, other = ("services'", inside.services) if path == _PODS else ("pods'", inside.pods)
        yield subject.problem(path, f"{mine[path]} overlaps the {what} {other}", "take another network", "pods-overlap")
    for path, network in mine.items():
        key = (site.name, network)
        if key not in met:
            met[key] = [name for name, facts in sorted(site.facts.networks.items()) if _meet(network, facts.cidr)]
        for name in met[key]:
            message = f"{network} overlaps network {name} ({site.facts.networks[name].cidr}) of site {site.name}"
            yield subject.problem(path, message, "take another network", "pods-overlap")


@dataclass(frozen=True, slots=True)
class _Room:
    """One network of a site, and the management clusters that have to reach it."""

    network: Network
    site: Site
    name: str
    managers: frozenset[str]

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """Sort by address, the wider of two first: what overlaps a network lies in it, and follows."""
        value = self.network.value
        return (value.version, int(value.network_address), value.prefixlen, self.site.name, self.name)


def _of_sites(clusters: Sequence[Subject]) -> Iterator[Problem]:
    around: list[_Room] = []
    for room in sorted(_rooms(clusters), key=lambda room: room.order):
        around = [other for other in around if _meet(other.network, room.network)]
        for other in around:
            if other.site is room.site or other.managers & room.managers:
                where = "" if other.site is room.site else f" of site {other.site.name}"
                message = f"{room.network} overlaps network {other.name} ({other.network}){where}"
                path, cure = f"facts.networks[{room.name}].cidr", "take another network for one of the two"
                place = room.site.document.place(("networks", room.name, "cidr"))
                yield Problem(place, path, message, cure, rule="networks-overlap")
        around.append(room)


def _rooms(clusters: Sequence[Subject]) -> Iterator[_Room]:
    managers: dict[str, set[str]] = {}
    sites: dict[str, Site] = {}
    for subject in clusters:
        sites[subject.site.name] = subject.site
        managers.setdefault(subject.site.name, set()).add(subject.cluster.identity.management_cluster)
    for name, site in sites.items():
        for network, facts in site.facts.networks.items():
            yield _Room(facts.cidr, site, network, frozenset(managers[name]))


def _meet(one: Network, other: Network) -> bool:
    return one.value.version == other.value.version and one.value.overlaps(other.value)
