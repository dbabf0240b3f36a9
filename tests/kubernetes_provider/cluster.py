"""One API server as the stand-in reaches it: a kubeconfig, one context, server-side apply."""

from __future__ import annotations

import base64
import ssl
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

Object = dict[str, Any]
_PATIENCE = 20.0


class ApiFailed(Exception):
    """The server said no, or nothing; the text is what the engine shows."""


class Cluster:
    """Applies, reads and deletes objects."""

    def __init__(self, kubeconfig: str, context: str) -> None:
        config = _read(kubeconfig)
        chosen = _named(config, "context", context or config["current-context"])
        user = _named(config, "user", chosen["user"])
        server = _named(config, "cluster", chosen["cluster"])
        headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        self._http = httpx.Client(base_url=server["server"], verify=_tls(server, user), headers=headers, timeout=30)
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def is_namespaced(self, item: Object) -> bool:
        """Say whether objects of a kind lie in namespaces; unknown kinds are taken to."""
        return (self._kind(item) or ("", True))[1]

    def knows(self, item: Object) -> bool:
        """Say whether the server serves an object's kind."""
        return self._kind(item) is not None

    def get(self, item: Object) -> Object | None:
        """Return the live object, or None."""
        answer = self._call("GET", self._path(item))
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._accepted(answer, item, "read")

    def apply(self, item: Object, manager: str, *, force: bool, dry: bool = False) -> Object:
        """Apply on the server; a dry run into a namespace that is not there yet is taken as it is."""
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        query |= ({"force": "true"} if force else {}) | ({"dryRun": "All"} if dry else {})
        answer = self._call("PATCH", self._path(item), query, item)
        if dry and answer.status_code == httpx.codes.NOT_FOUND:
            return item
        return self._accepted(answer, item, "apply")

    def delete(self, item: Object, seconds: float) -> None:
        """Delete and wait until finalizers are done."""
        answer = self._call("DELETE", self._path(item))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return
        self._accepted(answer, item, "delete")
        deadline = time.monotonic() + (seconds or _PATIENCE)
        while self.get(item) is not None:
            if time.monotonic() > deadline:
                raise ApiFailed(f"{title(item)}: timed out waiting for its finalizers")
            time.sleep(0.1)

    def _kind(self, item: Object) -> tuple[str, bool] | None:
        version, kind = item["apiVersion"], item["kind"]
        if (version, kind) not in self._kinds:
            answer = self._call("GET", _root(version))
            found = answer.json().get("resources", []) if answer.is_success else []
            self._kinds |= {
                (version, each["kind"]): (each["name"], each["namespaced"]) for each in found if "/" not in each["name"]
            }
        return self._kinds.get((version, kind))

    def _path(self, item: Object) -> str:
        found = self._kind(item)
        if found is None:
            raise ApiFailed(f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}"')
        plural, namespaced = found
        place = f"/namespaces/{item['metadata']['namespace']}" if namespaced else ""
        return f"{_root(item['apiVersion'])}{place}/{plural}/{item['metadata']['name']}"

    def _call(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Object | None = None) -> Any:
        headers = {"Content-Type": "application/apply-patch+yaml"} if body is not None else {}
        try:
            return self._http.request(method, path, params=query, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise ApiFailed(f"configured Kubernetes cluster is unreachable: {error}") from None

    def _accepted(self, answer: httpx.Response, item: Object, doing: str) -> Object:
        body: Object = answer.json()
        if answer.is_success:
            return body
        conflict = "Server-Side Apply field conflict detected. " if answer.status_code == httpx.codes.CONFLICT else ""
        raise ApiFailed(f"{doing} {title(item)}: {conflict}{body.get('message', answer.status_code)}")


def _read(kubeconfig: str) -> Any:
    """Read a file's path or a file's text, as the official provider takes both."""
    try:
        return yaml.safe_load(kubeconfig if "\n" in kubeconfig else Path(kubeconfig).read_text(encoding="utf-8"))
    except OSError as error:
        raise ApiFailed(f"configured Kubernetes cluster is unreachable: {error.strerror}") from None


def title(item: Object) -> str:
    """Return what an object is called in messages, and its id."""
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _named(config: Mapping[str, Any], kind: str, name: str) -> Any:
    return next(each[kind] for each in config[f"{kind}s"] if each["name"] == name)


def _tls(server: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=base64.b64decode(server["certificate-authority-data"]).decode())
    if "client-key-data" in user:
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
    return context
