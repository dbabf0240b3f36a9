"""Paths of owned folders, read back."""

from __future__ import annotations

import pytest

from schiff.model import layout
from schiff.resources.places import customer_of, is_listing_of, management_cluster_of, site_of

CLUSTER = str(layout.cluster_folder("m", "site-1", "customer-a", "shop"))
SITE = str(layout.site_folder("m", "site-1"))
FLUX = str(layout.flux_folder("m", "tst"))
SELF = str(layout.self_definitions_folder("m"))
OWN_LOCATION = str(layout.locations_folder("location-1", "site-1", "m"))


@pytest.mark.parametrize("path", [CLUSTER, SITE, FLUX, SELF, OWN_LOCATION])
def test_every_folder_belongs_to_a_management_cluster(path: str) -> None:
    assert management_cluster_of(path) == "m"


@pytest.mark.parametrize(("path", "site"), [(CLUSTER, "site-1"), (SITE, "site-1"), (FLUX, None), (SELF, None)])
def test_folders_of_a_site_say_so(path: str, site: str | None) -> None:
    assert site_of(path) == site


def test_a_cluster_s_folder_names_its_customer() -> None:
    assert customer_of(CLUSTER) == "customer-a"


@pytest.mark.parametrize(("path", "lists"), [(SITE, True), (FLUX, True), (SELF, False), (CLUSTER, False)])
def test_the_list_of_tenants_and_the_site_s_hosts_name_a_cluster(path: str, *, lists: bool) -> None:
    assert is_listing_of(path, CLUSTER) is lists
