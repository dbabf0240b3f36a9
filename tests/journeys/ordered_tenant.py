"""A tenant as people get one: ordered by a command, encrypted for, delivered, and there only later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from schiff.manifests.flux import COMPONENTS, CONFIG, FLUX_NAMESPACE
from schiff.manifests.sops import SecretTarget
from tests.bed.charts import ChartServer
from tests.bed.example_fleet import MADE_UP
from tests.bed.objects import KUSTOMIZE, SOURCE, Object, condition
from tests.bed.process import BedFailed
from tests.bed.tenant import Tenant
from tests.bed.waiting import wait_for
from tests.git.repositories import head
from tests.journeys.greeting import ENTRY_POINT
from tests.journeys.loop import Loop
from tools.parts import ROOT

SITE, CUSTOMER, NAME = "vsphere-site-1", "customer-c", "customer-c-9"
NAMESPACE = f"{SITE}-{NAME}"
FOLDER = f"locations/location-1/{SITE}/{NAME}"
STAGES = ("cni", "flux", "config")
_ORDER = f"sites/{SITE}/{CUSTOMER}/{NAME}"
_OPTIONS = {
    "--customer": CUSTOMER,
    "--environment": "tst",
    "--zone": "intranet",
    "--endpoint": "10.1.4.11",
    "--network": "pg-customer-c-1",
    "--addresses": "10.1.4.121-10.1.4.140",
    "--pool": "md-0=small:2",
}
_CREDENTIALS = {
    SecretTarget("vsphere-cloud-secret", "kube-system"): "username",
    SecretTarget("vsphere-config-secret", "vmware-system-csi"): "csi-vsphere.conf",
}
_TEXT = "{{ .Values.text }} from {{ .Values.cluster }}"
_SAID = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "said"}, "data": {"text": _TEXT}}
_UNKNOWN = {"apiVersion": "greeting.example/v1", "kind": "Nothing", "metadata": {"name": "said"}}
CHARTS: Mapping[str, Mapping[str, Any]] = {"1.0.0": _SAID, "1.1.0": {**_SAID, "data": {"text": f"{_TEXT}!"}}}
BAD_CHART = "1.2.0"


class OrderedTenant:
    """The tenant, the loop around it, and the charts it installs from."""

    def __init__(self, loop: Loop, charts: ChartServer) -> None:
        self.loop, self.charts = loop, charts
        self.tenant: Tenant = loop.tenant(SITE, NAME)
        self.fleet: Path = loop.project.root / "stacks" / "fleet"

    # --- in the fleet

    def order(self) -> None:
        """Order the cluster, encrypt what it needs as people do, and offer it a component of our own."""
        arguments = [word for pair in _OPTIONS.items() for word in pair]
        self.loop.project.schiff("new", "cluster", f"{SITE}/{NAME}", *arguments)
        for target, key in _CREDENTIALS.items():
            self._encrypt(target, key)
        self._offer_greeting()
        self.loop.up("tst")

    def promote(self, version: str) -> None:
        """Move the component's pin, as a change of the fleet does, and deliver it."""
        self.loop.project.edit("head.yaml", "components.greeting", {"version": f"v{version}"})
        self.loop.up("tst")

    def _encrypt(self, target: SecretTarget, key: str) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": target._asdict(),
            "stringData": {key: MADE_UP},
        }
        path = self.fleet / f"{_ORDER}.secrets" / f"{target.name}.yaml"
        path.write_text(yaml.safe_dump(secret))
        self.loop.project.run("sops", f"--config={self.fleet}/.sops.yaml", "encrypt", "--in-place", str(path))

    def _offer_greeting(self) -> None:
        """Install the component beside schiff, put its versions on offer, and pin the first."""
        installed = self.loop.project.root.parent / "installed"
        about = installed / "greeting-1.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1\n")
        (about / "entry_points.txt").write_text(ENTRY_POINT)
        self.loop.project.variables["PYTHONPATH"] = f"{installed}:{ROOT}"
        for version, template in CHARTS.items():
            self.charts.publish("greeting", version, {"said.yaml": _template(template)})
        self.charts.publish("greeting", BAD_CHART, {"said.yaml": _template(_UNKNOWN)})
        offered = {"kind": "component", "versions": {f"v{version}": {} for version in (*CHARTS, BAD_CHART)}}
        (self.fleet / "components" / "greeting.yaml").write_text(yaml.safe_dump(offered))
        settings = {"charts": self.charts.address, "text": "hello"}
        self.loop.project.edit("environments/tst.yaml", "components", {"greeting": settings})
        self.loop.project.edit("head.yaml", "components.greeting", {"version": "v1.0.0"})

    # --- on the management cluster

    def bootstrap(self, stage: str) -> Object:
        """Return one of the Kustomizations by which the management cluster brings the tenant up."""
        found = self.loop.management.objects.get(KUSTOMIZE, "Kustomization", f"{NAME}-{stage}", NAMESPACE)
        if found is None:
            raise BedFailed(f"no Kustomization {NAME}-{stage}")
        return found

    def retry(self, stage: str) -> None:
        """Have Flux try now, and not after a minute."""
        self.loop.management.objects.reconcile(KUSTOMIZE, "Kustomization", f"{NAME}-{stage}", NAMESPACE)

    def wait_said(self, stage: str, text: str) -> Object:
        """Wait until a stage fails and says so."""

        def said() -> Object | None:
            item = self.bootstrap(stage)
            ready = condition(item, "Ready")
            return item if ready.get("status") == "False" and text in ready["message"] else None

        return wait_for(said, f"{NAME}-{stage} says {text!r}", 120)

    def wait_bootstrapped(self, stage: str) -> None:
        """Wait until a stage is applied."""
        self.loop.management.objects.wait_ready("Kustomization", f"{NAME}-{stage}", NAMESPACE, seconds=180)

    # --- in the tenant

    def pull(self) -> None:
        """Have the tenant's own Flux look now, and wait until it holds the head of `cluster-components`."""
        at = head(self.loop.repository("components"))
        for source in (CONFIG, COMPONENTS):
            self.tenant.objects.reconcile(SOURCE, "GitRepository", source)
        for source in (CONFIG, COMPONENTS):
            self.tenant.objects.wait_ready("GitRepository", source, revision=at, seconds=120)

    def kustomizations(self) -> list[Object]:
        """Return what the tenant applies to itself."""
        return self.tenant.objects.all(KUSTOMIZE, "Kustomization")

    def wait_applied(self, name: str) -> Object:
        """Wait until the tenant applied one of its Kustomizations at the head of `cluster-components`."""
        at = head(self.loop.repository("components"))
        return self.tenant.objects.wait_ready("Kustomization", name, FLUX_NAMESPACE, revision=at, seconds=180)


def _template(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(value), default_style='"')
