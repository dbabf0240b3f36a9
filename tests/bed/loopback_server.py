"""An HTTP server on loopback inside the test process, which can go away and come back at the same address."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.bed.process import free_port
from tests.bed.started import Started

Handler = Callable[[Any, Any, Any], http.server.BaseHTTPRequestHandler]


class LoopbackServer(Started):
    """Answers while the `with` block runs, or between `start` and `stop`; a stop ends open connections too."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._handler, self._port = handler, port or free_port()

    @property
    def address(self) -> str:
        """The address without a path, the same after every start."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to answer."""
        self._http = _Listening(self._port, self._handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """Leave, as a server does that is switched off; a stopped one stays stopped."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.hang_up()


class _Listening(http.server.ThreadingHTTPServer):
    def __init__(self, port: int, handler: Handler) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: it is a client that left, or one that was hung up on."""

    def hang_up(self) -> None:
        """End the connections that clients keep for their next request."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
