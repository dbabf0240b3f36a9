"""How many different configurations of each component exist, and what makes them differ.

A configuration is a version, a variant and every setting with its default. Each
one more is one more thing to know when something breaks, so the count itself is
worth asking for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schiff.compiler.component_set import Running, component_set
from schiff.compiler.parts import Parts
from schiff.model.resolved import ResolvedCluster
from schiff.values.names import ClusterKey

Value = str | int | bool | None | list[Any] | dict[str, Any]
Facts = Mapping[tuple[str, ...], Value]
"""What one cluster's component is, by path: ``version``, ``variant``, and each setting below ``settings``."""


@dataclass(frozen=True, slots=True)
class Use:
    """One cluster that runs a component, and how."""

    cluster: ClusterKey
    environment: str
    customer: str
    version: str
    variant: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which clusters differ: each value with the clusters that have it, the most common first."""

    path: tuple[str, ...]
    values: tuple[tuple[Value, tuple[ClusterKey, ...]], ...]


def uses(clusters: Iterable[ResolvedCluster], parts: Parts) -> dict[str, list[Use]]:
    """Return who runs each component and how, by the component's name; raises `InvalidInput` for a broken cluster."""
    found: defaultdict[str, list[Use]] = defaultdict(list)
    for cluster in clusters:
        for one in component_set(cluster, parts).running:
            found[one.name].append(_use(cluster, one))
    return dict(sorted(found.items()))


def configurations(of: Iterable[Use]) -> int:
    """Return how many different configurations there are."""
    return len({repr(sorted(use.facts.items())) for use in of})


def differences(of: Iterable[Use]) -> list[Difference]:
    """Return what differs, by path; a setting that a cluster does not have counts as a value too."""
    every = list(of)
    paths = sorted({path for use in every for path in use.facts})
    found = (Difference(path, _values(every, path)) for path in paths)
    return [difference for difference in found if len(difference.values) > 1]


def _use(cluster: ResolvedCluster, one: Running) -> Use:
    identity = cluster.identity
    settings = one.settings.model_dump(mode="json", by_alias=True)
    facts = {("version",): str(one.version), ("variant",): one.variant, **dict(_leaves(settings, ("settings",)))}
    return Use(identity.key, identity.environment, identity.customer, str(one.version), one.variant, facts)


def _leaves(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Value]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _values(every: list[Use], path: tuple[str, ...]) -> tuple[tuple[Value, tuple[ClusterKey, ...]], ...]:
    groups: dict[str, tuple[Value, list[ClusterKey]]] = {}
    for use in every:
        value = use.facts.get(path)
        groups.setdefault(repr(value), (value, []))[1].append(use.cluster)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1][1]), item[0]))
    return tuple((value, tuple(clusters)) for _, (value, clusters) in ordered)
