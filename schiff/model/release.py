"""What moves together: component versions, a Kubernetes version with its images, the management plane."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.model.tenant_cluster import Removal
from schiff.values.digests import HEAD, Digest
from schiff.values.names import ClusterKey, Name
from schiff.values.versions import ComponentVersion, KubernetesVersion, VersionRange

SOURCE: Final = "source"
"""Stands for the program's version in a release that was cut from a source checkout."""

_PROGRAM = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?")


def _program_version(text: str) -> str:
    """Refuse what is no version: the text names a folder, and what pip is asked for."""
    if text != SOURCE and not _PROGRAM.fullmatch(text):
        raise InvalidValue(f"{text!r} is no version of schiff (expected e.g. 1.4.0, or {SOURCE} for a checkout)")
    return text


ProgramVersion = Annotated[str, AfterValidator(_program_version)]


class PinnedComponent(Spec):
    """A component at exactly one version, and what it can follow and run on."""

    version: ComponentVersion
    upgrade_from: VersionRange | None = None
    kubernetes: VersionRange | None = None
    reversible: bool = True
    digest: Digest | None = None


class VsphereImage(Spec):
    """A virtual machine template that holds kubeadm and kubelet of the release's Kubernetes version."""

    template: str


class Metal3Image(Spec):
    """A disk image on the image server, with the digest that Ironic checks."""

    url: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Images(Spec):
    """One image for each infrastructure."""

    vsphere: VsphereImage
    metal3: Metal3Image


class KubernetesPin(Spec):
    """The Kubernetes version of a release; version and image change together.

    A cluster that comes from further back passes the versions in `via`. Their
    images are called like the release's own but for the version, unless
    `via_images` names them: then the release vouches for their digests too.

    `kube_vip` holds the API address on control plane machines. Another version
    replaces those machines, so it moves with a release and its default never changes.
    """

    version: KubernetesVersion
    via: Items[KubernetesVersion] = ()
    images: Images
    via_images: Mapping[KubernetesVersion, Images] = {}
    kube_vip: ComponentVersion = ComponentVersion(1, 0, 1)

    @model_validator(mode="after")
    def _images_are_of_a_version_on_the_way(self) -> Self:
        if strange := sorted(set(self.via_images) - set(self.via)):
            raise InvalidValue(
                f"viaImages names {strange[0]}, which is not one of via (expected e.g. via: [{strange[0]}])"
            )
        return self


class ManagementPlane(Spec):
    """Versions of what runs on a management cluster, and of the schiff that compiles the release.

    `schiff_wheel` is the digest of that program's files (decision 0029); one
    that was cut from a source checkout has none.
    """

    capi: ComponentVersion
    capm3: ComponentVersion
    capv: ComponentVersion
    ipam_in_cluster: ComponentVersion
    ipam_metal3: ComponentVersion
    ipam_infoblox: ComponentVersion | None = None
    schiff: ProgramVersion
    schiff_wheel: Digest | None = None


class ReleaseSpec(Spec):
    """`release.yaml`, and `head.yaml` in the same form.

    A hotfix names the components in which it differs from its parent. A train
    that does without a fix says which hotfix it takes the place of.
    """

    kind: Literal["head", "train", "hotfix"] = "head"
    name: str = HEAD
    parent: str | None = None
    cut: str | None = None
    changes: Items[Name] = ()
    supersedes: Items[str] = ()
    components: Mapping[Name, PinnedComponent]
    kubernetes: KubernetesPin
    management_plane: ManagementPlane

    @model_validator(mode="after")
    def _hotfix_says_what_it_fixes(self) -> Self:
        if self.kind == "hotfix" and not (self.parent and self.changes):
            raise InvalidValue("a hotfix names its parent, and under changes the components in which it differs")
        if self.kind != "hotfix" and self.changes:
            raise InvalidValue(f"changes is what a hotfix says; this is a {self.kind}")
        return self

    @model_validator(mode="after")
    def _program_is_one_and_no_other(self) -> Self:
        plane = self.management_plane
        if self.kind != HEAD and (plane.schiff == SOURCE) != (plane.schiff_wheel is None):
            raise InvalidValue(
                f"managementPlane.schiff {plane.schiff} and schiffWheel {plane.schiff_wheel or 'none'} do not go"
                " together: an installed schiff has a version and a digest, a source checkout has neither"
            )
        return self


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one cluster runs: a release's digest (or `HEAD`), a Kubernetes version, and how far it is removed."""

    release: str
    kubernetes: KubernetesVersion
    removal: Removal | None = None


@dataclass(frozen=True, slots=True)
class Assignments:
    """What every tenant cluster and every management cluster of one environment runs."""

    tenants: Mapping[ClusterKey, Assignment]
    management_clusters: Mapping[str, Assignment]
