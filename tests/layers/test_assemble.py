from __future__ import annotations

from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest

from schiff.errors import InvalidInput, Problem, Tampered
from schiff.layers.construct import fleet_of
from schiff.model.frozen import lock_of
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from tests.makers import MANAGEMENT_CLUSTER, METAL3_ORDER, VSPHERE_ORDER, Documents, a_fleet, changed, fleet_documents

SITE = "sites/vsphere-site-1/site.yaml"
RELEASE = "releases/2026.48.0/"
SHARED = ("fleet.yaml", "defaults.yaml", "environments/", "providers/", "zones/", "classes/", "components/")


def problems(documents: Documents) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        a_fleet(documents)
    return caught.value.problems


def only(documents: Documents) -> Problem:
    found = problems(documents)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def with_release(documents: Documents | None = None) -> Documents:
    head = deepcopy(fleet_documents() if documents is None else documents)
    frozen = {f"{RELEASE}{path}": deepcopy(data) for path, data in head.items() if path.startswith(SHARED)}
    return {**head, **frozen, f"{RELEASE}release.yaml": {"kind": "train", **deepcopy(head["head.yaml"])}}


def moved(documents: Documents, old: str, new: str) -> Documents:
    return {new if path == old else path: data for path, data in documents.items()}


def test_the_makers_make_a_fleet_that_is_right() -> None:
    fleet = a_fleet()
    assert set(fleet.orders) == {
        ClusterKey("vsphere-site-1", "customer-a-1"),
        ClusterKey("baremetal-site-1", "customer-a-2"),
    }
    assert fleet.head.digest == HEAD
    assert fleet.management_cluster_of("vsphere-site-1", "ref") is fleet.management_clusters["schiff-mgmt-x"]


def test_site_values_are_a_layer_and_facts_are_not() -> None:
    fleet = a_fleet(changed(SITE, "values.registry", "here"))
    assert fleet.head.sites["vsphere-site-1"].data == {"registry": "here"}
    assert fleet.sites["vsphere-site-1"].facts.location == "location-1"


def test_a_release_has_its_own_layers_and_an_identity() -> None:
    fleet = a_fleet(with_release())
    (layers,) = fleet.releases.values()
    assert layers.release.name == "2026.48.0"
    assert fleet.releases[layers.digest] is layers
    assert layers.digest.startswith("sha256:")


def test_a_release_that_is_not_what_its_lock_says_was_tampered_with() -> None:
    documents = with_release()
    files = {path.removeprefix(RELEASE): data for path, data in documents.items() if path.startswith(RELEASE)}
    documents[f"{RELEASE}release.lock"] = lock_of(files, {})
    assert a_fleet(documents).releases
    documents[f"{RELEASE}defaults.yaml"] = {**documents[f"{RELEASE}defaults.yaml"], "registry": "elsewhere"}
    with pytest.raises(Tampered, match=r"defaults\.yaml was changed"):
        a_fleet(documents)


def _images(named: str, version: str = "v1.34.6") -> Documents:
    """Return images for a stop on the way, called as if they were of another version."""
    return {version: {"vsphere": {"template": named}, "metal3": {"url": f"kube-{version}", "sha256": "a" * 64}}}


@pytest.mark.parametrize(
    ("path", "field", "value", "place", "message"),
    [
        ("fleet.yaml", "baseDomain", "schiff", "fleet.yaml: baseDomain", "is not a domain"),
        ("fleet.yaml", "basedomain", "x", "fleet.yaml: basedomain", "no field is called"),
        ("fleet.yaml", "customerMaySet", ["hald"], "fleet.yaml: customerMaySet[0]", "no field is called 'hald'"),
        ("fleet.yaml", "layers", ["cluster"], "fleet.yaml: layers", "order of all layers"),
        ("policy.yaml", "environments", {"dev": {}}, "policy.yaml: environments[dev]", "is not known"),
        ("environments/dev.yaml", "registry", "x", "environments/dev.yaml:1:", "no environment is called 'dev'"),
        ("customers/platform.yaml", "hold", None, "customers/platform.yaml:1:", "management clusters' own"),
        ("customers/customer-a.yaml", "registry", "x", "customers/customer-a.yaml (customer): registry", "may not set"),
        ("customers/Customer.yaml", "hold", None, "customers/Customer.yaml:1:", "is not a name"),
        (SITE, "facts.location", 5, f"{SITE}: facts.location", "5 is a number"),
        (SITE, "facts.provider", "kvm", f"{SITE}: facts.provider", "no provider is called 'kvm'"),
        (SITE, "facts", [], f"{SITE}: facts", "is not a map"),
        (MANAGEMENT_CLUSTER, "facts.alerts", {"type": "generic"}, f"{MANAGEMENT_CLUSTER}: facts.alerts", "an address"),
        (
            MANAGEMENT_CLUSTER,
            "facts.alerts",
            {"type": "generic", "address": "https://a:canary@b.example"},
            f"{MANAGEMENT_CLUSTER}: facts.alerts.address",
            "no URL without user and query",
        ),
        (MANAGEMENT_CLUSTER, "facts.alerts", {"type": "pager"}, f"{MANAGEMENT_CLUSTER}: facts.alerts.type", "'pager'"),
        (SITE, "fact", {}, f"{SITE}: fact", "no field is called 'fact'"),
        (SITE, "values.controlplane", {}, f"{SITE} (site): values.controlplane", "no field is called"),
        (SITE, "facts.networks.pg-platform.zone", "dmz", f"{SITE}: facts.networks[pg-platform].zone", "no zone"),
        (SITE, "facts.networks.pg-platform.gateway", "10.9.0.1", f"{SITE}: facts.networks[pg-platform].gateway", "out"),
        (MANAGEMENT_CLUSTER, "sites", ["nowhere", "vsphere-site-1"], f"{MANAGEMENT_CLUSTER}: sites[0]", "no site"),
        (MANAGEMENT_CLUSTER, "site", "nowhere", f"{MANAGEMENT_CLUSTER}: site", "no site is called"),
        (MANAGEMENT_CLUSTER, "owner", "prd", f"{MANAGEMENT_CLUSTER}: owner", "is not among the environments"),
        (MANAGEMENT_CLUSTER, "cluster.zoone", "x", f"{MANAGEMENT_CLUSTER} (cluster): cluster.zoone", "no field"),
        ("components/calico.yaml", "version", {}, "components/calico.yaml: version", "no field is called"),
        ("head.yaml", "kubernetes.version", "1.35.4", "head.yaml: kubernetes.version", "is not a Kubernetes version"),
        ("head.yaml", "kubernetes.version", "v1.37.0", "head.yaml: kubernetes.version", "outside 1.30-1.36"),
        ("head.yaml", "kubernetes.via", ["v1.29.1"], "head.yaml: kubernetes.via[0]", "outside 1.30-1.36"),
        ("head.yaml", "managementPlane.capi", "v1.99.0", "head.yaml: kubernetes.version", "is not known"),
        ("head.yaml", "kubernetes.images.vsphere.template", "k-v1.35.40", "head.yaml: kubernetes.images", "not"),
        ("head.yaml", "kubernetes.images.metal3.url", "https://i/v1.35.3", "head.yaml: kubernetes.images", "not"),
        ("head.yaml", "kubernetes.viaImages", _images("v1.34.5"), "head.yaml: kubernetes.viaImages[v1.34.6].v", "not"),
        ("head.yaml", "kubernetes.viaImages", _images("v1.33.1", "v1.33.1"), "head.yaml: kubernetes", "not one of via"),
        ("head.yaml", "components.calico.version", "v9.9.9", "head.yaml: components[calico].version", "not on offer"),
        ("head.yaml", "components.calico.kubernetes", ">=1.36", "head.yaml: components[calico]", "runs on Kub"),
        ("head.yaml", "components.coil", {"version": "v2.15.0"}, "head.yaml: components[coil]", "no component"),
        ("components/calico.yaml", "versions", {"v3.32.1": {"kubernetes": "<1.30"}}, "head.yaml: components[c", "runs"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_problem(path: str, field: str, value: Any, place: str, message: str) -> None:
    found = problems(changed(path, field, value))
    assert any(str(problem).startswith(place) and message in problem.message for problem in found), found
    assert all(problem.rule for problem in found)


def test_an_order_at_an_unknown_site_names_the_known_ones() -> None:
    problem = only(moved(fleet_documents(), VSPHERE_ORDER, "sites/vsphere-site-9/customer-a/customer-a-1.yaml"))
    assert problem.message == "no site is called 'vsphere-site-9'"
    assert "did you mean 'vsphere-site-1'?" in problem.cure


def test_an_order_of_an_unknown_customer_names_the_known_ones() -> None:
    problem = only(moved(fleet_documents(), VSPHERE_ORDER, "sites/vsphere-site-1/somebody/customer-a-1.yaml"))
    assert problem.message == "no customer is called 'somebody'"
    assert "customer-a, customer-b" in problem.cure


def test_a_cluster_name_over_its_budget_is_refused() -> None:
    name = "c" * 33
    problem = only(moved(fleet_documents(), VSPHERE_ORDER, f"sites/vsphere-site-1/customer-a/{name}.yaml"))
    assert "has 33 characters, at most 32 fit" in problem.message
    a_fleet(moved(fleet_documents(), VSPHERE_ORDER, f"sites/vsphere-site-1/customer-a/{'c' * 32}.yaml"))


def test_two_clusters_of_one_name_at_a_site_are_refused() -> None:
    documents = fleet_documents()
    documents["sites/vsphere-site-1/customer-b/customer-a-1.yaml"] = documents[VSPHERE_ORDER]
    problem = only(documents)
    assert problem.rule == "cluster-name-twice"
    assert VSPHERE_ORDER in problem.message
    a_fleet(
        moved(documents, "sites/vsphere-site-1/customer-b/customer-a-1.yaml", "sites/vsphere-site-1/customer-b/b.yaml")
    )


def test_two_clusters_never_share_a_namespace() -> None:
    documents = fleet_documents()
    documents["sites/vsphere-site/site.yaml"] = documents[SITE]
    documents["sites/vsphere-site/customer-a/1-customer-a-1.yaml"] = documents[VSPHERE_ORDER]
    problem = only(documents)
    assert problem.rule == "namespace-twice"
    assert "vsphere-site-1-customer-a-1" in problem.message
    a_fleet(
        moved(documents, "sites/vsphere-site/customer-a/1-customer-a-1.yaml", "sites/vsphere-site/customer-a/b.yaml")
    )


def test_two_management_clusters_never_serve_one_site_for_one_environment() -> None:
    documents = fleet_documents()
    other = "management-clusters/schiff-mgmt-y.yaml"
    documents[other] = {**documents[MANAGEMENT_CLUSTER], "environments": ["ref", "prd"]}
    assert [problem.rule for problem in problems(documents)] == ["served-twice", "served-twice"]
    a_fleet({**documents, other: {**documents[MANAGEMENT_CLUSTER], "environments": ["prd"]}})


def test_facts_are_no_part_of_a_release() -> None:
    documents = {**with_release(), f"{RELEASE}sites/vsphere-site-1.yaml": {"registry": "x"}}
    (layers,) = a_fleet(documents).releases.values()
    assert layers.sites["vsphere-site-1"].data == {"registry": "x"}
    documents[f"{RELEASE}sites/vsphere-site-1.yaml"] = {"facts": {}}
    assert only(documents).path == "facts"


def test_a_release_is_called_like_its_folder() -> None:
    assert only(changed(f"{RELEASE}release.yaml", "name", "2026.46.0", with_release())).path == "name"


def test_mistakes_in_a_release_are_found_where_they_are() -> None:
    problem = only(changed(f"{RELEASE}release.yaml", "kubernetes.version", "1.35", with_release()))
    assert problem.place.file == f"{RELEASE}release.yaml"


def test_vendored_files_hold_what_the_catalogue_recorded() -> None:
    wanted = {
        "path": "base.yaml",
        "origin": "upstream",
        "sha256": sha256(b"a").hexdigest(),
    }
    documents = changed("components/calico.yaml", "versions", {"v3.32.1": {"vendored": [wanted]}})
    fleet_of(documents, vendored={"calico/v3.32.1": {"base.yaml": b"a"}})
    for vendored in ({}, {"calico/v3.32.1": {"base.yaml": b"b"}}):
        with pytest.raises(InvalidInput, match=r"components/calico/v3.32.1/base.yaml (is missing|differs)"):
            fleet_of(documents, vendored=vendored)


def test_environments_and_policy_may_be_left_out_and_the_core_may_not() -> None:
    documents = fleet_documents()
    for path in ("environments/tst.yaml", "environments/ref.yaml", "environments/prd.yaml", "policy.yaml"):
        del documents[path]
    a_fleet(documents)
    del documents["head.yaml"]
    assert only(documents).place.file == "head.yaml"


def test_all_problems_appear_together() -> None:
    documents = changed(METAL3_ORDER, "zoone", "x", changed("fleet.yaml", "baseDomain", "x"))
    documents = changed("head.yaml", "kubernetes.version", "v1.99.0", changed(SITE, "facts.location", 5, documents))
    assert {problem.place.file for problem in problems(documents)} >= {"fleet.yaml", METAL3_ORDER, SITE}
