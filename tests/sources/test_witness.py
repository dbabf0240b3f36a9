"""The witness, asked over HTTP: what it received, and what somebody with its key could do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from schiff.delivery.ledger_branch import append_to_ledger
from schiff.delivery.witness import Witness
from schiff.errors import Failed, Tampered
from schiff.rollout.ledger import Ledger
from schiff.rollout.proofs import Receipt, require_witnessed
from schiff.rollout.receipts import receipt_of
from schiff.s3.location import Location
from schiff.sources.witness import read_receipts
from tests.delivery.ledger_writers import notes
from tests.rollout.small_fleet import a_fleet, begun, noted, released
from tests.s3.server import BUCKET, KEYS, client_of, give_keys, location_of, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def place(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    give_keys(monkeypatch)
    return location_of(server, tmp_path.name)


def a_ledger(*texts: str) -> Ledger:
    ledger = begun(released(a_fleet()), "prd")
    for text in texts:
        ledger = noted(ledger, "note", {"text": text})
    return ledger


def witness(place: Location) -> Witness:
    return Witness(place, datetime.now(UTC))


def put(place: Location, ledger: Ledger) -> None:
    for entry in ledger.entries:
        witness(place).put(entry)


def digests(ledger: Ledger) -> list[str]:
    return [entry.digest for entry in ledger.entries]


def test_a_receipt_says_what_was_received_and_when_by_the_servers_clock(place: Location, tmp_path: Path) -> None:
    ledger, before = a_ledger("one"), datetime.now(UTC).replace(microsecond=0)
    put(place, ledger)
    receipts = read_receipts(place, "prd", tmp_path)
    assert [receipts[seq].digest for seq in range(2)] == digests(ledger)
    assert all(before <= one.received <= datetime.now(UTC) for one in receipts.values())


def test_an_object_cannot_be_removed_before_its_time(place: Location, server: str) -> None:
    put(place, a_ledger())
    client, key = client_of(server), place.key("prd", "000000")
    (version,) = client.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    held = client.head_object(Bucket=BUCKET, Key=key)
    assert held["ObjectLockMode"] == "COMPLIANCE"
    assert held["ObjectLockRetainUntilDate"] - datetime.now(UTC) > timedelta(days=29)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=BUCKET, Key=key, VersionId=version["VersionId"])


def test_putting_an_entry_again_is_fine_and_keeps_its_first_time(place: Location, server: str) -> None:
    put(place, a_ledger())
    put(place, a_ledger())
    assert len(client_of(server).list_object_versions(Bucket=BUCKET, Prefix=place.key("prd"))["Versions"]) == 1


def test_putting_another_entry_under_the_number_is_tampering(place: Location) -> None:
    put(place, a_ledger("one"))
    with pytest.raises(Tampered, match=r"ledger of prd was recomputed: entry 1 is .*, and the witness received"):
        put(place, a_ledger("another"))


def test_a_marker_that_hides_an_object_hides_no_receipt(place: Location, server: str, tmp_path: Path) -> None:
    put(place, a_ledger("one"))
    client_of(server).delete_object(Bucket=BUCKET, Key=place.key("prd", "000001"))
    assert sorted(read_receipts(place, "prd", tmp_path)) == [0, 1]


def test_writing_over_an_object_is_tampering(place: Location, server: str, tmp_path: Path) -> None:
    put(place, a_ledger("one"))
    forged = receipt_of(a_ledger("another").entries[1])
    client_of(server).put_object(Bucket=BUCKET, Key=place.key("prd", "000001"), Body=forged)
    with pytest.raises(Tampered, match="two contents for entry 1: it was written over"):
        read_receipts(place, "prd", tmp_path)


def test_a_receipt_under_another_number_is_tampering(place: Location, server: str, tmp_path: Path) -> None:
    content = receipt_of(a_ledger("one").entries[1])
    client_of(server).put_object(Bucket=BUCKET, Key=place.key("prd", "000007"), Body=content)
    with pytest.raises(Tampered, match="holds entry 1 under the number 000007"):
        read_receipts(place, "prd", tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"digest": "x", "env": "prd", "seq": 0}', b"\xff"])
def test_anything_else_in_its_folder_is_tampering(place: Location, server: str, tmp_path: Path, content: bytes) -> None:
    client_of(server).put_object(Bucket=BUCKET, Key=place.key("prd", "000000"), Body=content)
    with pytest.raises(Tampered, match="holds something else at"):
        read_receipts(place, "prd", tmp_path)
    with pytest.raises(Tampered, match="holds something else at"):
        put(place, a_ledger())


def test_environments_are_apart(place: Location, tmp_path: Path) -> None:
    put(place, a_ledger())
    assert read_receipts(place, "ref", tmp_path) == {}


def test_a_run_killed_between_push_and_put_leaves_what_the_next_one_puts_late(place: Location, tmp_path: Path) -> None:
    url, cache = str(tmp_path / "ledger.git"), tmp_path / "cache"
    append_to_ledger(url, "prd", lambda ledger: None if ledger.head else a_ledger().entries[0], cache)
    append_to_ledger(url, "prd", notes(1), cache, witness=witness(place).put)
    ledger = append_to_ledger(url, "prd", notes(2), cache)
    unwitnessed = require_witnessed("prd", digests(ledger), read_receipts(place, "prd", cache))
    assert (unwitnessed.holes, unwitnessed.tail) == ((0,), (2,))
    before = datetime.now(UTC).replace(microsecond=0)
    witness(place).put_late(ledger, unwitnessed.all)
    receipts = read_receipts(place, "prd", cache)
    assert not require_witnessed("prd", digests(ledger), receipts).all
    assert receipts[2].received >= before


def test_a_cut_chain_is_contradicted(place: Location, tmp_path: Path) -> None:
    put(place, a_ledger("one", "two"))
    with pytest.raises(Tampered, match="was cut: the witness received entry 2, yet the chain has 2 entries"):
        require_witnessed("prd", digests(a_ledger("one")), read_receipts(place, "prd", tmp_path))


def test_what_a_version_holds_is_asked_once(place: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(place, a_ledger("one"))
    first = read_receipts(place, "prd", tmp_path)
    monkeypatch.setattr("schiff.s3.bucket.Bucket._get", lambda *_: b"asked again")
    assert read_receipts(place, "prd", tmp_path) == first
    (memory,) = tmp_path.glob("witness-*.json")
    memory.write_text("broken")
    with pytest.raises(Tampered):
        read_receipts(place, "prd", tmp_path)


def test_more_entries_than_one_page_are_read(place: Location, server: str, tmp_path: Path) -> None:
    client = client_of(server)
    for seq in range(1003):
        content = json.dumps({"digest": f"sha256:{seq:064x}", "env": "prd", "seq": seq}, separators=(",", ":")) + "\n"
        client.put_object(Bucket=BUCKET, Key=place.key("prd", f"{seq:06d}"), Body=content.encode())
    receipts = read_receipts(place, "prd", tmp_path)
    assert sorted(receipts) == list(range(1003))
    assert isinstance(receipts[1002], Receipt)


def test_a_bucket_without_object_lock_is_a_failure_with_its_cure(place: Location, server: str) -> None:
    client_of(server).create_bucket(Bucket="no-lock")
    with pytest.raises(Failed, match="answered put_object with InvalidRequest; it must be made with versions and Obj"):
        put(Location("no-lock", "x", server, "us-east-1"), a_ledger())


def test_a_missing_bucket_is_a_failure_with_its_cure(server: str, place: Location, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="NoSuchBucket; make it, with versions and Object Lock"):
        read_receipts(Location("absent", "", server, "us-east-1"), "prd", tmp_path)


def test_a_server_that_is_away_is_a_failure_without_secrets(
    place: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schiff.s3.bucket._CONFIG", {"connect_timeout": 1, "retries": {"max_attempts": 1}})
    with pytest.raises(Failed, match="cannot be reached: EndpointConnectionError") as failed:
        read_receipts(Location(BUCKET, "", "http://127.0.0.1:9", "us-east-1"), "prd", tmp_path)
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(failed.value)


def test_missing_credentials_are_named(place: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEYS, "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(Failed, match=r"there are no credentials for s3://.*: variables, a profile or a role"):
        read_receipts(place, "prd", tmp_path)


def test_without_the_client_of_aws_the_extra_is_named(
    place: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Failed, match=r"pip install 'schiff\[s3\]'"):
        read_receipts(place, "prd", tmp_path)
