"""A policy, and the two ways Kyverno takes one: ClusterPolicy, which upstream lets go of, and ValidatingPolicy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schiff.components.kyverno_settings import Action, ResourceSpec
from schiff.manifests.manifest import Manifest

_POD: Final = ResourceSpec(kind="Pod", resource="pods")
_CATEGORY: Final = "policies.kyverno.io/category"
_OPERATIONS: Final = ("CREATE", "UPDATE")
_VERDICTS: Final[Mapping[Action, str]] = {"Audit": "Audit", "Enforce": "Deny"}


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold, for which objects, and what happens when it does not.

    Either a `level` of the Pod Security Standards, or expressions with the
    message of each; `namespaces` that are named are the only ones looked at.
    """

    name: str
    category: str
    action: Action
    failure: str
    resources: Sequence[ResourceSpec] = (_POD,)
    require: Sequence[tuple[str, str]] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    level: str = ""
    namespaces: Sequence[str] = ()

    @property
    def annotations(self) -> dict[str, str]:
        """What reports group by."""
        return {_CATEGORY: self.category}


def cel_policy(policy: Policy, where: Mapping[str, Any]) -> Manifest:
    """Return the policy as Kyverno means it from now on; `where` selects namespaces."""
    spec: dict[str, Any] = {
        "validationActions": [_VERDICTS[policy.action]],
        "failurePolicy": policy.failure,
        "matchConstraints": {
            "resourceRules": [_rule(resource) for resource in policy.resources],
            "namespaceSelector": where,
        },
    }
    if policy.variables:
        spec["variables"] = _variables(policy)
    spec["validations"] = _expressions(policy)
    return Manifest(
        "policies.kyverno.io/v1",
        "ValidatingPolicy",
        policy.name,
        annotations=policy.annotations,
        body={"spec": spec},
    )


def cluster_policy(policy: Policy, where: Mapping[str, Any]) -> Manifest:
    """Return the policy as clusters know it that do not have the new family yet."""
    validate: dict[str, Any] = {"failureAction": policy.action}
    if policy.level:
        validate["podSecurity"] = {"level": policy.level, "version": "latest"}
    else:
        validate["cel"] = {"expressions": _expressions(policy)}
        if policy.variables:
            validate["cel"]["variables"] = _variables(policy)
    rule = {
        "name": policy.level or policy.name,
        "match": {"any": [{"resources": _selected(policy, where)}]},
        "validate": validate,
    }
    spec = {"background": True, "webhookConfiguration": {"failurePolicy": policy.failure}, "rules": [rule]}
    return Manifest("kyverno.io/v1", "ClusterPolicy", policy.name, annotations=policy.annotations, body={"spec": spec})


def _rule(resource: ResourceSpec) -> dict[str, Any]:
    return {
        "apiGroups": [resource.group],
        "apiVersions": [resource.version],
        "operations": list(_OPERATIONS),
        "resources": [resource.resource],
    }


def _selected(policy: Policy, where: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a rule matches; a selector of namespaces would leave out everything that is in none."""
    kinds = ["/".join(filter(None, (each.group, each.version, each.kind))) for each in policy.resources]
    selected: dict[str, Any] = {"kinds": kinds, "operations": list(_OPERATIONS)}
    if not all(resource.cluster_wide for resource in policy.resources):
        selected["namespaceSelector"] = where
    return selected


def _expressions(policy: Policy) -> list[dict[str, str]]:
    return [{"expression": expression, "message": message} for expression, message in policy.require]


def _variables(policy: Policy) -> list[dict[str, str]]:
    return [{"name": name, "expression": expression} for name, expression in sorted(policy.variables.items())]
