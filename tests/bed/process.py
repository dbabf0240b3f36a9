"""A program of the test bed: started on loopback, watched while it becomes ready, ended cleanly."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import httpx


class BedFailed(AssertionError):
    """A real part did not do what the test bed needs; the text holds the end of its log."""


_PORTS = range(20_000, 32_000)
_NUMBERS = count(os.getpid() * 700)  # neighbours in time begin far from each other


def free_port() -> int:
    """Return a port nobody listens on, and not the same one twice.

    It is taken from below those that the kernel gives to outgoing connections:
    one of these may come between choosing a port and listening on it.
    """
    return next(port for port in (_PORTS[number % len(_PORTS)] for number in _NUMBERS) if is_free(port))


def kept_port(file: Path) -> int:
    """Return the port that an earlier start wrote into `file`, if it is still free, else another: addresses last."""
    if not (file.exists() and is_free(int(file.read_text()))):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(free_port()))
    return int(file.read_text())


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Process:
    """A child process with its own log, in its own session so that Ctrl-C reaches only the tests.

    `setpriv` (util-linux) has the kernel end it when the test run is killed, so nothing stays behind.
    """

    def __init__(self, argv: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = Path(argv[0]).name
        self._log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, argv)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def wait_ready(self, url: str, tls: ssl.SSLContext | None, seconds: float) -> None:
        """Wait until the address answers 200, or fail with the log of a process that died or never got there."""
        with httpx.Client(verify=tls or False, timeout=2) as client:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if self._child.poll() is not None:
                    raise BedFailed(f"{self.name} ended with status {self._child.returncode}\n{self._tail()}")
                if _answers(client, url):
                    return
                time.sleep(0.05)
        raise BedFailed(f"{self.name} was not ready after {seconds:.0f} s\n{self._tail()}")

    def stop(self) -> None:
        """Ask the process to end, and make it end after ten seconds."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def kill(self) -> None:
        """End the process at once, as a crash does."""
        self._child.kill()
        self._child.wait()

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
