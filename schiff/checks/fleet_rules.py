"""Rules between the clusters of a fleet, before anything is compiled.

They see all environments that are handed in, because a test cluster and a
production cluster can fight for one address. Each rule has a stable id:

=========================  ============================================================================================
decommission-other         `decommission` names the cluster itself, so that a copied order removes nothing
name-of-manager            a tenant cluster is not called like its management cluster, whose namespace it would share
name-over-budget           names that are joined from others fit into 63 characters where they end up
manager-too-small          a management cluster survives the loss of a machine and has a worker for its controllers
zone-of-network            a cluster's nodes stand in a network of its own zone
alerts-secret              the secret that alerts name is a document of the management cluster, where Flux looks for it
shards-too-early           a management cluster whose facts name shards runs a version of Flux that has them
manager-skew               a management cluster's Cluster API knows the Kubernetes version of every tenant it serves
intents-need-network-sync  a management cluster whose tenants order by intents runs what brings them there
=========================  ============================================================================================

Addresses: `schiff.checks.fleet_address_rules`. Networks: `schiff.checks.fleet_network_rules`.
Machines: `schiff.checks.fleet_machine_rules`. Windows: `schiff.checks.fleet_window_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from schiff.checks.fleet_address_rules import address_problems
from schiff.checks.fleet_machine_rules import machine_problems
from schiff.checks.fleet_network_rules import network_problems
from schiff.checks.fleet_subjects import Subject, subjects
from schiff.checks.fleet_window_rules import window_problems
from schiff.compiler.component_set import FLUX
from schiff.components.flux import SHARDED_SINCE
from schiff.components.network_operator import COMPONENT as NETWORK_OPERATOR
from schiff.components.network_operator import INTENT
from schiff.components.network_sync import COMPONENT as NETWORK_SYNC
from schiff.errors import Problem
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.sops import is_in
from schiff.model.fleet import Path
from schiff.model.release import ReleaseSpec
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.rollout.skew import skew_problem
from schiff.values.names import LABEL_BUDGET

_MACHINE_SUFFIX = len("-abcde-abcde")
"""What Cluster API appends to a MachineDeployment's name before it becomes a host name."""

_CLUSTER_ID_BUDGET = 64
"""vSphere CSI's ``cluster-id``, which is the FQDN (domain reference 3.4)."""

_MAJORITY = 3


def fleet_problems(*resolved: ResolvedEnvironment) -> Iterator[Problem]:
    """Give every broken rule of these environments, each with the place of a value that breaks it."""
    clusters = subjects(resolved)
    for rule in _RULES:
        yield from rule(clusters)


def _decommissions(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        named, name = subject.cluster.spec.decommission, subject.cluster.identity.name
        if named is not None and named != name:
            message = f"names {named!r}, but this cluster is {name!r}"
            yield subject.problem(("decommission",), message, f"write {name}, or remove it", "decommission-other")


def _names_of_managers(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        identity = subject.cluster.identity
        if not subject.cluster.self_managed and identity.name == identity.management_cluster:
            message = f"{identity.name!r} is the name of its management cluster"
            yield subject.problem((), message, "take another name", "name-of-manager")


def _name_budgets(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        identity = subject.cluster.identity
        joined: list[tuple[str, int, str, Path]] = [(identity.namespace, LABEL_BUDGET, "namespace", ())]
        if identity.provider == "vsphere":
            joined.append((identity.fqdn, _CLUSTER_ID_BUDGET, "FQDN", ()))
        for name, pool in subject.pools:
            longest = max((f"-{zone}" for zone in pool.zones), key=len, default="")
            deployment = f"{identity.name}-{name}{longest}"
            joined.append((deployment, LABEL_BUDGET - _MACHINE_SUFFIX, "MachineDeployment", ("pools", name)))
        for text, budget, what, path in joined:
            if len(text) > budget:
                message = f"the {what} {text!r} has {len(text)} characters, at most {budget} fit"
                yield subject.problem(path, message, "take a shorter name", "name-over-budget")


def _sizes_of_managers(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        if not subject.cluster.self_managed:
            continue
        replicas = subject.cluster.spec.control_plane.replicas
        if replicas < _MAJORITY:
            message = f"a rollout of {replicas} would remove the machine that runs the controllers"
            yield subject.problem(("controlPlane", "replicas"), message, "write at least 3", "manager-too-small")
        if not any(pool.size for _, pool in subject.pools):
            message = "has no worker, and controllers do not run on control plane machines"
            yield subject.problem(("pools",), message, "add a pool with a machine", "manager-too-small")


def _zones_of_networks(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        spec = subject.cluster.spec
        network = subject.site.facts.networks[spec.nodes.network]
        if network.zone != spec.zone:
            message = f"{spec.nodes.network} belongs to zone {network.zone}, the cluster to {spec.zone}"
            cure = "take a network of the cluster's zone"
            yield subject.problem(("nodes", "network"), message, cure, "zone-of-network")


def _alert_secrets(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        cluster, facts = subject.cluster, subject.cluster.management.spec.facts.alerts
        if not cluster.self_managed or facts is None or facts.secret is None:
            continue
        if not is_in(cluster.secrets, facts.secret, FLUX_NAMESPACE):
            path = ("facts", "alerts", "secret")
            message = f"no encrypted document is the secret {facts.secret!r} in {FLUX_NAMESPACE}"
            cure = f"encrypt one in management-clusters/{cluster.management.name}.secrets, with the key address"
            place = cluster.management.document.place(path)
            yield Problem(place, ".".join(path), message, cure, rule="alerts-secret")


def _shards(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject in clusters:
        cluster, pinned = subject.cluster, subject.cluster.layers.release.components.get(FLUX)
        if not cluster.self_managed or cluster.management.spec.facts.shards is None or pinned is None:
            continue
        if pinned.version < SHARDED_SINCE:
            path = ("facts", "shards")
            message = f"Flux {pinned.version} has no shards, so nobody would apply its tenants"
            cure = f"let it run {SHARDED_SINCE} or a later one first"
            place = cluster.management.document.place(path)
            yield Problem(place, ".".join(path), message, cure, rule="shards-too-early")


def _skews(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject, release in _served(clusters):
        if message := skew_problem(release.management_plane, subject.cluster.assignment.kubernetes):
            name = subject.cluster.identity.management_cluster
            cure = "fast-forward the cluster before its management cluster moves on"
            yield subject.problem(
                (), f"management cluster {name} cannot look after it: {message}", cure, "manager-skew"
            )


def _intents(clusters: Sequence[Subject]) -> Iterator[Problem]:
    for subject, release in _served(clusters):
        if _orders_by_intents(subject.cluster) and NETWORK_SYNC.name not in release.components:
            name = subject.cluster.identity.management_cluster
            message = f"management cluster {name} runs no {NETWORK_SYNC.name}, so it knows no intents and brings none"
            cure = f"let {name} run a release that pins {NETWORK_SYNC.name} first"
            yield subject.problem(("components", NETWORK_OPERATOR.name), message, cure, "intents-need-network-sync")


def _orders_by_intents(cluster: ResolvedCluster) -> bool:
    """Return whether the cluster runs the network-operator by intents, as it does unless its layers say otherwise."""
    runs = NETWORK_OPERATOR.applies_to(cluster) and NETWORK_OPERATOR.name in cluster.layers.release.components
    return runs and cluster.spec.components[NETWORK_OPERATOR.name].get("api", INTENT) == INTENT


def _served(clusters: Sequence[Subject]) -> Iterator[tuple[Subject, ReleaseSpec]]:
    """Give tenants with the release of their manager, which is another than their own while they wait or hold."""
    managers = {it.cluster.identity.name: it.cluster.layers.release for it in clusters if it.cluster.self_managed}
    for subject in clusters:
        release = managers.get(subject.cluster.identity.management_cluster)
        if not subject.cluster.self_managed and release is not None:
            yield subject, release


Rule = Callable[[Sequence[Subject]], Iterator[Problem]]

_RULES: tuple[Rule, ...] = (
    _decommissions,
    _names_of_managers,
    _name_budgets,
    _sizes_of_managers,
    _zones_of_networks,
    _alert_secrets,
    _shards,
    _skews,
    _intents,
    address_problems,
    network_problems,
    machine_problems,
    window_problems,
)
