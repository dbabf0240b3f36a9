"""Which file of a fleet is what: its kind and the names in its path (design: the fleet, as people write it)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from schiff.layers.shapes import Shape, shape_of
from schiff.model.catalogue import CatalogueEntry
from schiff.model.management_cluster import ManagementClusterSpec
from schiff.model.policy import PolicySpec
from schiff.model.release import ReleaseSpec
from schiff.model.settings import FleetSettings
from schiff.model.site import SiteFacts
from schiff.model.tenant_cluster import TenantClusterSpec

Kind = Literal[
    "settings", "release", "lock", "policy", "defaults", "environment", "provider", "zone", "class",
    "site", "site-values", "customer", "order", "management-cluster", "component",
]  # fmt: skip

RELEASES: Final = "releases/"
SECRETS: Final = ".secrets"

_N = r"([^/.][^/]*)"
_SHARED: tuple[tuple[str, Kind], ...] = (
    (r"fleet\.yaml", "settings"),
    (r"defaults\.yaml", "defaults"),
    (rf"environments/{_N}\.yaml", "environment"),
    (rf"providers/{_N}\.yaml", "provider"),
    (rf"zones/{_N}\.yaml", "zone"),
    (rf"classes/{_N}\.yaml", "class"),
    (rf"components/{_N}\.yaml", "component"),
)
_HEAD: tuple[tuple[str, Kind], ...] = (
    *_SHARED,
    (r"head\.yaml", "release"),
    (r"policy\.yaml", "policy"),
    (rf"sites/{_N}/site\.yaml", "site"),
    (rf"customers/{_N}\.yaml", "customer"),
    (rf"sites/{_N}/{_N}/{_N}\.yaml", "order"),
    (rf"management-clusters/{_N}\.yaml", "management-cluster"),
)
_RELEASE: tuple[tuple[str, Kind], ...] = (
    *_SHARED,
    (rf"sites/{_N}\.yaml", "site-values"),
    (r"release\.yaml", "release"),
    (r"release\.lock", "lock"),
)


def _compiled(table: tuple[tuple[str, Kind], ...]) -> tuple[tuple[re.Pattern[str], Kind], ...]:
    return tuple((re.compile(pattern), kind) for pattern, kind in table)


_HEAD_PATTERNS, _RELEASE_PATTERNS = _compiled(_HEAD), _compiled(_RELEASE)

_LAYER: Final = shape_of(TenantClusterSpec)
SHAPES: Mapping[Kind, Shape] = {
    "settings": shape_of(FleetSettings),
    "release": shape_of(ReleaseSpec),
    "policy": shape_of(PolicySpec),
    "site": Shape({"facts": shape_of(SiteFacts), "values": _LAYER}),
    "management-cluster": shape_of(ManagementClusterSpec),
    "component": shape_of(CatalogueEntry),
    "lock": Shape(),
}


@dataclass(frozen=True, slots=True)
class FleetFile:
    """One file's kind, the names in its path, and the release it is frozen in (none for head)."""

    path: str
    kind: Kind
    names: tuple[str, ...] = ()
    release: str = ""

    @property
    def shape(self) -> Shape:
        """What may stand in the file."""
        return SHAPES.get(self.kind, _LAYER)


def fleet_file(path: str) -> FleetFile | None:
    """Return what the file at `path` is, or None when no fleet has such a file."""
    release, inner, patterns = "", path, _HEAD_PATTERNS
    if path.startswith(RELEASES):
        release, _, inner = path.removeprefix(RELEASES).partition("/")
        patterns = _RELEASE_PATTERNS
    for pattern, kind in patterns:
        match = pattern.fullmatch(inner)
        if match is not None:
            return FleetFile(path, kind, match.groups(), release)
    return None


def is_secret(path: str) -> bool:
    """Return whether the file lies in a folder of encrypted documents."""
    return any(part.endswith(SECRETS) for part in path.split("/")[:-1])


def vendored_key(path: str) -> tuple[str, str] | None:
    """Return ``<component>/<version>`` and the file's name when `path` is a vendored file, at head."""
    parts = path.split("/", 3)
    if len(parts) == 4 and parts[0] == "components":
        return f"{parts[1]}/{parts[2]}", parts[3]
    return None
