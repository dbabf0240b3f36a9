"""Versions that are pinned together must fit together.

1. The minor of Kubernetes, and of each stop on the way, lies in the range that the Cluster API of the same release
   supports (domain reference 2).
2. The images contain the Kubernetes version: version and image change in the same commit.
3. A component runs on that Kubernetes version, is in the catalogue, and is on offer there in that version.
4. Vendored files of a pinned version are there, byte for byte.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from schiff.errors import Problem
from schiff.layers.validation import close_to
from schiff.model.fleet import Document, Path, SharedLayers
from schiff.model.release import Images, PinnedComponent
from schiff.values.versions import ComponentVersion, KubernetesVersion, VersionRange

Minors = tuple[int, int]

_TENANT_MINORS: Mapping[int, Minors] = {13: (30, 36), 14: (31, 36)}
_MANAGEMENT_MINORS: Mapping[int, Minors] = {13: (32, 36), 14: (33, 36)}


def pin_problems(layers: SharedLayers, vendored: Mapping[str, Mapping[str, bytes]]) -> Iterator[Problem]:
    """Give everything that does not fit together in one release, or at head."""
    document = layers.release_document
    pin = layers.release.kubernetes
    stops = [(f"via[{number}]", stop) for number, stop in enumerate(pin.via)]
    for path, version in (("version", pin.version), *stops):
        message = unsupported(version, layers.release.management_plane.capi, management=False)
        if message:
            place = document.place(("kubernetes", path.split("[")[0]))
            yield Problem(place, f"kubernetes.{path}", message, "pin a supported version", rule="kubernetes-range")
    yield from _images(layers, document)
    for name, component in layers.release.components.items():
        yield from _component(name, component, layers, vendored)


def unsupported(kubernetes: KubernetesVersion, capi: ComponentVersion, *, management: bool) -> str | None:
    """Return why this Cluster API cannot run this Kubernetes version, or None."""
    table = _MANAGEMENT_MINORS if management else _TENANT_MINORS
    minors = table.get(capi.minor) if capi.major == 1 else None
    if minors is None:
        return f"which Kubernetes versions Cluster API {capi} supports is not known"
    if kubernetes.major == 1 and minors[0] <= kubernetes.minor <= minors[1]:
        return None
    whose = "management" if management else "tenant"
    return (
        f"{kubernetes} is outside 1.{minors[0]}-1.{minors[1]}, which Cluster API {capi} supports for {whose} clusters"
    )


def _images(layers: SharedLayers, document: Document) -> Iterator[Problem]:
    pin = layers.release.kubernetes
    yield from _images_of(pin.version, pin.images, ("kubernetes", "images"), document)
    for version, images in sorted(pin.via_images.items()):
        yield from _images_of(version, images, ("kubernetes", "viaImages", str(version)), document)


def _images_of(version: KubernetesVersion, images: Images, path: Path, document: Document) -> Iterator[Problem]:
    exact = re.compile(rf"(?<![0-9]){re.escape(str(version).removeprefix('v'))}(?![0-9])")
    named = (("vsphere", "template", images.vsphere.template), ("metal3", "url", images.metal3.url))
    for provider, key, image in named:
        if not exact.search(image):
            yield Problem(
                document.place((*path, provider, key)), f"{_text(path)}.{provider}.{key}",
                f"{image!r} does not name Kubernetes {version}",
                "an image holds kubeadm and kubelet of exactly the pinned version: change both together",
                rule="image-version",
            )  # fmt: skip


def _text(path: Path) -> str:
    """Return a path by names; what stands below `viaImages` is a chosen name."""
    return ".".join(map(str, path[:2])) + "".join(f"[{key}]" for key in path[2:])


def _component(
    name: str, pin: PinnedComponent, layers: SharedLayers, vendored: Mapping[str, Mapping[str, bytes]]
) -> Iterator[Problem]:
    document, path = layers.release_document, f"components[{name}]"
    kubernetes = layers.release.kubernetes.version
    for range_ in (pin.kubernetes, _offered_range(name, pin, layers)):
        if range_ is not None and not range_.contains(kubernetes):
            yield Problem(
                document.place(("components", name)), f"{path}.version",
                f"{pin.version} runs on Kubernetes {range_}, not on {kubernetes}",
                "pin a version that does", rule="component-range",
            )  # fmt: skip
            break
    entry = layers.catalogue.get(name)
    if entry is None:
        place, cure = document.place(("components", name)), f"write components/{name}.yaml; "
        cure += close_to(name, layers.catalogue)
        yield Problem(place, path, f"no component is called {name!r}", cure, rule="unknown-component")
        return
    offered = entry.offered(pin.version)
    if offered is None:
        place, cure = document.place(("components", name, "version")), close_to(str(pin.version), entry.versions)
        yield Problem(place, f"{path}.version", f"{pin.version} is not on offer", cure, rule="unknown-version")
        return
    files = vendored.get(f"{name}/{pin.version}", {})
    for wanted in offered.vendored:
        content = files.get(wanted.path)
        if content is None or hashlib.sha256(content).hexdigest() != wanted.sha256:
            what = "is missing" if content is None else "differs from its recorded digest"
            yield Problem(
                document.place(("components", name)), path,
                f"components/{name}/{pin.version}/{wanted.path} {what}", "vendor the version again",
                rule="vendored-file",
            )  # fmt: skip


def _offered_range(name: str, pin: PinnedComponent, layers: SharedLayers) -> VersionRange | None:
    entry = layers.catalogue.get(name)
    offered = entry.offered(pin.version) if entry else None
    return offered.kubernetes if offered else None
