"""What a witness is given of an entry: its environment, number and digest, in one spelling."""

from __future__ import annotations

import json

from schiff.errors import InvalidValue
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Head
from schiff.values.digests import canonical
from schiff.values.names import Environment


def receipt_of(entry: Entry) -> bytes:
    """Return the one spelling of what is kept of an entry."""
    return _spelled(entry.env, Head(entry.seq, entry.digest))


def receipt_name(entry: Entry) -> str:
    """Return the name of what is kept of an entry: the number of its file."""
    return entry.file_name.removesuffix(".json")


def parse_receipt(environment: Environment, content: bytes) -> Head:
    """Return number and digest; raises `InvalidValue` for anything but the one spelling."""
    try:
        match json.loads(content):
            case {"digest": str(digest), "seq": int(seq)} if content == _spelled(environment, Head(seq, digest)):
                return Head(seq, digest)
    except (ValueError, RecursionError):
        pass
    raise InvalidValue(f"it is no receipt of {environment}")


def _spelled(environment: Environment, head: Head) -> bytes:
    return canonical({"digest": head.digest, "env": environment, "seq": head.seq}) + b"\n"
