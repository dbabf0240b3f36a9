"""Direct delivery of a stack: what goes to which API server, judged before anything is registered, then sent.

Objects of a tenant cluster are children of its `TenantCluster`, the others of
their `Site` or `ManagementCluster`. They come after the commit of
`cluster-components`, which they point at. Inside a namespace its `Namespace` is
first, and a `Cluster` last, so that it is the first to go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pulumi

from schiff.compiler.file_tree import FileTree
from schiff.delivery.api_server import ApiServer, kubeconfig_file, read_context
from schiff.delivery.direct_comparison import (
    Found,
    direct_refusals,
    foreign_conflict,
    foreign_fields,
    found_objects,
    live_objects,
    sent_before,
)
from schiff.delivery.direct_objects import DirectObject, DirectShare, direct_share
from schiff.errors import SchiffError
from schiff.resources.kubernetes import KubernetesObject, ManagementApi, require_sdk
from schiff.resources.places import management_cluster_of

Contexts = Mapping[str, str]
"""The context of each management cluster, as its facts name it."""


class Direct:
    """What one stack sends to API servers; `kubeconfig` names the file as a setting does."""

    def __init__(self, kubeconfig: str, root: Path) -> None:
        require_sdk()
        self._file = kubeconfig_file(kubeconfig, root)
        self._share = DirectShare((), ())
        self._there: list[Found] = []
        self._servers: set[str] = set()
        self._apis: dict[str, ManagementApi] = {}
        self._parents: dict[str, tuple[pulumi.Resource, bool]] = {}

    @property
    def left_out(self) -> tuple[str, ...]:
        """The encrypted documents that somebody has to apply."""
        return self._share.left_out

    @property
    def servers(self) -> tuple[str, ...]:
        """The addresses of the API servers, sorted; known when the objects are."""
        return tuple(sorted(self._servers))

    @property
    def objects(self) -> Mapping[str, int]:
        """How many objects each management cluster gets."""
        return {name: len(self._of(name)) for name in self._apis}

    def take(self, contents: Mapping[str, FileTree], contexts: Contexts) -> None:
        """Read the compiled objects, and what stands on the servers they are for."""
        self._share = direct_share(contents)
        for name in sorted({management_cluster_of(item.folder) for item in self._share.objects}):
            config = read_context(self._file, contexts[name])
            self._servers.add(config.cluster.server)
            self._apis[name] = ManagementApi(name, contexts[name], self._file)
            with ApiServer(name, config) as server:
                live = live_objects(server, name, self._of(name))
            self._there += found_objects(name, self._of(name), live)

    def refusals(self, stack: str, *, adopt: bool, take_back: bool) -> Iterator[SchiffError]:
        """Yield what speaks against sending; what others changed is a warning in a preview."""
        yield from direct_refusals(self._there, adopt=adopt)
        foreign = foreign_fields(self._there)
        if foreign and not take_back:
            conflict = foreign_conflict(stack, foreign)
            if not pulumi.runtime.is_dry_run():
                yield conflict
            pulumi.warn(str(conflict))

    def sent_before(self) -> dict[str, bytes]:
        """Return, as files, what would change, as it was last sent."""
        return sent_before(self._there)

    def place(self, folder: str, parent: pulumi.Resource, *, protect: bool) -> None:
        """Note the resource below which the objects of a folder belong."""
        self._parents[folder] = (parent, protect)

    def send(self, components: pulumi.Resource) -> Iterator[KubernetesObject]:
        """Register every object, in an order in which what others need comes first."""
        namespaces: dict[tuple[str, str], KubernetesObject] = {}
        folders: dict[str, list[pulumi.Resource]] = {}
        for item in self._share.objects:
            name = management_cluster_of(item.folder)
            own = namespaces.get((name, item.key.namespace))
            before = folders.setdefault(item.folder, [])
            after = [components, *([own] if own else []), *(before if item.key.kind == "Cluster" else [])]
            parent, protect = self._parents[item.folder]
            sent = self._apis[name].send(item, parent, after, protect=protect and item.key.kind == "Cluster")
            before.append(sent)
            if item.key.kind == "Namespace":
                namespaces[name, item.key.name] = sent
            yield sent

    def _of(self, management_cluster: str) -> list[DirectObject]:
        return [item for item in self._share.objects if management_cluster_of(item.folder) == management_cluster]
