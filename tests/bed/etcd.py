"""One etcd member on loopback, with its data in a folder that can be copied after a clean stop."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.process import Process, free_port


class Etcd:
    """Runs while the `with` block does. Nothing is synced to disk: a test bed may lose its last second."""

    def __init__(self, bin_dir: Path, folder: Path, data: Path) -> None:
        self._program, self._log, self._data = bin_dir / "etcd", folder / "etcd.log", data
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        peer = f"http://127.0.0.1:{free_port()}"
        options = {
            "name": "bed",
            "data-dir": self._data,
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"bed={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
            "quota-backend-bytes": 4 * 2**30,
        }
        self._process = Process([self._program, *(f"--{key}={value}" for key, value in options.items())], self._log)
        try:
            self._process.wait_ready(f"{self.url}/health", None, 30)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()
