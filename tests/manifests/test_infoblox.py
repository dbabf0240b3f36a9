from __future__ import annotations

from typing import Any

from schiff.manifests.infoblox import infoblox_instance, infoblox_pool, reserved_addresses
from schiff.model.site import InfobloxFacts
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed


def facts(**values: Any) -> InfobloxFacts:
    return InfobloxFacts.model_validate({"instance": "production", **values}, by_name=False, by_alias=True)


def test_a_pool_names_the_whole_network_because_machines_get_its_length() -> None:
    pool = infoblox_pool(
        a_resolved_cluster(), facts(networkView="dc", dnsView="dc-dns", dnsZone="nodes.schiff.example")
    )
    assert pool.namespace == "vsphere-site-1-customer-a-1"
    assert pool.body["spec"] == {
        "instance": {"name": "production"},
        "subnets": [{"cidr": "10.1.0.0/24", "gateway": "10.1.0.1"}],
        "networkView": "dc",
        "dnsView": "dc-dns",
        "dnsZone": "nodes.schiff.example",
    }


def test_without_a_zone_no_names_are_made() -> None:
    assert set(infoblox_pool(a_resolved_cluster(), facts()).body["spec"]) == {"instance", "subnets", "networkView"}


def test_an_instance_names_its_account_and_verifies_whom_it_talks_to() -> None:
    item = infoblox_instance("site-1", "location-1", "schiff.example", facts(host="infoblox.schiff.example"))
    assert item.namespace is None
    assert item.body["spec"] == {
        "host": "infoblox.schiff.example",
        "port": "443",
        "wapiVersion": "2.12",
        "credentialsSecretRef": {"name": "production-credentials"},
        "disableTLSVerification": False,
        "defaultNetworkView": "default",
    }


def test_people_reserve_everything_that_is_not_for_machines() -> None:
    documents = changed(
        VSPHERE_ORDER, "components", {"metallb": {"pools": {"services": {"addresses": "10.1.0.64/28"}}}}
    )
    documents = changed(VSPHERE_ORDER, "nodes.excluded", "10.1.0.20-10.1.0.29", documents)
    assert [str(part) for part in reserved_addresses(a_resolved_cluster(documents=documents))] == [
        "10.1.0.0-10.1.0.29",
        "10.1.0.64-10.1.0.79",
        "10.1.0.121-10.1.0.255",
    ]
