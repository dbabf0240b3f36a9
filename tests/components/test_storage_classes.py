"""The default class of a cluster, over all drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from schiff.compiler.component_set import component_problems
from schiff.components import portworx, trident, vsphere_csi
from schiff.components.portworx_settings import PortworxSettings
from schiff.components.protocol import Component
from schiff.components.storage_classes import _UNWRITTEN
from schiff.model.resolved import ResolvedCluster
from schiff.sources.plugins import load_parts
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed

ANNOTATION = "storageclass.kubernetes.io/is-default-class"
DRIVERS: Mapping[str, Component] = {
    component.name: component for component in (portworx.COMPONENT, trident.COMPONENT, vsphere_csi.COMPONENT)
}
NAS = {"nas": {"driver": "ontap-nas", "managementLIF": "10.4.8.10", "svm": "svm-1"}}
TOO = "says that it is the default class of the cluster too"
PINS = {"vsphere-csi": "v3.7.3-s2", "snapshot-controller": "v8.6.0", "trident": "v26.6.0", "portworx": "v26.2.1"}


def a_cluster_with(**said: Mapping[str, Any]) -> ResolvedCluster:
    documents = changed(VSPHERE_ORDER, "components", {name.replace("_", "-"): value for name, value in said.items()})
    for name, version in PINS.items():
        documents["head.yaml"]["components"][name] = {"version": version}
        documents[f"components/{name}.yaml"] = {"versions": {version: {}}}
    return a_resolved_cluster(documents=documents)


def defaults(cluster: ResolvedCluster) -> list[str]:
    found = []
    for name, component in DRIVERS.items():
        if component.applies_to(cluster):
            settings = component.settings.model_validate(cluster.spec.components.get(name, {}))
            objects = component.objects(cluster, settings)
            found += [item.name for item in objects if item.annotations.get(ANNOTATION) == "true"]
    return found


def said(cluster: ResolvedCluster) -> list[str]:
    found = sorted(component_problems(cluster, load_parts()))
    assert {problem.rule.partition("-default-class")[1] for problem in found} <= {"-default-class"}
    return [f"{problem.path}: {problem.message}" for problem in found]


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_a_driver_has_the_classes_that_other_drivers_take_it_to_have(name: str) -> None:
    unwritten: Any = DRIVERS[name].settings()
    assert tuple(unwritten.classes) == _UNWRITTEN[name]


def test_a_cluster_with_one_driver_and_one_class_needs_no_word() -> None:
    cluster = a_cluster_with()
    assert defaults(cluster) == ["vsphere-default"]
    assert said(cluster) == []


def test_a_class_that_says_so_wins_over_one_that_says_nothing() -> None:
    cluster = a_cluster_with(trident={"backends": NAS, "classes": {"gold": {"driver": "ontap-nas", "default": True}}})
    assert defaults(cluster) == ["gold"]
    assert said(cluster) == []


def test_a_class_that_says_no_leaves_it_to_the_only_other_one() -> None:
    cluster = a_cluster_with(portworx={"classes": {"repl2": {"default": False}}})
    assert defaults(cluster) == ["vsphere-default"]
    assert said(cluster) == []


def test_two_drivers_that_say_nothing_are_asked_once_which_it_is() -> None:
    cluster = a_cluster_with(portworx={})
    assert defaults(cluster) == []
    assert said(cluster) == ["components[portworx].classes: no class of volumes is the default"]
    (problem,) = component_problems(cluster, load_parts())
    assert problem.cure == "write default: true in one of portworx's class repl2, vsphere-csi's class default"
    assert problem.rule == "portworx-default-class"


def test_two_classes_that_both_say_so_are_refused_at_both_places() -> None:
    cluster = a_cluster_with(
        vsphere_csi={"classes": {"fast": {"default": True}}}, portworx={"classes": {"repl2": {"default": True}}}
    )
    assert said(cluster) == [
        f"components[portworx].classes[repl2].default: vsphere-csi's class fast {TOO}",
        f"components[vsphere-csi].classes[fast].default: portworx's class repl2 {TOO}",
    ]
    assert defaults(cluster) == []


def test_a_driver_that_the_release_does_not_pin_has_no_say() -> None:
    documents = changed(VSPHERE_ORDER, "components", {"portworx": {}})
    documents["components/portworx.yaml"] = {"versions": {"v26.2.1": {}}}
    pinned = documents["head.yaml"]["components"]
    pinned["portworx"] = {"version": "v26.2.1"}
    del pinned["vsphere-csi"]
    cluster = a_resolved_cluster(documents=documents)
    assert not list(portworx.COMPONENT.problems(cluster, PortworxSettings()))


def defaults_of_vsphere(cluster: ResolvedCluster) -> list[str]:
    objects = vsphere_csi.COMPONENT.objects(cluster, vsphere_csi.VsphereCsiSettings())
    return [item.name for item in objects if item.annotations.get(ANNOTATION) == "true"]


def test_what_is_no_class_is_refused_by_its_own_driver_alone() -> None:
    cluster = a_cluster_with(portworx={"classes": ["repl2"]})
    assert defaults_of_vsphere(cluster) == ["vsphere-default"]
    found = list(component_problems(cluster, load_parts()))
    assert [problem.path for problem in found] == ["components[portworx].classes"]
