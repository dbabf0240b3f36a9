"""Which failures a management cluster tells somebody about.

Flux on a management cluster sees what it applies: its own lists and sources, and
the bootstrap of every tenant. Each environment's list tells of its own tenants;
what the environments share is told by the owner alone, so that one failure is
one message. A tenant's own Flux tells nobody: it would have to reach out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.manifest import Manifest
from schiff.manifests.notification import EventSource, alert, alert_provider
from schiff.model.resolved import Listing, ResolvedCluster


def alerts(
    management: ResolvedCluster, environment: str, tenants: Iterable[Listing], *, owned: bool
) -> tuple[Manifest, ...]:
    """Return provider and alert of one environment; none where the facts name no receiver, or nothing can fail.

    A dot cannot stand in a name that people give, so nothing else is called so.
    """
    facts = management.management.spec.facts.alerts
    sources = tuple(_sources(tenants, owned=owned))
    if facts is None or not sources:
        return ()
    name = f"alerts.{environment}"
    metadata = {"environment": environment, "managementCluster": management.management.name}
    return alert_provider(name, facts), alert(name, sources, metadata)


def _sources(tenants: Iterable[Listing], *, owned: bool) -> Iterator[EventSource]:
    if owned:
        yield EventSource("GitRepository", FLUX_NAMESPACE)
        yield EventSource("Kustomization", FLUX_NAMESPACE)
    for namespace in sorted(tenant.namespace for tenant in tenants):
        yield EventSource("Kustomization", namespace)
