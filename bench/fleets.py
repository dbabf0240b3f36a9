"""The fleet that is measured: the shared layers of the example fleet, and any number of clusters beside them.

All clusters follow head in `tst`, as most clusters of a real test stage do.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.synthetic import documents
from schiff.layers.construct import fleet_of
from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment, Assignments
from schiff.sources.fleet_files import read_folder
from schiff.values.digests import HEAD

ENVIRONMENT = "tst"
EXAMPLE = ROOT / "stacks" / "fleet"
_OWN = ("releases/", "sites/", "customers/", "management-clusters/")
"""What the example has of its own, and the measured fleet replaces."""


class FleetDocuments:
    """The documents of a fleet of `count` clusters, and the component folders that come with the example."""

    def __init__(self, count: int) -> None:
        files = read_folder(EXAMPLE)
        shared = {name: dict(each.data) for name, each in files.documents.items() if not name.startswith(_OWN)}
        self.documents: dict[str, Any] = documents(count, shared)
        self.vendored = files.vendored

    def fleet(self) -> Fleet:
        """Return the fleet, as `Fleet` construction in Python gives it."""
        return fleet_of(self.documents, vendored=self.vendored)

    def write(self, folder: Path) -> Path:
        """Write the fleet as people would have it, and return its folder."""
        for name, data in self.documents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(to_yaml([data]), encoding="utf-8")
        for key, files in self.vendored.items():
            for name, content in files.items():
                path = folder / "components" / key / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return folder


def on_head(fleet: Fleet) -> Assignments:
    """Return every cluster of the fleet as a follower of head."""
    head = Assignment(HEAD, fleet.head.release.kubernetes.version)
    return Assignments(
        dict.fromkeys(sorted(fleet.orders), head), dict.fromkeys(sorted(fleet.management_clusters), head)
    )


def main() -> None:
    """Write a fleet of COUNT clusters into a folder: python -m bench.fleets COUNT FOLDER."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    FleetDocuments(asked.count).write(asked.folder)
    print("{}")


if __name__ == "__main__":
    main()
