"""RBAC Manager: rights of the platform's people, and of the customer's (domain reference 20).

Rules, in the order of the code:

1. Administrators read, and steer Flux and Cluster API; everything is for emergencies, which have a group of their own.
2. A customer's three groups are called after it. What they may change lies in namespaces that are not the platform's:
   those without its label, less those that were there before anything could label them.
3. Rights and policies choose namespaces by the owner's label, so no customer gives a namespace that label, or takes
   one of the platform's away. The API server sees to it by itself: no controller must be up for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.platform_namespaces import PLATFORM, other_namespaces, platform_namespaces
from schiff.components.protocol import BASE, Files, OrdinaryComponent, SettingProblem, versioned_folder
from schiff.components.rbac_manager_bindings import Binding, rbac_definition
from schiff.components.rbac_manager_settings import RbacManagerSettings
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "rbac-manager"
EVERYTHING: Final = "cluster-admin"
ROLES: Final = (
    "cluster-api-plus", "collaborator-plus", "flux-plus", "namespaces-plus", "poweruser-plus", "readonly-base",
    "readonly-plus",
)  # fmt: skip
"""The roles of the versioned folder."""

_KUBERNETES_ROLES: Final = ("admin", "edit", "view")
_LOOKING: Final = ("readonly-base", "readonly-plus")
_GUARD: Final = "schiff-platform-namespaces"
_API: Final = "admissionregistration.k8s.io/v1"


class RbacManager(OrdinaryComponent):
    """The controller, the roles, and the definitions of a cluster."""

    name = "rbac-manager"
    settings = RbacManagerSettings
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = ("quay.io/reactiveops/rbac-manager",)
    rules: Mapping[str, str] = {
        "only-in-emergencies": "What allows everything is for emergencies alone, whose group has no other use.",
        "known-role": "A binding binds roles that are there, or nobody would notice that it grants nothing.",
        "platform-namespace": "A binding of one's own grants nothing in a namespace of the platform.",
    }
    example = """\
administrators: {emergency: schiff-emergency, admin: [schiff-admin, schiff-night-shift]}
bindings:
  auditors: {groups: schiff-audit, everywhere: [readonly-base, readonly-plus]}
  shop-team: {groups: [customer-a-shop], inNamespaces: collaborator-plus, namespaces: [shop]}
"""

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the controller and the roles."""
        return versioned_folder(vendored, {BASE: {"patches": [kept_definitions()]}})

    def inputs(self, cluster: ResolvedCluster, settings: RbacManagerSettings) -> Sequence[Manifest]:
        """Return what keeps customers from calling a namespace the platform's; management clusters have no customer."""
        return () if cluster.self_managed else _guard(cluster, settings)

    def objects(self, cluster: ResolvedCluster, settings: RbacManagerSettings) -> Sequence[Manifest]:
        """Return the definitions: administrators, the customer, and what settings add."""
        others = other_namespaces(cluster)
        named = {"schiff-administrators": _administrators(cluster, settings), "schiff-bindings": _added(settings)}
        if not cluster.self_managed:
            named["schiff-customer"] = _customer(cluster)
        return tuple(rbac_definition(name, bindings, others) for name, bindings in sorted(named.items()) if bindings)

    def problems(self, cluster: ResolvedCluster, settings: RbacManagerSettings) -> Iterator[SettingProblem]:
        """Give rights that are too many, or none."""
        yield from _emergency_problems(cluster, settings)
        known = {*ROLES, *_KUBERNETES_ROLES, EVERYTHING}
        for name, spec in sorted(settings.bindings.items()):
            for field, roles in (("everywhere", spec.everywhere), ("inNamespaces", spec.in_namespaces)):
                for role in sorted(set(roles) - known):
                    cure = f"known: {', '.join(sorted(known - {EVERYTHING}))}"
                    yield SettingProblem(("bindings", name, field), f"no role is called {role!r}", cure, "known-role")
            for namespace in sorted({*spec.namespaces} & {*platform_namespaces(cluster), NAMESPACE}):
                message = f"{namespace} belongs to the platform"
                path = ("bindings", name, "namespaces")
                yield SettingProblem(path, message, "leave it out", "platform-namespace")


# --- administrators


def _administrators(cluster: ResolvedCluster, settings: RbacManagerSettings) -> list[Binding]:
    groups = settings.administrators
    power = ("flux-plus", "cluster-api-plus") if cluster.self_managed else ("flux-plus",)
    bindings = (
        Binding("admin", groups.admin, (*_LOOKING, *power)),
        Binding("emergency", groups.emergency, (EVERYTHING,)),
        Binding("machines", groups.machines, _LOOKING),
    )
    return [binding for binding in bindings if binding.groups]


def _emergency_problems(cluster: ResolvedCluster, settings: RbacManagerSettings) -> Iterator[SettingProblem]:
    groups = settings.administrators
    others = {"admin": groups.admin, "machines": groups.machines}
    customers = {group for binding in _customer(cluster) for group in binding.groups}
    for group in groups.emergency:
        taken = next((name for name, named in others.items() if group in named), "")
        taken = taken or ("the customer" if group in customers else "")
        if taken:
            message = f"{group} is a group of {taken} too, so everything would be allowed every day"
            path = ("administrators", "emergency")
            yield SettingProblem(path, message, "name a group of its own", "only-in-emergencies")
    for name, spec in sorted(settings.bindings.items()):
        for field, roles in (("everywhere", spec.everywhere), ("inNamespaces", spec.in_namespaces)):
            if EVERYTHING in roles:
                message, cure = f"binds {EVERYTHING}", "name what is needed, or add to administrators.emergency"
                yield SettingProblem(("bindings", name, field), message, cure, "only-in-emergencies")


# --- customers


def _customer(cluster: ResolvedCluster) -> list[Binding]:
    customer = cluster.identity.customer
    return [
        Binding(f"{customer}-collaborator", [f"{customer}-collaborator"], ("readonly-base",), ("collaborator-plus",)),
        Binding(
            f"{customer}-poweruser", [f"{customer}-poweruser"], (*_LOOKING, "namespaces-plus"), ("poweruser-plus",)
        ),
        Binding(f"{customer}-readonly", [f"{customer}-readonly"], ("readonly-base",)),
    ]


def _added(settings: RbacManagerSettings) -> list[Binding]:
    return [
        Binding(name, spec.groups, spec.everywhere, spec.in_namespaces, spec.namespaces)
        for name, spec in sorted(settings.bindings.items())
    ]


# --- the owner's label


def _guard(cluster: ResolvedCluster, settings: RbacManagerSettings) -> tuple[Manifest, Manifest]:
    """Return the API server's own policy and its binding: it judges everybody who is bound, but administrators."""
    groups = sorted({group for binding in (*_customer(cluster), *_added(settings)) for group in binding.groups})
    owner = f"metadata.?labels[?'{cluster.identity.label('owner')}'].orValue('')"
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE", "DELETE"],
                    "resources": ["namespaces"],
                }
            ]
        },
        "matchConditions": [{"name": "customer", "expression": f"request.userInfo.groups.exists(g, g in {groups!r})"}],
        "validations": [
            {
                "expression": f"oldObject == null || oldObject.{owner} != '{PLATFORM}'",
                "message": "the namespace belongs to the platform",
            },
            {
                "expression": f"object == null || object.{owner} != '{PLATFORM}'",
                "message": "only the platform calls a namespace its own",
            },
            {
                "expression": f"!(request.name in {list(platform_namespaces(cluster))!r})",
                "message": "the namespace belongs to the platform",
            },
        ],
    }
    policy = Manifest(_API, "ValidatingAdmissionPolicy", _GUARD, labels=cluster.identity.labels, body={"spec": spec})
    bound = {"policyName": _GUARD, "validationActions": ["Deny"]}
    return policy, Manifest(
        _API, "ValidatingAdmissionPolicyBinding", _GUARD, labels=cluster.identity.labels, body={"spec": bound}
    )


COMPONENT = RbacManager()
