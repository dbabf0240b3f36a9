"""Everything that the next step of an environment depends on, gathered from fleet, chains and what was delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schiff.cli.delivered_ledger import delivered_until
from schiff.cli.planner import Planner
from schiff.delivery.delivered import DeliveredManifest
from schiff.errors import Refused
from schiff.layers.resolve import Resolver
from schiff.model.fleet import Fleet
from schiff.model.release import Assignments
from schiff.rollout.assignments import assignments
from schiff.rollout.bodies import Pin
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.difference import release_difference
from schiff.rollout.genesis import newest_release
from schiff.rollout.holds import completed_layers
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.names import release_order
from schiff.rollout.situation import Candidate, Look, Situation, Train
from schiff.rollout.trains import next_train
from schiff.rollout.way_back import Standing, way_back
from schiff.sources.chains import Chains
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment

Authors = Callable[[str], tuple[str, ...]]
"""Says whose own change a release is, by its name."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an environment beside its chains."""

    fleet: Fleet
    authors: Authors
    manifests: Sequence[DeliveredManifest | None]
    now: datetime
    look: Look | None = None


def situation_of(environment: Environment, chains: Chains, facts: Facts) -> Situation:
    """Return the situation of an environment; raises `Refused` for one whose ledger was not begun."""
    ledger, fleet = chains.ledgers[environment], facts.fleet
    assigned = assignments(ledger, fleet, environment)
    orders = _orders(fleet, assigned, facts.now)
    return Situation(
        ledger=ledger,
        before=_before(chains, environment),
        proofs=chains.proofs[environment],
        now=facts.now,
        policy=fleet.policy,
        releases=_candidates(facts),
        plan=Planner(environment, chains.ledgers, fleet, assigned, [key for key, held in orders.items() if held]).plan,
        orders=orders,
        assigned={key: run for key, run in assigned.tenants.items() if key in orders and run.release != HEAD},
        delivered=delivered_until(ledger, assigned, facts.manifests),
        revoked=_revoked(chains, environment),
        ways=_ways(fleet, ledger, assigned, orders),
        look=facts.look,
        train=_train(fleet) if environment == ENVIRONMENTS[0] else None,
    )


def _before(chains: Chains, environment: Environment) -> Ledger | None:
    number = ENVIRONMENTS.index(environment)
    found = chains.ledgers.get(ENVIRONMENTS[number - 1]) if number else None
    return None if found is None or found.head is None else found


def _revoked(chains: Chains, environment: Environment) -> Mapping[str, str]:
    """Return what any environment before took back, with the reasons."""
    earlier = (
        chains.ledgers[name] for name in ENVIRONMENTS[: ENVIRONMENTS.index(environment)] if name in chains.ledgers
    )
    return {release: reason for ledger in earlier for release, reason in ledger.state.revoked.items()}


def _orders(fleet: Fleet, assigned: Assignments, now: datetime) -> Mapping[ClusterKey, bool]:
    """Return every cluster that releases are moved to, and whether it is held; one that leaves is none."""
    resolver = Resolver(fleet)

    def is_held(key: ClusterKey) -> bool:
        order = fleet.orders[key]
        files = (order.document, fleet.customers.get(order.customer))
        if not any(file is not None and file.data.get("hold") for file in files):
            return False
        hold = resolver.cluster(key, assigned.tenants[key]).spec.hold
        return hold is not None and hold.is_open(now)

    return {
        key: is_held(key)
        for key, run in assigned.tenants.items()
        if run.removal is None and is_pinnable(fleet, fleet.orders[key])
    }


def _candidates(facts: Facts) -> Sequence[Candidate]:
    """Return the fleet's releases, oldest first."""
    ordered = sorted(facts.fleet.releases.values(), key=lambda layers: release_order(layers.release))
    return tuple(Candidate(layers.digest, layers.release, facts.authors(layers.release.name)) for layers in ordered)


def _train(fleet: Fleet) -> Train:
    """Return when the next release may be cut, and whether head differs from the newest one."""
    cuts = [layers.release.cut for layers in fleet.releases.values() if layers.release.kind == "train"]
    last = max(filter(None, cuts), default=None)
    newest = newest_release(fleet)
    changed = newest is None or not release_difference(newest, fleet.head).is_empty
    return Train(next_train(fleet.policy.trains, None if last is None else parse_moment(last)), changed)


def _ways(
    fleet: Fleet, ledger: Ledger, assigned: Assignments, orders: Mapping[ClusterKey, bool]
) -> Mapping[ClusterKey, Sequence[Pin]]:
    """Return the ways back of held clusters, once somebody approved any: nobody else asks for them."""
    stage = ledger.state
    if not any(approval.body.verb == "fast-forward" for approval in stage.approvals.values()):
        return {}
    found = {key: way_of(fleet, ledger, assigned, key) for key, held in orders.items() if held}
    return {key: way for key, way in found.items() if way}


def way_of(fleet: Fleet, ledger: Ledger, assigned: Assignments, key: ClusterKey) -> Sequence[Pin]:
    """Return the way back of one cluster, hop by hop; empty where there is none."""
    run = assigned.tenants[key]
    completed = completed_layers(fleet, ledger.state, run.release)
    try:
        way = way_back(Standing(run.release, run.kubernetes), completed, ledger.state.revoked)
    except Refused:
        return ()
    return tuple(Pin(release=hop.release, kubernetes=hop.kubernetes) for hop in way)
