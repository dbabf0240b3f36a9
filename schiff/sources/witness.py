"""Reading the witness: which entry it received when, by its own clock.

The oldest version of a key is the receipt. Another version of other content
says that somebody wrote over it, so it is tampering, whoever is right. What a
version holds never changes, so it is remembered in the cache by the version's
id; when it was received is asked each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from schiff.errors import InvalidValue, Tampered
from schiff.rollout.ledger import Head
from schiff.rollout.proofs import Receipt
from schiff.rollout.receipts import parse_receipt
from schiff.s3.bucket import Bucket, Version
from schiff.s3.location import Location
from schiff.values.names import Environment


def read_receipts(location: Location, environment: Environment, cache_dir: Path) -> Mapping[int, Receipt]:
    """Return what the witness received of a chain, by number.

    Raises `Tampered` for an object that is no receipt or has two contents, and
    `Failed` when the witness cannot be asked.
    """
    bucket = Bucket.at(location)
    versions = bucket.versions(environment)
    held = _contents(bucket, versions, _memory(location, environment, cache_dir))
    receipts: dict[int, Receipt] = {}
    for version in versions:
        head = _head(location, environment, version, held[version])
        first = receipts.setdefault(head.seq, Receipt(head.digest, version.received))
        if first.digest != head.digest:
            raise Tampered(f"the witness of {environment} holds two contents for entry {head.seq}: it was written over")
    return receipts


def _head(location: Location, environment: Environment, version: Version, content: str) -> Head:
    name = version.key.rpartition("/")[2]
    try:
        head = parse_receipt(environment, content.encode())
    except InvalidValue as error:
        raise Tampered(f"the witness of {environment} holds something else at {version.key}: {error}") from None
    if version.key != location.key(environment, f"{head.seq:06d}"):
        raise Tampered(f"the witness of {environment} holds entry {head.seq} under the number {name}")
    return head


def _contents(bucket: Bucket, versions: Sequence[Version], memory: Path) -> Mapping[Version, str]:
    known = _remembered(memory)
    new = [version for version in versions if _name(version) not in known]
    if new:
        known |= {_name(version): data.decode(errors="replace") for version, data in bucket.contents(new).items()}
        _remember(memory, {_name(version): known[_name(version)] for version in versions})
    return {version: known[_name(version)] for version in versions}


def _name(version: Version) -> str:
    """Return what names a version for ever: its id is made by the server, and used once."""
    return f"{version.key} {version.id} {version.received.isoformat()}"


def _memory(location: Location, environment: Environment, cache_dir: Path) -> Path:
    place = sha256(f"{location.endpoint} {location} {environment}".encode()).hexdigest()
    return cache_dir / f"witness-{place}.json"


def _remembered(memory: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads(memory.read_bytes())
        return {str(name): str(content) for name, content in found.items()}
    return {}


def _remember(memory: Path, contents: Mapping[str, str]) -> None:
    """Write the memory; one that cannot be written costs questions the next time and nothing else."""
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        half = memory.with_suffix(".new")
        half.write_text(json.dumps(contents), encoding="utf-8")
        half.replace(memory)
