"""What a cluster should be: the delivered line, trees and objects that its health is held against.

From the files of a cluster's two folders and of the lists that apply them, only
the kinds that health judges are read; the rest never leaves its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import yaml

from schiff.errors import InvalidValue
from schiff.manifests.flux import COMPONENTS, CONFIG, DEFINITIONS
from schiff.model.resolved import namespace_of
from schiff.values.names import ClusterKey

REPOSITORY_OF_SOURCE: Final = {DEFINITIONS: DEFINITIONS, COMPONENTS: COMPONENTS, CONFIG: COMPONENTS}
"""The repository behind each source that schiff emits, called like its source on management clusters."""

RELEASE_MAP: Final = "schiff-release"
_KINDS = {
    "Cluster", "KubeadmControlPlane", "MachineDeployment",
    "GitRepository", "HelmRepository", "OCIRepository", "Kustomization", "HelmRelease",
}  # fmt: skip
_KIND = re.compile(rb"^kind: (\w+)\s*$", re.MULTILINE)
_GROUPS = ("cluster.x-k8s.io", "toolkit.fluxcd.io")


class DeliveredFolder(Protocol):
    """One line of a delivered manifest."""

    @property
    def path(self) -> str: ...  # noqa: D102  # fields of a delivered manifest's line (design 5)
    @property
    def tree(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def release(self) -> str: ...  # noqa: D102
    @property
    def kubernetes(self) -> str: ...  # noqa: D102
    @property
    def removal(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Expected:
    """A cluster as it was delivered.

    `definitions` and `components` are its folders in the two repositories;
    `trees` holds these two and may hold every other owned folder, by
    (``cluster-definitions`` or ``cluster-components``, path).
    """

    cluster: str
    release: str
    kubernetes: str
    removal: str
    definitions: str
    components: str
    management: tuple[Mapping[str, Any], ...] = ()
    tenant: tuple[Mapping[str, Any], ...] = ()
    trees: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The namespace of the cluster's objects on its management cluster."""
        management = self.definitions.partition("/")[0]
        return namespace_of(ClusterKey.parse(self.cluster), management) if "/" in self.cluster else self.cluster


def expected_of(
    definitions: DeliveredFolder,
    components: DeliveredFolder,
    files: Mapping[str, bytes],
    trees: Mapping[tuple[str, str], str] | None = None,
) -> Expected:
    """Return what is expected of the cluster of two lines.

    `files` holds, by their paths in the repositories, the files of both
    folders and those that apply them: of a tenant its own file of the list
    ``flux/<environment>`` and, where at hand, ``sources.yaml``; of a management
    cluster (its line is ``self-definitions``) everything in its owner's list
    but the files of tenants. `trees` are further owned folders, which the
    Kustomizations of a management cluster apply.
    """
    own = {(DEFINITIONS, definitions.path): definitions.tree, (COMPONENTS, components.path): components.tree}
    inside = f"{components.path}/"
    sides: tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] = ([], [])
    for path in sorted(files):
        sides[path.startswith(inside)].extend(_judged(path, files[path]))
    return Expected(
        cluster=definitions.name if definitions.kind == "cluster" else definitions.path.partition("/")[0],
        release=definitions.release,
        kubernetes=definitions.kubernetes,
        removal=definitions.removal,
        definitions=definitions.path,
        components=components.path,
        management=tuple(sides[False]),
        tenant=tuple(sides[True]),
        trees={**(trees or {}), **own},
    )


def _judged(path: str, content: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a file that health judges, without reading the others."""
    if not path.endswith((".yaml", ".yml")):
        return
    for part in re.split(rb"^---\s*$", content, flags=re.MULTILINE):
        kind = _KIND.search(part)
        if kind is not None and (kind[1].decode() in _KINDS or kind[1] == b"ConfigMap"):
            yield from _objects(path, part)


def _objects(path: str, part: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        data = yaml.load(part, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise InvalidValue(f"{path} is not YAML: {error}") from error
    match data:
        case {"apiVersion": str(version), "kind": str(kind), "metadata": {"name": str(name)}}:
            group = version.rpartition("/")[0]
            if (kind in _KINDS and group.endswith(_GROUPS)) or (kind == "ConfigMap" and name == RELEASE_MAP):
                yield data
