"""The fleet folder that another version of schiff is given, to compile what runs on one release of its own.

It holds the release's layers, and the facts, customer files and orders of
exactly the clusters that run it, nothing else of head:

1. the frozen folder as it is, and its layers once more in place of head's, which every fleet has;
2. the component folders that the release pins;
3. the orders on the release, their customers, their sites' facts, and what one management cluster knows of itself;
4. of a site's servers only those that its orders name, and the free ones where this call writes them down: whoever
   compiles one part must not take the servers of another for free;
5. `assignments.json`: Kubernetes version and removal of each cluster, and the tenants that others compile, which the
   list of a management cluster names all the same.

One call is about one environment, one management cluster and one release. The
form is frozen with the call ``schiff render --fleet DIR --release NAME --out DIR``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from schiff.compiler.site import free_hosts, keeps_free_hosts, listed_hosts, site_secrets
from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import ManagementCluster, Order, SharedLayers, Site
from schiff.model.frozen import LOCK_FILE, RELEASE_FILE
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import Listing, ResolvedEnvironment
from schiff.values.digests import digest, digest_of_bytes
from schiff.values.names import ENVIRONMENTS, ClusterKey
from schiff.values.versions import KubernetesVersion

ASSIGNMENTS_FILE = "assignments.json"
_VERSION = 1
_OF_RELEASES_ALONE = ("kind", "name", "parent", "cut", "changes", "supersedes")


@dataclass(frozen=True)
class Handover:
    """What one call compiles: the clusters of one environment that one management cluster keeps, on one release."""

    resolved: ResolvedEnvironment
    management: ManagementCluster
    layers: SharedLayers

    @property
    def keys(self) -> tuple[ClusterKey, ...]:
        """The tenants that are compiled."""
        return tuple(key for key, here in self._served if here)

    @property
    def compiles_lists(self) -> bool:
        """Whether the management cluster runs this release itself, so that its own folders are compiled too."""
        own = self.resolved.management_clusters.get(self.management.name)
        return own is not None and own.assignment.release == self.layers.digest

    @cached_property
    def documents(self) -> frozenset[bytes]:
        """The encrypted documents that pass through."""
        return frozenset(content for path, content in self.files.items() if ".secrets/" in path)

    @property
    def identity(self) -> str:
        """The digest of everything that is given."""
        return digest({path: digest_of_bytes(content) for path, content in self.files.items()})

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The whole folder, by path."""
        described = {path: _yaml(data) for path, data in self._documents()}
        passed = {**dict(self._secrets()), **dict(self._vendored())}
        return dict(sorted({**described, **passed, ASSIGNMENTS_FILE: self._assignments(), **self._lock()}.items()))

    @property
    def _served(self) -> list[tuple[ClusterKey, bool]]:
        """The tenants of the management cluster, and whether each runs this release."""
        return [
            (key, tenant.assignment.release == self.layers.digest)
            for key, tenant in self.resolved.tenants.items()
            if tenant.management.name == self.management.name
        ]

    @property
    def _orders(self) -> list[Order]:
        return [self.resolved.fleet.orders[key] for key in self.keys]

    @property
    def _sites(self) -> list[Site]:
        names = {key.site for key in self.keys}
        if self.compiles_lists:
            names |= {*self.management.spec.sites, self.management.spec.site}
        return [self.resolved.fleet.sites[name] for name in sorted(names)]

    def _documents(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        frozen = {path: data for path, data in self.layers.frozen.items() if path != LOCK_FILE}
        for path, data in frozen.items():
            yield f"releases/{self.layers.release.name}/{path}", data
            if path != RELEASE_FILE and not path.startswith("sites/"):
                yield path, data
        versions = frozen[RELEASE_FILE]
        yield "head.yaml", {key: value for key, value in versions.items() if key not in _OF_RELEASES_ALONE}
        yield from self._stand_ins(frozen)
        for site in self._sites:
            yield f"sites/{site.name}/site.yaml", {"facts": self._facts(site)}
        for order in self._orders:
            yield _order_file(order), order.document.data
            yield f"customers/{order.customer}.yaml", self.resolved.fleet.customers[order.customer].data
        yield f"management-clusters/{self.management.name}.yaml", self._management()

    def _stand_ins(self, frozen: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield an empty layer for each provider and zone that facts name and the release never heard of."""
        named = {f"providers/{site.facts.provider}.yaml" for site in self._sites}
        named |= {f"zones/{network.zone}.yaml" for site in self._sites for network in site.facts.networks.values()}
        yield from ((path, {}) for path in sorted(named - frozen.keys()))

    def _facts(self, site: Site) -> Mapping[str, Any]:
        hosts = site.document.data.get("hosts")
        if not hosts:
            return site.document.data
        known = {
            host for order in self._orders if order.key.site == site.name for host in listed_hosts(order.document.data)
        }
        if self.compiles_lists:
            if self.management.spec.site == site.name:
                known |= set(listed_hosts(self.management.spec.cluster))
            if keeps_free_hosts(site, self.management, self.resolved.fleet):
                known |= set(free_hosts(site, self.resolved.fleet))
        return {**site.document.data, "hosts": {name: host for name, host in hosts.items() if name in known}}

    def _management(self) -> Mapping[str, Any]:
        """Return the file of the management cluster; of one that others compile only what tenants need to know."""
        if self.compiles_lists:
            return self.management.document.data
        sites = sorted({key.site for key in self.keys})
        return {
            "sites": sites,
            "environments": [self.resolved.environment],
            "site": sites[0],
            "facts": self.management.document.data["facts"],
        }

    def _secrets(self) -> Iterator[tuple[str, bytes]]:
        for order in self._orders:
            yield from _below(f"{_order_file(order).removesuffix('.yaml')}.secrets", order.secrets)
        if self.compiles_lists:
            yield from _below(f"management-clusters/{self.management.name}.secrets", self.management.secrets)
            for site in self._sites:
                kept = site_secrets(site, self.management, self.resolved.fleet)
                yield from _below(f"sites/{site.name}/site.secrets", kept)

    def _vendored(self) -> Iterator[tuple[str, bytes]]:
        for name, pin in self.layers.release.components.items():
            key = f"{name}/{pin.version}"
            yield from _below(f"components/{key}", self.resolved.fleet.vendored.get(key, {}))

    def _lock(self) -> dict[str, bytes]:
        lock = self.layers.frozen.get(LOCK_FILE)
        return {} if lock is None else {f"releases/{self.layers.release.name}/{LOCK_FILE}": _json(lock)}

    def _assignments(self) -> bytes:
        tenants = self.resolved.tenants
        listed = [key for key, here in self._served if not here and tenants[key].is_listed]
        own = {self.management.name: self.resolved.management_clusters[self.management.name].assignment}
        return _json(
            {
                "v": _VERSION,
                "environment": self.resolved.environment,
                "clusters": {str(key): _run(tenants[key].assignment) for key in self.keys},
                "managementClusters": {name: _run(run) for name, run in own.items() if self.compiles_lists},
                "listed": {
                    str(key): {"managementCluster": self.management.name, "customer": tenants[key].identity.customer}
                    for key in (listed if self.compiles_lists else ())
                },
            }
        )


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What `assignments.json` tells the program that was called: the environment, what runs there, who is listed."""

    environment: str
    assignments: Assignments
    listed: tuple[Listing, ...]

    @classmethod
    def parse(cls, content: bytes, release: str) -> HandedOver:
        """Read the file for clusters on the release of that digest; raises `InvalidInput`."""
        try:
            data = json.loads(content)
            if data["v"] != _VERSION or data["environment"] not in ENVIRONMENTS:
                raise InvalidValue(f"has form {data['v']!r} for {data['environment']!r}")
            tenants = {ClusterKey.parse(key): _assignment(run, release) for key, run in data["clusters"].items()}
            served = {name: _assignment(run, release) for name, run in data["managementClusters"].items()}
            listed = tuple(
                Listing(each["managementCluster"], ClusterKey.parse(key), each["customer"])
                for key, each in data["listed"].items()
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"cannot be read: {error}"
            raise InvalidInput(
                [Problem(Place(ASSIGNMENTS_FILE), "", message, "schiff writes it; leave it out to compile everything")]
            ) from None
        return cls(data["environment"], Assignments(tenants, served), listed)


def _assignment(run: Mapping[str, Any], release: str) -> Assignment:
    if run["removal"] not in {None, *"abcde"}:
        raise InvalidValue(f"{run['removal']!r} is no state of a removal")
    return Assignment(release, KubernetesVersion.parse(run["kubernetes"]), run["removal"])


def _run(assignment: Assignment) -> dict[str, Any]:
    return {"kubernetes": str(assignment.kubernetes), "removal": assignment.removal}


def _order_file(order: Order) -> str:
    return f"sites/{order.key.site}/{order.customer}/{order.key.name}.yaml"


def _below(folder: str, files: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    return ((f"{folder}/{name}", content) for name, content in files.items())


def _yaml(data: Mapping[str, Any]) -> bytes:
    return to_yaml([data]).encode()


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()
