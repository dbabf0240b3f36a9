"""One cluster with everything decided: its layers merged, typed, and every name in it followed.

What is checked here needs the merged value and the release that the cluster
runs, in the order of the code:

1. The release, the site and a management cluster for it exist; the zone and the class exist in that release.
2. The customer's layer sets only what that release's settings allow.
3. The merged value has everything a cluster needs; every problem stands where the value was written.
4. Components, machine classes and the node network exist. What head has and the release lacks says so.
5. The Cluster API of the release supports the assigned Kubernetes version.

The merge of the shared layers is kept per release and combination: a thousand
orders cost their own ten lines each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schiff.errors import InvalidInput, Problem
from schiff.layers.merge import Layer, Merged, merge, merged_data
from schiff.layers.pins import unsupported
from schiff.layers.references import PLATFORM
from schiff.layers.schema import CLUSTER_SHAPE, LAST, customer_problems
from schiff.layers.shapes import path_text
from schiff.layers.validation import Locate, Located, close_to, problems_of
from schiff.model.fleet import EMPTY, Document, Fleet, ManagementCluster, Path, SharedLayers, Site
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import Identity, ResolvedCluster, ResolvedEnvironment
from schiff.model.settings import LayerName
from schiff.model.tenant_cluster import TenantClusterSpec
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey

__all__ = ["ResolvedEnvironment", "Resolver", "resolve_environment", "survey_environment"]

_ORDER_LAYERS = ("customer", "cluster")
_OF_ONE_CLUSTER: frozenset[Path] = frozenset({
    ("controlPlane", "endpoint"), ("controlPlane", "hosts"), ("controlPlane", "virtualRouterId"),
    ("nodes", "addresses"), ("nodes", "network"),
})  # fmt: skip
"""What no two clusters share: where it is missing, an order lacks it, not a layer."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One cluster to resolve: its layers' names, its own document, and where that document stands in its file."""

    name: str
    customer: str
    site: Site
    management: ManagementCluster
    document: Document
    layers: SharedLayers
    assignment: Assignment
    secrets: Mapping[str, bytes]
    prefix: str = ""

    def named(self, field: str) -> str:
        """Return the environment, zone or class the order names; empty when it names none."""
        value = self.document.data.get(field)
        return value if isinstance(value, str) else ""

    @property
    def release(self) -> str:
        """The release for sentences."""
        return "head" if self.layers.is_head else f"release {self.layers.release.name}"


class Resolver:
    """Resolves the clusters of one fleet, and remembers the merges they share."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._shared: dict[tuple[str, ...], dict[str, Any]] = {}

    def cluster(self, key: ClusterKey, assignment: Assignment) -> ResolvedCluster:
        """Return one tenant cluster; raises `InvalidInput` with all its problems."""
        return self._resolve(self._ask(key, assignment))

    def management_cluster(self, name: str, assignment: Assignment) -> ResolvedCluster:
        """Return a management cluster's own cluster; raises `InvalidInput` with all its problems."""
        return self._resolve(self._ask_management(name, assignment))

    def merged(self, key: ClusterKey, assignment: Assignment) -> Merged:
        """Return a tenant cluster's merged layers with the origin of every value."""
        return merge(self._stack(self._ask(key, assignment)))

    def locate(self, cluster: ResolvedCluster) -> Locate:
        """Return how to find where a value of `cluster` was written."""
        if cluster.self_managed:
            return self._locate(self._ask_management(cluster.identity.name, cluster.assignment))
        return self._locate(self._ask(cluster.identity.key, cluster.assignment))

    # --- asking

    def _ask(self, key: ClusterKey, assignment: Assignment) -> _Ask:
        order = self._fleet.orders[key]
        environment = str(order.document.data.get("environment"))
        site = self._fleet.sites.get(key.site)
        management = self._fleet.management_cluster_of(key.site, environment)
        problems: list[Problem] = []
        if site is None:
            message, cure = f"no site is called {key.site!r}", close_to(key.site, self._fleet.sites)
            problems.append(Problem(order.document.place(), "", message, cure, rule="unknown-site"))
        elif management is None:
            message = f"no management cluster serves site {key.site} for {environment}"
            cure = "name the site and the environment in a file of management-clusters/"
            place = order.document.place(("environment",))
            problems.append(Problem(place, "environment", message, cure, rule="served-by-none"))
        layers = self._layers(assignment, order.document, problems)
        if site is None or management is None or layers is None:
            raise InvalidInput(problems)
        return _Ask(key.name, order.customer, site, management, order.document, layers, assignment, order.secrets)

    def _ask_management(self, name: str, assignment: Assignment) -> _Ask:
        management = self._fleet.management_clusters[name]
        site = self._fleet.sites.get(management.spec.site)
        problems: list[Problem] = []
        if site is None:
            message = f"no site is called {management.spec.site!r}"
            cure = close_to(management.spec.site, self._fleet.sites)
            problems.append(Problem(management.document.place(("site",)), "site", message, cure, rule="unknown-site"))
        layers = self._layers(assignment, management.document, problems)
        if site is None or layers is None:
            raise InvalidInput(problems)
        below = management.document.below("cluster")
        data = {"environment": management.spec.owning_environment, **below.data}
        document = Document(below.file, data, below.marks)
        secrets = management.secrets
        return _Ask(name, PLATFORM, site, management, document, layers, assignment, secrets, prefix="cluster")

    def _layers(self, assignment: Assignment, document: Document, problems: list[Problem]) -> SharedLayers | None:
        if assignment.release == HEAD or assignment.release in self._fleet.releases:
            return self._fleet.layers_of(assignment.release)
        message = f"runs release {assignment.release}, which the fleet lacks"
        cure = "restore the folder below releases/"
        problems.append(Problem(document.place(), "", message, cure, rule="unknown-release"))
        return None

    # --- merging

    def _stack(self, ask: _Ask) -> list[Layer]:
        return [(name, self._document(name, ask)) for name in ask.layers.settings.layers]

    def _document(self, name: LayerName, ask: _Ask) -> Document:
        layers = ask.layers
        match name:
            case "defaults":
                return layers.defaults
            case "environment":
                return layers.environments.get(ask.named("environment"), EMPTY)
            case "provider":
                return layers.providers.get(ask.site.facts.provider, EMPTY)
            case "zone":
                return layers.zones.get(ask.named("zone"), EMPTY)
            case "class":
                return layers.classes.get(ask.named("class"), EMPTY)
            case "site":
                return layers.sites.get(ask.site.name, EMPTY)
            case "customer":
                return self._fleet.customers.get(ask.customer, EMPTY)
            case "cluster":
                return ask.document

    def _data(self, ask: _Ask) -> dict[str, Any]:
        """Return the merged value; the part below the orders is shared between clusters.

        A customer's hold is for its production clusters: elsewhere it is not there.
        """
        choice = (ask.named("environment"), ask.site.facts.provider, ask.named("zone"), ask.named("class"))
        key = (ask.layers.digest, *choice, ask.site.name)
        shared = self._shared.get(key)
        if shared is None:
            shared = {}
            for name in ask.layers.settings.layers:
                if name not in _ORDER_LAYERS:
                    shared = merged_data(shared, self._document(name, ask).data)
            self._shared[key] = shared
        customer = self._document("customer", ask).data
        if customer and ask.named("environment") != LAST:
            customer = {key: value for key, value in customer.items() if key != "hold"}
        return merged_data(merged_data(shared, customer) if customer else shared, ask.document.data)

    # --- judging

    def _resolve(self, ask: _Ask) -> ResolvedCluster:
        problems = [*self._reference_problems(ask), *_kubernetes_problems(ask)]
        if ask.layers.settings.customer_may_set != self._fleet.head.settings.customer_may_set:
            customer = self._document("customer", ask)
            problems += customer_problems(customer, ask.layers.settings, ask.layers.release.name)
        data = self._data(ask)
        try:
            spec = TenantClusterSpec.model_validate(data, by_name=False, by_alias=True)
        except ValidationError as error:
            raise InvalidInput([*problems, *problems_of(error, CLUSTER_SHAPE, self._locate(ask))]) from None
        problems += self._name_problems(spec, ask)
        if problems:
            raise InvalidInput(problems)
        return _resolved(ask, spec)

    def _reference_problems(self, ask: _Ask) -> Iterator[Problem]:
        head = self._fleet.head
        known = (("zone", ask.layers.zones, head.zones), ("class", ask.layers.classes, head.classes))
        for field, here, at_head in known:
            name = ask.named(field)
            if name and name not in here:
                yield self._lacking(ask, field, (field,), here, name=name, at_head=name in at_head)

    def _name_problems(self, spec: TenantClusterSpec, ask: _Ask) -> Iterator[Problem]:
        for name in spec.components:
            pinned = ask.layers.release.components
            if name not in pinned:
                at_head = name in self._fleet.head.release.components
                yield self._lacking(ask, "component", ("components", name), pinned, name=name, at_head=at_head)
        used: list[tuple[Path, str]] = [(("controlPlane", "class"), spec.control_plane.machine_class)]
        used += [(("pools", name, "class"), pool.machine_class) for name, pool in spec.pools.items()]
        for path, name in used:
            if name not in spec.machine_classes:
                at_head = not ask.layers.is_head and name in self._machine_classes_at_head(ask)
                yield self._lacking(ask, "machine class", path, spec.machine_classes, name=name, at_head=at_head)
        networks = ask.site.facts.networks
        if spec.nodes.network not in networks:
            message = f"site {ask.site.name} has no network called {spec.nodes.network!r}"
            cure = close_to(spec.nodes.network, networks)
            yield self._problem(ask, ("nodes", "network"), message, cure, "unknown-network")

    def _machine_classes_at_head(self, ask: _Ask) -> Mapping[str, Any]:
        at_head = _Ask(
            ask.name, ask.customer, ask.site, ask.management, ask.document, self._fleet.head, ask.assignment, {}
        )
        classes: Mapping[str, Any] = self._data(at_head).get("machineClasses", {})
        return classes

    def _lacking(
        self, ask: _Ask, what: str, path: Path, known: Mapping[str, Any], *, name: str, at_head: bool
    ) -> Problem:
        rule = f"unknown-{what.replace(' ', '-')}"
        if at_head and not ask.layers.is_head:
            message = f"{what} {name!r} exists at head, but not in {ask.release}, which this cluster runs"
            return self._problem(ask, path, message, f"wait for a later release, or {close_to(name, known)}", rule)
        return self._problem(ask, path, f"no {what} is called {name!r}", close_to(name, known), rule)

    def _problem(self, ask: _Ask, path: Path, message: str, cure: str, rule: str) -> Problem:
        place, layer, prefix, _ = self._locate(ask)(path)
        return Problem(place, path_text(CLUSTER_SHAPE, path, prefix), message, cure, layer, rule)

    def _locate(self, ask: _Ask) -> Locate:
        stack = self._stack(ask)

        def locate(path: Path) -> Located:
            (layer, document), found = _winner(stack, path)
            rank = ask.layers.settings.layers.index(layer)
            return Located(document.place(found), layer, ask.prefix if layer == "cluster" else "", rank)

        return locate


def resolve_environment(fleet: Fleet, environment: str, assignments: Assignments) -> ResolvedEnvironment:
    """Return every cluster of one environment; raises `InvalidInput` with the problems of all of them."""
    resolved, problems = survey_environment(fleet, environment, assignments)
    if problems:
        raise InvalidInput(problems)
    return resolved


def survey_environment(
    fleet: Fleet, environment: str, assignments: Assignments
) -> tuple[ResolvedEnvironment, list[Problem]]:
    """Return the clusters that can be resolved, and every problem of the others."""
    resolver = Resolver(fleet)
    problems: list[Problem] = []
    tenants: dict[ClusterKey, ResolvedCluster] = {}
    management: dict[str, ResolvedCluster] = {}
    for key in sorted(assignments.tenants):
        try:
            tenants[key] = resolver.cluster(key, assignments.tenants[key])
        except InvalidInput as error:
            problems.extend(error.problems)
    for name in sorted(assignments.management_clusters):
        try:
            management[name] = resolver.management_cluster(name, assignments.management_clusters[name])
        except InvalidInput as error:
            problems.extend(error.problems)
    return ResolvedEnvironment(environment, tenants, management, fleet), sorted(set(problems))


def _kubernetes_problems(ask: _Ask) -> Iterator[Problem]:
    is_management = bool(ask.prefix)
    capi = ask.layers.release.management_plane.capi
    message = unsupported(ask.assignment.kubernetes, capi, management=is_management)
    if message:
        yield Problem(
            ask.layers.release_document.place(("kubernetes", "version")), "kubernetes.version", message,
            "pin a supported version", rule="kubernetes-range",
        )  # fmt: skip


def _resolved(ask: _Ask, spec: TenantClusterSpec) -> ResolvedCluster:
    facts, settings = ask.site.facts, ask.layers.settings
    identity = Identity(
        management_cluster=ask.management.name,
        environment=spec.environment,
        site=ask.site.name,
        location=facts.location,
        provider=facts.provider,
        zone=spec.zone,
        customer=ask.customer,
        name=ask.name,
        base_domain=settings.base_domain,
        label_domain=settings.label_domain,
    )
    return ResolvedCluster(
        identity, spec, facts, ask.management, ask.layers, ask.assignment, ask.secrets, self_managed=bool(ask.prefix)
    )


def _has(data: Any, path: Path) -> bool:
    for key in path:
        known = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if key not in known:
            return False
        data = data[key]
    return True


def _winner(stack: list[Layer], path: Path) -> tuple[Layer, Path]:
    """Return the last layer that has the value at `path`, or its nearest parent, and that path.

    What no two clusters share is missed in the order, whoever wrote the parent.
    """
    for length in range(len(path), 0, -1):
        for layer in reversed(stack):
            if _has(layer[1].data, path[:length]):
                return layer, path[:length]
        if path[:length] in _OF_ONE_CLUSTER:
            break
    return stack[-1], path
