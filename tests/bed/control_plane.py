"""The control plane of one cluster: etcd, API server and controller manager, all real.

No kubelet and no scheduler: nothing runs in such a cluster. The controllers of
the manager are those that objects alone need: namespaces end, garbage is
collected, service accounts get their tokens.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bed.api_server import ApiServer
from tests.bed.etcd import Etcd
from tests.bed.kubeconfig import administrator, kubeconfig
from tests.bed.kubernetes_client import KubernetesClient
from tests.bed.process import Process, free_port
from tests.bed.started import Started

_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "clusterrole-aggregation-controller",
)


class ControlPlane(Started):
    """Runs while the `with` block does, or between `start` and `stop`; its data and its address outlive a stop.

    A data folder that is there already, such as a copy of the golden one, is started on as it is.
    """

    def __init__(self, bin_dir: Path, folder: Path, name: str = "bed") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.data = folder / "data"
        self.kubeconfig = folder / "kubeconfig"
        self._bin_dir, self._folder = bin_dir, folder
        self._etcd = Etcd(bin_dir, folder, self.data)
        self._server = ApiServer(bin_dir, folder, self._etcd.url)
        self.kubeconfig.write_text(kubeconfig({name: self.administrator}))
        self.kubeconfig.chmod(0o600)
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The address of the API server, the same after every start."""
        return self._server.url

    @property
    def administrator(self) -> dict[str, Any]:
        """Cluster and user of a kubeconfig context with all rights."""
        return administrator(self.url, self._server.certificates)

    @property
    def authority(self) -> ApiServer:
        """The server with its certificates, for tests that need others of the same authority."""
        return self._server

    def start(self) -> None:
        """Start what runs in a control plane, and wait until the API answers."""
        with ExitStack() as starting:
            starting.enter_context(self._etcd)
            starting.enter_context(self._server)
            manager = Process(self._manager(), self._folder / "kube-controller-manager.log")
            starting.callback(manager.stop)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stop everything, cleanly; a stopped one stays stopped."""
        self._running.close()

    def wipe(self) -> None:
        """Lose all data, as a disk does that breaks; the control plane must be stopped."""
        shutil.rmtree(self.data)

    def client(self) -> KubernetesClient:
        """Return a client with the administrator's rights; close it after use."""
        return self._server.client()

    def _manager(self) -> list[str | Path]:
        pki = self._server.certificates
        options = {
            "kubeconfig": self.kubeconfig,
            "leader-elect": "false",
            "bind-address": "127.0.0.1",
            "secure-port": free_port(),
            "service-account-private-key-file": pki.path("service-account.key"),
            "root-ca-file": pki.path("ca.crt"),
            "use-service-account-credentials": "false",
            "controllers": ",".join(_CONTROLLERS),
        }
        return [self._bin_dir / "kube-controller-manager", *(f"--{key}={value}" for key, value in options.items())]
