"""Which image a cluster's machines start from: it must hold kubeadm and kubelet of exactly their version.

A release names one image for its Kubernetes version. A cluster that passes
through an older minor on its way there (a hop) takes the image that the release
names for it (`viaImages`), else the one that is called the same but for the
version.
"""

from __future__ import annotations

import re

from schiff.model.release import Images
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import KubernetesVersion


def vsphere_template(cluster: ResolvedCluster) -> str:
    """Return the name of the virtual machine template."""
    named = _named(cluster)
    if named is not None:
        return named.vsphere.template
    return _at_version(cluster, cluster.layers.release.kubernetes.images.vsphere.template)


def metal3_image(cluster: ResolvedCluster) -> dict[str, str]:
    """Return the disk image with the digest that Ironic checks.

    The release vouches for the images it names; the digest of another hop is
    read beside the image, from the same server.
    """
    named = _named(cluster)
    if named is not None:
        return _disk(_on_server(cluster, named.metal3.url), named.metal3.sha256)
    url = _at_version(cluster, _on_server(cluster, cluster.layers.release.kubernetes.images.metal3.url))
    return _disk(url, f"{url}.sha256")


def _named(cluster: ResolvedCluster) -> Images | None:
    """Return the images that the release names for the cluster's version."""
    pin, assigned = cluster.layers.release.kubernetes, cluster.assignment.kubernetes
    return pin.images if assigned == pin.version else pin.via_images.get(assigned)


def _disk(url: str, checksum: str) -> dict[str, str]:
    return {"url": url, "checksum": checksum, "checksumType": "sha256", "diskFormat": "qcow2"}


def _on_server(cluster: ResolvedCluster, url: str) -> str:
    """Return a whole URL; one without a server is looked for on the image server."""
    return url if "://" in url else f"{cluster.spec.image_server}/{url}"


def _at_version(cluster: ResolvedCluster, text: str) -> str:
    released = cluster.layers.release.kubernetes.version
    assigned = cluster.assignment.kubernetes
    return re.sub(rf"(?<![0-9.]){re.escape(_numbers(released))}(?![0-9])", _numbers(assigned), text)


def _numbers(version: KubernetesVersion) -> str:
    return str(version).removeprefix("v")
