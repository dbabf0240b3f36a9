"""A long ledger, from the bytes of its files to what it adds up to: every entry parsed, chained and replayed.

    python -m bench.ledger ENTRIES CLUSTERS

Signatures and waves are not built yet, so neither is measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bench.measure import Steps, on_one_core, peak_mib
from schiff.rollout.bodies import Kind
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger

_AT = "2026-11-22T06:00:00Z"
_MOVED = 20


def files(entries: int, clusters: int) -> dict[str, bytes]:
    """Return the files of a ledger: a genesis of all clusters, then moves of twenty between observations."""
    found: dict[str, bytes] = {}
    prev = None
    for number, (kind, body) in enumerate(_bodies(entries, clusters)):
        entry = Entry(number, prev, "prd", kind, _AT, None, "bench", "none", body)
        found[entry.file_name], prev = entry.to_bytes(), entry.digest
    return found


def _bodies(entries: int, clusters: int) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    names = [f"site-{number // 20}/cluster-{number}" for number in range(clusters)]
    first = _pin(0)
    yield (
        "genesis",
        {
            "release": first["release"],
            "clusters": {name: {**first, "removal": None} for name in names},
            "managementClusters": {},
            "grandfathered": True,
        },
    )
    for number in range(1, entries):
        start = number * _MOVED % clusters
        chosen = names[start : start + _MOVED]
        if number % 4:
            yield "observe", _observation(number, clusters)
        else:
            yield "move", {"clusters": dict.fromkeys(chosen, _pin(number))}


def _observation(number: int, clusters: int) -> dict[str, Any]:
    cited = dict.fromkeys(("release", "members", "report", "plane"), f"sha256:{number:064x}")
    return {**cited, "total": clusters, "healthy": clusters, "progressing": 0, "unhealthy": 0, "unknown": 0}


def _pin(number: int) -> dict[str, str]:
    return {"release": f"sha256:{number:064x}", "kubernetes": "v1.35.4"}


def measure(entries: int, clusters: int) -> dict[str, Any]:
    """Read the ledger once."""
    written, steps = files(entries, clusters), Steps()
    with steps.step("parsed, chained, replayed"):
        ledger = Ledger.parse("prd", written)
    return {**steps.as_dict(), "entries": len(ledger.entries), "peak": peak_mib()}


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("entries", type=int)
    parser.add_argument("clusters", type=int)
    asked = parser.parse_args()
    on_one_core()
    print(json.dumps(measure(asked.entries, asked.clusters)))


if __name__ == "__main__":
    main()
