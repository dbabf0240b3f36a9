"""From a fleet and a ledger to what a stack wants: assigned, judged, compiled, within budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from schiff.checks.fleet_rules import fleet_problems
from schiff.compiler.environment import CompiledEnvironment, Repository
from schiff.compiler.parts import Parts
from schiff.delivery.stack import StackName
from schiff.errors import InvalidInput, InvalidValue, Place, Problem, Refused
from schiff.layers.resolve import Resolver, resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.policy import EnvironmentPolicy
from schiff.model.release import Assignments
from schiff.resources.budget import Consent, Orders, nobody, order_changes, ordered_clusters, require_within_budget
from schiff.resources.wanted import Delivered, Wanted, wanted
from schiff.rollout.assignments import assignments
from schiff.rollout.capacity import machines_of
from schiff.rollout.ledger import Ledger
from schiff.sources.compiling import compile_by_version
from schiff.sources.other_versions import OtherVersions
from schiff.sources.plugins import load_parts
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey


@dataclass(frozen=True, slots=True)
class Desired:
    """What a stack wants in both repositories, and the release that its ledger completed last."""

    wanted: Mapping[Repository, Wanted]
    release: str


def desired(
    fleet: Fleet,
    name: StackName,
    ledger: Ledger,
    delivered: Delivered,
    *,
    versions: OtherVersions,
    cluster: str | None = None,
    consent: Consent = nobody,
) -> Desired:
    """Return what a stack wants, or raise with every problem; `cluster` narrows it to one.

    `consent` is asked about orders over budget.
    """
    stack = _Stack(fleet, load_parts(), versions, name, assigned_to(fleet, name, ledger), delivered)
    shares = stack.everything(ledger, consent) if cluster is None else stack.one(cluster)
    return Desired(shares, ledger.state.completed or "")


def assigned_to(fleet: Fleet, name: StackName, ledger: Ledger) -> Assignments:
    """Return what the clusters of a stack run; a shard has those of its management cluster alone."""
    everything = assignments(ledger, fleet, name.environment)
    if name.shard is None:
        return everything
    if name.shard not in everything.management_clusters:
        known = ", ".join(everything.management_clusters)
        raise Refused(
            f"no management cluster {name.shard!r} serves {name.environment}; these do: {known}", "unknown-shard"
        )
    served = fleet.management_clusters[name.shard].spec.sites
    return Assignments(
        {key: assignment for key, assignment in everything.tenants.items() if key.site in served},
        {name.shard: everything.management_clusters[name.shard]},
    )


@dataclass(frozen=True, slots=True)
class _Stack:
    """A stack's fleet, what its clusters run, and what was delivered before."""

    fleet: Fleet
    parts: Parts
    versions: OtherVersions
    name: StackName
    assigned: Assignments
    delivered: Delivered

    def everything(self, ledger: Ledger, consent: Consent) -> dict[Repository, Wanted]:
        """Return both shares, within the budget of orders."""
        shares = wanted(self._compiled, self.assigned, self.delivered)
        policy = self.fleet.policy.environments.get(self.name.environment, EnvironmentPolicy()).orders
        if policy is not None:
            changes = order_changes(self.delivered, shares)
            orders = Orders(self.name.environment, self._ordered_machines(shares, ledger), changes)
            require_within_budget(policy, orders, consent)
        return shares

    def one(self, cluster: str) -> dict[Repository, Wanted]:
        """Return the shares for one cluster: lists of tenants must not name others that were never delivered."""
        key = _key(cluster, self.assigned)
        there = {line.name for line in self.delivered["definitions"] if line.kind == "cluster"} | {cluster}
        known = {key: run for key, run in self.assigned.tenants.items() if str(key) in there}
        shares = wanted(self._compiled, replace(self.assigned, tenants=known), self.delivered)
        return {repository: share.only(key, self.delivered[repository]) for repository, share in shares.items()}

    def _compiled(self, assigned: Assignments) -> CompiledEnvironment:
        resolved = resolve_environment(self.fleet, self.name.environment, assigned)
        if problems := list(fleet_problems(resolved)):
            raise InvalidInput(problems)
        return compile_by_version(resolved, self.parts, self.versions)

    def _ordered_machines(self, shares: Mapping[Repository, Wanted], ledger: Ledger) -> dict[str, int]:
        """Return the machines of each cluster that the orders touch.

        Followers of head do not count: head reaches them unannounced, that is
        what they are for. Nor do the clusters of the genesis in a first delivery.
        """
        before = [self.delivered[repository] for repository in shares]
        touched = ordered_clusters(before, [share.orders for share in shares.values()])
        if not any(before):
            touched -= set(ledger.entries[0].body["clusters"])
        resolver = Resolver(self.fleet)
        return {
            str(key): machines_of(resolver.cluster(key, run))
            for key, run in self.assigned.tenants.items()
            if str(key) in touched and run.release != HEAD
        }


def _key(text: str, assigned: Assignments) -> ClusterKey:
    known = ", ".join(map(str, assigned.tenants))
    try:
        key = ClusterKey.parse(text)
    except InvalidValue as error:
        raise InvalidInput([Problem(Place("--cluster"), "", str(error), f"known: {known}")]) from None
    if key not in assigned.tenants:
        raise InvalidInput([Problem(Place("--cluster"), "", f"this stack has no cluster {text!r}", f"known: {known}")])
    return key
