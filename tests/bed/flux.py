"""The Flux controllers of one cluster as plain processes, started as schiff's component `flux` starts them.

What differs from their Deployments: addresses on loopback, one folder for
artifacts, and shorter waits for dependencies. They run with the administrator's
rights, because nothing here turns a service account into a running process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from schiff.manifests.flux import DECRYPTION_KEY, FLUX_NAMESPACE
from tests.bed.process import Process, free_port, kept_port
from tests.bed.started import Started
from tools.parts import FLUX_CONTROLLERS


class Flux(Started):
    """Runs while the `with` block does, or between `start` and `stop`; single controllers can be killed and started.

    The objects' definitions must be served before: a controller ends without them.
    """

    def __init__(
        self, bin_dir: Path, folder: Path, kubeconfig: Path, controllers: Iterable[str] = FLUX_CONTROLLERS
    ) -> None:
        (folder / "artifacts").mkdir(parents=True, exist_ok=True)
        self._bin_dir, self._folder, self._kubeconfig = bin_dir, folder, kubeconfig
        self._controllers = tuple(controllers)
        self._health = {name: free_port() for name in self._controllers}
        self._events, self._storage, self.receiver_port = free_port(), kept_port(folder / "storage-port"), free_port()
        self._processes: dict[str, Process] = {}

    def start(self) -> None:
        """Start every controller that does not run, and wait until all are ready."""
        try:
            for name in self._controllers:
                if name not in self._processes:
                    self._processes[name] = self._started(name)
            for name, process in self._processes.items():
                process.wait_ready(f"http://127.0.0.1:{self._health[name]}/readyz", None, 60)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every controller, cleanly."""
        while self._processes:
            self._processes.popitem()[1].stop()

    def kill(self, name: str) -> None:
        """End one controller as a crash does; `start` brings it back."""
        self._processes.pop(name).kill()

    def _started(self, name: str) -> Process:
        arguments = [
            "--log-level=info",
            f"--health-addr=127.0.0.1:{self._health[name]}",
            f"--metrics-addr=127.0.0.1:{free_port()}",
            *self._own_arguments(name),
        ]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "KUBECONFIG": str(self._kubeconfig),
            "RUNTIME_NAMESPACE": FLUX_NAMESPACE,
        }
        return Process([self._bin_dir / name, *arguments], self._folder / f"{name}.log", environment)

    def _own_arguments(self, name: str) -> list[str]:
        if name == "notification-controller":
            return [f"--events-addr=127.0.0.1:{self._events}", f"--receiverAddr=127.0.0.1:{self.receiver_port}"]
        # An address nobody serves would hold up every reconciliation for half a minute.
        is_heard = "notification-controller" in self._controllers
        events = f"--events-addr=http://127.0.0.1:{self._events}/" if is_heard else "--events-addr="
        address = f"127.0.0.1:{self._storage}"
        return {
            "source-controller": [
                events,
                f"--storage-path={self._folder / 'artifacts'}",
                f"--storage-addr={address}",
                f"--storage-adv-addr={address}",
            ],
            "kustomize-controller": [events, f"--sops-age-secret={DECRYPTION_KEY}", "--requeue-dependency=2s"],
            "helm-controller": [events, "--requeue-dependency=2s"],
        }[name]
