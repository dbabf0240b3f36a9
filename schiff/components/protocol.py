"""What a component is: a versioned folder that many clusters share, and objects of one cluster beside it.

The folder is a function of component, version and variant alone, so a change
of a layer never edits what other clusters run; everything that comes from a
layer or from facts is an object of the cluster (design: what is compiled).
A component of schiff's own is a module of this package that has a `COMPONENT`;
another package offers one by an entry point in the group ``schiff.components``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from schiff.manifests.kustomize import FILE_NAME, kustomization_file
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.identifiers import Identifier
from schiff.values.versions import ComponentVersion

__all__ = [
    "BASE",
    "Component",
    "Files",
    "Identifier",
    "Never",
    "OrdinaryComponent",
    "SettingProblem",
    "versioned_folder",
]

BASE = "base"
"""The variant of a component that has only one."""

Files: TypeAlias = Mapping[str, str | bytes]


class SettingProblem(NamedTuple):
    """What is wrong with one setting of a component in one cluster; `rule` is one of the component's `rules`."""

    path: tuple[str | int, ...]
    message: str
    cure: str = ""
    rule: str = "cannot"


class Never(NamedTuple):
    """A field of a delivered object that never changes in place, and what people do instead.

    A list that `may_grow` keeps what it has, and takes more at its end.
    """

    kind: str
    path: tuple[str | int, ...]
    way_out: str
    may_grow: bool = False


class Component(Protocol):
    """One component of the platform.

    A *bootstrap* component is applied by the management cluster before the
    tenant's own Flux runs: what a node needs to become ready. All others are
    pulled by the tenant, and go on working without the management plane.
    """

    @property
    def name(self) -> str:
        """Its name in releases, layers and paths."""

    @property
    def settings(self) -> type[Spec]:
        """What layers may set below ``components.<name>``."""

    @property
    def bootstrap(self) -> bool:
        """Whether the management cluster applies it."""

    @property
    def optional(self) -> bool:
        """Whether only clusters run it whose layers name it below ``components``, be it with nothing."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Components that must run, and first."""

    @property
    def after(self) -> tuple[str, ...]:
        """Components that run first where a cluster runs them."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Namespaces of a component that the tenant pulls; the tenant makes them, so that secrets may come first."""

    @property
    def images(self) -> tuple[str, ...]:
        """Names of its images as its folder has them; each cluster pulls them from its own registry."""

    @property
    def secrets(self) -> tuple[SecretTarget, ...]:
        """Encrypted documents that must come with a bootstrap component."""

    @property
    def rules(self) -> Mapping[str, str]:
        """What `problems` looks for: a sentence for each id, which errors show as ``<component>-<id>``."""

    @property
    def never(self) -> tuple[Never, ...]:
        """Fields of its objects that never change in place."""

    @property
    def example(self) -> str:
        """Settings as an order writes them below ``components.<name>``: YAML, whole, and valid in the example fleet."""

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether a cluster whose release names the component runs it."""

    def variant(self, cluster: ResolvedCluster, settings: Any) -> str:
        """Return which of its variants the cluster runs."""

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:
        """Return the versioned folder with every variant, from the vendored files of that version."""

    def bootstrap_objects(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:
        """Return the cluster's objects that come with a bootstrap component."""

    def inputs(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:
        """Return the cluster's objects that must be there before the component, of Kubernetes' own kinds: values."""

    def objects(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:
        """Return the cluster's objects that the tenant applies once the component runs."""

    def management_objects(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:
        """Return the cluster's objects that live in its namespace on the management cluster."""

    def identifiers(self, cluster: ResolvedCluster, settings: Any) -> Iterator[Identifier]:
        """Give every name that the component has for the cluster in a system outside of it."""

    def problems(self, cluster: ResolvedCluster, settings: Any) -> Iterator[SettingProblem]:
        """Give what is wrong with the settings, seen together with the rest of the cluster."""


class OrdinaryComponent:
    """What most components answer alike: pulled by every tenant, one variant, nothing of one cluster's own."""

    name: str
    settings: type[Spec]
    bootstrap: bool = False
    optional: bool = False
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    secrets: tuple[SecretTarget, ...] = ()
    rules: Mapping[str, str] = {}
    never: tuple[Never, ...] = ()
    example: str = "{}"

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether the cluster's layers name it, if they must; it runs on every infrastructure."""
        return not self.optional or self.name in cluster.spec.components

    def variant(self, cluster: ResolvedCluster, settings: Any) -> str:  # noqa: ARG002
        """Return the only variant."""
        return BASE

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the vendored files as the only variant."""
        return versioned_folder(vendored, {BASE: {}})

    def bootstrap_objects(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:  # noqa: ARG002
        """Return nothing."""
        return ()

    def inputs(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:  # noqa: ARG002
        """Return nothing."""
        return ()

    def objects(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:  # noqa: ARG002
        """Return nothing."""
        return ()

    def management_objects(self, cluster: ResolvedCluster, settings: Any) -> Sequence[Manifest]:  # noqa: ARG002
        """Return nothing."""
        return ()

    def identifiers(self, cluster: ResolvedCluster, settings: Any) -> Iterator[Identifier]:  # noqa: ARG002
        """Give nothing."""
        yield from ()

    def problems(self, cluster: ResolvedCluster, settings: Any) -> Iterator[SettingProblem]:  # noqa: ARG002
        """Give nothing."""
        yield from ()


def versioned_folder(vendored: Mapping[str, bytes], kustomizations: Mapping[str, Mapping[str, Any]]) -> Files:
    """Return vendored files with a kustomization for each variant.

    A vendored file whose first folder is a variant's name stays there; all
    others are the base. A base without `resources` lists its files by itself,
    a folder that upstream wrote a kustomization for as that folder.
    """
    files: dict[str, str | bytes] = {}
    for path, content in vendored.items():
        files[path if path.partition("/")[0] in kustomizations else f"{BASE}/{path}"] = content
    for variant, parts in kustomizations.items():
        inside = [path.removeprefix(f"{variant}/") for path in files if path.startswith(f"{variant}/")]
        files[f"{variant}/{FILE_NAME}"] = kustomization_file(**{"resources": _resources(inside), **parts})
    return files


def _resources(paths: Sequence[str]) -> list[str]:
    own = {path.removesuffix(f"/{FILE_NAME}") for path in paths if path.endswith(f"/{FILE_NAME}")}
    listed = {next((folder for folder in own if path.startswith(f"{folder}/")), path) for path in paths}
    return sorted(listed)
