"""Telling the witness: one object an entry, written once and locked.

The push of the ledger's branch decides who wins a number; only then is the
entry put. Whoever is killed in between leaves a chain without its last receipt,
and the next run puts it late. A receipt that is there already with the same
digest is fine: two runs may put one entry. Another digest is tampering.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from schiff.errors import InvalidValue, Tampered
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.receipts import parse_receipt, receipt_name, receipt_of
from schiff.s3.bucket import Bucket
from schiff.s3.location import Location


@dataclass(frozen=True, slots=True)
class Witness:
    """A place in S3 that receives entries; `now` is this machine's clock, from which the lock is reckoned."""

    location: Location
    now: datetime

    def put(self, entry: Entry) -> None:
        """Put one entry; raises `Tampered` when the witness holds another one under its number."""
        self._put(Bucket.at(self.location), entry)

    def put_late(self, ledger: Ledger, missing: Collection[int]) -> None:
        """Put what earlier runs left out, oldest first."""
        if missing:
            bucket = Bucket.at(self.location)
            for entry in ledger.entries:
                if entry.seq in missing:
                    self._put(bucket, entry)

    def _put(self, bucket: Bucket, entry: Entry) -> None:
        key = self.location.key(entry.env, receipt_name(entry))
        if not bucket.put_once(key, receipt_of(entry), until=self.now + self.location.retention):
            _require_same(bucket, key, entry)


def _require_same(bucket: Bucket, key: str, entry: Entry) -> None:
    versions = [version for version in bucket.versions(entry.env) if version.key == key]
    for content in bucket.contents(versions).values():
        try:
            digest = parse_receipt(entry.env, content).digest
        except InvalidValue as error:
            raise Tampered(f"the witness of {entry.env} holds something else at {key}: {error}") from None
        if digest != entry.digest:
            raise Tampered(
                f"the ledger of {entry.env} was recomputed: entry {entry.seq} is {entry.digest},"
                f" and the witness received {digest}"
            )
