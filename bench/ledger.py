"""A long ledger, from the bytes of its files to the verdict of the gate on every entry.

    python -m bench.ledger ENTRIES CLUSTERS            measure
    python -m bench.ledger ENTRIES CLUSTERS FOLDER     write the files of the chain, and end

The chain is written by the core itself, in a process of its own: one environment
through season after season of releases, every one promoted, moved in waves,
looked at and soaked. "cold" reads and judges it as the first thing a process does;
"remembered" does all of it again, with plans and sights known by their bytes, as
a program does that reads a chain more often. Python's collector works as in
every command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measure import Steps, folder_in_memory, in_own_process, on_one_core, peak_mib
from schiff.cli.memory import collect_rarely
from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment, ReleaseSpec
from schiff.rollout.decide import decide
from schiff.rollout.gate import verify_chains
from schiff.rollout.health import Verdict
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.plan import Member, Plan
from schiff.rollout.proofs import NO_PROOFS
from schiff.rollout.sights import Report, Sight
from schiff.rollout.situation import Append, Candidate, Look, Observe, Situation, Wait
from schiff.rollout.waves import waves
from schiff.values.digests import digest
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

_VERSION = KubernetesVersion(1, 35, 4)
_BEGIN = datetime(2026, 11, 24, 9, tzinfo=UTC)
_RUNS_EVERY = timedelta(hours=2)
_PLANE = digest("plane")


class Chain:
    """One environment whose clusters are always well, and the files of its ledger."""

    def __init__(self, clusters: int) -> None:
        """Begin with a genesis of all clusters."""
        self.keys = [ClusterKey(f"site-{number // 20}", f"cluster-{number}") for number in range(clusters)]
        self.policy, self.now, self.releases = PolicySpec(), _BEGIN, list[Candidate]()
        pin = {"release": digest("first"), "kubernetes": str(_VERSION)}
        body = {
            "release": pin["release"],
            "clusters": {str(key): {**pin, "removal": None} for key in self.keys},
            "managementClusters": {},
            "grandfathered": True,
        }
        self.ledger = Ledger.empty("tst")
        self._append(Append("genesis", body, "begin"))

    def grow(self, entries: int) -> dict[str, bytes]:
        """Let time pass until the chain has so many entries, and return its files."""
        look = None
        while len(self.ledger.entries) < entries:
            step = decide(self._situation(look))
            match step:
                case Append():
                    self._append(step)
                case Observe():
                    look = self._look()
                case Wait(refusal) if refusal.code in ("no-release", "no-train"):
                    self._release()
                case _:
                    self.now += _RUNS_EVERY
                    look = None
        files = {entry.file_name: entry.to_bytes() for entry in self.ledger.entries}
        return files | {f"objects/{name[7:]}.json": content for name, content in self.ledger.objects.items()}

    def _append(self, step: Append) -> None:
        server = None if step.server is None else format_moment(step.server)
        ledger = self.ledger.with_objects(step.objects)
        at = format_moment(step.at or self.now)
        entry = ledger.append(step.kind, step.body, at=at, actor="bench", fleet="none", server=server)
        self.ledger = ledger.extended(entry)

    def _release(self) -> None:
        number = len(self.releases)
        release = ReleaseSpec.model_validate(_release(f"{2027 + number // 50}.{1 + number % 50}.0"))
        self.releases.append(Candidate(digest(["release", number]), release))

    def _situation(self, look: Look | None) -> Situation:
        return Situation(
            ledger=self.ledger,
            before=None,
            proofs=NO_PROOFS,
            now=self.now,
            policy=self.policy,
            releases=self.releases,
            plan=self._plan,
            orders=dict.fromkeys(self.keys, False),
            assigned={},
            delivered=len(self.ledger.entries) - 1,
            look=look,
        )

    def _plan(self, release: str) -> Plan:
        members = {key: _member(key, self._runs(key)) for key in self.keys}
        return Plan("tst", release, self.policy, members, {}, waves(members, self.policy, release))

    def _runs(self, key: ClusterKey) -> Assignment:
        pin = self.ledger.state.pins[key]
        return Assignment(pin.release, pin.kubernetes)

    def _look(self) -> Look:
        runs = {key: self._runs(key) for key in self.keys}
        sights = {key: Sight(run.release, str(run.kubernetes), Verdict.Healthy) for key, run in runs.items()}
        return Look(self.now, self.now, Report(sights), _PLANE)


def _member(key: ClusterKey, start: Assignment) -> Member:
    return Member(key, "customer-a", "mgmt-1", "vsphere", "intranet", "base", None, 6, start, (_VERSION,))


def _release(name: str) -> dict[str, Any]:
    images = {"vsphere": {"template": "image"}, "metal3": {"url": "https://images/image", "sha256": "a" * 64}}
    plane = dict.fromkeys(("capi", "capm3", "capv", "ipamInCluster", "ipamMetal3"), "v1.0.0")
    return {
        "kind": "train",
        "name": name,
        "components": {},
        "kubernetes": {"version": str(_VERSION), "images": images},
        "managementPlane": {**plane, "schiff": "source"},
    }


def write(entries: int, clusters: int, folder: Path) -> dict[str, Any]:
    """Write the files of a chain into a folder."""
    (folder / "objects").mkdir()
    for name, content in Chain(clusters).grow(entries).items():
        (folder / name).write_bytes(content)
    return {"written": entries}


def measure(entries: int, clusters: int) -> dict[str, Any]:
    """Read and judge the ledger twice."""
    with folder_in_memory() as folder:
        in_own_process("ledger", entries, clusters, folder)
        written = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")}
    steps = Steps()
    collect_rarely()
    ledger = Ledger.empty("tst")
    for name in ("cold", "remembered"):
        with steps.step(name):
            ledger = Ledger.parse("tst", written)
            verify_chains({"tst": ledger}, {})
    return {**steps.as_dict(), "entries": len(ledger.entries), "clusters": clusters, "peak": peak_mib()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("entries", type=int)
    parser.add_argument("clusters", type=int)
    parser.add_argument("folder", type=Path, nargs="?")
    asked = parser.parse_args(arguments)
    on_one_core()
    measured = (
        measure(asked.entries, asked.clusters)
        if asked.folder is None
        else write(asked.entries, asked.clusters, asked.folder)
    )
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
