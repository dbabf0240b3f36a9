"""Build the bundle of schemas the package carries: `python -m tools.schemas.build [--check]`.

From the CustomResourceDefinitions of the pinned list ``tools/crds.json`` (folder
``SCHIFF_CRDS``; a file whose digest differs is refused) and the OpenAPI documents
of the Kubernetes release pinned in ``tools/controlplane``. The bundle is
committed, so that installing needs neither; ``--check`` says whether it is current.

Its form: gzip of lines. The first is a JSON map with the digest of every source;
each other one ``<apiVersion>/<kind>``, a tab, and that kind's strict JSON Schema.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.parts import PARTS, ROOT
from tools.schemas.convert import SCOPE, Schema, built_in, custom_resource, definitions

BUNDLE = ROOT / "schiff" / "data" / "schemas.gz"
PINNED = ROOT / "tools" / "crds.json"
PROJECTS = (
    "baremetal-operator", "calico", "cluster-api", "cluster-api-bootstrap-kubeadm", "cluster-api-controlplane-kubeadm",
    "cluster-api-ipam-provider-in-cluster", "cluster-api-operator", "cluster-api-provider-metal3",
    "cluster-api-provider-vsphere", "coil", "csi-external-snapshotter", "das-schiff-network-operator",
    "flux-helm-controller", "flux-kustomize-controller", "flux-notification-controller", "flux-source-controller",
    "grafana-operator", "kyverno", "metal3-ip-address-manager", "metallb", "multus", "portworx", "prometheus-operator",
    "rbac-manager", "tigera-operator", "trident", "velero", "whereabouts",
)  # fmt: skip
"""The projects whose kinds schiff emits; all of their served versions are bundled."""

BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "v1": ("ConfigMap", "LimitRange", "Namespace", "PersistentVolumeClaim", "Pod", "ResourceQuota", "Secret", "Service",
           "ServiceAccount"),
    "admissionregistration.k8s.io/v1": (
        "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ),
    "apiregistration.k8s.io/v1": ("APIService",),
    "apps/v1": ("DaemonSet", "Deployment", "StatefulSet"),
    "batch/v1": ("CronJob", "Job"),
    "networking.k8s.io/v1": ("Ingress", "IngressClass", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    "scheduling.k8s.io/v1": ("PriorityClass",),
    "storage.k8s.io/v1": ("CSIDriver", "StorageClass"),
}  # fmt: skip
"""The kinds of Kubernetes' own API that schiff or what it vendors writes."""

CLUSTER_WIDE = frozenset({
    "APIService", "CSIDriver", "ClusterRole", "ClusterRoleBinding", "IngressClass", "MutatingWebhookConfiguration",
    "Namespace", "PriorityClass", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
})  # fmt: skip
"""Those of them that no namespace holds."""

_ANY: Schema = {}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
_MAPS: Schema = {"type": "array", "items": {"type": "object"}}
_KUSTOMIZE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "apiVersion": _ANY, "kind": _ANY, "metadata": _ANY, "resources": _TEXTS, "components": _TEXTS,
        "namespace": {"type": "string"}, "labels": _MAPS, "patches": _MAPS, "images": _MAPS,
        "configMapGenerator": _MAPS, "generatorOptions": {"type": "object"},
        "commonAnnotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}  # fmt: skip


_FREE_FORM: Mapping[str, str] = {
    "cert-manager.io/v1/Certificate": "Namespaced",
    "cert-manager.io/v1/Issuer": "Namespaced",
    "ipam.cluster.x-k8s.io/v1alpha1/InfobloxInstance": "Cluster",
    "ipam.cluster.x-k8s.io/v1alpha1/InfobloxIPPool": "Namespaced",
    "trident.netapp.io/v1/TridentBackendConfig": "Namespaced",
}
"""Kinds whose definition is not on the pinned list, with their scope: a program's own text, or vendored as it is."""


class _Loader(yaml.CSafeLoader):
    """A loader that takes the plain ``=`` of some upstream enums for text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def content(crds: Path, openapi: Path) -> str:
    """Return the bundle's text; equal sources give equal text on every machine."""
    sources: dict[str, str] = {}
    kinds: dict[str, Schema] = {
        "kustomize.config.k8s.io/v1beta1/Kustomization": _KUSTOMIZE,
        "kustomize.config.k8s.io/v1alpha1/Component": _KUSTOMIZE,
    }
    metadata = definitions(["ObjectMeta"], _components(openapi, "v1", sources))
    for name, scope in _FREE_FORM.items():
        open_kind = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        kinds[name] = custom_resource(open_kind) | {SCOPE: scope, "$defs": metadata}
    for name, definition in _pinned_definitions(crds, sources):
        kinds.update(_served(name, definition, metadata))
    for api_version, names in BUILT_IN.items():
        components = _components(openapi, api_version, sources)
        for name in names:
            schema = built_in(_full_name(api_version, name, components), components)
            kinds[f"{api_version}/{name}"] = schema | {SCOPE: "Cluster" if name in CLUSTER_WIDE else "Namespaced"}
    lines = [_compact({"format": 1, "sources": sources})]
    lines += [f"{kind}\t{_compact(schema)}" for kind, schema in sorted(kinds.items())]
    return "\n".join(lines) + "\n"


def read_bundle() -> str:
    """Return the text of the bundle as it is committed."""
    return gzip.decompress(BUNDLE.read_bytes()).decode()


def crd_folder() -> Path:
    """Return the folder ``SCHIFF_CRDS`` names, or say how to get one."""
    folder = os.environ.get("SCHIFF_CRDS")
    if not folder or not Path(folder).is_dir():
        raise SystemExit("SCHIFF_CRDS names no folder: set it to a folder with the files of tools/crds.json")
    return Path(folder)


def openapi_folder() -> Path:
    """Return the OpenAPI documents in the module that the API server is built from, checked by go.sum."""
    part = PARTS["kube-apiserver"]
    argv = ["go", "mod", "download", "-json", f"{part.module}@{part.version}"]
    answer = subprocess.run(argv, cwd=part.folder, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{part.module} {part.version} cannot be had: {answer.stderr or answer.stdout}")
    return Path(json.loads(answer.stdout)["Dir"]) / "api" / "openapi-spec" / "v3"


def main() -> None:
    """Write the bundle, or compare it with its sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    text = content(crd_folder(), openapi_folder())
    if not arguments.check:
        BUNDLE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    elif text != read_bundle():
        sys.exit("schiff/data/schemas.gz is not what its sources give: run python -m tools.schemas.build")
    print(f"{text.count(chr(10)) - 1} kinds, {len(text) // 1024} KiB, {BUNDLE.stat().st_size // 1024} KiB packed")


def _pinned_definitions(folder: Path, sources: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every pinned CustomResourceDefinition, and note its digest."""
    pinned = {entry["project"]: entry["files"] for entry in json.loads(PINNED.read_text(encoding="utf-8"))}
    for project in PROJECTS:
        for file in pinned[project]:
            name = f"{project}/{file['name']}"
            data = (folder / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != file["sha256"]:
                raise SystemExit(f"{name} is not the pinned file (sha256 {file['sha256']})")
            sources[name] = f"sha256:{file['sha256']}"
            yield name, yaml.load(data, Loader=_Loader)  # noqa: S506  # _Loader is a safe loader


def _served(name: str, definition: dict[str, Any], metadata: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
    spec = definition["spec"]
    for version in spec["versions"]:
        if version["served"]:
            schema = custom_resource(version["schema"]["openAPIV3Schema"])
            if "properties" not in schema:
                raise SystemExit(f"{name}: {version['name']} lists no properties")
            kind = f"{spec['group']}/{version['name']}/{spec['names']['kind']}"
            yield kind, schema | {SCOPE: spec["scope"], "$defs": metadata}


def _components(folder: Path, api_version: str, sources: dict[str, str]) -> dict[str, Schema]:
    stem = f"apis__{api_version.replace('/', '__')}" if "/" in api_version else f"api__{api_version}"
    data = (folder / f"{stem}_openapi.json").read_bytes()
    sources[f"kubernetes/{stem}_openapi.json"] = f"sha256:{hashlib.sha256(data).hexdigest()}"
    found: dict[str, Schema] = json.loads(data)["components"]["schemas"]
    return found


def _full_name(api_version: str, kind: str, components: Mapping[str, Schema]) -> str:
    group, _, version = api_version.rpartition("/")
    wanted = {"group": group, "version": version, "kind": kind}
    return next(name for name, part in components.items() if wanted in part.get("x-kubernetes-group-version-kind", ()))


def _compact(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if re.search(r"[\t\n]", text):
        raise SystemExit("a schema holds a line break")
    return text


if __name__ == "__main__":
    main()
