"""Who may do what where, apart from how a controller is told so.

RBAC Manager is told by an RBACDefinition; another controller would be told by
another function of the same bindings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schiff.manifests.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Binding:
    """Groups of people and the ClusterRoles they have: in the whole cluster, or in chosen namespaces.

    Without `namespaces` those are all that are not the platform's.
    """

    name: str
    groups: Sequence[str]
    everywhere: Sequence[str] = ()
    in_namespaces: Sequence[str] = ()
    namespaces: Sequence[str] = ()


def rbac_definition(name: str, bindings: Iterable[Binding], others: Mapping[str, Any]) -> Manifest:
    """Return the definition that RBAC Manager makes bindings of; `others` selects namespaces not the platform's."""
    written = [_written(binding, others) for binding in bindings]
    return Manifest("rbacmanager.reactiveops.io/v1beta1", "RBACDefinition", name, body={"rbacBindings": written})


def _written(binding: Binding, others: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": binding.name,
        "subjects": [{"kind": "Group", "name": group} for group in binding.groups],
    }
    if binding.everywhere:
        entry["clusterRoleBindings"] = [{"clusterRole": role} for role in binding.everywhere]
    if binding.in_namespaces:
        places: list[dict[str, Any]] = [{"namespace": name} for name in binding.namespaces] or [
            {"namespaceSelector": dict(others)}
        ]
        entry["roleBindings"] = [{"clusterRole": role, **place} for role in binding.in_namespaces for place in places]
    return entry
