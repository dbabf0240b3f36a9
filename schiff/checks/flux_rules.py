"""Rules over Flux's objects (domain reference 10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schiff.checks.documents import KubernetesObject, Path
from schiff.checks.rules import Breach, Objects, Rule, each, target

_API = "kustomize.toolkit.fluxcd.io"
_KUSTOMIZATION = "Kustomization"
_EXACT = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+][0-9A-Za-z.+-]+)?")
_SUFFIX = "-kubeconfig"

Found = Iterator[tuple[Path, str, str]]


def _exact_chart(item: KubernetesObject) -> Found:
    path = ("spec", "chart", "spec", "version")
    version = item.at(*path)
    if item.map_at("spec", "chart", "spec") and not (isinstance(version, str) and _EXACT.fullmatch(version)):
        shown = "no version" if version is None else repr(version)
        yield path, f"{shown} lets the chart change without a commit", "write one exact version, e.g. 0.16.1"


def _one_chart(item: KubernetesObject) -> Found:
    has, refers = "chart" in item.map_at("spec"), "chartRef" in item.map_at("spec")
    if has == refers:
        yield ("spec",), f"has {'both' if has else 'neither'} chart and chartRef", "write exactly one of the two"


def _chart_source(item: KubernetesObject) -> Found:
    reference = item.map_at("spec", "ref")
    if not reference.get("tag") and not reference.get("digest"):
        yield ("spec", "ref"), "an OCI source without tag or digest follows latest", "write ref.tag, and ref.digest"
    if reference.get("semver"):
        yield ("spec", "ref", "semver"), "a range defeats staged rollout", "write ref.tag, and ref.digest"


def _never_by_force(item: KubernetesObject) -> Found:
    if item.group == _API and item.at("spec", "force") is True:
        message = "force deletes and creates again what cannot be changed: machines, volumes"
        yield ("spec", "force"), message, "leave it out"


def _own_kubeconfig(objects: Objects) -> Iterator[Breach]:
    path = ("spec", "kubeConfig", "secretRef", "name")
    for item in objects.of(_KUSTOMIZATION):
        name = item.text_at(*path)
        clusters = [cluster.name for cluster in objects.neighbours(item, "Cluster")]
        if item.group == _API and name and clusters and name.removesuffix(_SUFFIX) not in clusters:
            message = f"no Cluster of its namespace makes the Secret {name!r}"
            yield Breach(item, path, message, f"write {clusters[0]}{_SUFFIX}")


def _known_dependencies(objects: Objects) -> Iterator[Breach]:
    for item in _kustomizations(objects):
        for index, (namespace, name) in enumerate(_dependencies(item)):
            found = objects.beside(item, _KUSTOMIZATION, name, namespace)
            if found is None:
                message = f"depends on Kustomization {namespace}/{name}, which nobody delivers"
                yield Breach(item, ("spec", "dependsOn", index), message, "deliver it too, or correct the name")


def _no_cycle(objects: Objects) -> Iterator[Breach]:
    waits = {
        _key(item): [(target(item.file), *pair) for pair in _dependencies(item)] for item in _kustomizations(objects)
    }
    for item in _kustomizations(objects):
        seen, waiting = set(), list(waits[_key(item)])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting.extend(waits.get(other, ()))
        if _key(item) in seen:
            yield Breach(item, ("spec", "dependsOn"), "waits for itself in the end", "break the circle")


def _kustomizations(objects: Objects) -> Iterator[KubernetesObject]:
    return (item for item in objects.of(_KUSTOMIZATION) if item.group == _API)


def _key(item: KubernetesObject) -> tuple[str, str, str]:
    return target(item.file), item.namespace, item.name


def _dependencies(item: KubernetesObject) -> list[tuple[str, str]]:
    named = [each for each in item.items_at("spec", "dependsOn") if isinstance(each, dict)]
    return [(str(each.get("namespace") or item.namespace), str(each.get("name"))) for each in named]


RULES: tuple[Rule, ...] = (
    each("exact-chart", "A HelmRelease pins its chart's exact version.", ("HelmRelease",), _exact_chart),
    each("one-chart", "A HelmRelease has a chart or a chartRef, not both.", ("HelmRelease",), _one_chart),
    each("pinned-source", "An OCI source is pinned by tag or digest.", ("OCIRepository",), _chart_source),
    each("never-by-force", "No Kustomization applies by force.", (_KUSTOMIZATION,), _never_by_force),
    Rule("own-kubeconfig", "A remote Kustomization uses the kubeconfig of its namespace's Cluster.", _own_kubeconfig),
    Rule("no-cycle", "No Kustomization waits for itself.", _no_cycle),
    Rule("known-dependencies", "What a Kustomization depends on is delivered to the same cluster.",
         _known_dependencies, whole=True),
)  # fmt: skip
