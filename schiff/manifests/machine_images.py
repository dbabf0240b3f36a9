"""Which image a cluster's machines start from: it must hold kubeadm and kubelet of exactly their version.

A release names one image for its Kubernetes version. A cluster that passes
through an older minor on its way there (a hop) takes the image that the release
names for it (`viaImages`), else the one that is called the same but for the
version.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from schiff.model.release import Images, KubernetesPin
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import KubernetesVersion


class ImageNames(NamedTuple):
    """What the images of one version are called: a virtual machine template, and a disk image as a release has it."""

    template: str
    disk: str


def image_names(pin: KubernetesPin, version: KubernetesVersion) -> ImageNames:
    """Return what a release calls the images of its own version, or of another that its clusters run."""
    named = _named(pin, version)
    if named is not None:
        return ImageNames(named.vsphere.template, named.metal3.url)
    return ImageNames(
        _at_version(pin.images.vsphere.template, pin.version, version),
        _at_version(pin.images.metal3.url, pin.version, version),
    )


def vsphere_template(cluster: ResolvedCluster) -> str:
    """Return the name of the virtual machine template."""
    return image_names(cluster.layers.release.kubernetes, cluster.assignment.kubernetes).template


def metal3_image(cluster: ResolvedCluster) -> dict[str, str]:
    """Return the disk image with the digest that Ironic checks.

    The release vouches for the images it names; the digest of another hop is
    read beside the image, from the same server.
    """
    pin, version = cluster.layers.release.kubernetes, cluster.assignment.kubernetes
    named, url = _named(pin, version), _on_server(cluster, image_names(pin, version).disk)
    checksum = f"{url}.sha256" if named is None else named.metal3.sha256
    return {"url": url, "checksum": checksum, "checksumType": "sha256", "diskFormat": "qcow2"}


def _named(pin: KubernetesPin, version: KubernetesVersion) -> Images | None:
    return pin.images if version == pin.version else pin.via_images.get(version)


def _on_server(cluster: ResolvedCluster, url: str) -> str:
    """Return a whole URL; one without a server is looked for on the image server."""
    return url if "://" in url else f"{cluster.spec.image_server}/{url}"


def _at_version(text: str, released: KubernetesVersion, assigned: KubernetesVersion) -> str:
    return re.sub(rf"(?<![0-9.]){re.escape(_numbers(released))}(?![0-9])", _numbers(assigned), text)


def _numbers(version: KubernetesVersion) -> str:
    return str(version).removeprefix("v")
