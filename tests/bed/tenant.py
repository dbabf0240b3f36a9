"""One tenant cluster: a control plane of its own, reached from the management cluster as with Cluster API."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bed.control_plane import ControlPlane
from tests.bed.flux import Flux
from tests.bed.kubeconfig import kubeconfig
from tests.bed.objects import KUSTOMIZE, SOURCE, Objects
from tests.bed.started import Started
from tests.bed.waiting import wait_for
from tests.bed.workloads import Workloads

_AUTHORITIES = {"ca": "ca", "etcd": "ca", "proxy": "ca", "sa": "service-account"}


class Tenant(Started):
    """A tenant with nothing in it but what the management cluster brings; it appears with `start` and goes with `stop`.

    Two things are played, because they run as pods elsewhere: Cluster API, which
    publishes the kubeconfig and the authorities of a control plane that came up
    (`publish`), and the kubelet, which starts Flux when its Deployments arrive
    (`start_flux`).
    """

    def __init__(self, bin_dir: Path, folder: Path, namespace: str, name: str) -> None:
        self.name, self.namespace = name, namespace
        self.control_plane = ControlPlane(bin_dir, folder / "control-plane", name)
        self.flux = Flux(bin_dir, folder / "flux", self.control_plane.kubeconfig)
        self._running = ExitStack()

    def start(self) -> None:
        """Bring the API server up; nothing is in it the first time."""
        with ExitStack() as starting:
            starting.enter_context(self.control_plane)
            starting.enter_context(Workloads(self.control_plane.client()))
            client = starting.enter_context(self.control_plane.client())
            self.objects = Objects(client)
            starting.callback(self.flux.stop)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Take the tenant away, with its Flux; its data stays."""
        self._running.close()

    def publish(self, management: Objects) -> None:
        """Write the kubeconfig and the authorities to the management cluster, as Cluster API does."""
        text = kubeconfig({self.name: self.control_plane.administrator})
        management.apply(self._secret("kubeconfig", {"value": text}))
        pki = self.control_plane.authority.certificates
        for purpose, stem in _AUTHORITIES.items():
            public = pki.path("service-account.pub" if stem == "service-account" else f"{stem}.crt")
            pair = {"tls.crt": public.read_text(), "tls.key": pki.path(f"{stem}.key").read_text()}
            management.apply(self._secret(purpose, pair))

    def start_flux(self, seconds: float = 60) -> None:
        """Start the tenant's own Flux once the management cluster has brought its Deployments and definitions."""
        wait_for(self.has_flux, f"Flux's Deployments in {self.name}", seconds)
        self.flux.start()

    def has_flux(self) -> bool:
        """Whether the management cluster has brought Flux: its Deployments and its definitions."""
        names = {item["metadata"]["name"] for item in self.objects.all("apps/v1", "Deployment")}
        served = self.objects.client.resources()
        return {
            "source-controller",
            "kustomize-controller",
            "helm-controller",
            "notification-controller",
        } <= names and {
            (SOURCE, "GitRepository"),
            (KUSTOMIZE, "Kustomization"),
        } <= served.keys()

    def _secret(self, purpose: str, data: dict[str, str]) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "cluster.x-k8s.io/secret",
            "metadata": {
                "name": f"{self.name}-{purpose}",
                "namespace": self.namespace,
                "labels": {"cluster.x-k8s.io/cluster-name": self.name},
            },
            "stringData": data,
        }
