"""State in S3, as runners keep it that start bare: served by moto, asked by the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.journeys.pulumi_project import PulumiProject

BUCKET = "schiff-state"


@pytest.fixture
def s3() -> Iterator[str]:
    """Start an S3 server with an empty bucket and return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    assert httpx.put(f"{address}/{BUCKET}").is_success
    yield address
    server.stop()


def test_a_bare_runner_finds_its_state_and_a_lost_bucket_costs_no_commit(s3: str, undelivered: PulumiProject) -> None:
    undelivered.variables |= {
        "PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint={s3}&use_path_style=true&region=us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
    undelivered.schiff("up", "-e", "tst")
    delivered = undelivered.heads()
    assert _no_local_state(undelivered.root)
    assert "unchanged" in undelivered.pulumi("preview", "--expect-no-changes")
    undelivered.variables["PULUMI_BACKEND_URL"] = undelivered.variables["PULUMI_BACKEND_URL"].replace("?", "/other?")
    undelivered.schiff("up", "-e", "tst")
    assert undelivered.heads() == delivered


def _no_local_state(root: Path) -> bool:
    return not list((root / ".schiff" / "state").rglob("tst.json"))
