from __future__ import annotations

import pytest

from schiff.errors import Place
from schiff.model.fleet import Document
from schiff.values.digests import HEAD
from tests.makers import a_fleet, a_resolved_cluster, a_resolved_management_cluster

DOCUMENT = Document(
    "site.yaml", {"values": {"registry": "x"}}, {(): (1, 1), ("values",): (3, 1), ("values", "registry"): (4, 3)}
)


def test_a_value_without_a_mark_stands_at_its_nearest_parent() -> None:
    assert DOCUMENT.place(("values", "registry", "deeper")) == Place("site.yaml", 4, 3)
    assert DOCUMENT.place(("facts",)) == Place("site.yaml", 1, 1)
    assert Document("python", {}).place(("x",)) == Place("python")


def test_a_part_of_a_document_keeps_its_places() -> None:
    assert DOCUMENT.below("values").place(("registry",)) == Place("site.yaml", 4, 3)
    assert DOCUMENT.below("values").place(()) == Place("site.yaml", 3, 1)
    assert DOCUMENT.below("facts").data == {}


def test_places_do_not_make_documents_differ() -> None:
    assert Document("site.yaml", DOCUMENT.data) == DOCUMENT


def test_layers_are_found_by_digest() -> None:
    fleet = a_fleet()
    assert fleet.layers_of(HEAD) is fleet.head
    with pytest.raises(KeyError):
        fleet.layers_of("sha256:" + "0" * 64)
    assert fleet.release_named("2026.48.0") is None


def test_a_site_has_one_management_cluster_for_an_environment() -> None:
    fleet = a_fleet()
    found = fleet.management_cluster_of("vsphere-site-1", "tst")
    assert found is not None
    assert found.name == "schiff-mgmt-x"
    assert fleet.management_cluster_of("vsphere-site-1", "prd") is None


def test_labels_say_who_where_and_what() -> None:
    assert a_resolved_cluster().identity.labels == {
        "cluster.x-k8s.io/cluster-name": "customer-a-1",
        "schiff.example/customer": "customer-a",
        "schiff.example/environment": "tst",
        "schiff.example/location": "location-1",
        "schiff.example/provider": "vsphere",
        "schiff.example/site": "vsphere-site-1",
        "schiff.example/zone": "intranet",
    }


def test_a_management_cluster_lives_in_the_namespace_of_its_name() -> None:
    assert a_resolved_management_cluster().identity.namespace == "schiff-mgmt-x"
    assert a_resolved_cluster().identity.namespace == "vsphere-site-1-customer-a-1"
