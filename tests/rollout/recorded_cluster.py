"""A cluster as real controllers reported it, beside what was delivered to it.

The files of `recorded/` are whole objects of a run of Flux, Cluster API with
in-memory machines, and vSphere's simulator, unchanged. What was delivered is
taken from their specifications, and four things are added that the run did not
have: our release annotation, what a kubelet says of itself (an in-memory node
says nothing), the second Machine of each kind, and Flux objects of the tenant
that are alike but for their names.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schiff.rollout.health import ClusterHealth, Expected, ObjectKey, Observation, Seen, cluster_health, commits_named

RECORDED = Path(__file__).parent / "recorded"
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
RELEASE = "sha256:" + "5" * 64
DEFINITIONS = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1"
COMPONENTS = "locations/location-1/vsphere-site-1/customer-a-1"
TREES = {("cluster-definitions", DEFINITIONS): "d" * 40, ("cluster-components", COMPONENTS): "c" * 40}
Object = dict[str, Any]
Place = tuple[str | int, ...]


def recorded(name: str) -> Object:
    """Return one recording, free to be changed; all of them speak of one cluster of one site here."""
    text = (RECORDED / f"{name}.json").read_text()
    data: Object = json.loads(text.replace('"site-customer-a-1"', '"vsphere-site-1-customer-a-1"'))
    return data


def changed(live: Object, path: Place, value: Any) -> Object:
    """Return an object with one field set, or taken away when the value is None."""
    result = copy.deepcopy(live)
    inner: Any = result
    for step in path[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    return result


def conditioned(live: Object, name: str, **fields: Any) -> Object:
    """Return an object with fields of one condition changed; without fields, the condition is taken away."""
    result = copy.deepcopy(live)
    old = [item for item in result["status"]["conditions"] if item["type"] == name]
    rest = [item for item in result["status"]["conditions"] if item["type"] != name]
    new = {"type": name, "observedGeneration": result["metadata"]["generation"], **(old[0] if old else {}), **fields}
    result["status"]["conditions"] = [*rest, new] if fields else rest
    return result


def key(live: Mapping[str, Any]) -> ObjectKey:
    metadata = live["metadata"]
    return live["apiVersion"].rpartition("/")[0], live["kind"], metadata.get("namespace", ""), metadata["name"]


def delivered(live: Object) -> Object:
    """Return what was delivered where this object was found."""
    metadata = {
        name: live["metadata"][name] for name in ("name", "namespace", "annotations") if name in live["metadata"]
    }
    body = {name: live[name] for name in ("spec", "data") if name in live}
    return copy.deepcopy({"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata, **body})


@dataclass(frozen=True)
class World:
    """What was delivered and what is there, on both sides; free to be changed piece by piece."""

    expected: Expected
    management: Mapping[ObjectKey, Object]
    tenant: Mapping[ObjectKey, Object]
    trees: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    at: datetime = AT

    def having(self, live: Object, *, tenant: bool = False) -> World:
        """Return the world with one object in another state."""
        if tenant:
            return replace(self, tenant={**self.tenant, key(live): live})
        return replace(self, management={**self.management, key(live): live})

    def without(self, gone: ObjectKey) -> World:
        """Return the world where an object is not there."""
        management = {name: live for name, live in self.management.items() if name != gone}
        return replace(self, management=management, tenant={n: live for n, live in self.tenant.items() if n != gone})

    def expecting(self, live: Object, *, tenant: bool = False) -> World:
        """Return the world where this object was delivered instead of the one of its name, and is there as it is."""
        if tenant:
            objects = tuple(item for item in self.expected.tenant if key(item) != key(live))
            expected = replace(self.expected, tenant=(*objects, delivered(live)))
        else:
            objects = tuple(item for item in self.expected.management if key(item) != key(live))
            expected = replace(self.expected, management=(*objects, delivered(live)))
        return replace(self, expected=expected).having(live, tenant=tenant)

    @property
    def health(self) -> ClusterHealth:
        """The verdict on this world."""
        return cluster_health(self.expected, self.observed)

    @property
    def observed(self) -> Observation:
        """What a look at this world gives; every commit it names has the delivered trees, unless told otherwise."""
        sides = Seen(self.management), Seen(self.tenant)
        named = {one: self.expected.trees[one[0], one[2]] for one in commits_named(self.expected, *sides)}
        return Observation(*sides, trees={**named, **self.trees}, at=self.at)


# --- Cluster API


def released(live: Object) -> Object:
    return changed(live, ("metadata", "annotations", "schiff.example/release"), RELEASE)


def stage(name: str) -> dict[str, Object]:
    """Return Cluster, control plane and pool of one stage of the recorded run."""
    return {kind: released(recorded(f"capi-{name}-{kind}")) for kind in ("cluster", "kcp", "md")}


def machine(name: str, owner: Object, version: str, template: str) -> tuple[Object, Object]:
    """Return a Machine as the recorded one, of another owner, with the infrastructure machine it refers to."""
    live = recorded("capi-settled-machine")
    live["metadata"] |= {"name": name}
    live["spec"] |= {"version": version, "infrastructureRef": {**live["spec"]["infrastructureRef"], "name": name}}
    live["status"]["nodeInfo"] |= {"kubeletVersion": version}
    labels = {"cluster.x-k8s.io/cluster-name": "customer-a-1"}
    if owner["kind"] == "MachineDeployment":
        labels["cluster.x-k8s.io/deployment-name"] = owner["metadata"]["name"]
    else:
        labels["cluster.x-k8s.io/control-plane"] = ""
    live["metadata"]["labels"] = labels
    annotations = {"cluster.x-k8s.io/cloned-from-name": template}
    infrastructure = {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta2",
        "kind": "DevMachine",
        "metadata": {"name": name, "namespace": live["metadata"]["namespace"], "annotations": annotations},
    }
    return live, infrastructure


def machines(kcp: Object, md: Object) -> list[Object]:
    """Return as many Machines as both ask for, each already what they ask for: the best that can be pretended."""
    result: list[Object] = []
    template = kcp["spec"]["machineTemplate"]["spec"]["infrastructureRef"]["name"]
    for number in range(kcp["spec"]["replicas"]):
        result += machine(f"customer-a-1-{number}", kcp, kcp["spec"]["version"], template)
    pool = md["spec"]["template"]["spec"]
    for number in range(md["spec"]["replicas"]):
        result += machine(f"customer-a-1-md-0-{number}", md, pool["version"], pool["infrastructureRef"]["name"])
    return result


# --- Flux


def source(name: str) -> Object:
    """Return a source as the recorded one, under another name and at the commit of the bootstrap recordings."""
    text = (RECORDED / "gitrepository-ready.json").read_text().replace("cluster-definitions", name)
    commit = recorded("bootstrap-kustomization-cni-ready")["status"]["lastAppliedRevision"].partition(":")[2]
    old = recorded("gitrepository-ready")["status"]["artifact"]["revision"].partition(":")[2]
    data: Object = json.loads(text.replace(old, commit))
    return data


def own_kustomization() -> Object:
    """Return the tenant's `self` as the recorded `demo`, applying the cluster's own folder."""
    live = recorded("tenant-kustomization-demo-ready")
    live["metadata"]["name"] = "self"
    live["spec"] |= {"path": f"./{COMPONENTS}", "sourceRef": {"kind": "GitRepository", "name": "cluster-config"}}
    return live


def release_map() -> Object:
    metadata = {"name": "schiff-release", "namespace": "schiff-system"}
    data = {"release": "2026.48.0", "digest": RELEASE, "environment": "tst", "hold": "false"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def node(name: str = "customer-a-1-0", version: str = "v1.35.2") -> Object:
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": "2026-11-22T16:34:00Z"}
    status = {"conditions": [ready], "nodeInfo": {"kubeletVersion": version}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


def world(cluster_api: Iterable[Object], kubernetes: str) -> World:
    """Return a world that is settled but for what these objects say."""
    capi = list(cluster_api)
    management_flux = [
        recorded("gitrepository-ready"),
        source("cluster-components"),
        recorded("kustomization-ready"),
        *(recorded(f"bootstrap-kustomization-{name}-ready") for name in ("cni", "flux", "config")),
    ]
    tenant_flux = [
        source("cluster-components"),
        source("cluster-config"),
        own_kustomization(),
        recorded("tenant-kustomization-demo-ready"),
        recorded("tenant-kustomization-apps-ready"),
        recorded("helmrelease-ready"),
    ]
    owners = [item for item in capi if item["kind"] in {"Cluster", "KubeadmControlPlane", "MachineDeployment"}]
    expected = Expected(
        cluster="vsphere-site-1/customer-a-1",
        release=RELEASE,
        kubernetes=kubernetes,
        removal="",
        definitions=DEFINITIONS,
        components=COMPONENTS,
        management=tuple(map(delivered, [*owners, *management_flux])),
        tenant=tuple(map(delivered, [*tenant_flux, release_map()])),
        trees=TREES,
    )
    tenant = [*tenant_flux, release_map(), node(version=kubernetes)]
    return World(
        expected, {key(item): item for item in [*capi, *management_flux]}, {key(item): item for item in tenant}
    )


def at_stage(name: str) -> World:
    """Return the world at one stage of the run, its Machines pretending to be done already."""
    objects = stage(name)
    made = machines(objects["kcp"], objects["md"])
    return world([*objects.values(), *made], objects["kcp"]["spec"]["version"])


def settled() -> World:
    """Return the world in which everything is as it was delivered."""
    return at_stage("settled")
