"""An API server that holds some objects and can misbehave in every way that a real one behind a network does.

HTTPS with certificates of its own, a token that is asked for, and threads: only
what it answers is made up. The token is the canary, which no output may show.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from tests.bed.certificates import Certificates
from tests.bed.kubeconfig import bearer

CANARY = "canary-4711"
Object = dict[str, Any]
Misbehaviour = Callable[["Handler"], None]


class FakeApiServer:
    """Serves while the `with` block does; `misbehaviour` answers in its place, to all paths that hold `where`."""

    def __init__(self, folder: Path, objects: Iterable[Mapping[str, Any]] = (), *, seconds: float = 0) -> None:
        self.certificates = Certificates(folder)
        self.hold(objects)
        self.seconds = seconds
        self.ended = Event()
        self._http = _Server(self)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.path("server.crt"), self.certificates.path("server.key"))
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def access(self) -> dict[str, Any]:
        """Cluster and user of a kubeconfig context that is let in."""
        return bearer(self.url, self.certificates, CANARY)

    def hold(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Begin anew with some objects."""
        self.objects = {path_of(item): dict(item) for item in objects}
        self.requests: list[str] = []
        self.misbehaviour: Misbehaviour | None = None
        self.where = ""

    def put(self, item: Mapping[str, Any]) -> None:
        """Have an object there."""
        self.objects[path_of(item)] = dict(item)

    def drop(self, kind: str) -> None:
        """Have no object of a kind."""
        self.objects = {path: item for path, item in self.objects.items() if item["kind"] != kind}

    def misbehave(self, how: Misbehaviour, where: str = "") -> None:
        """Answer in another way from now on."""
        self.misbehaviour, self.where = how, where


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, api: FakeApiServer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away, which is what they are to do."""


class Handler(BaseHTTPRequestHandler):
    """One conversation."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is Python's
        pass

    def do_GET(self) -> None:
        api = self.server.api
        if not self._is_let_in():
            return
        path = self.path.partition("?")[0]
        if path in api.objects:
            self.answer(200, api.objects[path])
            return
        found = [item for where, item in api.objects.items() if collection_of(where) == path]
        if found or "/namespaces/" not in path:
            self.answer(200, {"kind": "List", "metadata": {}, "items": found})
        else:
            self.answer(404, {"kind": "Status", "message": f"no {path} with {CANARY}", "code": 404})

    def do_PATCH(self) -> None:
        item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_let_in():
            self.server.api.objects[self.path.partition("?")[0]] = item
            self.answer(200, item)

    def answer(self, status: int, value: Any) -> None:
        """Send JSON, or text as it is."""
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_let_in(self) -> bool:
        api = self.server.api
        api.requests.append(f"{self.command} {self.path}")
        time.sleep(api.seconds)
        if api.misbehaviour is not None and api.where in self.path:
            api.misbehaviour(self)
            return False
        if self.headers["Authorization"] != f"Bearer {CANARY}":
            self.answer(401, {"kind": "Status", "message": f"{CANARY} is unknown", "code": 401})
            return False
        return True


def a_secret(namespace: str, name: str, value: str, key: str = "value") -> Object:
    """Return a secret with one key."""
    data = {key: base64.b64encode(value.encode()).decode()}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


# --- what can go wrong


def hangs(handler: Handler) -> None:
    """Take the request and say nothing."""
    handler.server.api.ended.wait(30)


def drips(handler: Handler) -> None:
    """Send a byte of a header now and then, so that no single read takes long."""
    while not handler.server.api.ended.wait(0.05):
        handler.wfile.write(b"X")


def drips_a_body(handler: Handler) -> None:
    """Begin well, and never end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n")
    while not handler.server.api.ended.wait(0.05):
        handler.wfile.write(b" ")


def breaks_off(handler: Handler) -> None:
    """End in the middle of the body."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{")
    handler.close_connection = True


def answers(status: int, value: Any) -> Misbehaviour:
    """Return what gives this answer to everything."""
    return lambda handler: handler.answer(status, value)


def path_of(item: Mapping[str, Any]) -> str:
    version, metadata = item["apiVersion"], item["metadata"]
    start = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{start}{namespace}/{_plural(item['kind'])}/{metadata['name']}"


def collection_of(path: str) -> str:
    """Return the path of the list over all namespaces."""
    start, namespaces, rest = path.rpartition("/")[0].partition("/namespaces/")
    return f"{start}/{rest.partition('/')[2]}" if namespaces else start


def _plural(kind: str) -> str:
    small = kind.lower()
    return f"{small[:-1]}ies" if small.endswith("y") else f"{small}s"
