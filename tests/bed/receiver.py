"""Who is told when Flux fails: an HTTP server that remembers the events notification-controller sends."""

from __future__ import annotations

import http.server
import json
from functools import partial
from typing import Any

from tests.bed.loopback_server import LoopbackServer


class Receiver(LoopbackServer):
    """Runs while the `with` block does; `events` are those of a provider of type ``generic``, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        super().__init__(partial(_Handler, self.events))

    @property
    def url(self) -> str:
        """The address that stands in a management cluster's facts."""
        return f"{self.address}/flux"

    def about(self, kind: str, name: str, reason: str) -> list[dict[str, Any]]:
        """Return the events about one object that give this reason."""
        return [
            event
            for event in list(self.events)
            if event["reason"] == reason
            and (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == (kind, name)
        ]


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, events: list[dict[str, Any]], *arguments: Any) -> None:
        self._events = events
        super().__init__(*arguments)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Print nothing."""

    def do_POST(self) -> None:
        self._events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(http.HTTPStatus.NO_CONTENT)
        self.end_headers()
