"""The makers of `schiff.testing`, by the name tests use them."""

from __future__ import annotations

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
]
