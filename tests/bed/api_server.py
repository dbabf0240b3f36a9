"""One kube-apiserver on loopback: the judge of every object schiff writes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.certificates import Certificates
from tests.bed.kubernetes_client import KubernetesClient
from tests.bed.process import Process, kept_port


class ApiServer:
    """Runs while the `with` block does, on the data its etcd holds.

    The start options are those of a control plane with four differences: no
    admission of service accounts (no pods mount them here), no webhooks (they
    are served by pods, and none run here), no endpoint of its own, and requests
    without authentication refused by certificates. Address and certificates
    outlive the block, so the same server can be started again.
    """

    def __init__(self, bin_dir: Path, folder: Path, etcd_url: str) -> None:
        self._program, self._log, self._etcd_url = bin_dir / "kube-apiserver", folder / "kube-apiserver.log", etcd_url
        self.certificates = Certificates(folder / "pki")
        self._port = kept_port(folder / "port")
        self.url = f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        arguments: list[str | Path] = [self._program, *(f"--{key}={value}" for key, value in self._options().items())]
        self._process = Process(arguments, self._log)
        try:
            self._process.wait_ready(f"{self.url}/readyz", self.certificates.client_context(), 120)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()

    def client(self) -> KubernetesClient:
        """Return a client with the administrator's rights; close it after use."""
        return KubernetesClient(self.url, self.certificates.client_context())

    def _options(self) -> dict[str, object]:
        pki = self.certificates
        return {
            "etcd-servers": self._etcd_url,
            "bind-address": "127.0.0.1",
            "secure-port": self._port,
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "tls-cert-file": pki.path("server.crt"),
            "tls-private-key-file": pki.path("server.key"),
            "client-ca-file": pki.path("ca.crt"),
            "authorization-mode": "RBAC",
            "allow-privileged": "true",
            "disable-admission-plugins": "ServiceAccount,MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
            "service-account-issuer": self.url,
            "service-account-key-file": pki.path("service-account.pub"),
            "service-account-signing-key-file": pki.path("service-account.key"),
            "service-cluster-ip-range": "10.0.0.0/24",
            "profiling": "false",
        }
