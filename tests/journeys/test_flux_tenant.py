"""A tenant that appears late comes up by itself, pulls by itself, and goes on when nobody looks after it.

The tests follow one tenant from its order on, in the order of this file.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pyrage
import pytest
import yaml

from schiff.manifests.flux import DECRYPTION_KEY, FLUX_NAMESPACE
from tests.bed.charts import ChartServer
from tests.bed.example_fleet import MADE_UP
from tests.bed.objects import HELM, KUSTOMIZE, Object, Objects, condition, is_ready
from tests.bed.waiting import wait_for
from tests.journeys.delivered import Delivered, identity
from tests.journeys.loop import Loop
from tests.journeys.ordered_tenant import BAD_CHART, FOLDER, NAME, NAMESPACE, SITE, STAGES, OrderedTenant

OWNER = "kustomize.toolkit.fluxcd.io/name"
COMPONENTS = {"metallb", "vsphere-csi", "greeting"}


@pytest.fixture(scope="module")
def ordered(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrderedTenant]:
    """Return a tenant that was ordered and delivered, and does not exist yet."""
    with ChartServer(tmp_path_factory.mktemp("charts") / "served") as charts:
        ordered = OrderedTenant(loop, charts)
        ordered.order()
        loop.settle()
        yield ordered
        ordered.tenant.stop()


def test_bootstrap_fails_until_the_tenant_appears(ordered: OrderedTenant) -> None:
    management = ordered.loop.management.objects
    ordered.wait_said("cni", f'secrets "{NAME}-kubeconfig" not found')
    ordered.wait_said("flux", f"dependency '{NAMESPACE}/{NAME}-cni' is not ready")
    ordered.wait_said("config", f"dependency '{NAMESPACE}/{NAME}-flux' is not ready")
    ordered.tenant.publish(management)
    ordered.retry("cni")
    ordered.wait_said("cni", "connection refused")
    ordered.tenant.start()
    ordered.retry("cni")
    for stage in ("cni", "flux"):
        ordered.wait_bootstrapped(stage)
    ordered.tenant.start_flux()
    ordered.wait_bootstrapped("config")


def test_the_tenant_pulls_its_own_configuration_and_components(ordered: OrderedTenant) -> None:
    ordered.wait_applied("self")
    for name in sorted(COMPONENTS):
        ordered.wait_applied(name)
        ordered.wait_applied(f"{name}-config")
    assert all(is_ready(item) for item in ordered.kustomizations())
    told = ordered.tenant.objects.get("v1", "ConfigMap", "schiff-release")
    assert told is not None
    assert (told["data"]["environment"], told["data"]["digest"]) == ("tst", "head")


def test_its_key_is_the_one_its_order_names_and_opens_its_documents(ordered: OrderedTenant) -> None:
    order = yaml.safe_load((ordered.fleet / f"sites/{SITE}/customer-c/{NAME}.yaml").read_text())
    private = secret_of(ordered, DECRYPTION_KEY, FLUX_NAMESPACE)[f"{NAME}.agekey"]
    assert [str(pyrage.x25519.Identity.from_str(private).to_public())] == order["recipients"]
    assert secret_of(ordered, "vsphere-cloud-secret", "kube-system") == {"username": MADE_UP}
    assert secret_of(ordered, "vsphere-config-secret", "vmware-system-csi") == {"csi-vsphere.conf": MADE_UP}


def secret_of(ordered: OrderedTenant, name: str, namespace: str) -> dict[str, str]:
    """Return the values of a secret in the tenant."""
    found = ordered.tenant.objects.get("v1", "Secret", name, namespace)
    assert found is not None
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def test_the_tenant_sees_its_own_folder_and_the_components_alone(ordered: OrderedTenant) -> None:
    seen = ordered.loop.artifact_of(ordered.tenant.objects, "cluster-config")
    assert seen
    assert all(path.startswith(f"{FOLDER}/") for path in seen)
    assert {path.split("/")[0] for path in ordered.loop.artifact_of(ordered.tenant.objects, "cluster-components")} == {
        "components"
    }


def test_a_helm_release_installs_with_the_compiled_values(ordered: OrderedTenant) -> None:
    release = ordered.tenant.objects.wait_ready("HelmRelease", "greeting", "greeting")
    assert release["status"]["history"][0]["chartVersion"] == "1.0.0"
    assert said(ordered) == f"hello from {NAME}"


def said(ordered: OrderedTenant) -> str:
    """Return what the chart made of its values."""
    found = ordered.tenant.objects.get("v1", "ConfigMap", "said", "greeting")
    return str(found["data"]["text"]) if found else ""


def test_no_object_of_the_tenant_has_two_owners(ordered: OrderedTenant) -> None:
    appliers = [*(ordered.bootstrap(stage) for stage in STAGES), *ordered.kustomizations()]
    assert_one_owner(ordered.tenant.objects, appliers, {"cluster-components": delivered(ordered, "components")})


def test_no_object_of_the_management_cluster_has_two_owners(ordered: OrderedTenant) -> None:
    sources = {f"cluster-{name}": delivered(ordered, name) for name in ("definitions", "components")}
    assert_one_owner(ordered.loop.management.objects, ordered.loop.own_kustomizations(), sources)


def delivered(ordered: OrderedTenant, name: str) -> Delivered:
    """Return what lies in a repository."""
    return Delivered(ordered.loop.repository(name))


def assert_one_owner(objects: Objects, appliers: list[Object], sources: Mapping[str, Delivered]) -> None:
    """Hold what Git says, what each Kustomization lists as its own, and what live objects say against each other."""
    sources = {"cluster-config": sources["cluster-components"], **sources}
    owner: dict[str, str] = {}
    for item in appliers:
        name = item["metadata"]["name"]
        listed = {entry["id"] for entry in item["status"]["inventory"]["entries"]}
        assert listed == sources[item["spec"]["sourceRef"]["name"]].folder(item["spec"]["path"]).keys(), name
        assert not listed & owner.keys(), name
        owner |= dict.fromkeys(listed, name)
    assert labelled(objects) == owner


def labelled(objects: Objects) -> dict[str, str]:
    """Return every object that a Kustomization applied, with the name of that Kustomization."""
    found: dict[str, str] = {}
    for (api_version, kind), resource in objects.client.resources().items():
        answer = objects.client.get(f"{resource.everywhere}?labelSelector={OWNER}")
        for item in answer.json()["items"] if answer.is_success else ():  # reviews can be asked, not listed
            one = {"apiVersion": api_version, "kind": kind, **item}
            found[identity(one)] = item["metadata"]["labels"][OWNER]
    return found


def test_a_promotion_arrives_while_the_management_cluster_is_gone(ordered: OrderedTenant) -> None:
    ordered.loop.management.stop()
    try:
        ordered.promote("1.1.0")
        ordered.pull()
        ordered.wait_applied("greeting")
        ordered.wait_applied("greeting-config")
        assert said(ordered) == f"hello from {NAME}!"
        about = ordered.tenant.objects.get("v1", "ConfigMap", "about", "greeting")
        assert about is not None
        assert about["data"] == {"version": "v1.1.0"}
    finally:
        ordered.loop.management.start()
    ordered.loop.settle()


def test_a_chart_that_cannot_be_installed_fails_and_says_so(ordered: OrderedTenant) -> None:
    ordered.promote(BAD_CHART)
    ordered.pull()
    ordered.wait_applied("greeting")

    def failed() -> Mapping[str, Any] | None:
        release = ordered.tenant.objects.get(HELM, "HelmRelease", "greeting", "greeting")
        ready = condition(release or {}, "Ready")
        fetched = ready.get("reason") != "SourceNotReady"
        return ready if fetched and ready.get("status") == "False" else None

    ready = wait_for(failed, "the HelmRelease failed", 120)
    assert ready["reason"] == "UpgradeFailed"
    assert "resource mapping not found" in ready["message"]
    assert said(ordered) == f"hello from {NAME}!"
    around = ordered.tenant.objects.get(KUSTOMIZE, "Kustomization", "greeting-config")
    assert around is not None
    assert not is_ready(around)
