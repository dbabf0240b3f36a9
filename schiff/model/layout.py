"""Every path of the two delivered repositories; nobody else joins them (domain reference 4)."""

from __future__ import annotations

from pathlib import PurePosixPath

SITE_OBJECTS = "_site"
"""The folder of a site's own objects, named so that it cannot be a customer."""


def cluster_folder(management_cluster: str, site: str, customer: str, cluster: str) -> PurePosixPath:
    """Return a tenant cluster's folder in ``cluster-definitions``."""
    return PurePosixPath(management_cluster, "sites", site, customer, cluster)


def site_folder(management_cluster: str, site: str) -> PurePosixPath:
    """Return the folder of a site's own objects in ``cluster-definitions``."""
    return PurePosixPath(management_cluster, "sites", site, SITE_OBJECTS)


def self_definitions_folder(management_cluster: str) -> PurePosixPath:
    """Return the folder by which a management cluster manages itself."""
    return PurePosixPath(management_cluster, "self-definitions")


def flux_folder(management_cluster: str, environment: str) -> PurePosixPath:
    """Return the folder that lists one Flux Kustomization for each tenant folder of an environment."""
    return PurePosixPath(management_cluster, "flux", environment)


def locations_folder(location: str, site: str, cluster: str) -> PurePosixPath:
    """Return a cluster's folder in ``cluster-components``: without management cluster and customer."""
    return PurePosixPath("locations", location, site, cluster)


def component_folder(name: str, version: str) -> PurePosixPath:
    """Return the add-only folder of one component version in ``cluster-components``."""
    return PurePosixPath("components", name, version)


def delivered_manifest(stack: str) -> PurePosixPath:
    """Return where a stack's record of ownership lies in both repositories."""
    return PurePosixPath(".schiff", f"{stack}.json")
