"""Names in one file that must exist in another, across the whole fleet.

1. The environment, site and customer of an order. (Its zone and class belong to a release: `schiff.layers.resolve`.)
2. The provider of a site, the zones of its networks, the networks of its failure domains.
3. The sites a management cluster serves, and stands at; one management cluster, not two, for a site and environment.
4. Two clusters never share a namespace, which is made of site and name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations
from typing import Final

from schiff.errors import Place, Problem
from schiff.layers.validation import close_to
from schiff.model.fleet import Fleet, Order
from schiff.values.names import ENVIRONMENTS

PLATFORM: Final = "platform"
"""The customer of management clusters' own clusters; nobody else may be called so."""


def reference_problems(fleet: Fleet, sites: Collection[str]) -> Iterator[Problem]:
    """Give every name that leads nowhere, or to two things; `sites` has also those whose facts are wrong."""
    for order in fleet.orders.values():
        yield from _order(fleet, order, sites)
    yield from _sites(fleet)
    yield from _management_clusters(fleet, sites)
    yield from _namespaces(fleet)


def _order(fleet: Fleet, order: Order, sites: Collection[str]) -> Iterator[Problem]:
    site, document = order.key.site, order.document
    if document.data.get("environment") is None:
        message, cure = "is missing: the cluster would belong nowhere", f"write one of {', '.join(ENVIRONMENTS)}"
        place = document.place(("environment",))
        yield Problem(place, "environment", message, cure, "cluster", "missing-field")
    if site not in sites:
        message, cure = f"no site is called {site!r}", f"write sites/{site}/site.yaml; {close_to(site, sites)}"
        yield Problem(document.place(), "", message, cure, rule="unknown-site")
    if order.customer not in fleet.customers:
        message = f"no customer is called {order.customer!r}"
        cure = f"write customers/{order.customer}.yaml; {close_to(order.customer, fleet.customers)}"
        yield Problem(document.place(), "", message, cure, rule="unknown-customer")


def _sites(fleet: Fleet) -> Iterator[Problem]:
    for site in fleet.sites.values():
        provider = site.facts.provider
        if provider not in fleet.head.providers:
            message, cure = f"no provider is called {provider!r}", close_to(provider, fleet.head.providers)
            yield Problem(site.document.place(("provider",)), "facts.provider", message, cure, rule="unknown-provider")
        for name, network in site.facts.networks.items():
            if network.zone not in fleet.head.zones:
                message, cure = f"no zone is called {network.zone!r}", close_to(network.zone, fleet.head.zones)
                place = site.document.place(("networks", name, "zone"))
                yield Problem(place, f"facts.networks[{name}].zone", message, cure, rule="unknown-zone")
        for name, domain in site.facts.failure_domains.items():
            for number, carried in enumerate(domain.networks):
                if carried not in site.facts.networks:
                    message, cure = (
                        f"the site has no network called {carried!r}",
                        close_to(carried, site.facts.networks),
                    )
                    place = site.document.place(("failureDomains", name, "networks", number))
                    path = f"facts.failureDomains[{name}].networks[{number}]"
                    yield Problem(place, path, message, cure, rule="unknown-network")


def _management_clusters(fleet: Fleet, sites: Collection[str]) -> Iterator[Problem]:
    clusters = sorted(fleet.management_clusters.values(), key=lambda cluster: cluster.name)
    for cluster in clusters:
        named = [*((("sites", n), site) for n, site in enumerate(cluster.spec.sites)), (("site",), cluster.spec.site)]
        for path, site in named:
            if site not in sites:
                text = "site" if len(path) == 1 else f"sites[{path[1]}]"
                message, cure = f"no site is called {site!r}", close_to(site, sites)
                yield Problem(cluster.document.place(path), text, message, cure, rule="unknown-site")
    for one, other in combinations(clusters, 2):
        for environment in sorted(set(one.spec.environments) & set(other.spec.environments)):
            for site in sorted(set(one.spec.sites) & set(other.spec.sites)):
                place = other.document.place(("sites", other.spec.sites.index(site)))
                message = f"{one.name} serves {site} for {environment} already"
                yield Problem(place, "sites", message, "one management cluster serves each", rule="served-twice")


def _namespaces(fleet: Fleet) -> Iterator[Problem]:
    first: dict[str, Order] = {}
    for key in sorted(fleet.orders):
        order = fleet.orders[key]
        other = first.setdefault(f"{key.site}-{key.name}", order)
        if other is not order:
            message = f"{key} and {other.key} share the namespace {key.site}-{key.name}"
            cure = "take another name for one of them"
            yield Problem(Place(order.document.file, 1), "", message, cure, rule="namespace-twice")
