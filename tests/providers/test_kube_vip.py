from __future__ import annotations

from schiff.model.site import BgpFacts
from schiff.providers.kube_vip import by_bgp
from tests.makers import a_resolved_cluster


def test_a_router_with_an_ipv6_address_stands_in_brackets() -> None:
    """kube-vip splits a peer at its colons, so that a bare address would end at its first group."""
    peers = {"leaf-1": {"address": "fd00::251", "asn": 65020}, "leaf-2": {"address": "10.2.0.251", "asn": 65020}}
    bgp = BgpFacts.model_validate({"asn": 65202, "peers": peers})
    pod = by_bgp(a_resolved_cluster("metal3"), bgp, "bond0").files[0].content
    assert "[fd00::251]:65020::false,10.2.0.251:65020::false" in pod
