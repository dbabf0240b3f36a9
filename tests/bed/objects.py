"""Objects of a cluster by kind and name, as a test speaks of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import httpx
import yaml

from schiff.manifests.flux import FLUX_NAMESPACE
from tests.bed.kubernetes_client import KubernetesClient
from tests.bed.process import BedFailed
from tests.bed.waiting import wait_for

SOURCE = "source.toolkit.fluxcd.io/v1"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"
HELM = "helm.toolkit.fluxcd.io/v2"

Object = dict[str, Any]


class Objects:
    """What a test does to the objects of one cluster, and sees of them."""

    def __init__(self, client: KubernetesClient) -> None:
        self.client = client

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = FLUX_NAMESPACE) -> Object | None:
        """Return one object, or None where the cluster has no such object or no such kind."""
        path = self._path(api_version, kind, namespace, name)
        answer = self.client.get(path) if path else None
        if answer is None or answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: Object = answer.json()
        return found

    def all(self, api_version: str, kind: str) -> list[Object]:
        """Return every object of a kind in all namespaces; none where the kind is not served."""
        resource = self._resource(api_version, kind)
        if resource is None:
            return []
        answer = self.client.get(resource.everywhere)
        answer.raise_for_status()
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer.json()["items"]]

    def apply(self, item: Mapping[str, Any]) -> None:
        """Apply an object as an operator with kubectl would; `BedFailed` says why the server refuses."""
        metadata = item["metadata"]
        path = self._path(item["apiVersion"], item["kind"], metadata.get("namespace"), metadata["name"])
        if path is None:
            raise BedFailed(f"the server does not know {item['apiVersion']} {item['kind']}")
        answer = self.client.apply_yaml(path, yaml.safe_dump(dict(item)))
        if not answer.is_success:
            raise BedFailed(f"{item['kind']} {metadata['name']}: {answer.text[:1000]}")

    def change(self, item: Mapping[str, Any], value: Mapping[str, Any], part: str = "") -> None:
        """Merge some fields into an object that is there; `part` is ``/status`` for its status."""
        metadata = item["metadata"]
        path = self._path(item["apiVersion"], item["kind"], metadata.get("namespace"), metadata["name"])
        self.client.merge(f"{path}{part}", value).raise_for_status()

    def delete(self, item: Mapping[str, Any]) -> None:
        """Ask for the removal of an object."""
        metadata = item["metadata"]
        path = self._path(item["apiVersion"], item["kind"], metadata.get("namespace"), metadata["name"])
        self.client.delete(str(path)).raise_for_status()

    def reconcile(self, api_version: str, kind: str, name: str, namespace: str = FLUX_NAMESPACE) -> None:
        """Have Flux look at an object now, as `flux reconcile` does, instead of at its interval."""
        item = self.get(api_version, kind, name, namespace)
        if item is None:
            raise BedFailed(f"no {kind} {namespace}/{name} to reconcile")
        asked = {"reconcile.fluxcd.io/requestedAt": dt.datetime.now(dt.UTC).isoformat()}
        self.change({**item, "apiVersion": api_version, "kind": kind}, {"metadata": {"annotations": asked}})

    def wait_ready(
        self, kind: str, name: str, namespace: str = FLUX_NAMESPACE, *, revision: str = "", seconds: float = 60
    ) -> Object:
        """Wait until one of Flux's objects is Ready for its own generation, and at a commit where one is given."""
        api_version = {"Kustomization": KUSTOMIZE, "HelmRelease": HELM}.get(kind, SOURCE)

        def ready() -> Object | None:
            item = self.get(api_version, kind, name, namespace)
            return item if item and is_ready(item) and revision_of(item).endswith(revision) else None

        try:
            return wait_for(ready, f"{kind} {namespace}/{name} Ready", seconds)
        except BedFailed as error:
            item = self.get(api_version, kind, name, namespace)
            said = condition(item, "Ready") if item else "there is no such object"
            raise BedFailed(f"{error}; it says: {said}") from None

    def _path(self, api_version: str, kind: str, namespace: str | None, name: str) -> str | None:
        resource = self._resource(api_version, kind)
        return resource.path(namespace, name) if resource else None

    def _resource(self, api_version: str, kind: str) -> Any:
        found = self.client.resource(api_version, kind)
        if found is None:  # a definition may have come since discovery was read
            self.client.resources()
            found = self.client.resource(api_version, kind)
        return found


def condition(item: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return one condition of an object's status, empty where it has none."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), {})


def is_ready(item: Mapping[str, Any]) -> bool:
    """Say whether an object is Ready for what its spec says now."""
    said = condition(item, "Ready")
    return said.get("status") == "True" and said.get("observedGeneration") == item["metadata"]["generation"]


def revision_of(item: Mapping[str, Any]) -> str:
    """Return the revision an object has reached, such as ``main@sha1:<commit>``."""
    status = item.get("status") or {}
    return str(status.get("lastAppliedRevision") or (status.get("artifact") or {}).get("revision") or "")
