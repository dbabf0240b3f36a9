"""Rules over Cluster API's objects that its webhooks or controllers find too late, or never (domain reference 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schiff.checks.documents import KubernetesObject, Path, leaves, value_at
from schiff.checks.rules import Breach, Objects, Rule, each, matches
from schiff.errors import InvalidValue
from schiff.model.resolved import CLUSTER_LABEL
from schiff.values.versions import KubernetesVersion

_CONTROL_PLANE = "KubeadmControlPlane"
_DEPLOYMENT = "MachineDeployment"
_CHECK = "MachineHealthCheck"
_VERSIONS: Mapping[str, Path] = {
    _CONTROL_PLANE: ("spec", "version"),
    _DEPLOYMENT: ("spec", "template", "spec", "version"),
}
_TEMPLATE_OF: Mapping[str, Path] = {
    _CONTROL_PLANE: ("spec", "machineTemplate", "spec", "infrastructureRef"),
    _DEPLOYMENT: ("spec", "template", "spec", "infrastructureRef"),
}
_IMAGES: Mapping[str, Path] = {
    "VSphereMachineTemplate": ("spec", "template", "spec", "template"),
    "Metal3MachineTemplate": ("spec", "template", "spec", "image", "url"),
}
_CONTROL_PLANE_LABEL = "cluster.x-k8s.io/control-plane"
_DEPLOYMENT_LABEL = "cluster.x-k8s.io/deployment-name"
_IN_IMAGE = re.compile(r"v?(\d+\.\d+\.\d+)")
_SUBSTITUTED = re.compile(r"(?<!\$)\$\{[_a-zA-Z][_a-zA-Z0-9]*")
_SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
_NONE = (0, "0", "0%")
_KUBELET_LAG = 3

Found = Iterator[tuple[Path, str, str]]


def _version_form(item: KubernetesObject) -> Found:
    path = _VERSIONS[item.kind]
    version = item.at(*path)
    if isinstance(version, str) and version and _parsed(version) is None:
        yield path, f"{version!r} is not a Kubernetes version", "write it with v and three numbers, e.g. v1.35.4"


def _control_plane_size(item: KubernetesObject) -> Found:
    replicas, path = item.at("spec", "replicas"), ("spec", "replicas")
    if replicas == 0:
        yield path, "a control plane of 0 machines cannot come back", "write 1, 3 or 5"
    stacked = item.at("spec", "kubeadmConfigSpec", "clusterConfiguration", "etcd", "external") is None
    if isinstance(replicas, int) and replicas and replicas % 2 == 0 and stacked:
        yield path, f"{replicas} machines with stacked etcd have no majority to lose", "write an odd number"


def _control_plane_surge(item: KubernetesObject) -> Found:
    path = ("spec", "rollout", "strategy", "rollingUpdate", "maxSurge")
    surge, replicas = item.at(*path), item.at("spec", "replicas")
    if surge in _NONE and isinstance(replicas, int) and replicas < 3:
        yield path, "maxSurge 0 replaces first, which needs at least three machines", "write 1"


def _deployment_moves(item: KubernetesObject) -> Found:
    base = ("spec", "rollout", "strategy", "rollingUpdate")
    if item.at(*base, "maxSurge") in _NONE and item.at(*base, "maxUnavailable") in _NONE:
        path = (*base, "maxUnavailable")
        yield path, "maxSurge and maxUnavailable are both 0: no machine can be replaced", "make one of them 1"


def _selector_matches(item: KubernetesObject) -> Found:
    selector, labels = item.map_at("spec", "selector"), item.map_at("spec", "template", "metadata", "labels")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield ("spec", "selector"), "the selector is empty", "select the template's labels"
    elif not matches(selector, labels):
        path = ("spec", "selector")
        yield path, "the selector does not match the labels of the template", "give both the same labels"


def _one_cluster_name(item: KubernetesObject) -> Found:
    outer, path = item.text_at("spec", "clusterName"), ("spec", "template", "spec", "clusterName")
    inner = item.text_at(*path)
    if inner and inner != outer:
        yield path, f"clusterName {inner!r} differs from spec.clusterName {outer!r}", f"write {outer}"


def _no_substitution(item: KubernetesObject) -> Found:
    marks = (item.map_at("metadata", "annotations"), item.map_at("metadata", "labels"))
    if any(mark.get(_SUBSTITUTE) == "disabled" for mark in marks):
        return
    for path, value in leaves(item.data.get("spec", {}), ("spec",)):
        if isinstance(value, str) and (found := _SUBSTITUTED.search(value)):
            cure = f"write ${found[0][2:]} without braces, or annotate the object {_SUBSTITUTE}: disabled"
            yield path, f"Flux would substitute {found[0]}}} in machine configuration", cure


def _limited_repair(item: KubernetesObject) -> Found:
    path = ("spec", "remediation", "triggerIf", "unhealthyLessThanOrEqualTo")
    trigger = item.map_at(*path[:-1])
    if "unhealthyLessThanOrEqualTo" not in trigger and "unhealthyInRange" not in trigger:
        yield path, "without a limit all machines may be replaced at once", "write a limit, e.g. 40%"


def _selects_machines(item: KubernetesObject) -> Found:
    selector = item.map_at("spec", "selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield ("spec", "selector"), "the selector is empty", "select the machines of one pool or the control plane"


def _known_cluster(objects: Objects) -> Iterator[Breach]:
    for item in objects.of(_DEPLOYMENT, _CHECK):
        name = item.text_at("spec", "clusterName")
        clusters = [cluster.name for cluster in objects.neighbours(item, "Cluster")]
        if clusters and name not in clusters:
            message = f"its namespace holds no Cluster {name!r}"
            yield Breach(item, ("spec", "clusterName"), message, f"write {' or '.join(clusters)}")


def _checks_apart(objects: Objects) -> Iterator[Breach]:
    for item in objects.of(_CHECK):
        others = [other for other in objects.neighbours(item, _CHECK) if other.name < item.name]
        for machines in _machine_labels(item, objects):
            if not matches(item.map_at("spec", "selector"), machines):
                continue
            for other in others:
                if matches(other.map_at("spec", "selector"), machines):
                    message = f"selects machines that {other.title} selects too"
                    yield Breach(item, ("spec", "selector"), message, "let each machine have one check")


def _machine_labels(check: KubernetesObject, objects: Objects) -> Iterator[dict[str, Any]]:
    """Yield the labels that each group of machines in a check's namespace will carry."""
    for owner in objects.neighbours(check, _CONTROL_PLANE):
        own = owner.map_at("spec", "machineTemplate", "metadata", "labels")
        yield {**own, CLUSTER_LABEL: owner.name, _CONTROL_PLANE_LABEL: ""}
    for owner in objects.neighbours(check, _DEPLOYMENT):
        own = owner.map_at("spec", "template", "metadata", "labels")
        yield {**own, CLUSTER_LABEL: owner.text_at("spec", "clusterName"), _DEPLOYMENT_LABEL: owner.name}


def _image_of_version(objects: Objects) -> Iterator[Breach]:
    for item in objects.of(_CONTROL_PLANE, _DEPLOYMENT):
        version = item.text_at(*_VERSIONS[item.kind])
        reference = item.map_at(*_TEMPLATE_OF[item.kind])
        template = objects.beside(item, str(reference.get("kind")), str(reference.get("name")))
        image = template.text_at(*_IMAGES[template.kind]) if template and template.kind in _IMAGES else ""
        found = _IN_IMAGE.search(image)
        if found and _parsed(version) and f"v{found[1]}" != version:
            message = f"{version} does not agree with the image of its template, {image!r}"
            yield Breach(item, _VERSIONS[item.kind], message, "change version and image together")


def _workers_follow(objects: Objects) -> Iterator[Breach]:
    for item in objects.of(_DEPLOYMENT):
        workers = _parsed(item.text_at(*_VERSIONS[_DEPLOYMENT]))
        for owner in objects.neighbours(item, _CONTROL_PLANE):
            version = _parsed(owner.text_at(*_VERSIONS[_CONTROL_PLANE]))
            if not workers or not version:
                continue
            if version < workers:
                message = f"{workers} is ahead of its control plane's {version}"
                yield Breach(item, _VERSIONS[_DEPLOYMENT], message, f"write {version} or older")
            elif version.minor - workers.minor > _KUBELET_LAG:
                message = f"{workers} is more than {_KUBELET_LAG} minors behind its control plane's {version}"
                yield Breach(item, _VERSIONS[_DEPLOYMENT], message, "bring it nearer")


def _one_endpoint(objects: Objects) -> Iterator[Breach]:
    path = ("spec", "controlPlaneEndpoint", "host")
    for item in objects.of("Cluster"):
        reference = item.map_at("spec", "infrastructureRef")
        other = objects.beside(item, str(reference.get("kind")), str(reference.get("name")))
        mine, its = item.text_at(*path), other.text_at(*path) if other else ""
        if other and mine and its and mine != its:
            yield Breach(item, path, f"{mine!r} differs from {its!r} of {other.title}", "set it in one place")


def _references(item: KubernetesObject) -> Iterator[tuple[Path, str, str]]:
    """Yield every object of its own namespace that an object names: path, kind and name."""
    for path, value in leaves(item.data.get("spec", {}), ("spec",)):
        parent = value_at(item.data, path[:-1])
        if path[-1] == "name" and isinstance(parent, dict) and isinstance(value, str):
            kind = parent.get("kind")
            if isinstance(kind, str) and ("apiGroup" in parent or path[-2] == "templateRef"):
                yield path, kind, value
            elif path[-2] == "dataTemplate":
                yield path, "Metal3DataTemplate", value


def _nothing_missing(objects: Objects) -> Iterator[Breach]:
    for item in objects.all:
        if not item.group.endswith("cluster.x-k8s.io") or item.group == "operator.cluster.x-k8s.io":
            continue
        for path, kind, name in _references(item):
            if objects.beside(item, kind, name) is None:
                message = f"names {kind} {name}, which its namespace does not hold"
                yield Breach(item, path, message, "deliver it too, or correct the name")


def _known_failure_domain(objects: Objects) -> Iterator[Breach]:
    path = ("spec", "template", "spec", "failureDomain")
    for item in objects.of(_DEPLOYMENT):
        domain = item.text_at(*path)
        racks = [
            entry.get("name") for metal in objects.neighbours(item, "Metal3Cluster")
            for entry in metal.items_at("spec", "failureDomains") if isinstance(entry, dict)
        ]  # fmt: skip
        zone = objects.beside(item, "VSphereDeploymentZone", domain, namespace="")
        if domain and zone is None and domain not in racks:
            message = f"failure domain {domain!r} does not exist"
            yield Breach(item, path, message, "name a VSphereDeploymentZone or a failure domain of the Metal3Cluster")


def _parsed(text: str) -> KubernetesVersion | None:
    try:
        return KubernetesVersion.parse(text)
    except InvalidValue:
        return None


_CONFIGURED = (_CONTROL_PLANE, "KubeadmConfig", "KubeadmConfigTemplate")

RULES: tuple[Rule, ...] = (
    each("version-form", "A Kubernetes version is written with v and three numbers.",
         (_CONTROL_PLANE, _DEPLOYMENT), _version_form),
    each("control-plane-odd", "A control plane with stacked etcd has an odd number of machines, never 0.",
         (_CONTROL_PLANE,), _control_plane_size),
    each("control-plane-surge", "A control plane that replaces first (maxSurge 0) has at least three machines.",
         (_CONTROL_PLANE,), _control_plane_surge),
    each("rollout-moves", "A MachineDeployment's maxSurge and maxUnavailable are not both 0.",
         (_DEPLOYMENT,), _deployment_moves),
    each("selector-matches", "A MachineDeployment selects the machines that its template makes.",
         (_DEPLOYMENT,), _selector_matches),
    each("one-cluster-name", "A MachineDeployment names the same cluster twice.", (_DEPLOYMENT,), _one_cluster_name),
    each("no-substitution", "Machine configuration holds nothing that Flux would substitute.",
         _CONFIGURED, _no_substitution),
    each("limited-repair", "A MachineHealthCheck limits how many machines are repaired at once.",
         (_CHECK,), _limited_repair),
    each("check-selects", "A MachineHealthCheck selects something.", (_CHECK,), _selects_machines),
    Rule("known-cluster", "MachineDeployments and MachineHealthChecks name the Cluster of their namespace.",
         _known_cluster),
    Rule("checks-apart", "No machine is watched by two MachineHealthChecks.", _checks_apart),
    Rule("image-of-version", "Kubernetes version and machine image agree.", _image_of_version),
    Rule("workers-follow", "Workers are never ahead of their control plane, and at most three minors behind.",
         _workers_follow),
    Rule("one-endpoint", "Cluster and infrastructure cluster name the same endpoint.", _one_endpoint),
    Rule("nothing-missing", "What a Cluster API object refers to is delivered with it.", _nothing_missing, whole=True),
    Rule("known-failure-domain", "A MachineDeployment's failure domain exists.", _known_failure_domain, whole=True),
)  # fmt: skip
