"""Reading the witness: which entry it received when, by its own clock.

The oldest version of a key is the receipt. Another version of other content
says that somebody wrote over it, so it is tampering, whoever is right. What a
version holds never changes, so it is remembered in the cache by the version's
id; when it was received is asked each time.

What it holds below the first number of a chain is of another one that this one
closes: nothing of it is judged, so that nobody who wrote rubbish there keeps an
environment from beginning again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from schiff.errors import InvalidValue, Tampered
from schiff.rollout.ledger import Head
from schiff.rollout.proofs import Receipt
from schiff.rollout.receipts import parse_receipt
from schiff.s3.bucket import Bucket, Version
from schiff.s3.location import Location
from schiff.values.digests import digest_of_bytes
from schiff.values.names import Environment

_NAME = re.compile(r"[0-9]{6,18}")


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that a witness holds of one environment, oldest version first, not judged yet."""

    location: Location
    environment: Environment
    contents: Mapping[Version, str]

    def receipts(self, since: int = 0) -> Mapping[int, Receipt]:
        """Return what was received of a chain that begins with a number.

        Raises `Tampered` for an object that is no receipt or has two contents.
        """
        receipts: dict[int, Receipt] = {}
        for version, content in self.contents.items():
            if _number(version) in range(since):
                continue
            head = _head(self.location, self.environment, version, content)
            first = receipts.setdefault(head.seq, Receipt(head.digest, version.received))
            if first.digest != head.digest:
                raise Tampered(
                    f"the witness of {self.environment} holds two contents for entry {head.seq}: it was written over"
                )
        return receipts

    def newest(self) -> Head | None:
        """Return the entry with the highest number, whatever else is held; its oldest version counts."""
        numbered = {_number(version): content for version, content in reversed(tuple(self.contents.items()))}
        known = {number: content.encode() for number, content in numbered.items() if number is not None}
        if not known:
            return None
        number = max(known)
        try:
            return Head(number, parse_receipt(self.environment, known[number]).digest)
        except InvalidValue:
            return Head(number, digest_of_bytes(known[number]))


def ask_witness(location: Location, environment: Environment, cache_dir: Path) -> Held:
    """Return what the witness holds; raises `Failed` when it cannot be asked."""
    bucket = Bucket.at(location)
    versions = bucket.versions(environment)
    return Held(location, environment, _contents(bucket, versions, _memory(location, environment, cache_dir)))


def read_receipts(
    location: Location, environment: Environment, cache_dir: Path, since: int = 0
) -> Mapping[int, Receipt]:
    """Return what the witness received of a chain that begins with a number, by number."""
    return ask_witness(location, environment, cache_dir).receipts(since)


def _number(version: Version) -> int | None:
    name = version.key.rpartition("/")[2]
    return int(name) if _NAME.fullmatch(name) else None


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
