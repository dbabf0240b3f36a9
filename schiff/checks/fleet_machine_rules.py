"""Rules about machines: there is a place for each, and nobody is promised the same server.

========================  =================================================================================
site-without-vcenter      a site of virtual machines names its vCenter
site-without-capacity     the site says how many machines it holds, and holds those that are ordered
wrong-machine-class       a class with sizes on vSphere, a class with hardware on metal
host-unknown              a server that an order names is listed in the site's facts
host-twice                and belongs to one group of one cluster
host-of-other-hardware    and is of the hardware class that the group asks for
too-few-hosts             there is one for each machine
no-spare-host             a rollout that adds a machine first has a server to add
unknown-failure-domain    the zones of a pool are failure domains of the site: compute clusters, or racks
router-id-twice           VRRP's ``virtualRouterId`` is unique on a segment
========================  =================================================================================
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from schiff.checks.fleet_subjects import Subject
from schiff.errors import Problem
from schiff.model.fleet import Path, Site
from schiff.model.site import HostFacts

_VSPHERE, _METAL3 = "vsphere", "metal3"


def machine_problems(clusters: Sequence[Subject]) -> Iterator[Problem]:
    """Give every broken rule about machines."""
    for subject in clusters:
        provider = subject.site.facts.provider
        if provider == _VSPHERE:
            yield from _virtual(subject)
        elif provider == _METAL3:
            yield from _metal(subject)
        yield from _failure_domains(subject)
    yield from _sites(clusters)
    yield from _hosts_once(clusters)
    yield from _router_ids(clusters)


def _virtual(subject: Subject) -> Iterator[Problem]:
    for path, name, _, _, hosts in subject.groups:
        if subject.cluster.machine_class(name).hardware is not None:
            message, cure = f"{name} is a class of servers", "name a class with cpus, memoryMiB and diskGiB"
            yield subject.problem((*path, "class"), message, cure, "wrong-machine-class")
        if hosts:
            message, cure = "virtual machines stand on no listed servers", "leave hosts out"
            yield subject.problem((*path, "hosts"), message, cure, "host-unknown")


def _metal(subject: Subject) -> Iterator[Problem]:
    for path, name, size, surge, hosts in subject.groups:
        hardware = subject.cluster.machine_class(name).hardware
        if hardware is None:
            message, cure = f"{name} is a class of virtual machines", "name a class with hardware"
            yield subject.problem((*path, "class"), message, cure, "wrong-machine-class")
        if len(hosts) < size:
            message = f"{size} machines are asked for, {len(hosts)} servers are listed"
            yield subject.problem((*path, "hosts"), message, "list a server for each machine", "too-few-hosts")
        elif surge and len(hosts) < size + surge:
            message = f"a rollout adds {surge} before it removes, and no server is spare"
            cure = "list a spare server, or write maxSurge: 0 (and maxUnavailable: 1 for a pool)"
            yield subject.problem((*path, "maxSurge"), message, cure, "no-spare-host")
        for number, host in enumerate(hosts):
            yield from _host(subject, (*path, "hosts", number), host, hardware)


def _host(subject: Subject, path: Path, name: str, hardware: str | None) -> Iterator[Problem]:
    host: HostFacts | None = subject.site.facts.hosts.get(name)
    if host is None:
        message = f"site {subject.site.name} has no server called {name!r}"
        yield subject.problem(path, message, "take one of facts.hosts", "host-unknown")
    elif hardware is not None and host.hardware != hardware:
        message = f"{name} is {host.hardware}, the class asks for {hardware}"
        yield subject.problem(path, message, f"take a server of hardware {hardware}", "host-of-other-hardware")


def _failure_domains(subject: Subject) -> Iterator[Problem]:
    facts = subject.site.facts
    known = list(facts.racks) if facts.provider == _METAL3 else sorted(facts.failure_domains)
    for name, pool in subject.pools:
        for number, zone in enumerate(pool.zones):
            if zone not in known:
                message = f"site {subject.site.name} has no failure domain called {zone!r}"
                cure = f"known: {', '.join(known) or 'none'}"
                yield subject.problem(("pools", name, "zones", number), message, cure, "unknown-failure-domain")


def _sites(clusters: Sequence[Subject]) -> Iterator[Problem]:
    ordered: dict[str, int] = defaultdict(int)
    sites: dict[str, Site] = {}
    for subject in clusters:
        if subject.site.facts.provider == _VSPHERE:
            ordered[subject.site.name] += subject.machines
            sites[subject.site.name] = subject.site
    for name, machines in sorted(ordered.items()):
        capacity, document = sites[name].facts.capacity, sites[name].document
        if sites[name].facts.vcenter is None:
            message, cure = "the site holds virtual machines and names no vCenter", "add it"
            yield Problem(document.place(), "facts.vcenter", message, cure, rule="site-without-vcenter")
        if capacity is None:
            message, cure = f"{machines} machines are ordered, and the site says not what it holds", "add it"
            yield Problem(document.place(), "facts.capacity", message, cure, rule="site-without-capacity")
        elif machines > capacity.machines:
            message = f"{machines} machines are ordered, {capacity.machines} fit"
            place, cure = document.place(("capacity", "machines")), "order less, or add capacity and say so here"
            yield Problem(place, "facts.capacity.machines", message, cure, rule="site-without-capacity")


def _hosts_once(clusters: Sequence[Subject]) -> Iterator[Problem]:
    first: dict[tuple[str, str], str] = {}
    for subject in clusters:
        for path, _, _, _, hosts in subject.groups:
            mine = f"{subject.label} {'.'.join(map(str, path))}"
            for number, host in enumerate(hosts):
                user = first.setdefault((subject.site.name, host), mine)
                if user != mine or host in hosts[:number]:
                    message, cure = f"{host} is used by {user} already", "take a free server"
                    yield subject.problem((*path, "hosts", number), message, cure, "host-twice")


def _router_ids(clusters: Sequence[Subject]) -> Iterator[Problem]:
    first: dict[tuple[str, str, int], str] = {}
    for subject in clusters:
        spec = subject.cluster.spec
        number = spec.control_plane.virtual_router_id
        if number is None or spec.control_plane.vip != "keepalived":
            continue
        user = first.setdefault((subject.site.name, spec.nodes.network, number), subject.label)
        if user != subject.label:
            message, cure = f"{number} is used by {user} in network {spec.nodes.network} already", "take a free one"
            yield subject.problem(("controlPlane", "virtualRouterId"), message, cure, "router-id-twice")
