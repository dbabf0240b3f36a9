"""Vendor the example fleet's components from the released modules that go.mod pins: `python -m tools.vendor`.

Go checks every module against go.sum, `schiff vendor`'s rules hold for every
file: what is there stays, other bytes are refused. Where no module serves a
manifest, it was written for this fleet from the facts of the named release, and
is recorded as such. Run it after a pin here has moved to a new version.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schiff.cli.vendor import Upstream, files_from, take
from schiff.errors import SchiffError
from tools.build import build_folder
from tools.golang import require_go
from tools.parts import ROOT
from tools.progress import StepFailed, say

FLEET = ROOT / "stacks" / "fleet"
WRAPPER = ROOT / "tools" / "vendor"
_GO = "1.26.0"


@dataclass(frozen=True)
class Taken:
    """A file or folder of a module, and where it goes in the version's folder; `only` picks files of a folder."""

    module: str
    path: str
    into: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """One version of a component: what modules serve, and the release whose facts the rest was written from.

    `copied` is the folder of a repository that definitions below ``crds/`` are a copy of, where no module serves them.
    """

    component: str
    version: str
    taken: tuple[Taken, ...]
    facts: str
    copied: str = ""


_OPERATOR_KINDS = (
    "apiservers", "gatewayapis", "goldmanes", "imagesets", "installations", "istios", "managementclusterconnections",
    "tigerastatuses", "whiskers",
)  # fmt: skip
_WHEREABOUTS_KINDS = ("ippools", "nodeslicepools", "overlappingrangeipreservations")
_SNAPSHOT_KINDS = ("volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots")
_CONTROLLERS = ("source", "kustomize", "helm", "notification")
_OPERATOR = "github.com/tigera/operator"
_NETWORKS = "github.com/k8snetworkplumbingwg/network-attachment-definition-client"
_METALLB = "go.universe.tf/metallb"
_NETWORK_OPERATOR = "github.com/telekom/das-schiff-network-operator@v0.5.3/config/crd/bases"
_PROMETHEUS = "github.com/prometheus-operator/prometheus-operator"
_GRAFANA = "github.com/grafana/grafana-operator/v5"
_MONITORING_KINDS = ("podmonitors", "probes", "prometheuses", "prometheusrules", "servicemonitors")
_GRAFANA_FILES = (
    "deployment", "leader_election_role", "leader_election_role_binding", "role", "rolebinding", "service",
    "serviceaccount",
)  # fmt: skip

RECIPES = (
    Recipe(
        "flux", "v2.9.3",
        tuple(
            Taken(f"github.com/fluxcd/{name}-controller", f"config/{part}", f"{name}-controller/{part}")
            for name in _CONTROLLERS
            for part in ("crd", "manager")
        ),
        "Flux v2.9.3",
    ),
    Recipe(
        "flux", "v2.9.3-s2",
        tuple(
            Taken(f"github.com/fluxcd/{name}-controller", f"config/{part}", f"{name}-controller/{part}")
            for name in _CONTROLLERS
            for part in ("crd", "manager")
        ),
        "Flux v2.9.3",
    ),
    Recipe(
        "calico", "v3.32.1",
        (
            Taken(
                _OPERATOR, "pkg/imports/crds/operator", "crds",
                tuple(f"operator.tigera.io_{kind}.yaml" for kind in _OPERATOR_KINDS),
            ),
            Taken(_OPERATOR, "pkg/imports/crds/calico/v1.crd.projectcalico.org", "crds"),
            Taken(_OPERATOR, "pkg/imports/crds/calico/policy.networking.k8s.io", "crds"),
        ),
        "tigera operator v1.42.3",
    ),
    Recipe(
        "calico", "v3.32.1-s2",
        (
            Taken(
                _OPERATOR, "pkg/imports/crds/operator", "base",
                tuple(f"operator.tigera.io_{kind}.yaml" for kind in _OPERATOR_KINDS),
            ),
            Taken(_OPERATOR, "pkg/imports/crds/calico/v1.crd.projectcalico.org", "crds"),
            Taken(_OPERATOR, "pkg/imports/crds/calico/policy.networking.k8s.io", "crds"),
        ),
        "tigera operator v1.42.3 and Calico v3.32.1",
    ),
    Recipe(
        "multus", "v4.3.0",
        (Taken(_NETWORKS, "artifacts/networks-crd.yaml", "crds"),),
        "Multus v4.3.0",
    ),
    Recipe(
        "whereabouts", "v0.9.4",
        (
            Taken(
                "github.com/k8snetworkplumbingwg/whereabouts", "doc/crds", "crds",
                tuple(f"whereabouts.cni.cncf.io_{kind}.yaml" for kind in _WHEREABOUTS_KINDS),
            ),
        ),
        "whereabouts v0.9.4",
    ),
    Recipe(
        "coil", "v2.15.0",
        (Taken("github.com/cybozu-go/coil/v2", "config/crd/bases", "crds", ("coil.cybozu.com_egresses.yaml",)),),
        "coil v2.15.0",
    ),
    Recipe(
        "metallb", "v0.16.1",
        (
            Taken(_METALLB, "config/manifests/metallb-native.yaml", "l2"),
            Taken(_METALLB, "config/manifests/metallb-frr-k8s.yaml", "bgp"),
        ),
        "MetalLB v0.16.1",
    ),
    Recipe(
        "vsphere-csi", "v3.7.3",
        (
            Taken(
                "github.com/kubernetes-csi/external-snapshotter/client/v8", "config/crd", "crds",
                tuple(f"snapshot.storage.k8s.io_{kind}.yaml" for kind in _SNAPSHOT_KINDS),
            ),
        ),
        "vSphere CSI v3.7.3 and external-snapshotter v8.6.0",
    ),
    Recipe("vsphere-csi", "v3.7.3-s2", (), "vSphere CSI v3.7.3"),
    Recipe(
        "snapshot-controller", "v8.6.0",
        (
            Taken(
                "github.com/kubernetes-csi/external-snapshotter/client/v8", "config/crd", "crds",
                tuple(f"snapshot.storage.k8s.io_{kind}.yaml" for kind in _SNAPSHOT_KINDS),
            ),
        ),
        "external-snapshotter v8.6.0",
    ),
    Recipe("trident", "v26.6.0", (), "Trident v26.06.0"),
    Recipe("portworx", "v26.2.1", (), "Portworx operator 26.2.1"),
    Recipe("vsphere-cpi", "v1.35.1", (), "cloud-provider-vsphere v1.35.1"),
    Recipe(
        "prometheus-operator", "v0.93.0",
        (
            Taken(
                _PROMETHEUS, "example/prometheus-operator-crd", "crds",
                tuple(f"monitoring.coreos.com_{kind}.yaml" for kind in _MONITORING_KINDS),
            ),
            Taken(_PROMETHEUS, "example/rbac/prometheus-operator", "operator"),
        ),
        "prometheus-operator v0.93.0",
    ),
    Recipe(
        "grafana-operator", "v5.24.0",
        (
            Taken(_GRAFANA, "config/crd/bases", "crds"),
            Taken(_GRAFANA, "deploy/kustomize/base", "operator", tuple(f"{name}.yaml" for name in _GRAFANA_FILES)),
        ),
        "grafana-operator v5.24.0",
    ),
    Recipe("prometheus", "v3.13.1", (), "Prometheus v3.13.1 and kube-state-metrics v2.18.0"),
    Recipe("thanos", "v0.42.5", (), "Thanos v0.42.5"),
    Recipe("grafana", "v13.0.1", (), "Grafana v13.0.1"),
    Recipe("vector", "v0.57.0", (), "the Vector chart 0.57.0"),
    Recipe(
        "cluster-api-operator", "v0.29.0",
        (Taken("sigs.k8s.io/cluster-api-operator", "config/crd/bases", "crds"),),
        "Cluster API operator v0.29.0",
    ),
    Recipe(
        "network-operator", "v0.5.3", (), "network-operator v0.5.3",
        copied=_NETWORK_OPERATOR,
    ),
    Recipe("network-sync", "v0.5.3", (), "network-operator v0.5.3", copied=_NETWORK_OPERATOR),
    Recipe("kyverno", "v1.18.2", (), "Kyverno v1.18.2 and its chart 3.8.2"),
    Recipe("kyverno", "v1.19.1", (), "Kyverno v1.19.1 and its chart 3.9.1"),
    Recipe(
        "velero", "v1.18.3",
        tuple(
            Taken("github.com/vmware-tanzu/velero", f"config/crd/{version}/bases", "crds")
            for version in ("v1", "v2alpha1")
        ),
        "Velero v1.18.3 and its plugin for AWS v1.14.0",
    ),
    Recipe(
        "rbac-manager", "v1.10.0", (), "RBAC Manager v1.10.0",
        copied="github.com/FairwindsOps/rbac-manager@v1.10.0/deploy",
    ),
)  # fmt: skip


def main() -> int:
    """Vendor every recipe; a failure ends with a sentence and status 1."""
    try:
        folders = _modules({taken.module for recipe in RECIPES for taken in recipe.taken})
        for recipe in RECIPES:
            added = take(FLEET, recipe.component, recipe.version, dict(_files(recipe, folders)))
            say(f"{recipe.component} {recipe.version}: {len(added)} new files")
    except (SchiffError, StepFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _files(recipe: Recipe, folders: Mapping[str, Path]) -> Iterator[tuple[str, Upstream]]:
    served: set[str] = set()
    for taken in recipe.taken:
        for name, file in files_from(str(folders[taken.module] / taken.path)).items():
            if name.endswith(".yaml") and (not taken.only or name in taken.only):
                path = f"{taken.into}/{name}"
                served.add(path)
                yield path, file
    folder = FLEET / "components" / recipe.component / recipe.version
    for file_path in sorted(folder.rglob("*.yaml")):
        path = file_path.relative_to(folder).as_posix()
        if path not in served:
            yield path, Upstream(_origin(recipe, path), file_path.read_bytes())


def _origin(recipe: Recipe, path: str) -> str:
    folder, _, name = path.partition("/")
    if recipe.copied and folder == "crds":
        return f"copied from {recipe.copied}/{name}"
    return f"written for this fleet from the facts of {recipe.facts}"


def _modules(names: Iterable[str]) -> dict[str, Path]:
    """Return where Go keeps the pinned modules, after checking them against go.sum."""
    go = require_go(_GO, build_folder())
    env = {**go.environment(), "GOFLAGS": "-mod=readonly"}
    argv: list[str | Path] = [go.program, "mod", "download", "-json", *sorted(names)]
    answer = subprocess.run(argv, cwd=WRAPPER, env=env, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise StepFailed(f"a module cannot be had: {answer.stderr.strip() or answer.stdout.strip()}")
    decoder, rest, found = json.JSONDecoder(), answer.stdout.strip(), dict[str, Path]()
    while rest:
        entry, end = decoder.raw_decode(rest)
        found[entry["Path"]] = Path(entry["Dir"])
        rest = rest[end:].strip()
    return found


if __name__ == "__main__":
    sys.exit(main())
