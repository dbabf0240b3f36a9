"""Flux: four controllers that pull and apply (domain reference 10).

Rules, in the order of the code:

1. The manifests are upstream's; what a distribution adds to them (accounts, where events go, the key for
   Kustomizations without their own) is patched in here. Service names are written without the cluster's domain,
   because clusters may choose their own.
2. Since v2.9.3-s2 intervals jitter, so that a fleet that started at once does not pull at once for ever.
3. A management cluster may have shards: more kustomize-controllers, each of which applies the tenants that carry its
   label. Sources are in none, their controller serves every shard.
4. A tenant tells somebody when it fails to apply, where its layers say so; a management cluster does by its facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from schiff.components.protocol import BASE, Files, OrdinaryComponent, SettingProblem, versioned_folder
from schiff.manifests.flux import DECRYPTION_KEY, FLUX_NAMESPACE
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.manifests.notification import EventSource, alert, alert_provider
from schiff.manifests.sops import is_in
from schiff.model.management_cluster import AlertFacts, Shards
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

SHARDED_SINCE: Final = ComponentVersion(2, 9, 3, 2)
ZONES: Final = ("intranet", "internet")

_CONTROLLERS = ("helm-controller", "kustomize-controller", "notification-controller", "source-controller")
_SHARDED = "kustomize-controller"
_ALERTS = "alerts"
_JITTER = "--interval-jitter-percentage=10"
_WATCHED = "--watch-label-selector="
_KEY = "sharding.fluxcd.io/key"
_POD = "/spec/template/spec"


class FluxSettings(Spec):
    """Who is told when a tenant's Flux fails to pull or to apply; nobody unless it is written.

    On a management cluster its facts say so, for it speaks for what all its environments share.
    """

    alerts: AlertFacts | None = None


class Flux(OrdinaryComponent):
    """The component that applies all others; the management cluster applies it itself."""

    name = "flux"
    settings = FluxSettings
    bootstrap = True
    images = tuple(f"fluxcd/{name}" for name in _CONTROLLERS)
    rules: Mapping[str, str] = {
        "alerts-secret": "The secret that alerts name is a document of the cluster, where Flux looks for it.",
    }
    example = """\
alerts: {type: generic, address: "https://alerts.schiff.example/tenants"}
"""

    def variant(self, cluster: ResolvedCluster, settings: FluxSettings) -> str:  # noqa: ARG002
        """Return the intranet's variant there; every other zone is taken for an open one. Shards are a manager's."""
        zone = "intranet" if cluster.identity.zone == "intranet" else "internet"
        shards = cluster.management.spec.facts.shards if cluster.self_managed else None
        return zone if shards is None else _with_shards(zone, shards)

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:
        """Return the distribution; towards the internet with policies that let nobody in."""
        sharded = version >= SHARDED_SINCE
        patches = [patch("Deployment", name, _operations(name, jitter=sharded)) for name in _CONTROLLERS]
        base: dict[str, Any] = {"namespace": FLUX_NAMESPACE, "patches": patches}
        closed = ["../base", *(path.partition("/")[2] for path in sorted(vendored) if path.startswith("internet/"))]
        kustomizations = {BASE: base, "intranet": {"resources": ["../base"]}, "internet": {"resources": closed}}
        return versioned_folder(vendored, {**kustomizations, **(_shard_variants() if sharded else {})})

    def objects(self, cluster: ResolvedCluster, settings: FluxSettings) -> Sequence[Manifest]:
        """Return who is told, and of what: a HelmRelease that fails, fails the Kustomization that waits for it."""
        if settings.alerts is None or cluster.self_managed:
            return ()
        sources = [EventSource(kind, FLUX_NAMESPACE) for kind in ("GitRepository", "Kustomization")]
        identity = cluster.identity
        about = {"cluster": identity.fqdn, "customer": identity.customer, "environment": identity.environment}
        return alert_provider(_ALERTS, settings.alerts), alert(_ALERTS, sources, about)

    def problems(self, cluster: ResolvedCluster, settings: FluxSettings) -> Iterator[SettingProblem]:
        """Give alerts that would find nobody."""
        secret = settings.alerts.secret if settings.alerts and not cluster.self_managed else None
        if secret is not None and not is_in(cluster.secrets, secret, FLUX_NAMESPACE):
            message = f"no encrypted document is the secret {secret!r} in {FLUX_NAMESPACE}"
            cure = "encrypt one for the cluster, with the key address"
            yield SettingProblem(("alerts", "secret"), message, cure, "alerts-secret")


def _operations(controller: str, *, jitter: bool, watched: str = "") -> list[dict[str, Any]]:
    """Return what a distribution changes of upstream's Deployment."""
    operations: list[dict[str, Any]] = [{"op": "add", "path": f"{_POD}/serviceAccountName", "value": controller}]
    arguments = [] if controller == "notification-controller" else ["--events-addr=http://notification-controller/"]
    if controller == "source-controller":
        arguments.append("--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc")
    if controller == _SHARDED:
        arguments.append(f"--sops-age-secret={DECRYPTION_KEY}")
    if jitter and controller != "notification-controller":
        arguments.append(_JITTER)
    if watched:
        arguments.append(f"{_WATCHED}{watched}")
    operations += [{"op": "add", "path": f"{_POD}/containers/0/args/-", "value": argument} for argument in arguments]
    return operations


# --- shards


def _with_shards(zone: str, shards: int) -> str:
    return f"{zone}-{shards}-shards"


def _shard_variants() -> dict[str, dict[str, Any]]:
    """Return a variant for each zone and number of shards, and the folders that they share.

    What is in no shard is patched apart from the shards: kustomize finds those by the name that they had, too.
    """
    counts: tuple[int, ...] = get_args(Shards)
    rest = {"op": "add", "path": f"{_POD}/containers/0/args/-", "value": f"{_WATCHED}!{_KEY}"}
    found = {f"shards/{number}": _shard(f"shard{number}") for number in range(1, max(counts) + 1)}
    for zone in ZONES:
        found[f"unsharded/{zone}"] = {
            "resources": [f"../../{zone}"],
            "patches": [patch("Deployment", _SHARDED, [rest])],
        }
        for count in counts:
            shards = [f"../shards/{number}" for number in range(1, count + 1)]
            found[_with_shards(zone, count)] = {"resources": [f"../unsharded/{zone}", *shards]}
    return found


def _shard(key: str) -> dict[str, Any]:
    """Return upstream's controller under a name of its own; it elects a leader by what it watches."""
    name = f"{_SHARDED}-{key}"
    renamed = [
        {"op": "replace", "path": path, "value": name}
        for path in ("/metadata/name", "/spec/selector/matchLabels/app", "/spec/template/metadata/labels/app")
    ]
    operations = [*_operations(_SHARDED, jitter=True, watched=f"{_KEY}={key}"), *renamed]
    changed = {**patch("Deployment", _SHARDED, operations), "options": {"allowNameChange": True}}
    manager = f"../../{BASE}/{_SHARDED}/manager"
    return {"namespace": FLUX_NAMESPACE, "resources": [manager], "patches": [changed]}


COMPONENT = Flux()
