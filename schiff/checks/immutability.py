"""What was delivered compared with what would be: names and values that never change, and versions that go one way.

In the order of the code (domain reference 21; design 3):

- ``never-vanishes``: a delivered cluster has an order until its removal was delivered;
- ``stays-home``: a cluster keeps its environment, its management cluster and its customer;
- ``never-changes``: labels of identity, networks, endpoints, selectors, and what components say of their own objects;
- ``never-in-place``: a template's content changes under a new name only, or machines differ from it for good;
- ``one-minor``: Kubernetes goes up one minor at a time; ``never-back``: and never down.

An object that is new, or gone, is no change: what removing a cluster takes is judged by the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from schiff.checks.documents import KubernetesObject, Path, read_objects, value_at
from schiff.checks.rules import target
from schiff.components.protocol import Never
from schiff.errors import InvalidValue, Place, Problem
from schiff.values.versions import KubernetesVersion

_HOME = re.compile(
    r"(?:^|/)(?P<management>[^/]+)/sites/(?P<site>[^/]+)/(?P<customer>(?!_site/)[^/]+)/(?P<cluster>[^/]+)/[^/]+$"
)
_IDENTITY = ("environment", "site", "customer", "location", "provider", "zone")
_NEVER: Mapping[str, tuple[Path, ...]] = {
    "Cluster": (
        ("spec", "clusterNetwork"),
        ("spec", "controlPlaneEndpoint"),
        ("spec", "controlPlaneRef", "name"),
        ("spec", "infrastructureRef", "kind"),
        ("spec", "infrastructureRef", "name"),
    ),
    "VSphereCluster": (("spec", "controlPlaneEndpoint"), ("spec", "server")),
    "Metal3Cluster": (("spec", "controlPlaneEndpoint"),),
    "KubeadmControlPlane": (
        ("spec", "kubeadmConfigSpec", "clusterConfiguration", "controlPlaneEndpoint"),
        ("spec", "kubeadmConfigSpec", "clusterConfiguration", "certificatesDir"),
        ("spec", "kubeadmConfigSpec", "clusterConfiguration", "caCertificateValidityPeriodDays"),
    ),
    "MachineDeployment": (("spec", "clusterName"), ("spec", "selector")),
    "MachineHealthCheck": (("spec", "clusterName"),),
}
_TEMPLATES = ("VSphereMachineTemplate", "Metal3MachineTemplate", "Metal3DataTemplate", "KubeadmConfigTemplate")
_LIST = "kustomization.yaml"
_MAY_TOGGLE = "nodeReuse"
_VERSIONS: Mapping[str, Path] = {
    "KubeadmControlPlane": ("spec", "version"),
    "MachineDeployment": ("spec", "template", "spec", "version"),
}
_Key = tuple[str, str, str, str, str]


def home_problems(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> Iterator[Problem]:
    """Yield every delivered cluster that would leave its environment, or all of them; both mappings are by environment.

    A folder that lists nothing any more is the last thing delivered of a cluster that was removed.
    """
    now = {cluster: (name, file) for name, files in after.items() for cluster, (_, file) in _homes(files).items()}
    for was, files in before.items():
        for (site, cluster), ((_, customer), file) in sorted(_homes(files).items()):
            if (site, cluster) not in now and not _lists_nothing(file, files):
                message = f"{site}/{cluster} is delivered in {was}, and no order asks for it any more"
                cure = f"restore the order, and write `decommission: {cluster}` into it"
                yield Problem(
                    Place(f"sites/{site}/{customer}/{cluster}.yaml", 1), "", message, cure, rule="never-vanishes"
                )
            elif (site, cluster) in now and now[site, cluster][0] != was:
                name, moved = now[site, cluster]
                message = f"{site}/{cluster} is delivered in {was}, and would move to {name}"
                yield Problem(Place(moved), "", message, f"keep {was}, or order a new cluster", rule="stays-home")


def immutability_problems(
    before: Mapping[str, str], after: Mapping[str, str], never: Iterable[Never] = ()
) -> Iterator[Problem]:
    """Yield every change from one tree of files to another that must not happen; `never` is what components add."""
    of_components: dict[str, list[Never]] = {}
    for each in never:
        of_components.setdefault(each.kind, []).append(each)
    yield from _moved(before, after)
    edited = {file for file in {*before, *after} if before.get(file) != after.get(file)}
    old = {_key(item): item for item in _objects(before, edited)}
    for item in _objects(after, edited):
        earlier = old.get(_key(item))
        if earlier is not None and earlier.data != item.data:
            yield from _changed(earlier, item)
            yield from _of_components(earlier, item, of_components.get(item.kind, ()))


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Problem]:
    homes = _homes(before)
    for cluster, (home, file) in sorted(_homes(after).items()):
        earlier, _ = homes.get(cluster, (home, ""))
        if earlier != home:
            message = f"{'/'.join(cluster)} was delivered below {'/'.join(earlier)} and would move to {'/'.join(home)}"
            cure = "keep management cluster and customer, or order a new cluster"
            yield Problem(Place(file), "", message, cure, rule="stays-home")


def _homes(files: Mapping[str, str]) -> dict[tuple[str, str], tuple[tuple[str, str], str]]:
    """Return management cluster and customer of every cluster that has files, and its first file."""
    found: dict[tuple[str, str], tuple[tuple[str, str], str]] = {}
    for file in sorted(files):
        if match := _HOME.search(file):
            home = (match["management"], match["customer"])
            found.setdefault((match["site"], match["cluster"]), (home, file))
    return found


def _lists_nothing(first: str, files: Mapping[str, str]) -> bool:
    folder, slash, name = first.rpartition("/")
    return name == _LIST and not any(file.startswith(folder + slash) for file in files if file != first)


def _changed(earlier: KubernetesObject, item: KubernetesObject) -> Iterator[Problem]:
    yield from _identity(earlier, item)
    for path in _NEVER.get(item.kind, ()):
        was = value_at(earlier.data, path)
        if was is not None and was != item.at(*path):
            cure = "put it back, or give it a new name"
            yield item.problem(path, f"{item.title}: changed, and never may", cure, "never-changes")
    if item.kind == "KubeadmControlPlane":
        yield from _etcd_stays(earlier, item)
    if item.kind in _TEMPLATES and _content(earlier) != _content(item):
        message = f"{item.title}: a template cannot change in place"
        yield item.problem(("spec",), message, "give it the name that its content asks for", "never-in-place")
    if item.kind in _VERSIONS:
        yield from _version(earlier, item)


def _of_components(earlier: KubernetesObject, item: KubernetesObject, never: Iterable[Never]) -> Iterator[Problem]:
    for each in never:
        was, now = value_at(earlier.data, each.path), item.at(*each.path)
        grown = each.may_grow and isinstance(was, list) and isinstance(now, list) and now[: len(was)] == was
        if was is not None and was != now and not grown:
            yield item.problem(each.path, f"{item.title}: changed, and never may", each.way_out, "never-changes")


def _identity(earlier: KubernetesObject, item: KubernetesObject) -> Iterator[Problem]:
    labels = item.map_at("metadata", "labels")
    for key, was in earlier.map_at("metadata", "labels").items():
        if item.kind == "Cluster" and key.partition("/")[2] in _IDENTITY and labels.get(key) != was:
            message = f"{item.title}: {key} was {was!r}, and never changes"
            yield item.problem(("metadata", "labels", key), message, "put it back", "never-changes")


def _etcd_stays(earlier: KubernetesObject, item: KubernetesObject) -> Iterator[Problem]:
    path = ("spec", "kubeadmConfigSpec", "clusterConfiguration", "etcd")
    if ("external" in earlier.map_at(*path)) != ("external" in item.map_at(*path)):
        yield item.problem(path, f"{item.title}: etcd cannot move out or in", "put it back", "never-changes")


def _version(earlier: KubernetesObject, item: KubernetesObject) -> Iterator[Problem]:
    path = _VERSIONS[item.kind]
    was, now = _parsed(earlier.text_at(*path)), _parsed(item.text_at(*path))
    if was is None or now is None or was == now:
        return
    if now < was:
        message = f"{item.title}: Kubernetes {now} is older than the delivered {was}"
        yield item.problem(path, message, "a cluster never goes back", "never-back")
    elif now.major != was.major or now.minor > was.minor + 1:
        message = f"{item.title}: from {was} to {now} is more than one minor"
        yield item.problem(path, message, f"go to v{was.major}.{was.minor + 1} first", "one-minor")


def _content(item: KubernetesObject) -> dict[str, object]:
    """Return what a template says about machines; one field of Metal3's is meant to be toggled."""
    return {key: value for key, value in item.map_at("spec").items() if key != _MAY_TOGGLE}


def _objects(files: Mapping[str, str], edited: AbstractSet[str]) -> Iterator[KubernetesObject]:
    for file in sorted(edited & files.keys()):
        if file.endswith((".yaml", ".yml")):
            yield from read_objects(file, files[file])[0]


def _key(item: KubernetesObject) -> _Key:
    return target(item.file), item.group, item.kind, item.namespace, item.name


def _parsed(text: str) -> KubernetesVersion | None:
    try:
        return KubernetesVersion.parse(text)
    except InvalidValue:
        return None
