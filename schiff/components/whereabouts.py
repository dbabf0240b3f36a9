"""whereabouts: addresses of additional networks, given out once in the whole cluster (domain reference 12).

Which addresses, Multus' networks say (`components.multus.networks.<name>.ranges`).
What nodes leave behind when they die is given back by one reconciler, at a
minute of its own in each cluster unless `schedule` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from schiff.components.protocol import OrdinaryComponent
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.digests import name_hash

_PART = r"(\*|[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)(/[0-9]+)?"


class WhereaboutsSettings(Spec):
    """When addresses that nobody holds any more are given back."""

    schedule: Annotated[str, Field(pattern=f"^{_PART}( {_PART}){{4}}$")] | None = None


class Whereabouts(OrdinaryComponent):
    """The plugin on every node, and the reconciler."""

    name = "whereabouts"
    settings = WhereaboutsSettings
    optional = True
    requires = ("calico", "multus")
    images = ("ghcr.io/k8snetworkplumbingwg/whereabouts",)
    rules: Mapping[str, str] = {}
    example = """\
schedule: 30 4 * * *       # without it: once a day, at a minute of the cluster's own
"""

    def inputs(self, cluster: ResolvedCluster, settings: WhereaboutsSettings) -> Sequence[Manifest]:
        """Return what the reconciler reads its schedule from."""
        data = {"cron-expression": settings.schedule or _schedule(cluster)}
        labels = cluster.identity.labels
        return (Manifest("v1", "ConfigMap", "whereabouts-config", "kube-system", labels=labels, body={"data": data}),)


def _schedule(cluster: ResolvedCluster) -> str:
    """Return a minute of the hour after 4 that follows from the cluster's name: not all at once."""
    return f"{int(name_hash(cluster.identity.fqdn), 16) % 60} 4 * * *"


COMPONENT = Whereabouts()
