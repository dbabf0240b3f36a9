"""Each component with the settings of its example, on a cluster of each infrastructure that it runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from schiff.components.protocol import Component
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.sources.plugins import own_components
from tests.makers import (
    MANAGEMENT_CLUSTER,
    METAL3_ORDER,
    VSPHERE_ORDER,
    Documents,
    a_resolved_cluster,
    a_resolved_management_cluster,
    changed,
    fleet_documents,
)

Where = Literal["vsphere", "metal3", "management"]


@dataclass(frozen=True)
class ExampleUse:
    """A component as its example sets it, on one cluster."""

    component: Component
    where: Where
    cluster: ResolvedCluster
    settings: Spec

    def __str__(self) -> str:
        return f"{self.component.name}-{self.where}"

    @property
    def places(self) -> Mapping[str, Sequence[Manifest]]:
        """The cluster's objects by where they are applied."""
        component, cluster, settings = self.component, self.cluster, self.settings
        return {
            "bootstrap": component.bootstrap_objects(cluster, settings),
            "inputs": component.inputs(cluster, settings),
            "objects": component.objects(cluster, settings),
            "management": component.management_objects(cluster, settings),
        }


def example_uses() -> Iterator[ExampleUse]:
    """Give every component that comes with schiff on every cluster it applies to."""
    for component in own_components().values():
        said: Any = yaml.safe_load(component.example)
        settings = component.settings.model_validate(said, by_name=False, by_alias=True)
        for where in ("vsphere", "metal3", "management"):
            cluster = _cluster(where, component.name, said)
            if component.applies_to(cluster):
                yield ExampleUse(component, where, cluster, settings)


def offering_all() -> Documents:
    """Return the documents of a small fleet that pins every component that comes with schiff."""
    documents = fleet_documents()
    pinned = documents["head.yaml"]["components"]
    for name in own_components().keys() - pinned.keys():
        pinned[name] = {"version": "v1.0.0"}
        documents[f"components/{name}.yaml"] = {"versions": {"v1.0.0": {}}}
    return documents


def _cluster(where: Where, name: str, settings: Any) -> ResolvedCluster:
    if where == "management":
        documents = changed(MANAGEMENT_CLUSTER, f"cluster.components.{name}", settings, offering_all())
        return a_resolved_management_cluster(documents)
    order = VSPHERE_ORDER if where == "vsphere" else METAL3_ORDER
    return a_resolved_cluster(where, documents=changed(order, f"components.{name}", settings, offering_all()))
