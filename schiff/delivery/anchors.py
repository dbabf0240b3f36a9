"""Heads of ledgers that deliveries saw: in the manifests they left, and in the stacks' outputs.

A chain alone notices neither that its end was cut nor that all of it was made
anew. A delivery writes down the head it followed, in places that whoever holds
the ledger's branch need not hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from schiff.delivery.snapshot import Snapshot
from schiff.delivery.stack import StackName
from schiff.errors import InvalidValue
from schiff.rollout.ledger import Head
from schiff.values.names import Environment

_FILE = "file://"


def heads_in(snapshots: Iterable[Snapshot]) -> Mapping[Environment, frozenset[Head]]:
    """Return the heads that the manifests of all stacks name, by environment; stacks of others have none."""
    found: dict[Environment, set[Head]] = {}
    for snapshot in snapshots:
        for stack, manifest in snapshot.manifests.items():
            environment = _environment(stack)
            if environment is not None and manifest.ledger.digest:
                found.setdefault(environment, set()).add(Head(manifest.ledger.seq, manifest.ledger.digest))
    return {environment: frozenset(heads) for environment, heads in found.items()}


def head_in_state(backend: str, stack: StackName) -> Head | None:
    """Return the head that a stack's output names, where its state is a file; None where there is none to read."""
    if not backend.startswith(_FILE):
        return None
    for file in sorted(Path(backend.removeprefix(_FILE)).glob(f".pulumi/stacks/*/{stack}.json")):
        try:
            state = json.loads(file.read_bytes())
        except (OSError, ValueError):
            continue
        for head in _heads(state):
            return head
    return None


def _heads(state: Any) -> Iterator[Head]:
    match state:
        case {"checkpoint": {"latest": {"resources": [*resources]}}}:
            for resource in resources:
                match resource:
                    case {"type": "pulumi:pulumi:Stack", "outputs": {"schiff_rollout": str(text)}}:
                        yield from _head(text)


def _head(text: str) -> Iterator[Head]:
    try:
        said = json.loads(text)
    except ValueError:
        return
    match said:
        case {"ledger": {"seq": int(seq), "digest": str(digest)}} if digest:
            yield Head(seq, digest)


def _environment(stack: str) -> Environment | None:
    try:
        return StackName.parse(stack).environment
    except InvalidValue:
        return None
