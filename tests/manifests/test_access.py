from __future__ import annotations

from schiff.manifests.access import Account, Right, access, account_token, cluster_access, service_account

READER = Account("reader", "here")
LABELS = {"schiff.example/site": "s"}
NODES = Right("", ("nodes",), ("get", "list"))


def test_a_role_and_its_binding_are_called_like_the_account() -> None:
    role, binding = cluster_access(READER, [NODES], LABELS)
    assert (role.name, binding.name) == ("reader", "reader")
    assert binding.body["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": role.kind, "name": role.name}
    assert binding.body["subjects"] == [{"kind": "ServiceAccount", "name": "reader", "namespace": "here"}]


def test_an_account_of_one_namespace_may_read_in_another() -> None:
    role, binding = access(READER, "there", [NODES], LABELS)
    assert (role.namespace, binding.namespace) == ("there", "there")
    assert binding.body["subjects"][0]["namespace"] == "here"


def test_a_right_names_objects_only_where_it_is_for_some() -> None:
    one = Right("", ("secrets",), ("get",), ("a-status",))
    role, _ = access(READER, "there", [one, NODES], LABELS)
    assert role.body["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a-status"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
    ]


def test_a_token_is_asked_for_and_never_written() -> None:
    token = account_token(READER, LABELS)
    assert token.identity[1:] == ("Secret", "here", "reader-token")
    assert token.annotations == {"kubernetes.io/service-account.name": service_account(READER, LABELS).name}
    assert token.body == {"type": "kubernetes.io/service-account-token"}
