"""A fleet whose releases other versions of schiff cut, and what its clusters run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schiff.delivery.release_folder import write_release
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedEnvironment
from schiff.model.tenant_cluster import Removal
from schiff.rollout.release import freeze
from schiff.sources.fleet_files import load_fleet, read_folder
from schiff.sources.other_versions import OtherVersions
from schiff.sources.program import Program
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

ON_VSPHERE, ON_METAL = ClusterKey("vsphere-site-1", "customer-a-1"), ClusterKey("baremetal-site-1", "customer-a-2")
OTHER_METAL = ClusterKey("baremetal-site-1", "customer-b-1")
MANAGEMENT = "schiff-mgmt-x"
OLD, OLDER = "2026.46.0", "2026.44.0"
CUT = datetime(2026, 11, 10, 9, tzinfo=UTC)
HOP = KubernetesVersion.parse("v1.34.6")


@dataclass(frozen=True)
class World:
    """A fleet with two releases of other versions, and where those are installed."""

    fleet: Fleet
    versions: OtherVersions

    def digest(self, name: str) -> str:
        if name == HEAD:
            return HEAD
        layers = self.fleet.release_named(name)
        assert layers is not None
        return layers.digest

    def run(self, name: str, removal: Removal | None = None, kubernetes: KubernetesVersion | None = None) -> Assignment:
        layers = self.fleet.layers_of(self.digest(name))
        return Assignment(layers.digest, kubernetes or layers.release.kubernetes.version, removal)

    def resolved(self, management: Assignment, *tenants: Assignment) -> ResolvedEnvironment:
        keys = (ON_VSPHERE, ON_METAL, OTHER_METAL)
        assigned = Assignments(dict(zip(keys, tenants, strict=True)), {MANAGEMENT: management})
        return resolve_environment(self.fleet, "tst", assigned)


def cut(folder: Path, name: str, program: Program, when: datetime) -> None:
    texts = read_folder(folder).texts
    files = freeze(load_fleet(folder), name, cut=when, schiff=program.version, texts=texts, wheel=program.wheel)
    write_release(folder, name, files)
