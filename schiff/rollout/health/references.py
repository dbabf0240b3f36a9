"""How Flux objects refer to each other: sources by name, repositories by source, owned folders by path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schiff.manifests.flux import COMPONENTS, DEFINITIONS
from schiff.rollout.health.expected import REPOSITORY_OF_SOURCE, Expected
from schiff.rollout.health.observed import ObjectKey
from schiff.rollout.health.reading import at, key_of, text

SOURCE_GROUP = "source.toolkit.fluxcd.io"
_REFERENCES = (("spec", "sourceRef"), ("spec", "chart", "spec", "sourceRef"), ("spec", "chartRef"))


def repository_of(delivered: Mapping[str, Any]) -> str:
    """Return the repository that a source, or the source of a Kustomization, stands for; empty for any other."""
    match text(delivered, "kind"):
        case "GitRepository":
            return REPOSITORY_OF_SOURCE.get(text(delivered, "metadata", "name"), "")
        case "Kustomization":
            return REPOSITORY_OF_SOURCE.get(text(delivered, "spec", "sourceRef", "name"), "")
    return ""


def folder_of(expected: Expected, delivered: Mapping[str, Any]) -> str | None:
    """Return the owned folder whose tree says whether this object has arrived; None when no line names it.

    A source and the Kustomization of a versioned component folder are asked for
    the cluster's own folder: what is add-only is there in every later commit.
    """
    repository = repository_of(delivered)
    own = {DEFINITIONS: expected.definitions, COMPONENTS: expected.components}.get(repository)
    path = text(delivered, "spec", "path").removeprefix("./").rstrip("/")
    if own is None or not path or path.startswith("components/"):
        return own
    while path and (repository, path) not in expected.trees:
        path = path.rpartition("/")[0]
    return path or None


def referred_sources(objects: Iterable[Mapping[str, Any]]) -> tuple[ObjectKey, ...]:
    """Return the sources that these objects refer to and that are not among them."""
    objects = list(objects)
    present = {key_of(item) for item in objects}
    return tuple(sorted({key for item in objects for key in _references(item)} - present))


def _references(delivered: Mapping[str, Any]) -> Iterator[ObjectKey]:
    for place in _REFERENCES:
        reference = at(delivered, *place)
        if text(reference, "name"):
            own = text(delivered, "metadata", "namespace")
            yield SOURCE_GROUP, text(reference, "kind"), text(reference, "namespace") or own, text(reference, "name")
