"""The few requests a test sends to an API server, over one pool of connections."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

CONNECTIONS = 8  # more bring nothing on two cores (measured)
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, order=True)
class Resource:
    """How one kind of one API version is addressed."""

    api_version: str
    plural: str
    namespaced: bool

    @property
    def everywhere(self) -> str:
        """The path of the collection over all namespaces."""
        return f"{self._base}/{self.plural}"

    def path(self, namespace: str | None, name: str = "") -> str:
        """Return the path of the collection, or of one object in it."""
        place = f"/namespaces/{namespace or 'default'}" if self.namespaced else ""
        return f"{self._base}{place}/{self.plural}" + (f"/{name}" if name else "")

    @property
    def _base(self) -> str:
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"


class KubernetesClient:
    """Sends objects and reads answers; it judges nothing."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._http = httpx.Client(base_url=url, verify=tls, timeout=60, limits=limits)
        self._resources: dict[tuple[str, str], Resource] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def resources(self) -> Mapping[tuple[str, str], Resource]:
        """Return every served resource by API version and kind, read anew from the server."""
        found: dict[tuple[str, str], Resource] = {}
        for root in ("/api", "/apis"):
            answer = self._http.get(root, headers={"Accept": _DISCOVERY})
            answer.raise_for_status()
            for group in answer.json()["items"]:
                found.update(_resources_of(group))
        self._resources = found
        return found

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Return how a kind is addressed, or None where the server does not know it."""
        if not self._resources:
            self.resources()
        return self._resources.get((api_version, kind))

    def is_stored(self, resource: Resource) -> bool:
        """Say whether objects are kept in this very version; kinds without a definition always are."""
        group, _, version = resource.api_version.rpartition("/")
        answer = self.get(f"{DEFINITIONS}/{resource.plural}.{group}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return True
        return any(each["name"] == version and each["storage"] for each in answer.json()["spec"]["versions"])

    def get(self, path: str) -> httpx.Response:
        """Read one object or collection."""
        return self._http.get(path)

    def create(self, path: str, value: Mapping[str, Any], **parameters: str) -> httpx.Response:
        """Send an object as JSON."""
        return self._http.post(path, params=parameters, content=json.dumps(value), headers=_type("application/json"))

    def create_yaml(self, path: str, text: str, **parameters: str) -> httpx.Response:
        """Send the YAML as it is, so that the server's own reader sees every byte."""
        return self._http.post(path, params=parameters, content=text.encode(), headers=_type("application/yaml"))

    def apply_yaml(self, path: str, text: str, **parameters: str) -> httpx.Response:
        """Apply an object that is there already, from its own YAML text, as Flux does."""
        asked = {"fieldManager": "schiff-tests", "force": "true", **parameters}
        headers = _type("application/apply-patch+yaml")
        return self._http.patch(path, params=asked, content=text.encode(), headers=headers)

    def merge(self, path: str, value: Mapping[str, Any]) -> httpx.Response:
        """Change some fields of an object that is there; ``/status`` at the end of the path changes its status."""
        return self._http.patch(path, content=json.dumps(value), headers=_type("application/merge-patch+json"))

    def delete(self, path: str) -> httpx.Response:
        """Ask the server to remove an object; finalizers may keep it."""
        return self._http.delete(path)


def _type(content: str) -> dict[str, str]:
    return {"Content-Type": content, "Accept": "application/json"}


def _resources_of(group: Mapping[str, Any]) -> dict[tuple[str, str], Resource]:
    name = group["metadata"].get("name", "")
    found = {}
    for version in group["versions"]:
        api_version = f"{name}/{version['version']}" if name else version["version"]
        for item in version.get("resources", []):
            key = (api_version, item["responseKind"]["kind"])
            found[key] = Resource(api_version, item["resource"], item["scope"] == "Namespaced")
    return found
