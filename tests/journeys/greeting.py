"""A component of somebody else's: a Helm chart from a repository over HTTP, with values that layers set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

NAMESPACE = "greeting"
ENTRY_POINT = "[schiff.components]\ngreeting = tests.journeys.greeting:COMPONENT\n"


class GreetingSettings(Spec):
    """Where its charts are, and what it says."""

    charts: str
    text: str


class Greeting(OrdinaryComponent):
    """A folder that says the version, and a release of the chart of the same version for each cluster."""

    name = "greeting"
    settings = GreetingSettings
    namespaces = (NAMESPACE,)

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:
        """Return one object that says the version."""
        about = Manifest("v1", "ConfigMap", "about", NAMESPACE, body={"data": {"version": str(version)}})
        return versioned_folder({**vendored, "about.yaml": to_yaml([about]).encode()}, {BASE: {}})

    def objects(self, cluster: ResolvedCluster, settings: GreetingSettings) -> Sequence[Manifest]:
        """Return the repository of charts, and the release with the cluster's values."""
        version = str(cluster.layers.release.components[self.name].version).removeprefix("v")
        source = {"kind": "HelmRepository", "name": self.name}
        chart = {"chart": self.name, "version": version, "sourceRef": source}
        release = {
            "interval": "1h",
            "timeout": "1m",
            "releaseName": self.name,
            "chart": {"spec": chart},
            "values": {"text": settings.text, "cluster": cluster.identity.name},
        }
        repository = {"url": settings.charts, "interval": "1h"}
        return (
            Manifest("source.toolkit.fluxcd.io/v1", "HelmRepository", self.name, NAMESPACE, body={"spec": repository}),
            Manifest("helm.toolkit.fluxcd.io/v2", "HelmRelease", self.name, NAMESPACE, body={"spec": release}),
        )


COMPONENT = Greeting()
