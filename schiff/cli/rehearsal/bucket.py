"""The witness of a rehearsal: a real S3 server in this process, whose clock is the simulated one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any
from unittest.mock import patch

from schiff.cli.rehearsal.clock import Clock
from schiff.errors import Failed
from schiff.s3.bucket import Bucket
from schiff.s3.location import Location

_NUMBERS = count(1)
KEYS = {
    "AWS_ACCESS_KEY_ID": "rehearsal",
    "AWS_SECRET_ACCESS_KEY": "rehearsal",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What AWS's client is given: the server accepts anybody, and nobody's own keys are to be sent to it."""


@contextmanager
def witness_server(clock: Clock) -> Iterator[str]:
    """Start the server with a bucket that locks, and give a stack's setting for it.

    Servers of one process share what they hold, so each season has a bucket of its own. One client asks it for the
    whole season: making one takes longer than what it is asked.
    """
    server = _server()
    with patch("moto.s3.models.utcnow", clock.naive), patch.object(Bucket, "at", cache(Bucket.at)):
        server.start()
        host, port = server.get_host_and_port()
        bucket = f"schiff-rehearsal-{next(_NUMBERS)}"
        setting = f"s3://{bucket}/ledgers?endpoint=http://{host}:{port}&region=us-east-1"
        try:
            Bucket.at(Location.parse(setting)).client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
            yield setting
        finally:
            server.stop()


def _server() -> Any:
    """Return a server; raises `Failed` where its package is not installed."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 -- an extra that only a rehearsal needs
    except ImportError:
        raise Failed(
            "a rehearsal needs an S3 server of its own, which is not installed: pip install 'schiff[rehearse]'",
            "no-moto",
        ) from None
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or it tells each request, with its port
    return ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
