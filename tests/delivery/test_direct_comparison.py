"""What stands on API servers, held against what would be sent."""

from __future__ import annotations

from typing import Any

from schiff.delivery.direct_comparison import FLUX_LABEL, Found, direct_refusals, foreign_fields, sent_before
from schiff.delivery.direct_objects import DirectObject, ObjectKey

OURS = {"manager": "pulumi-kubernetes-0a1b2c3d", "operation": "Apply"}
GROUP = "cluster.x-k8s.io"


def a_found(
    *entries: dict[str, Any],
    name: str = "shop",
    server: str = "mgmt-x",
    kind: str = "Cluster",
    owner: str = "",
    **spec: Any,
) -> Found:
    """Return an object that wants three replicas, and a live one with this spec."""
    metadata = {"name": name, "namespace": "site-1-shop"}
    head = {"apiVersion": f"{GROUP}/v1beta2", "kind": kind}
    labels = {FLUX_LABEL: owner} if owner else {}
    live = {**head, "metadata": {**metadata, "labels": labels, "managedFields": list(entries)}, "spec": spec}
    wanted = {**head, "metadata": metadata, "spec": {"replicas": 3}}
    key = ObjectKey(GROUP, kind, "site-1-shop", name)
    return Found(server, DirectObject("mgmt-x/sites/site-1/a/shop", "file.yml", key, f"{GROUP}/v1beta2", wanted), live)


def sent(**fields: Any) -> dict[str, Any]:
    return {**OURS, "fieldsV1": {"f:spec": {f"f:{name}": {} for name in fields}}}


def refusals(*found: Found, adopt: bool = False) -> list[tuple[str, str]]:
    return [(error.code, str(error)) for error in direct_refusals(found, adopt=adopt)]


def test_what_flux_owns_on_any_server_is_named_whole() -> None:
    [(code, said)] = refusals(
        a_found(sent(replicas=3), owner="site-1-shop"),
        a_found(name="other", server="mgmt-y", owner="flux.prd"),
        adopt=True,
    )
    assert code == "owned-by-flux"
    assert "Cluster site-1-shop/shop on mgmt-x (site-1-shop)" in said
    assert "Cluster site-1-shop/other on mgmt-y (flux.prd)" in said


def test_what_somebody_else_made_is_taken_when_told_so() -> None:
    assert [code for code, _ in refusals(a_found(), a_found(sent(replicas=3)))] == ["not-owned"]
    assert refusals(a_found(), adopt=True) == []


def test_what_schiff_sent_is_not_refused() -> None:
    assert refusals(a_found(sent(replicas=3), replicas=3)) == []


def test_fields_are_foreign_only_on_objects_that_were_sent() -> None:
    theirs = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    assert foreign_fields([a_found(sent(), theirs, replicas=1)]) == ["Cluster site-1-shop/shop spec.replicas"]
    assert foreign_fields([a_found(theirs, replicas=1)]) == []


def test_what_was_sent_before_is_what_would_change() -> None:
    path = "mgmt-x/sites/site-1/a/shop/file.yml"
    assert sent_before([a_found(sent(replicas=3), replicas=3)]) == {}
    assert b"replicas: 1" in sent_before([a_found(sent(replicas=1), replicas=1)])[path]


def test_a_template_is_not_changed_by_what_the_server_does_not_keep() -> None:
    assert sent_before([a_found(sent(), kind="MachineTemplate")]) == {}
    assert sent_before([a_found(sent())]) != {}
    assert sent_before([a_found(sent(replicas=1), kind="MachineTemplate", replicas=1)]) != {}
