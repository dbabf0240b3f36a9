"""A tenant's folder in ``cluster-components``, and the versioned folders that tenants share (domain reference 4.2).

::

    cni/             applied by the management cluster: what a node needs to become ready
    self/            applied by the management cluster: the source of this folder, the Kustomization of it, the key
    config/<name>/   applied by the tenant after the component: objects of kinds that the component brings
    <plural>/        applied by the tenant's `self`: sources, Kustomizations, values, namespaces, the reading account
    secrets/         the same: encrypted documents, byte for byte, and a token that the tenant fills by itself

Every object has one owner: the list of the folder leaves the first three out.
Objects of a component's own kinds cannot lie beside its Kustomization, because
one unknown kind fails the whole of what `self` applies, the component included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import PurePosixPath

from schiff.compiler.bootstrap import images_of, own_folder, versioned_path
from schiff.compiler.component_set import ComponentSet, applying_components, component_problems, component_set
from schiff.compiler.file_tree import Content, FileTree
from schiff.compiler.parts import Parts
from schiff.compiler.status_access import RELEASE, tenant_account
from schiff.components.protocol import Component
from schiff.manifests.flux import (
    BOOTSTRAP_PACE,
    COMPONENT_PACE,
    COMPONENTS,
    CONFIG,
    DECRYPTION,
    FLUX_NAMESPACE,
    FOLDER_PACE,
    flux_kustomization,
    git_repository,
)
from schiff.manifests.kustomize import FILE_NAME, kustomization_file
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import documents_for, secret_target
from schiff.manifests.yaml import to_yaml
from schiff.model import layout
from schiff.model.fleet import Fleet
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

__all__ = ["ComponentSet", "component_problems", "component_set", "locations", "shared_folders"]

_ROOT = "../../../../.."
"""From a cluster's ``cni`` folder to the top of the repository."""


def locations(cluster: ResolvedCluster, parts: Parts) -> FileTree:
    """Return the folder of one cluster; it stays as it is until the last state of a removal."""
    if cluster.assignment.removal == "e":
        return FileTree()
    components = component_set(cluster, parts)
    secrets = _Secrets.of(cluster, components)
    trees = {
        "": _listed(_by_kind(_applied_by_self(cluster, components)), secrets.pulled),
        "cni": _cni(cluster, components, secrets.bootstrap),
        "self": _listed(_by_kind(_self(cluster, secrets)), secrets.own),
    }
    for one in components.running:
        objects = one.component.objects(cluster, one.settings)
        if objects:
            trees[f"config/{one.name}"] = _listed(_by_kind(objects), {})
    return FileTree.joined(trees)


def shared_folders(clusters: Iterable[ResolvedCluster], fleet: Fleet, parts: Parts) -> Mapping[PurePosixPath, FileTree]:
    """Return every versioned folder that these clusters run, each with all its variants."""
    running: dict[tuple[str, str], tuple[Component, ComponentVersion]] = {}
    for cluster in clusters:
        pinned = cluster.layers.release.components
        for name, component in applying_components(cluster, parts).items():
            running[name, str(pinned[name].version)] = (component, pinned[name].version)
    return {
        layout.component_folder(name, version): FileTree(
            component.folder(parsed, fleet.vendored.get(f"{name}/{version}", {}))
        )
        for (name, version), (component, parsed) in sorted(running.items(), key=itemgetter(0))
    }


# --- what the tenant's own Flux applies


def _applied_by_self(cluster: ResolvedCluster, components: ComponentSet) -> Iterator[Manifest]:
    facts = cluster.management.spec.facts
    yield _release(cluster)
    if not cluster.self_managed:  # a management cluster has this source and account for its tenants' sake already
        yield git_repository(COMPONENTS, facts.components_url, facts.branch, ["components"], cluster.secrets)
        yield from tenant_account(cluster)
    for one in components.running:
        yield from (_namespace(name, cluster) for name in one.component.namespaces)
        yield from one.component.inputs(cluster, one.settings)
    for one in components.pulled:
        yield flux_kustomization(
            one.name,
            versioned_path(one),
            COMPONENTS,
            COMPONENT_PACE,
            wait=True,
            depends_on=components.required_of(one),
            images=images_of(one, cluster),
        )
    for one in components.running:
        if one.component.objects(cluster, one.settings):
            yield flux_kustomization(
                f"{one.name}-config",
                f"{own_folder(cluster)}/config/{one.name}",
                CONFIG,
                FOLDER_PACE,
                wait=True,
                depends_on=() if one.component.bootstrap else (one.name,),
            )


def _release(cluster: ResolvedCluster) -> Manifest:
    """Return what a customer reads about its cluster: nothing that another cluster or a later event changes."""
    data = {
        "release": cluster.layers.release.name,
        "digest": cluster.assignment.release,
        "environment": cluster.identity.environment,
        "kubernetes": str(cluster.assignment.kubernetes),
        "hold": "false",
    }
    hold = cluster.spec.hold
    if hold is not None:
        data |= {"hold": "true", "holdBy": hold.by, "holdReason": hold.reason, "holdSince": hold.since}
        data |= {"holdUntil": hold.until} if hold.until else {}
    return Manifest("v1", "ConfigMap", RELEASE, FLUX_NAMESPACE, labels=cluster.identity.labels, body={"data": data})


def _namespace(name: str, cluster: ResolvedCluster) -> Manifest:
    """Return the namespace of a component, which must be there before the component's secrets."""
    labels = {
        **cluster.identity.labels,
        cluster.identity.label("owner"): "platform",
        "pod-security.kubernetes.io/enforce": "privileged",
    }
    return Manifest("v1", "Namespace", name, labels=labels)


# --- what the management cluster applies


def _self(cluster: ResolvedCluster, secrets: _Secrets) -> Iterator[Manifest]:
    facts, folder = cluster.management.spec.facts, own_folder(cluster)
    yield git_repository(CONFIG, facts.components_url, facts.branch, [folder], cluster.secrets)
    yield flux_kustomization("self", folder, CONFIG, BOOTSTRAP_PACE, decryption=DECRYPTION if secrets.pulled else None)


def _cni(cluster: ResolvedCluster, components: ComponentSet, secrets: Mapping[str, bytes]) -> FileTree:
    """Return versioned folders and a cluster's own objects in one: the source that applies it holds both."""
    objects = [item for one in components.bootstrap for item in one.component.bootstrap_objects(cluster, one.settings)]
    files: dict[str, Content] = {**_by_kind(objects)}
    files |= {f"secrets/{name}": content for name, content in secrets.items()}
    versioned = [f"{_ROOT}/{versioned_path(one)}" for one in components.bootstrap]
    images = [image for one in components.bootstrap for image in images_of(one, cluster)]
    return FileTree({**files, FILE_NAME: kustomization_file([*versioned, *sorted(files)], images=images)})


# --- documents and files


class _Secrets:
    """A tenant's encrypted documents by who applies them; those of its management namespace are none of them."""

    def __init__(self, own: Mapping[str, bytes], bootstrap: Mapping[str, bytes], pulled: Mapping[str, bytes]) -> None:
        self.own = own
        self.bootstrap = bootstrap
        self.pulled = pulled

    @classmethod
    def of(cls, cluster: ResolvedCluster, components: ComponentSet) -> _Secrets:
        first = {target for one in components.bootstrap for target in one.component.secrets}
        management = documents_for(cluster.secrets, cluster.identity.namespace)
        own = documents_for(cluster.secrets, FLUX_NAMESPACE)
        rest = {name: content for name, content in cluster.secrets.items() if name not in {*management, *own}}
        bootstrap = {name: content for name, content in rest.items() if secret_target(content) in first}
        return cls(own, bootstrap, {name: content for name, content in rest.items() if name not in bootstrap})


def _listed(files: Mapping[str, str], secrets: Mapping[str, bytes]) -> FileTree:
    """Return the files with the list of them."""
    listed: dict[str, Content] = {**files}
    listed |= {f"secrets/{name}": content for name, content in secrets.items()}
    return FileTree({**listed, FILE_NAME: kustomization_file(sorted(listed))})


def _by_kind(objects: Iterable[Manifest]) -> dict[str, str]:
    """Return a file for each object, in a folder of its plural kind; one name at one place, or it is refused."""
    pairs = [(_path(item), to_yaml([item])) for item in objects]
    return {path: str(text) for path, text in FileTree(pairs).items()}


def _path(item: Manifest) -> str:
    name = f"{item.name}_{item.namespace}" if item.namespace else item.name
    return f"{_plural(item.kind)}/{name}.yaml"


def _plural(kind: str) -> str:
    plural = kind.lower()
    if plural.endswith("y"):
        return f"{plural[:-1]}ies"
    return f"{plural}es" if plural.endswith("s") else f"{plural}s"
