"""Which components a cluster runs, in which order, and with which settings.

A cluster runs what its release names and what applies to it. Rules, in the
order of the code:

1. A component that the release names is installed beside schiff.
2. Its settings are what its own spec says.
3. What it requires runs too, and no requirement leads back to itself.
4. The settings fit the rest of the cluster.
5. Flux runs, or nobody would pull.
6. Every encrypted document is for a namespace that exists before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from schiff.compiler.parts import Parts
from schiff.components.protocol import Component
from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.shapes import path_text, shape_of
from schiff.layers.validation import Locate, Located, close_to, problems_of
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.sops import documents_for, secret_target
from schiff.model.fleet import Path
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

FLUX = "flux"
_ALWAYS_THERE = frozenset({"default", "kube-system", FLUX_NAMESPACE})


@dataclass(frozen=True, slots=True)
class Running:
    """One component of one cluster: at which version, with which settings."""

    component: Component
    version: ComponentVersion
    settings: Spec
    variant: str

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name


@dataclass(frozen=True, slots=True)
class ComponentSet:
    """What one cluster runs, each after everything it requires; ties by name."""

    running: tuple[Running, ...]

    @property
    def flux(self) -> Running:
        """Flux itself; a set without it is refused before."""
        return next(one for one in self.running if one.name == FLUX)

    @property
    def bootstrap(self) -> tuple[Running, ...]:
        """What the management cluster applies so that nodes become ready: all that must run before Flux can."""
        return tuple(one for one in self.running if one.component.bootstrap and one.name != FLUX)

    @property
    def pulled(self) -> tuple[Running, ...]:
        """What the tenant pulls by itself."""
        return tuple(one for one in self.running if not one.component.bootstrap)

    def required_of(self, one: Running) -> tuple[str, ...]:
        """Return which components the tenant pulls before this one."""
        pulled = {other.name for other in self.pulled}
        return tuple(name for name in first(one.component) if name in pulled)


def first(component: Component) -> tuple[str, ...]:
    """Return what runs before a component, each once: what it requires, then what it merely follows."""
    return tuple(dict.fromkeys((*component.requires, *component.after)))


def component_set(cluster: ResolvedCluster, parts: Parts) -> ComponentSet:
    """Return what the cluster runs; raises `InvalidInput` with everything that is wrong with it."""
    settings: dict[str, Spec] = {}
    problems = tuple(_survey(cluster, parts, _in_order(cluster), settings))
    if problems:
        raise InvalidInput(problems)
    applying = applying_components(cluster, parts)
    order = TopologicalSorter({name: _required(applying[name], applying) for name in sorted(applying)}).static_order()
    pinned = cluster.layers.release.components
    return ComponentSet(
        tuple(
            Running(one, pinned[name].version, settings[name], one.variant(cluster, settings[name]))
            for name in order
            for one in (applying[name],)
        )
    )


def component_problems(cluster: ResolvedCluster, parts: Parts, locate: Locate | None = None) -> Iterator[Problem]:
    """Yield everything that is wrong with a cluster's components.

    `locate` finds where a value was written (`Resolver.locate`); without it the order is named.
    """
    return _survey(cluster, parts, locate or _in_order(cluster), {})


def applying_components(cluster: ResolvedCluster, parts: Parts) -> dict[str, Component]:
    """Return the installed components that the release names and that apply to the cluster, by name."""
    named = cluster.layers.release.components
    installed = {name: parts.components[name] for name in named if name in parts.components}
    return {name: component for name, component in installed.items() if component.applies_to(cluster)}


def _survey(cluster: ResolvedCluster, parts: Parts, find: Locate, settings: dict[str, Spec]) -> Iterator[Problem]:
    """Yield every problem, and note the settings of each component that has none."""
    yield from _not_installed(cluster, parts)
    applying = applying_components(cluster, parts)
    for name in sorted(applying):
        yield from _setting_problems(applying[name], cluster, find, settings)
    yield from _requirement_problems(applying, cluster)
    if FLUX not in applying:
        message = f"no component {FLUX}: nothing would reach the cluster"
        yield _at_release(cluster, ("components",), message, "pin it", "missing-component")
    yield from _secret_problems(applying, cluster)


def _required(component: Component, applying: Mapping[str, Component]) -> list[str]:
    return [name for name in first(component) if name in applying]


def _not_installed(cluster: ResolvedCluster, parts: Parts) -> Iterator[Problem]:
    for name in sorted(set(cluster.layers.release.components) - set(parts.components)):
        message, cure = f"component {name!r} is not installed beside schiff", close_to(name, parts.components)
        yield _at_release(cluster, ("components", name), message, cure, "component-not-installed")


def _setting_problems(
    component: Component, cluster: ResolvedCluster, find: Locate, settings: dict[str, Spec]
) -> Iterator[Problem]:
    shape = shape_of(component.settings)

    def locate(path: Path) -> Located:
        found = find(("components", component.name, *path))
        return found._replace(prefix=f"{found.prefix}.components[{component.name}]".removeprefix("."))

    said: Mapping[str, Any] = cluster.spec.components.get(component.name, {})
    try:
        settings[component.name] = component.settings.model_validate(said, by_name=False, by_alias=True)
    except ValidationError as error:
        yield from problems_of(error, shape, locate)
        return
    for path, message, cure, rule in component.problems(cluster, settings[component.name]):
        found = locate(path)
        text = path_text(shape, path, found.prefix)
        yield Problem(found.place, text, message, cure, found.layer, rule=f"{component.name}-{rule}")


def _requirement_problems(applying: Mapping[str, Component], cluster: ResolvedCluster) -> Iterator[Problem]:
    for name, component in sorted(applying.items()):
        for missing in sorted(set(component.requires) - set(applying)):
            message = f"{name} requires {missing}, which this cluster does not run"
            yield _at_release(cluster, ("components", name), message, f"pin {missing} too", "missing-component")
    try:
        TopologicalSorter({name: _required(applying[name], applying) for name in sorted(applying)}).prepare()
    except CycleError as error:
        message = f"components require each other: {' -> '.join(error.args[1])}"
        yield _at_release(cluster, ("components",), message, "leave one requirement out", "component-cycle")


def _secret_problems(applying: Mapping[str, Component], cluster: ResolvedCluster) -> Iterator[Problem]:
    """Yield documents for namespaces that nobody makes: one of them would stop everything the tenant applies.

    A management cluster has more namespaces than components: Cluster API's providers bring theirs.
    """
    if cluster.self_managed:
        return
    made = {name for component in applying.values() for name in component.namespaces}
    known = {cluster.identity.namespace, *_ALWAYS_THERE, *made}
    own = documents_for(cluster.secrets, cluster.identity.namespace)
    folder = _in_order(cluster)(()).place.file.removesuffix(".yaml") + ".secrets"
    for name, content in sorted(cluster.secrets.items()):
        namespace = secret_target(content).namespace
        if name not in own and namespace not in known:
            message = f"is for namespace {namespace!r}, which nothing in this cluster makes"
            cure = f"known: {', '.join(sorted(known))}"
            yield Problem(Place(f"{folder}/{name}"), "metadata.namespace", message, cure, rule="secret-namespace")


def _at_release(cluster: ResolvedCluster, path: tuple[str, ...], message: str, cure: str, rule: str) -> Problem:
    document = cluster.layers.release_document
    text = path[0] if len(path) == 1 else f"{path[0]}[{path[1]}]"
    return Problem(document.place(path), text, message, cure, rule=rule)


def _in_order(cluster: ResolvedCluster) -> Locate:
    identity = cluster.identity
    order = f"sites/{identity.site}/{identity.customer}/{identity.name}.yaml"
    place = Place(f"management-clusters/{identity.name}.yaml" if cluster.self_managed else order)
    return lambda _: Located(place, prefix="cluster" if cluster.self_managed else "")
