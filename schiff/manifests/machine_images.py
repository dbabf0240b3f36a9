"""Which image a cluster's machines start from: it must hold kubeadm and kubelet of exactly their version.

A release names one image for its Kubernetes version. A cluster that passes
through an older minor on its way there (a hop) takes the image of that
version, which is called the same but for the version.
"""

from __future__ import annotations

import re

from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import KubernetesVersion


def vsphere_template(cluster: ResolvedCluster) -> str:
    """Return the name of the virtual machine template."""
    return _at_version(cluster, cluster.layers.release.kubernetes.images.vsphere.template)


def metal3_image(cluster: ResolvedCluster) -> dict[str, str]:
    """Return the disk image with the digest that Ironic checks.

    The release vouches for its own image only; a hop's digest is read beside
    the image, from the same server.
    """
    image = cluster.layers.release.kubernetes.images.metal3
    url = _at_version(cluster, _on_server(cluster, image.url))
    hop = cluster.assignment.kubernetes != cluster.layers.release.kubernetes.version
    checksum = f"{url}.sha256" if hop else image.sha256
    return {"url": url, "checksum": checksum, "checksumType": "sha256", "diskFormat": "qcow2"}


def _on_server(cluster: ResolvedCluster, url: str) -> str:
    """Return a whole URL; one without a server is looked for on the image server."""
    return url if "://" in url else f"{cluster.spec.image_server}/{url}"


def _at_version(cluster: ResolvedCluster, text: str) -> str:
    released = cluster.layers.release.kubernetes.version
    assigned = cluster.assignment.kubernetes
    if assigned == released:
        return text
    return re.sub(rf"(?<![0-9.]){re.escape(_numbers(released))}(?![0-9])", _numbers(assigned), text)


def _numbers(version: KubernetesVersion) -> str:
    return str(version).removeprefix("v")
