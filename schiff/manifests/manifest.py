"""One Kubernetes object as a value: what it is called, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schiff.errors import InvalidValue

_HEAD = ("apiVersion", "kind", "metadata")
_METADATA = frozenset({"name", "namespace", "labels", "annotations"})


class Identity(NamedTuple):
    """What makes two manifests the same object for an API server; sorts by kind, namespace and name."""

    api_version: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as schiff writes it.

    `body` holds every other top-level key (``spec``, ``data``, ``type``) in the
    order in which it is written, because readers expect ``spec`` before
    ``status``, not the alphabet. Labels and annotations have no order of their
    own, so they are sorted. Fields of ``metadata`` that a server sets have no
    place here.
    """

    api_version: str
    kind: str
    name: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in _HEAD:
            if key in self.body:
                raise InvalidValue(f"{self.kind} {self.name}: {key} is a field of the manifest, not of its body")

    def __hash__(self) -> int:
        return hash(self.identity)

    @property
    def identity(self) -> Identity:
        """The key under which an API server would store the object; cluster-wide objects have no namespace."""
        return Identity(self.api_version, self.kind, self.namespace or "", self.name)

    def as_dict(self) -> dict[str, Any]:
        """Return the object as Kubernetes reads it; empty parts of the metadata are left out."""
        metadata: dict[str, Any] = {"name": self.name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        if self.labels:
            metadata["labels"] = dict(sorted(self.labels.items()))
        if self.annotations:
            metadata["annotations"] = dict(sorted(self.annotations.items()))
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, **self.body}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Manifest:
        """Return the manifest of a decoded object; one that would lose a field on the way is refused."""
        metadata = data.get("metadata")
        for key, value in (("apiVersion", data.get("apiVersion")), ("kind", data.get("kind"))):
            if not isinstance(value, str) or not value:
                raise InvalidValue(f"an object needs {key}, a text")
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
            raise InvalidValue(f"{data['kind']} needs metadata.name, a text")
        if unknown := sorted(map(str, metadata.keys() - _METADATA)):
            raise InvalidValue(f"{data['kind']} {metadata['name']}: metadata.{unknown[0]} has no place in a manifest")
        return cls(
            api_version=data["apiVersion"],
            kind=data["kind"],
            name=metadata["name"],
            namespace=metadata.get("namespace"),
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
            body={key: value for key, value in data.items() if key not in _HEAD},
        )
