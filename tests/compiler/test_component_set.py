from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schiff.compiler.component_set import component_problems, component_set
from schiff.compiler.parts import Parts
from schiff.components.protocol import OrdinaryComponent
from schiff.errors import InvalidInput
from schiff.layers.resolve import Resolver
from schiff.model.spec import Spec
from schiff.values.names import ClusterKey
from tests.compiler.compiling import PARTS
from tests.makers import (
    MANAGEMENT_CLUSTER,
    METAL3_ORDER,
    VSPHERE_ORDER,
    Documents,
    a_fleet,
    a_resolved_cluster,
    a_resolved_management_cluster,
    an_assignment,
    changed,
    fleet_documents,
)


class NoSettings(Spec):
    """Nothing to set."""


def a_component(called: str, *required: str) -> OrdinaryComponent:
    class Made(OrdinaryComponent):
        name = called
        settings = NoSettings
        requires = required

    return Made()


def pinned(documents: Documents | None = None, **versions: str) -> Documents:
    for name, version in versions.items():
        documents = changed("head.yaml", f"components.{name}", {"version": version}, documents)
        documents = changed(f"components/{name}.yaml", "versions", {version: {}}, documents)
    assert documents is not None
    return documents


def sentences(documents: Documents, parts: Parts = PARTS) -> list[str]:
    return [str(problem) for problem in component_problems(a_resolved_cluster("metal3", documents=documents), parts)]


def test_a_cluster_runs_what_its_release_names_and_what_applies_to_it() -> None:
    virtual = component_set(a_resolved_cluster("vsphere"), PARTS)
    metal = component_set(a_resolved_cluster("metal3"), PARTS)
    assert {one.name for one in virtual.running} == {"calico", "flux", "metallb", "vsphere-cpi", "vsphere-csi"}
    assert {one.name for one in metal.running} == {"calico", "flux", "metallb"}
    assert [one.name for one in virtual.bootstrap] == ["calico", "vsphere-cpi"]
    assert [one.name for one in virtual.pulled] == ["metallb", "vsphere-csi"]


def test_each_component_comes_after_what_it_requires() -> None:
    parts = Parts(components={**PARTS.components, "aa": a_component("aa", "zz"), "zz": a_component("zz")})
    found = component_set(a_resolved_cluster(documents=pinned(aa="v1.0.0", zz="v1.0.0")), parts)
    names = [one.name for one in found.running]
    assert names.index("zz") < names.index("aa")
    assert found.required_of(found.running[names.index("aa")]) == ("zz",)


def test_a_component_that_is_not_installed_is_named_where_it_is_pinned() -> None:
    (found,) = sentences(pinned(submarine="v2.15.0"))
    assert found.startswith("head.yaml: components[submarine]: component 'submarine' is not installed beside schiff")


def test_a_requirement_that_does_not_run_is_named() -> None:
    parts = Parts(components={**PARTS.components, "aa": a_component("aa", "vsphere-cpi")})
    (found,) = sentences(pinned(aa="v1.0.0"), parts)
    assert "aa requires vsphere-cpi, which this cluster does not run" in found


def test_components_that_require_each_other_are_refused() -> None:
    parts = Parts(components={**PARTS.components, "aa": a_component("aa", "zz"), "zz": a_component("zz", "aa")})
    (found,) = sentences(pinned(aa="v1.0.0", zz="v1.0.0"), parts)
    assert "components require each other" in found


def test_a_release_without_flux_would_reach_nobody() -> None:
    parts = Parts(components={name: one for name, one in PARTS.components.items() if name != "flux"})
    found = sentences(fleet_documents(), parts)
    assert any("no component flux" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blockSize": "26"}, "components[calico].blockSize: '26' is text, expected a whole number"),
        ({"encapsulatoin": "VXLAN"}, "did you mean 'encapsulation'?"),
        ({"encapsulation": "GRE"}, "components[calico].encapsulation: 'GRE' is not known"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(settings: dict[str, Any], message: str) -> None:
    (found,) = sentences(changed(METAL3_ORDER, "components.calico", settings))
    assert message in found


def test_a_setting_is_blamed_where_it_was_written() -> None:
    documents = changed("zones/intranet.yaml", "components.calico", {"mtu": 1})
    fleet = a_fleet(documents)
    resolver = Resolver(fleet)
    cluster = resolver.cluster(ClusterKey("vsphere-site-1", "customer-a-1"), an_assignment(fleet))
    (problem,) = component_problems(cluster, PARTS, resolver.locate(cluster))
    assert (problem.place.file, problem.layer) == ("zones/intranet.yaml", "zone")


def test_without_its_layers_the_order_is_named() -> None:
    tenant = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "components.calico", {"mtu": 1}))
    own = a_resolved_management_cluster(changed(MANAGEMENT_CLUSTER, "cluster.components.calico", {"mtu": 1}))
    assert [str(problem.place) for problem in component_problems(tenant, PARTS)] == [VSPHERE_ORDER]
    (problem,) = component_problems(own, PARTS)
    assert (str(problem.place), problem.path) == (MANAGEMENT_CLUSTER, "cluster.components[calico].mtu")


def test_what_is_wrong_stops_the_compile_with_all_of_it() -> None:
    documents = changed(METAL3_ORDER, "components", {"calico": {"mtu": 1}, "metallb": {"mode": "arp"}})
    with pytest.raises(InvalidInput) as caught:
        component_set(a_resolved_cluster("metal3", documents=documents), PARTS)
    assert [problem.path for problem in caught.value.problems] == ["components[calico].mtu", "components[metallb].mode"]


def test_a_document_for_a_namespace_that_nothing_makes_is_refused() -> None:
    document = b"metadata: {name: db, namespace: shop}\nsops:\n  mac: ENC[x]\n"
    cluster = replace(a_resolved_cluster("metal3"), secrets={"db.yaml": document})
    (problem,) = component_problems(cluster, PARTS)
    assert str(problem.place) == METAL3_ORDER.replace(".yaml", ".secrets/db.yaml")
    assert "namespace 'shop'" in problem.message
    known = document.replace(b"shop", b"metallb-system")
    assert not list(component_problems(replace(cluster, secrets={"db.yaml": known}), PARTS))


def test_a_management_cluster_has_namespaces_of_its_providers_too() -> None:
    document = b"metadata: {name: capv-variables, namespace: capv-system}\nsops:\n  mac: ENC[x]\n"
    own = replace(a_resolved_management_cluster(), secrets={"capv.yaml": document})
    assert not list(component_problems(own, PARTS))
