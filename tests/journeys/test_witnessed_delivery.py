"""A witness beside the real engine: what it contradicts is not delivered, and a preview without its key says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schiff.git.process import run_git
from tests.journeys.pulumi_project import PulumiProject
from tests.makers import VSPHERE_ORDER
from tests.s3.server import KEYS, s3_server, setting_of


@pytest.fixture
def witnessed(undelivered: PulumiProject, tmp_path: Path) -> Iterator[PulumiProject]:
    with s3_server() as address:
        file = undelivered.root / "Pulumi.tst.yaml"
        setting = f"config:\n  schiff:witness: {setting_of(address, 'w')}\n"
        file.write_text(file.read_text().replace("config:\n", setting))
        undelivered.variables |= {**KEYS, "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
        undelivered.commit_fleet()
        yield undelivered


def test_the_witness_of_a_ledger_stops_what_it_contradicts(witnessed: PulumiProject) -> None:
    ledger = witnessed.root / ".schiff" / "ledger.git"
    run_git("update-ref", "-d", "refs/heads/ledger/tst", folder=ledger)
    witnessed.schiff("ledger", "init", "-e", "tst")
    witnessed.schiff("up", "-e", "tst")
    [verified] = witnessed.json("ledger", "verify", "-e", "tst")["environments"]
    assert verified["anchors"] == {"deliveries": 1, "outputs": 1}
    assert verified["witness"]["received"] == 1

    _without_a_key_a_preview_goes_on_and_an_update_does_not(witnessed)

    witnessed.edit(VSPHERE_ORDER, "decommission", "customer-a-1")
    witnessed.commit_fleet()
    assert witnessed.json("up", "-e", "tst")["removalsBegun"]
    _rewind(ledger, "ledger/tst")
    for name in ("definitions", "components"):
        _rewind(witnessed.repository(name), "main")  # whoever forges the ledger may forge what deliveries saw
    heads = witnessed.heads()
    cut = witnessed.json("ledger", "verify", "-e", "tst", status=16)
    assert cut["message"] == "the ledger of tst was cut: the witness received entry 1, yet the chain has 1 entries"
    assert cut["message"] in witnessed.pulumi("up", "--yes", status=1)
    assert witnessed.heads() == heads


def _rewind(repository: Path, branch: str) -> None:
    run_git("update-ref", f"refs/heads/{branch}", f"refs/heads/{branch}~1", folder=repository)


def _without_a_key_a_preview_goes_on_and_an_update_does_not(witnessed: PulumiProject) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    assert "takes time as the ledger asserts it" in witnessed.pulumi("preview", stack="tst", status=0, **none)
    assert witnessed.json("up", "-e", "tst", status=1, **none)["code"] == "witness-failed"
