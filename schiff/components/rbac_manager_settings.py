"""What layers may set of who has which rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.values.names import Name


def _group(text: str) -> str:
    if not text or text != text.strip():
        raise InvalidValue(f"{text!r} is not a group (expected what the identity provider calls it, e.g. schiff-admin)")
    if text.startswith("system:"):
        raise InvalidValue(f"{text} is a group of Kubernetes' own, which may be everybody (expected one of people)")
    return text


Group = Annotated[str, AfterValidator(_group)]


class AdministratorsSpec(Spec):
    """Groups of the platform's team, and of its machines."""

    emergency: OneOrMore[Group] = ("schiff-emergency",)
    admin: OneOrMore[Group] = ("schiff-admin",)
    machines: OneOrMore[Group] = ("schiff-m2m",)


class BindingSpec(Spec):
    """Roles for groups: everywhere, or in namespaces; without `namespaces` in all that are not the platform's."""

    groups: Annotated[OneOrMore[Group], Field(min_length=1)]
    everywhere: OneOrMore[str] = ()
    in_namespaces: OneOrMore[str] = ()
    namespaces: Items[Name] = ()

    @model_validator(mode="after")
    def _grants_something(self) -> Self:
        if not self.everywhere and not self.in_namespaces:
            raise InvalidValue("grants nothing (expected roles in everywhere or inNamespaces)")
        if self.namespaces and not self.in_namespaces:
            raise InvalidValue("names namespaces, and no role for them (expected inNamespaces)")
        return self


class RbacManagerSettings(Spec):
    """Who administers, and bindings beside those that every customer has."""

    administrators: AdministratorsSpec = AdministratorsSpec()
    bindings: Mapping[Name, BindingSpec] = {}
