"""Rules over names, owners, secrets and the folders that Flux applies (domain reference 3, 4 and 11)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from schiff.checks.documents import KubernetesObject, Path, leaves
from schiff.checks.rules import Breach, Objects, Rule, each, target
from schiff.manifests.flux import FLUX_NAMESPACE

KUSTOMIZE = "kustomize.config.k8s.io"
_LIST = "kustomization.yaml"
_FLUX = "kustomize.toolkit.fluxcd.io"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(rf"({_NAME.pattern}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
_CLEAR_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-1")
_FREE_NAMES = "rbac.authorization.k8s.io"
_LABEL_NAMES = ("Cluster", "KubeadmControlPlane", "MachineDeployment", "Namespace", "Service")
_LABELS_AT: tuple[Path, ...] = (
    ("metadata", "labels"),
    ("spec", "template", "metadata", "labels"),
    ("spec", "machineTemplate", "metadata", "labels"),
)
_GIVEN_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_REPOSITORIES = {"cluster-definitions": "cluster-definitions", "cluster-components": "cluster-components",
                 "cluster-config": "cluster-components"}  # fmt: skip
_OTHER_STACKS = re.compile(r"/flux/[a-z]+\Z")
"""An environment's list of tenants: its own stack delivers it, perhaps later."""

_MANIFEST = (".yaml", ".yml")
_NO_MANIFESTS = (_LIST, ".sops.yaml")

Found = Iterator[tuple[Path, str, str]]


def _legal_name(item: KubernetesObject) -> Found:
    if item.group in (KUSTOMIZE, _FREE_NAMES):
        return
    path, longest = ("metadata", "name"), 63 if item.kind in _LABEL_NAMES else 253
    if not item.name:
        yield path, "has no name", "write metadata.name"
    elif len(item.name) > longest:
        yield path, f"the name has {len(item.name)} characters", f"write at most {longest}"
    elif not _NAME.fullmatch(item.name):
        yield path, f"{item.name!r} is not a legal name", "write lower-case letters, digits, '-' and '.'"


def _legal_labels(item: KubernetesObject) -> Found:
    for path in _LABELS_AT:
        for key, value in item.map_at(*path).items():
            if not _LABEL_KEY.fullmatch(key):
                yield path, f"{key!r} is not a label's key", "write e.g. schiff.example/customer"
            elif isinstance(value, str) and not _LABEL_VALUE.fullmatch(value):
                yield (
                    path,
                    f"{key} has a value that no label can have",
                    "write at most 63 letters, digits, '-', '_', '.'",
                )


def _encrypted(item: KubernetesObject) -> Found:
    locked = bool(item.map_at("sops"))
    for name in ("data", "stringData"):
        for value in item.map_at(name).values():
            if not locked or not str(value).startswith("ENC["):
                yield (name,), "a secret stands in clear text", "encrypt it with sops, or refer to it by name"
                break


def _no_keys(item: KubernetesObject) -> Found:
    if "sops" in item.data:
        return
    for path, value in leaves(item.data):
        if isinstance(value, str) and _CLEAR_KEY.search(value):
            yield path, "holds a private key", "remove it, and replace that key everywhere"


def _one_owner(objects: Objects) -> Iterator[Breach]:
    seen: dict[tuple[str, ...], KubernetesObject] = {}
    for item in objects.all:
        if item.group == KUSTOMIZE or not item.name:
            continue
        other = seen.setdefault((target(item.file), item.group, item.kind, item.namespace, item.name), item)
        if other is not item:
            where = "twice in this file" if other.file == item.file else f"in {other.file} too"
            yield Breach(item, ("metadata", "name"), f"stands {where}", "let each object have one owner")


def _known_namespace(objects: Objects) -> Iterator[Breach]:
    known = {*_GIVEN_NAMESPACES, FLUX_NAMESPACE, *(item.name for item in objects.of("Namespace"))}
    for item in objects.all:
        if item.namespace and item.namespace not in known:
            message = f"nobody makes the namespace {item.namespace!r}"
            yield Breach(item, ("metadata", "namespace"), message, "deliver the Namespace too, or correct the name")


def _namespaced(objects: Objects) -> Iterator[Breach]:
    moved = tuple(f"{_folder(item.file)}/" for item in _lists(objects) if item.text_at("namespace"))
    for item in objects.all:
        lives_in_one = objects.schemas.is_namespaced(f"{item.api_version}/{item.kind}")
        path = ("metadata", "namespace")
        if lives_in_one and not item.namespace and not item.file.startswith(moved):
            yield Breach(item, path, "names no namespace", "write metadata.namespace")
        elif lives_in_one is False and item.namespace:
            yield Breach(item, path, "is cluster-wide, so it has no namespace", "leave metadata.namespace out")


def _lists_exactly(objects: Objects) -> Iterator[Breach]:
    own: defaultdict[str | None, set[str]] = defaultdict(set)
    for file in objects.files:
        if file.endswith(_MANIFEST) and file.rpartition("/")[2] not in _NO_MANIFESTS:
            own[_listing_folder(file, objects.files)].add(file)
    for item in _lists(objects):
        folder, listed = _folder(item.file), set()
        for index, entry in enumerate(item.items_at("resources")):
            path, found = ("resources", index), _joined(folder, str(entry))
            if found in listed:
                yield Breach(item, path, f"lists {entry} twice", "list it once")
            listed.add(found)
            if found not in objects.files and f"{found}/{_LIST}" not in objects.files:
                yield Breach(item, path, f"lists {entry}, which does not exist", "add the file, or drop the line")
        patches = [each for each in item.items_at("patches") if isinstance(each, dict)]
        listed |= {_joined(folder, str(each.get("path"))) for each in patches}
        for file in sorted(own[folder] - listed):
            message = f"does not list {file.removeprefix(folder + '/')}"
            yield Breach(item, ("resources",), message, "list every file of the folder")


def _in_a_list(objects: Objects) -> Iterator[Breach]:
    for item in objects.all:
        if item.number == 0 and _listing_folder(item.file, objects.files) is None:
            message = f"no folder above has a {_LIST}"
            yield Breach(item, (), message, f"add a {_LIST} to every folder that is applied")


def _path_exists(objects: Objects) -> Iterator[Breach]:
    present = {file.partition("/")[0] for file in objects.files}
    for item in objects.of("Kustomization"):
        repository = _REPOSITORIES.get(item.text_at("spec", "sourceRef", "name"), "")
        if item.group != _FLUX or repository not in present:
            continue
        folder = _joined(repository, item.text_at("spec", "path"))
        if f"{folder}/{_LIST}" not in objects.files and not _OTHER_STACKS.search(folder):
            yield Breach(item, ("spec", "path"), f"{folder} is no folder that can be applied", "deliver it too")


def _lists(objects: Objects) -> Iterator[KubernetesObject]:
    return (item for item in objects.of("Kustomization") if item.group == KUSTOMIZE)


def _listing_folder(file: str, files: frozenset[str]) -> str | None:
    """Return the nearest folder above a file that has a list."""
    folder = _folder(file)
    while folder and f"{folder}/{_LIST}" not in files:
        folder = _folder(folder)
    return folder if f"{folder}/{_LIST}".lstrip("/") in files else None


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def _joined(folder: str, entry: str) -> str:
    """Return the path that an entry of a folder's list means."""
    parts = folder.split("/") if folder else []
    for part in entry.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


RULES: tuple[Rule, ...] = (
    each("legal-name", "Names are legal; those that become labels have at most 63 characters.", (), _legal_name),
    each("legal-labels", "Labels are legal, also those that machines inherit.", (), _legal_labels),
    each("encrypted", "A Secret in Git is encrypted by SOPS.", ("Secret",), _encrypted),
    each("no-keys", "No object holds a private key.", (), _no_keys),
    Rule("one-owner", "An object stands in one place only.", _one_owner),
    Rule("known-namespace", "Every namespace that objects live in is delivered.", _known_namespace, whole=True),
    Rule("namespaced", "An object names a namespace exactly when its kind lives in one.", _namespaced, whole=True),
    Rule("lists-exactly", "A kustomization.yaml lists exactly the files of its folder.", _lists_exactly, whole=True),
    Rule("in-a-list", "Every file lies below a kustomization.yaml.", _in_a_list, whole=True),
    Rule("path-exists", "The folder that a Flux Kustomization applies is delivered.", _path_exists, whole=True),
)  # fmt: skip
