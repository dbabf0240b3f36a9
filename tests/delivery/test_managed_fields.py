"""Who wrote which field of a live object."""

from __future__ import annotations

from typing import Any

from schiff.delivery.managed_fields import contested, is_ours, owned_part

OURS = "pulumi-kubernetes-0a1b2c3d"


def a_live_object(*entries: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "md-0", "namespace": "site-1-shop", "uid": "1", "managedFields": list(entries)}
    return {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineDeployment", "metadata": metadata, "spec": spec}


def an_entry(fields: dict[str, Any], manager: str = OURS, operation: str = "Apply", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": fields}, **more}


def test_what_was_sent_is_what_the_provider_owns() -> None:
    live = a_live_object(
        an_entry({"f:replicas": {}, "f:template": {".": {}, "f:version": {}}}),
        an_entry({"f:paused": {}}, manager="manager", operation="Update"),
        replicas=3,
        template={"version": "v1.35.4", "defaulted": 5},
        paused=False,
    )
    assert owned_part(live) == {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineDeployment",
        "metadata": {"name": "md-0", "namespace": "site-1-shop"},
        "spec": {"replicas": 3, "template": {"version": "v1.35.4"}},
    }


def test_items_of_lists_are_found_by_their_keys_and_by_their_values() -> None:
    fields = {
        "f:args": {'k:{"name":"v"}': {".": {}, "f:name": {}, "f:value": {}}},
        "f:tags": {'v:"a"': {}},
        "f:n": {".": {}},
    }
    live = a_live_object(
        an_entry(fields), args=[{"name": "w", "value": "0"}, {"name": "v", "value": "2"}], tags=["b", "a"], n={"x": 1}
    )
    assert owned_part(live)["spec"] == {"args": [{"name": "v", "value": "2"}], "tags": ["a"], "n": {}}


def test_two_managers_of_ours_count_as_one() -> None:
    live = a_live_object(
        an_entry({"f:a": {"f:b": {}}}),
        an_entry({"f:a": {"f:c": {}}}, manager="pulumi-kubernetes-1"),
        a={"b": 1, "c": 2},
    )
    assert owned_part(live)["spec"] == {"a": {"b": 1, "c": 2}}


def test_an_object_is_ours_when_the_provider_applied_it() -> None:
    assert is_ours(a_live_object(an_entry({})))
    assert not is_ours(a_live_object(an_entry({}, manager="kustomize-controller")))
    assert not is_ours(a_live_object(an_entry({}, operation="Update")))
    assert not is_ours(a_live_object())


def test_a_field_is_contested_when_another_set_it_to_something_else() -> None:
    kubectl = {"manager": "kubectl-edit", "operation": "Update"}
    live = a_live_object(an_entry({"f:replicas": {}, "f:paused": {}}, **kubectl), replicas=1, paused=True)
    assert contested({"spec": {"replicas": 3, "paused": True}}, live) == ["spec.replicas"]
    assert contested({"spec": {"version": "v1.35.4"}}, live) == []


def test_a_field_that_is_ours_too_was_changed_by_nobody() -> None:
    theirs = an_entry({"f:replicas": {}}, manager="kubectl-create", operation="Update")
    live = a_live_object(theirs, an_entry({"f:replicas": {}}), replicas=3)
    assert contested({"spec": {"replicas": 5}}, live) == []


def test_status_and_fields_that_nobody_set_are_not_contested() -> None:
    status = an_entry({"f:replicas": {}}, manager="manager", operation="Update", subresource="status")
    assert contested({"spec": {"replicas": 3}}, a_live_object(status, replicas=1)) == []


def test_an_item_of_a_list_is_contested_by_its_key() -> None:
    fields: dict[str, Any] = {"f:args": {'k:{"name":"v"}': {"f:value": {}}}}
    live = a_live_object(an_entry(fields, manager="kubectl", operation="Update"), args=[{"name": "v", "value": "9"}])
    wanted = {"spec": {"args": [{"name": "a", "value": "0"}, {"name": "v", "value": "2"}]}}
    assert contested(wanted, live) == ['spec.args[{"name":"v"}].value']
