"""A project that delivers directly to one management cluster, and what it left there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bed.control_plane import ControlPlane
from tests.bed.kubernetes_client import KubernetesClient, Resource
from tests.journeys.pulumi_project import PulumiProject
from tools.parts import ROOT

PROVIDER = ROOT / "tests" / "kubernetes_provider"
"""The folder of the stand-in for Pulumi's Kubernetes provider."""
TO_DEFINITIONS = "cluster-definitions"
Object = dict[str, Any]


@dataclass
class DirectProject:
    """A checkout of which one stack delivers to a control plane; its server may hold what an earlier test sent."""

    project: PulumiProject
    plane: ControlPlane
    client: KubernetesClient
    stack: str = "tst"

    @classmethod
    def of(
        cls, project: PulumiProject, plane: ControlPlane, client: KubernetesClient, stack: str = "tst"
    ) -> DirectProject:
        """Choose direct delivery in a project's settings; the namespace is Flux's, which a management cluster runs."""
        direct = cls(project, plane, client, stack)
        direct.choose(delivery="direct", kubeconfig=str(plane.kubeconfig))
        project.variables["PATH"] = os.pathsep.join([str(PROVIDER), project.environment["PATH"]])
        client.create("/api/v1/namespaces", _namespace("schiff-system"))
        return direct

    def choose(self, **settings: str) -> None:
        """Set settings of the stack, and commit."""
        file = self.project.root / f"Pulumi.{self.stack}.yaml"
        data = yaml.safe_load(file.read_text())
        data["config"] |= {f"schiff:{name}": value for name, value in settings.items()}
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        self.project.commit_fleet()

    def up(self, *args: str, status: int = 0) -> str:
        """Deliver, and return what was said."""
        return self.project.schiff("up", "-e", self.stack, *args, status=status)

    def refused(self, *args: str) -> tuple[str, str]:
        """Deliver what is refused, and return its code and its sentence."""
        said = self.project.run("schiff", "up", "-e", self.stack, "--json", *args, status=None)
        assert said.returncode, said.stdout
        error = json.loads(said.stdout)
        return error["code"], error["message"]

    def compiled(self) -> Iterator[tuple[str, Object]]:
        """Yield the text of each compiled file and each object in it that an API server is to hold."""
        out = self.project.root / ".schiff" / "rendered"
        self.project.schiff("render", "-e", self.stack, "--out", str(out))
        for file in sorted((out / "cluster-definitions").rglob("*.y*ml")):
            if file.name == "kustomization.yaml" or file.parent.name == "secrets":
                continue
            for text in file.read_text().split("\n---\n"):
                item = yaml.safe_load(text)
                if item is not None and not leads_to_definitions(item):
                    yield text, item

    def live(self, item: Mapping[str, Any]) -> Object | None:
        """Return the live object of a compiled one, in the version it was compiled in."""
        answer = self.client.get(self.path(item))
        return answer.json() if answer.is_success else None

    def path(self, item: Mapping[str, Any]) -> str:
        """Return where an object lies on the server."""
        return self.resource(item).path(item["metadata"].get("namespace"), item["metadata"]["name"])

    def resource(self, item: Mapping[str, Any]) -> Resource:
        """Return how the kind of an object is addressed."""
        found = self.client.resource(item["apiVersion"], item["kind"])
        assert found is not None, item["kind"]
        return found

    def versions(self) -> dict[str, str]:
        """Return the resource version of everything that is compiled and live: equal ones mean untouched objects."""
        found = {self.path(item): self.live(item) for _, item in self.compiled()}
        return {path: live["metadata"]["resourceVersion"] for path, live in found.items() if live is not None}

    def one(self, kind: str, name: str) -> Object:
        """Return the one compiled object of a kind and name."""
        [found] = [item for _, item in self.compiled() if (item["kind"], item["metadata"]["name"]) == (kind, name)]
        return found

    def state(self) -> str:
        """Return Pulumi's whole state as text."""
        return "".join(content.decode(errors="replace") for content in self.project.state().values())

    def resources(self) -> list[Object]:
        """Return the resources in the state."""
        exported = json.loads(self.project.run("pulumi", "stack", "export", "--stack", self.stack).stdout)
        resources: list[Object] = exported["deployment"].get("resources", [])
        return resources

    def record(self) -> Path:
        """Return the repository that holds the record of what was sent."""
        return self.project.repository("definitions")


def leads_to_definitions(item: Mapping[str, Any]) -> bool:
    """Say whether Flux would read `cluster-definitions` by an object: such a one is not for direct delivery."""
    source = item.get("spec", {}).get("sourceRef", {}).get("name")
    return (item["kind"], item["metadata"]["name"]) == ("GitRepository", TO_DEFINITIONS) or (
        item["kind"] == "Kustomization" and source == TO_DEFINITIONS
    )


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
