"""An S3 server with a bucket that can lock, and what somebody with a key of AWS may try there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from schiff.s3.location import Location

BUCKET = "schiff-witness"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret-of-the-test"}


@contextmanager
def s3_server() -> Iterator[str]:
    """Start an S3 server with the bucket and give its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    try:
        client_of(address).create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        yield address
    finally:
        server.stop()


def setting_of(address: str, prefix: str) -> str:
    """Return a stack's setting for a witness below a prefix; tests of one server take one each."""
    return f"s3://{BUCKET}/{prefix}?endpoint={address}&region=us-east-1&retentionDays=30"


def location_of(address: str, prefix: str) -> Location:
    return Location.parse(setting_of(address, prefix))


def client_of(address: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )


def give_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let AWS's own variables name a user, and nothing else of this machine."""
    for name, value in {**KEYS, "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
