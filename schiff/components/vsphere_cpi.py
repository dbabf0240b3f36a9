"""The vSphere cloud controller manager, in the tenant (domain reference 6).

Until it runs, nodes keep the taint of an uninitialized machine and have no
providerID, so it comes with the network of the pods. Credentials are the
secret ``vsphere-cloud-secret``, by reference alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from schiff.components.protocol import OrdinaryComponent, SettingProblem
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec

CREDENTIALS: Final = SecretTarget("vsphere-cloud-secret", "kube-system")
REGION_CATEGORY: Final = "k8s-region"
ZONE_CATEGORY: Final = "k8s-zone"


class VsphereCpiSettings(Spec):
    """It has no settings: vCenter and zones are facts of the site."""


class VsphereCpi(OrdinaryComponent):
    """What makes nodes of virtual machines."""

    name = "vsphere-cpi"
    settings = VsphereCpiSettings
    bootstrap = True
    images = ("cloud-pv-vsphere/cloud-provider-vsphere",)
    secrets = (CREDENTIALS,)
    rules = {"vcenter": "The site has a vCenter."}  # noqa: RUF012 -- the protocol's own type

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether the machines are vSphere's."""
        return cluster.identity.provider == "vsphere"

    def bootstrap_objects(self, cluster: ResolvedCluster, settings: VsphereCpiSettings) -> Sequence[Manifest]:  # noqa: ARG002
        """Return its configuration."""
        text = to_yaml([_configuration(cluster)])
        body = {"data": {"vsphere.conf": text}}
        return (Manifest("v1", "ConfigMap", "vsphere-cloud-config", "kube-system", body=body),)

    def problems(self, cluster: ResolvedCluster, settings: VsphereCpiSettings) -> Iterator[SettingProblem]:  # noqa: ARG002
        """Give a site without a vCenter."""
        if cluster.site.vcenter is None:
            yield SettingProblem(
                (), f"site {cluster.identity.site} has no vCenter", "write facts.vcenter of the site", "vcenter"
            )


def _configuration(cluster: ResolvedCluster) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "global": {
            "port": 443,
            "insecureFlag": False,
            "secretName": CREDENTIALS.name,
            "secretNamespace": CREDENTIALS.namespace,
        }
    }
    facts = cluster.site.vcenter
    if facts is not None:
        vcenter: dict[str, Any] = {"server": facts.server, "datacenters": [facts.datacenter]}
        if facts.thumbprint is not None:
            vcenter["thumbprint"] = facts.thumbprint
        configuration["vcenter"] = {cluster.identity.site: vcenter}
    if cluster.site.failure_domains:
        configuration["labels"] = {"region": REGION_CATEGORY, "zone": ZONE_CATEGORY}
    return configuration


COMPONENT = VsphereCpi()
