"""What layers may set of Kyverno."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.values.names import Name

Action = Literal["Audit", "Enforce"]
Family = Literal["ClusterPolicy", "ValidatingPolicy"]

_EATEN: Final = re.compile(r"\$\{|\{\{")


def _uneaten(text: str) -> str:
    if _EATEN.search(text):
        raise InvalidValue("holds ${ or {{, which Flux and Kyverno replace by something else (say it without them)")
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_uneaten)]


class StandardSpec(Spec):
    """One level of the Pod Security Standards; without `action` it does what all policies do."""

    enabled: bool = True
    action: Action | None = None


class RestrictedSpec(StandardSpec):
    """The level that few workloads keep: it audits until it says otherwise itself."""

    action: Action | None = "Audit"


class ResourceSpec(Spec):
    """What a policy of one's own looks at: a kind, and its plural as the API server knows it."""

    group: str = ""
    version: Name = "v1"
    kind: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    resource: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]
    cluster_wide: bool = False


class RequirementSpec(Spec):
    """A CEL expression that must be true, and what people read when it is not."""

    expression: Text
    message: Text


class PolicySpec(Spec):
    """A policy of the platform's own; without `namespaces` it holds in every namespace but the platform's."""

    resources: Annotated[Items[ResourceSpec], Field(min_length=1)]
    require: Annotated[Items[RequirementSpec], Field(min_length=1)]
    namespaces: Items[Name] = ()
    action: Action | None = None

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        scopes = {each.cluster_wide for each in self.resources}
        if len(scopes) > 1:
            raise InvalidValue("looks at objects of namespaces and at others (expected: a policy for each)")
        if self.namespaces and True in scopes:
            raise InvalidValue("namespaces and clusterWide exclude each other: such objects are in no namespace")
        return self


class KyvernoSettings(Spec):
    """Policies, what breaking them does, and whom they leave alone.

    `action` is a value like any other: in `ref` and `prd` it comes with the
    release, so that a policy enforces there after it enforced in `tst`.
    """

    family: Family = "ValidatingPolicy"
    action: Action = "Audit"
    baseline: StandardSpec = StandardSpec()
    restricted: RestrictedSpec = RestrictedSpec()
    policies: Mapping[Name, PolicySpec] = {}
    exempt: OneOrMore[Name] = ()
    failure_policy: Literal["Fail", "Ignore"] = "Ignore"
    replicas: Annotated[int, Field(ge=1, le=9)] = 3
