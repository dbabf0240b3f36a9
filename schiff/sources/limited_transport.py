"""HTTP that ends when its time is over, whatever the server does.

Limits of single reads do not help against one that sends a byte now and then,
in headers or in a body without an end. So the time of a whole conversation is
limited, and when it is over its sockets are shut, which wakes whoever reads.
An answer larger than any API server sends is given up as well. Every answer says
what time it is where it was made, which is kept as the distance to the clock here.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock, Timer
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpx2

_LARGEST: Final = 128 * 1024 * 1024


class TooLarge(Exception):
    """An answer has no end that anybody waits for."""


class LimitedTransport(httpx2.BaseTransport):
    """Connections to one server that live `seconds`, counted from now; nothing is sent or read after that.

    `ahead` is how far the server's clock was before this machine's at the last
    answer; None while no answer said a time.
    """

    def __init__(self, url: str, verify: ssl.SSLContext, seconds: float) -> None:
        self.is_over = False
        self.ahead: timedelta | None = None
        self._inner = httpx2.HTTPTransport(verify=verify, proxy=_proxy_to(url))
        self._sockets: set[socket.socket] = set()
        self._lock = Lock()
        self._timer = Timer(seconds, self.cut)
        self._timer.daemon = True
        self._timer.start()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, unless the time is over."""
        if self.is_over:
            raise httpx2.ReadTimeout("the time for this server is over", request=request)
        request.extensions = {**request.extensions, "trace": self._trace}
        answer = self._inner.handle_request(request)
        ahead = _ahead(answer.headers.get("date"), datetime.now(UTC))
        self.ahead = self.ahead if ahead is None else ahead
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def cut(self) -> None:
        """End everything at once."""
        with self._lock:
            self.is_over = True
            for each in self._sockets:
                with suppress(OSError):  # it ended by itself, or became the inner side of a TLS socket
                    socket.socket.shutdown(each, socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop the clock and close the connections."""
        self._timer.cancel()
        self._inner.close()

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Remember each socket as it is opened."""
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            opened = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.add(opened)
            if self.is_over:
                self.cut()


class _Body(httpx2.SyncByteStream):
    """The body of an answer, up to a size."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._answer.iter_raw():
            size += len(part)
            if size > _LARGEST:
                raise TooLarge
            yield part

    def close(self) -> None:
        self._answer.close()


def _ahead(date: str | None, now: datetime) -> timedelta | None:
    """Return how far a ``Date`` header is before `now`, to its precision of a second; None for what is no date."""
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).astimezone(UTC) - now.replace(microsecond=0)
    except ValueError:
        return None


def _proxy_to(url: str) -> str | None:
    """Return the proxy that the environment names for a server: httpx asks for it only without a transport given."""
    address = httpx2.URL(url)
    return None if proxy_bypass(address.host) else getproxies().get(address.scheme)
