"""What direct delivery sends: the objects of the very files that Git would hold, read back from their text.

Three things in those files are not sent:

- ``kustomization.yaml``, which is an instruction to Flux and no object;
- secrets: of encrypted ones schiff never sees the clear text, and whatever an API server keeps in one would end in
  Pulumi's state; people apply them (`docs/guide/delivery.md`);
- Flux objects that lead to ``cluster-definitions``: they would make Flux a second owner of everything that is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schiff.checks.documents import KubernetesObject, read_objects
from schiff.compiler.file_tree import Content, FileTree
from schiff.errors import InvalidInput
from schiff.manifests.cluster_objects import NEVER_PRUNED
from schiff.manifests.flux import DEFINITIONS
from schiff.manifests.kustomize import FILE_NAME

_SOPS = "sops"
_FIRST, _LAST = ("Namespace", "ServiceAccount", "Role", "ClusterRole"), "Cluster"


class ObjectKey(NamedTuple):
    """What makes two objects one for an API server, whatever version they are read in."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class DirectObject:
    """One object to send, and the file it was compiled to."""

    folder: str
    file: str
    key: ObjectKey
    api_version: str
    data: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def path(self) -> str:
        """The file it would have in `cluster-definitions`."""
        return f"{self.folder}/{self.file}"

    @property
    def is_kept(self) -> bool:
        """Whether it outlives its file: what Flux must not prune, Pulumi must not delete."""
        annotations = self.data["metadata"].get("annotations") or {}
        return NEVER_PRUNED.items() <= annotations.items()


@dataclass(frozen=True, slots=True)
class DirectShare:
    """What goes straight to API servers, in the order in which it is made, and the files that people apply."""

    objects: tuple[DirectObject, ...]
    left_out: tuple[str, ...]


def direct_share(contents: Mapping[str, FileTree]) -> DirectShare:
    """Return what the folders of `cluster-definitions` hold for API servers."""
    objects: list[DirectObject] = []
    left_out: list[str] = []
    for folder, files in sorted(contents.items()):
        for file, item in _read(files):
            if _SOPS in item.data or (item.group, item.kind) == ("", "Secret"):
                left_out.append(f"{folder}/{file}")
            elif not _leads_to_definitions(item):
                key = ObjectKey(item.group, item.kind, item.namespace, item.name)
                objects.append(DirectObject(folder, file, key, item.api_version, item.data))
    return DirectShare(tuple(sorted(objects, key=_order)), tuple(left_out))


def _read(files: FileTree) -> Iterator[tuple[str, KubernetesObject]]:
    for file, content in files.items():
        if file.rpartition("/")[2] == FILE_NAME:
            continue
        found, problems = read_objects(file, _text(content))
        if problems:
            raise InvalidInput(problems)
        yield from ((file, item) for item in found)


def _text(content: Content) -> str:
    return content if isinstance(content, str) else content.decode()


def _leads_to_definitions(item: KubernetesObject) -> bool:
    if item.kind == "GitRepository":
        return item.name == DEFINITIONS
    return item.kind == "Kustomization" and item.text_at("spec", "sourceRef", "name") == DEFINITIONS


def _order(item: DirectObject) -> tuple[int, str, ObjectKey]:
    """Sort what others lie in or refer to before them, and a Cluster behind all that it is made of."""
    kind = item.key.kind
    rank = _FIRST.index(kind) if kind in _FIRST else len(_FIRST) + (kind == _LAST)
    return rank, item.folder, item.key
