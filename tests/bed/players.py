"""Who acts in the test bed for people in place of what cannot run there, each in a class of its own.

A player looks at the clusters every second and does its part when its moment
has come. It returns the news, or nothing.

| player | plays |
|---|---|
| `Operator` | who points a new management cluster's Flux at its folder, once |
| `Webhook` | the Git host that tells Flux of a push |
| `ClusterApi` | the controllers that publish a new control plane's kubeconfig |
| `Kubelet` | what starts Flux in a tenant when its Deployments arrive |
| `Patience` | nobody: it asks Flux to try again at once what would wait minutes for its next try |
| `Issuer` | whoever runs `schiff kubeconfigs issue` when a new tenant answers |
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Protocol

from tests.bed.bed_folder import REPOSITORIES, BedFolder
from tests.bed.management_cluster import ManagementCluster
from tests.bed.objects import HELM, KUSTOMIZE, SOURCE, Object, Objects, condition
from tests.bed.tenant import Tenant
from tests.git.repositories import git

_CLUSTER_API = "cluster.x-k8s.io/v1beta2"
_ROOTS = ("sources.yaml", "shared.yaml")
_AGAIN_SECONDS = 10
_TOKEN = "schiff-status-token"


class Player(Protocol):
    """Somebody who acts."""

    def act(self) -> str | None:
        """Look, do what is due, and say what that was."""


class Operator:
    """Installs the root of a management cluster as soon as there is something to point it at."""

    def __init__(self, folder: BedFolder, management: ManagementCluster, environment: str) -> None:
        self._folder, self._management, self._environment = folder, management, environment
        self._is_done = False

    def act(self) -> str | None:
        """Install it after the first delivery."""
        if self._is_done or not self._folder.head("cluster-definitions"):
            return None
        name = self._management.name
        at = f"main:{name}/flux/{self._environment}"
        bare = self._folder.repository("cluster-definitions")
        files = {file: git(bare, "show", f"{at}/{file}") for file in _ROOTS}
        self._management.install(self._environment, files, self._folder.key(name))
        self._is_done = True
        return f"{name}: Flux looks at {name}/flux/{self._environment}"


class Webhook:
    """Tells Flux in every cluster of each push, as the webhook of a Git host does."""

    def __init__(self, folder: BedFolder, clusters: Iterable[Objects]) -> None:
        self._folder, self._clusters = folder, tuple(clusters)
        self._heads: dict[str, str] = {}

    def act(self) -> str | None:
        """Have Flux look at the repositories that moved."""
        heads = {name: self._folder.head(name) for name in REPOSITORIES}
        moved = [name for name, commit in heads.items() if commit and commit != self._heads.get(name)]
        self._heads = heads
        for objects in self._clusters if moved else ():
            for source in objects.all(SOURCE, "GitRepository"):
                if any(source["spec"]["url"].endswith(f"/{name}.git") for name in moved):
                    _reconcile(objects, source)
        return ", ".join(f"{name} is at {heads[name][:12]}" for name in moved) or None


class ClusterApi:
    """Publishes a tenant's kubeconfig and authorities once its Cluster is on the management cluster."""

    def __init__(self, management: ManagementCluster, tenant: Tenant) -> None:
        self._objects, self._tenant = management.objects, tenant
        self._is_published = False

    def act(self) -> str | None:
        """Publish them; again after a start, when the address is another."""
        name, namespace = self._tenant.name, self._tenant.namespace
        if self._is_published or not self._objects.get(_CLUSTER_API, "Cluster", name, namespace):
            return None
        self._tenant.publish(self._objects)
        self._is_published = True
        return f"{namespace}: kubeconfig published as {name}-kubeconfig"


class Kubelet:
    """Starts the tenant's own Flux when the management cluster has brought it."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._is_started = False

    def act(self) -> str | None:
        """Start it."""
        if self._is_started or not self._tenant.has_flux():
            return None
        self._tenant.flux.start()
        self._is_started = True
        return f"{self._tenant.namespace}: Flux runs"


class Patience:
    """Asks for another try of what failed, every few seconds instead of at its interval."""

    def __init__(self, clusters: Iterable[Objects], namespaces: Collection[str]) -> None:
        self._clusters, self._namespaces = tuple(clusters), namespaces
        self._asked = 0.0

    def act(self) -> str | None:
        """Ask for what failed in these namespaces, except what waits for something else: that Flux tries by itself."""
        if time.monotonic() - self._asked < _AGAIN_SECONDS:
            return None
        self._asked = time.monotonic()
        for objects in self._clusters:
            for api_version, kind in ((KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")):
                for item in objects.all(api_version, kind):
                    if item["metadata"]["namespace"] in self._namespaces and _has_failed(item):
                        _reconcile(objects, item)
        return None


class Issuer:
    """Gives `schiff status` its way into a tenant, once the token of its reading account is there."""

    def __init__(
        self, folder: BedFolder, management: ManagementCluster, tenant: Tenant, asked: tuple[str, str]
    ) -> None:
        self._folder, self._management, self._tenant = folder, management, tenant
        self._environment, self._cluster = asked
        self._is_issued = False
        self._tried = 0.0

    def act(self) -> str | None:
        """Run the command; again after a start, when the address is another."""
        if self._is_issued or time.monotonic() - self._tried < _AGAIN_SECONDS or not self._is_ready():
            return None
        self._tried = time.monotonic()
        arguments = ("kubeconfigs", "issue", "-e", self._environment, "--cluster", self._cluster)
        ended = self._folder.schiff(*arguments)
        self._is_issued = ended.returncode == 0
        said = (ended.stdout if self._is_issued else ended.stderr).strip()
        return f"schiff {' '.join(arguments)}: {said}"

    def _is_ready(self) -> bool:
        name, namespace = self._tenant.name, self._tenant.namespace
        published = self._management.objects.get("v1", "Secret", f"{name}-kubeconfig", namespace)
        token = self._tenant.objects.get("v1", "Secret", _TOKEN)
        return bool(published and token and (token.get("data") or {}).get("token"))


def _has_failed(item: Object) -> bool:
    said = condition(item, "Ready")
    return said.get("status") == "False" and said.get("reason") != "DependencyNotReady"


def _reconcile(objects: Objects, item: Object) -> None:
    metadata = item["metadata"]
    objects.reconcile(item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])
