"""The Pod Security Standards as the platform writes them, judged by a real API server: it speaks the same CEL.

Kyverno is not there; a ValidatingAdmissionPolicy takes the expressions as they are, and its binding warns, because of
several refusals a server tells the first alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from schiff.components.kyverno import COMPONENT
from schiff.components.kyverno_settings import KyvernoSettings
from schiff.components.kyverno_standards import BASELINE, RESTRICTED
from tests.bed.kubernetes_client import KubernetesClient
from tests.makers import a_resolved_cluster

API = "/apis/admissionregistration.k8s.io/v1"
PODS = "/api/v1/namespaces/pod-security/pods"
SECONDS = 30

RIGHT: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "a",
            "image": "registry.schiff.example/a:1",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}

WRONG: Mapping[str, dict[str, Any]] = {
    "disallow-capabilities": {"container": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}},
    "disallow-host-namespaces": {"spec": {"hostPID": True}},
    "disallow-host-path": {"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}},
    "disallow-host-ports": {"ports": [{"containerPort": 80, "hostPort": 80}]},
    "disallow-host-process": {"context": {"windowsOptions": {"hostProcess": True}}, "spec": {"hostNetwork": True}},
    "disallow-privileged-containers": {"container": {"privileged": True, "allowPrivilegeEscalation": True}},
    "disallow-proc-mount": {"container": {"procMount": "Unmasked"}, "spec": {"hostUsers": False}},
    "disallow-selinux": {"container": {"seLinuxOptions": {"type": "spc_t"}}},
    "restrict-apparmor-profiles": {"container": {"appArmorProfile": {"type": "Unconfined"}}},
    "restrict-seccomp": {"container": {"seccompProfile": {"type": "Unconfined"}}},
    "restrict-sysctls": {"context": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
    "disallow-capabilities-strict": {"container": {"capabilities": {}}},
    "disallow-privilege-escalation": {"container": {"allowPrivilegeEscalation": None}},
    "require-run-as-non-root-user": {"container": {"runAsUser": 0}},
    "require-run-as-nonroot": {"container": {"runAsNonRoot": False}},
    "restrict-seccomp-strict": {"context": {"seccompProfile": None}},
    "restrict-volume-types": {"spec": {"volumes": [{"name": "v", "nfs": {"server": "a", "path": "/"}}]}},
}

NEARLY: Mapping[str, dict[str, Any]] = {
    "one capability comes back": {"container": {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}},
    "a profile for the pod alone": {"container": {"seccompProfile": None}},
    "a safe sysctl": {"context": {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}},
    "a port of its own": {"ports": [{"containerPort": 80}]},
    "another type of SELinux": {"container": {"seLinuxOptions": {"type": "container_init_t"}}},
    "a configured volume": {"spec": {"volumes": [{"name": "v", "configMap": {"name": "a"}}]}},
}


def pod(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod that keeps every control, with one thing else; `None` takes a value away."""
    context = {**RIGHT["securityContext"], **change.get("context", {})}
    container = {**RIGHT["containers"][0], **({"ports": change["ports"]} if "ports" in change else {})}
    own = {**container["securityContext"], **change.get("container", {})}
    container["securityContext"] = {key: value for key, value in own.items() if value is not None}
    spec = {**RIGHT, **change.get("spec", {}), "containers": [container]}
    spec["securityContext"] = {key: value for key, value in context.items() if value is not None}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


@pytest.fixture(scope="module")
def guarded(api_server: KubernetesClient) -> Iterator[KubernetesClient]:
    """Give an API server that warns of what the policies refuse."""
    policies = COMPONENT.objects(a_resolved_cluster(), KyvernoSettings())
    for path, name in (("/api/v1/namespaces", "pod-security"), ("/api/v1/namespaces", "of-the-platform")):
        labels = {"schiff.example/owner": "platform"} if name == "of-the-platform" else {}
        api_server.create(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    paths = []
    for policy in policies:
        paths += guard(api_server, policy.name, dict(policy.body["spec"]))
    for name, change in WRONG.items():
        wait_for(api_server, name, change)
    yield api_server
    for path in paths:
        api_server.delete(path)


def guard(client: KubernetesClient, name: str, spec: dict[str, Any]) -> list[str]:
    del spec["validationActions"]
    policy = {"metadata": {"name": name}, "spec": spec}
    binding = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Warn"]}}
    bodies = (("ValidatingAdmissionPolicy", "ies", policy), ("ValidatingAdmissionPolicyBinding", "s", binding))
    paths = []
    for kind, ending, body in bodies:
        path = f"{API}/{kind.lower().removesuffix('y') if ending == 'ies' else kind.lower()}{ending}"
        answer = client.create(path, {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, **body})
        assert answer.status_code == 201, answer.text
        paths.append(f"{path}/{name}")
    return paths


def warnings(client: KubernetesClient, change: Mapping[str, Any], path: str = PODS) -> set[str]:
    """Return the names of the policies that a pod breaks."""
    answer = client.create(path, pod(change), dryRun="All")
    assert answer.status_code == 201, answer.text
    texts = answer.headers.get_list("warning")
    return {found[1] for text in texts if (found := re.search(r"ValidatingAdmissionPolicy '([^']+)'", text))}


def wait_for(client: KubernetesClient, name: str, change: Mapping[str, Any]) -> None:
    """Wait until the server knows a policy."""
    until = time.monotonic() + SECONDS
    while name not in (found := warnings(client, change)):
        assert time.monotonic() < until, f"{name} says nothing, but {found}"
        time.sleep(0.2)


def test_every_control_has_a_pod_that_breaks_it() -> None:
    assert set(WRONG) == {control.name for control in (*BASELINE, *RESTRICTED)}


def test_a_pod_that_keeps_every_control_is_let_in(guarded: KubernetesClient) -> None:
    assert warnings(guarded, {}) == set()


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_pod_that_breaks_a_control_is_told_its_name(guarded: KubernetesClient, name: str) -> None:
    assert name in warnings(guarded, WRONG[name])


@pytest.mark.parametrize("case", sorted(NEARLY))
def test_a_pod_that_nearly_breaks_one_is_let_in(guarded: KubernetesClient, case: str) -> None:
    assert warnings(guarded, NEARLY[case]) == set()


def test_a_namespace_of_the_platform_is_left_alone(guarded: KubernetesClient) -> None:
    path = "/api/v1/namespaces/of-the-platform/pods"
    assert warnings(guarded, WRONG["disallow-privileged-containers"], path) == set()
