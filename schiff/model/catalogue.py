"""Which versions of a component are on offer, where they come from, and what they can follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from schiff.model.spec import Items, Spec
from schiff.values.digests import Digest
from schiff.values.versions import ComponentVersion, VersionRange


class VendoredFile(Spec):
    """One upstream file, kept byte for byte: where it came from and what it must hash to."""

    path: str
    origin: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ChartSource(Spec):
    """A Helm chart in an OCI registry, pinned by tag and, in releases, by digest."""

    oci: Annotated[str, Field(pattern=r"^oci://")]
    tag: str
    digest: Digest | None = None


class OfferedVersion(Spec):
    """One version of a component."""

    upgrade_from: VersionRange | None = None
    kubernetes: VersionRange | None = None
    reversible: bool = True
    chart: ChartSource | None = None
    vendored: Items[VendoredFile] = ()


class CatalogueEntry(Spec):
    """`components/<name>.yaml`."""

    kind: Literal["component"] = "component"
    versions: Mapping[str, OfferedVersion]

    def offered(self, version: ComponentVersion) -> OfferedVersion | None:
        """Return the entry of `version`, if it is on offer."""
        return self.versions.get(str(version))
