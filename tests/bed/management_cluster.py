"""One management cluster: a control plane that knows every kind, Flux, and what an operator puts there by hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import yaml

from schiff.manifests.flux import DECRYPTION_KEY, FLUX_NAMESPACE
from tests.bed.control_plane import ControlPlane
from tests.bed.crds import CrdSet
from tests.bed.flux import Flux
from tests.bed.golden import copy_golden_etcd, wait_served
from tests.bed.objects import Objects
from tests.bed.started import Started
from tests.bed.workloads import Workloads


class ManagementCluster(Started):
    """Runs while the `with` block does. Cluster API does not run in it: its objects are kept, nobody acts on them."""

    def __init__(self, bin_dir: Path, folder: Path, name: str, crds: CrdSet) -> None:
        self.name = name
        self._bin_dir, self._crds = bin_dir, crds
        self.control_plane = ControlPlane(bin_dir, folder / "control-plane", name)
        self.flux = Flux(bin_dir, folder / "flux", self.control_plane.kubeconfig)
        self._running = ExitStack()

    def start(self) -> None:
        """Start the control plane and Flux, on the data that is there, else on a copy of the golden one."""
        if not self.control_plane.data.exists():
            copy_golden_etcd(self._bin_dir, self._crds, self.control_plane.data)
        with ExitStack() as starting:
            starting.enter_context(self.control_plane)
            starting.enter_context(Workloads(self.control_plane.client()))
            client = starting.enter_context(self.control_plane.client())
            wait_served(client, self._crds)
            self.objects = Objects(client)
            starting.enter_context(self.flux)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stop everything; the data stays."""
        self._running.close()

    def install(self, environment: str, files: Mapping[str, bytes | str], key: str) -> None:
        """Do what an operator does once: namespace, private key, and Flux pointed at the environment's folder.

        `files` are those of ``<management cluster>/flux/<environment>`` in `cluster-definitions`, by name.
        """
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": FLUX_NAMESPACE}}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": DECRYPTION_KEY, "namespace": FLUX_NAMESPACE},
            "stringData": {f"{self.name}.agekey": key},
        }
        for item in (namespace, secret):
            self.objects.apply(item)
        for name in ("sources.yaml", "shared.yaml"):
            for item in yaml.safe_load_all(files[name]):
                if item["kind"] == "GitRepository" or item["metadata"]["name"] == f"flux.{environment}":
                    self.objects.apply(item)
