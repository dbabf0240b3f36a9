"""What does not fit in Trident's settings, and the names that are derived from the cluster; rules as in `trident`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from schiff.components.protocol import SettingProblem
from schiff.components.secret_documents import secret_problems
from schiff.components.storage_classes import DEFAULT_CLASS, DEFAULT_RULE, default_problems
from schiff.components.trident_settings import BackendSpec, TridentClassSpec, TridentSettings
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import Network

RULES: Final[Mapping[str, str]] = {
    DEFAULT_CLASS: DEFAULT_RULE,
    "class-backend": "A class names a driver that a backend has, or a backend that there is.",
    "class-snapshots": "A class on the driver ontap-nas-economy offers no snapshots.",
    "prefix": "A storagePrefix begins with no digit, and that of ontap-nas-economy leaves room for names of qtrees.",
    "same-prefix": "Two backends of one driver on one SVM have different prefixes.",
    "export": "Volumes are exported to the addresses of every node.",
    "credentials": "A document with a backend's credentials is for namespace `trident` and has the keys it needs.",
}
QTREE_BUDGET: Final = 24
"""A qtree's name has 64 characters, of which a volume's own take 40."""

_ECONOMY: Final = "ontap-nas-economy"
_KEYS: Final = ("username", "password")
_CHAP_KEYS: Final = ("chapUsername", "chapInitiatorSecret", "chapTargetUsername", "chapTargetInitiatorSecret")


def problems(cluster: ResolvedCluster, settings: TridentSettings) -> Iterator[SettingProblem]:
    """Give what does not fit together, or not to the cluster."""
    yield from default_problems(cluster, "trident", settings.classes)
    for name, spec in sorted(settings.classes.items()):
        yield from _class_problems(name, spec, settings)
    for name, backend in sorted(settings.backends.items()):
        yield from _prefix_problems(cluster, name, backend)
    yield from _same_prefixes(cluster, settings)
    for name, backend in sorted(settings.backends.items()):
        yield from _export_problems(cluster, name, backend)
        keys = (*_KEYS, *(_CHAP_KEYS if backend.uses_chap else ()))
        path = ("backends", name, "credentials")
        yield from secret_problems(cluster, secret_of(cluster, name, backend), keys, path, "credentials")


def prefix_of(cluster: ResolvedCluster, backend: BackendSpec) -> str:
    """Return what the names of a backend's volumes begin with: the cluster's name in the array's letters."""
    return backend.storage_prefix or f"{cluster.identity.name.replace('-', '_')}_"


def secret_of(cluster: ResolvedCluster, name: str, backend: BackendSpec) -> SecretTarget:
    """Return the Secret with a backend's credentials."""
    return SecretTarget(backend.credentials or f"{cluster.identity.name}-{name}-credentials", "trident")


def export_cidrs(cluster: ResolvedCluster, backend: BackendSpec) -> tuple[Network, ...]:
    """Return whom a NAS backend's volumes are exported to: what is said, else the nodes' network."""
    network = cluster.site.networks.get(cluster.spec.nodes.network)
    return backend.auto_export_cidrs or ((network.cidr,) if network else ())


def driver_of(spec: TridentClassSpec, settings: TridentSettings) -> str:
    """Return the driver of a class; one whose backend is unknown has none, and is refused."""
    if spec.driver is not None:
        return spec.driver
    backend = settings.backends.get(spec.backend or "")
    return backend.driver if backend else ""


def _class_problems(name: str, spec: TridentClassSpec, settings: TridentSettings) -> Iterator[SettingProblem]:
    if spec.backend is not None and spec.backend not in settings.backends:
        known = ", ".join(sorted(settings.backends)) or "none"
        message = f"no backend is called {spec.backend!r}"
        yield SettingProblem(("classes", name, "backend"), message, f"known: {known}", "class-backend")
    drivers = sorted({backend.driver for backend in settings.backends.values()})
    if spec.driver is not None and spec.driver not in drivers:
        message = f"no backend has the driver {spec.driver}"
        known = ", ".join(drivers) or "none"
        yield SettingProblem(("classes", name, "driver"), message, f"known: {known}", "class-backend")
    if spec.snapshots and driver_of(spec, settings) == _ECONOMY:
        message = f"{_ECONOMY} has no snapshots, so no backend would ever fit this class"
        yield SettingProblem(("classes", name, "snapshots"), message, "leave it out", "class-snapshots")


def _prefix_problems(cluster: ResolvedCluster, name: str, backend: BackendSpec) -> Iterator[SettingProblem]:
    prefix, path = prefix_of(cluster, backend), ("backends", name, "storagePrefix")
    if prefix[0].isdigit():
        message = f"the prefix {prefix} begins with a digit, which no volume's name may"
        yield SettingProblem(path, message, "write one that begins with a letter", "prefix")
    if backend.driver == _ECONOMY and len(prefix) > QTREE_BUDGET:
        message = f"the prefix {prefix} has {len(prefix)} characters, at most {QTREE_BUDGET} fit before a qtree's name"
        yield SettingProblem(path, message, "write a shorter one", "prefix")


def _same_prefixes(cluster: ResolvedCluster, settings: TridentSettings) -> Iterator[SettingProblem]:
    for (name, one), (other_name, other) in combinations(sorted(settings.backends.items()), 2):
        same = one.driver == other.driver and one.svm == other.svm
        if same and prefix_of(cluster, one) == prefix_of(cluster, other):
            message = f"backend {name} makes volumes of the prefix {prefix_of(cluster, one)} on {one.svm} already"
            cure = "write another storagePrefix"
            yield SettingProblem(("backends", other_name, "storagePrefix"), message, cure, "same-prefix")


def _export_problems(cluster: ResolvedCluster, name: str, backend: BackendSpec) -> Iterator[SettingProblem]:
    if not backend.is_nas:
        return
    cidrs = export_cidrs(cluster, backend)
    for addresses in cluster.spec.nodes.addresses:
        if not any(cidr.contains(addresses.first) and cidr.contains(addresses.last) for cidr in cidrs):
            message = f"nodes have addresses {addresses}, which no volume would be exported to"
            cure = "leave it out for the nodes' own network, or add theirs"
            yield SettingProblem(("backends", name, "autoExportCIDRs"), message, cure, "export")
