"""The makers of `schiff.testing`, by the name tests use them; and a fleet as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schiff.manifests.yaml import to_yaml
from schiff.testing import (
    MANAGEMENT_CLUSTER,
    METAL3_ORDER,
    VSPHERE_ORDER,
    Documents,
    a_cluster,
    a_fleet,
    a_resolved_cluster,
    a_resolved_environment,
    a_resolved_management_cluster,
    an_assignment,
    assignments_of,
    changed,
    fleet_documents,
)

__all__ = [
    "MANAGEMENT_CLUSTER",
    "METAL3_ORDER",
    "VSPHERE_ORDER",
    "Documents",
    "a_cluster",
    "a_fleet",
    "a_resolved_cluster",
    "a_resolved_environment",
    "a_resolved_management_cluster",
    "an_assignment",
    "assignments_of",
    "changed",
    "fleet_documents",
    "fleet_folder",
]


def fleet_folder(
    folder: Path, documents: Documents | None = None, texts: Mapping[str, str | bytes] | None = None
) -> Path:
    """Write a fleet's documents below `folder`, then `texts` as they are, and return the folder."""
    described = fleet_documents() if documents is None else documents
    files: dict[str, str | bytes] = {path: to_yaml([data]) for path, data in described.items()}
    files.update(texts or {})
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
