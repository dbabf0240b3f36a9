"""A Git server over HTTP on loopback: Python's own HTTP server around `git http-backend`.

It serves bare repositories below one folder, takes pushes and push options, and
remembers which requests came.
"""

from __future__ import annotations

import http.server
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from tests.bed.loopback_server import LoopbackServer

_FORWARDED = {
    "Content-Encoding": "HTTP_CONTENT_ENCODING",
    "Git-Protocol": "GIT_PROTOCOL",
    "Accept-Encoding": "HTTP_ACCEPT_ENCODING",
    "Content-Type": "CONTENT_TYPE",
}


class GitServer(LoopbackServer):
    """Runs while the `with` block does; `create` makes a repository, `url` is where to push it."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.requests: list[str] = []
        super().__init__(partial(_Handler, self), port)

    def create(self, name: str) -> Path:
        """Make an empty bare repository that takes pushes; return its folder, where a test may put hooks."""
        path = self.folder / f"{name}.git"
        _git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
        _git("-C", str(path), "config", "http.receivepack", "true")
        _git("-C", str(path), "config", "receive.advertisePushOptions", "true")
        return path

    def url(self, name: str) -> str:
        """Return the address of a repository."""
        return f"{self.address}/{name}.git"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, served: GitServer, *arguments: Any) -> None:
        self._served = served
        super().__init__(*arguments)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the standard library's names
        self._served.requests.append(f"{self.command} {self.path}")

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        run = subprocess.run(
            ["git", "http-backend"], input=body, env=self._environment(len(body)), stdout=subprocess.PIPE, check=False
        )
        head, _, content = run.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _environment(self, length: int) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        forwarded = {variable: self.headers[name] for name, variable in _FORWARDED.items() if name in self.headers}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._served.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self._served.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_LENGTH": str(length),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "test",
            **forwarded,
        }


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)
