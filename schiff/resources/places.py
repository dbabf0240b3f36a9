"""What the path of an owned folder says, read back from the layout that wrote it."""

from __future__ import annotations

from pathlib import PurePosixPath

from schiff.model.layout import site_folder

_SITES, _FLUX, _LOCATIONS = "sites", "flux", "locations"


def management_cluster_of(path: str) -> str:
    """Return the management cluster of a folder that is no tenant's, or that lies in `definitions`."""
    parts = PurePosixPath(path).parts
    return parts[3] if parts[0] == _LOCATIONS else parts[0]


def site_of(path: str) -> str | None:
    """Return the site of a folder; None for what belongs to the whole management cluster."""
    parts = PurePosixPath(path).parts
    return parts[2] if len(parts) > 2 and _SITES in parts[:2] else None


def customer_of(path: str) -> str:
    """Return the customer of a tenant cluster's folder in `definitions`."""
    return PurePosixPath(path).parts[3]


def is_listing_of(path: str, cluster: str) -> bool:
    """Whether a folder names what stands in a cluster's folder: the list of tenants, and its site's hosts."""
    site = site_of(cluster)
    if site is None:
        return False
    name = management_cluster_of(cluster)
    return path.startswith(f"{name}/{_FLUX}/") or path == str(site_folder(name, site))
