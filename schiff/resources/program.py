"""The program of every stack: what it verifies, compiles and registers, in this order.

1. The stack's name chooses the environment, and for a shard the management cluster.
2. The ledgers of the environment and of all before it are verified: against their witnesses and the heads that earlier
   deliveries saw, and by the gate, entry by entry; what does not hold delivers nothing.
3. What stands at the head of both branches is held against what ledger and fleet assign: orders, then the wave.
4. Only then are resources registered. `pulumi up`, by CI or by hand, can promote nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pulumi

from schiff.delivery.anchors import heads_in
from schiff.delivery.delivered import LedgerHead
from schiff.delivery.git_repository import Origin
from schiff.delivery.report import is_listening, tell, tell_error
from schiff.delivery.stack import StackName, StackSettings
from schiff.delivery.stack_files import read_settings, stacks_of
from schiff.delivery.wishes import ADOPT, is_rehearsal, is_wished, wished_cluster
from schiff.delivery.workspace import Workspace, find_workspace, is_embedded
from schiff.errors import Failed, InvalidValue, Refused, SchiffError
from schiff.git.process import redacted
from schiff.model.fleet import Fleet
from schiff.resources.chunks import in_chunks
from schiff.resources.consenting import Consenting
from schiff.resources.delivery import Delivery
from schiff.resources.desired import Desired, desired
from schiff.resources.environment import EnvironmentTree
from schiff.resources.figures import figures_of
from schiff.rollout.genesis import with_genesis
from schiff.rollout.ledger import Ledger
from schiff.rollout.proofs import Release
from schiff.sources.chains import ChainPlace, Chains, load_chains, releases_of, up_to
from schiff.sources.fleet_commit import fleet_commit, is_committed
from schiff.sources.fleet_files import load_fleet
from schiff.sources.program import program_version
from schiff.values.names import Environment


def run(stack: str | None = None) -> None:
    """Run the program of the current stack, or of the one named."""
    pulumi.run(partial(_main, stack or pulumi.get_stack()))


async def _main(stack: str) -> None:
    try:
        await _deliver(stack)
    except InvalidValue as error:
        raise pulumi.RunError(str(error)) from error
    except SchiffError as error:
        tell_error(error)
        raise pulumi.RunError(str(error)) from error  # shown as a sentence, without a traceback


async def _deliver(stack: str) -> None:
    name = StackName.parse(stack)
    workspace = find_workspace(Path.cwd())
    settings = _settings(stack)
    fleet = load_fleet(workspace.root / settings.fleet)
    chains = _chains(settings, name, workspace, releases_of(fleet))
    ledger = _ledger(chains, name, fleet)
    delivery = _delivery(name, settings, workspace, ledger)
    _require_sole(name, delivery)
    chains.require_anchors(heads_in(delivery.snapshots.values()))
    chains.verify()
    consent = Consenting(fleet, workspace.root / settings.fleet, ledger, chains.proofs[name.environment]).to
    wish = desired(
        fleet,
        name,
        ledger,
        delivery.delivered(),
        versions=delivery.versions,
        cluster=wished_cluster(),
        consent=consent,
    )
    _tell_figures(delivery, wish)
    await in_chunks(EnvironmentTree(name.environment, delivery).register(wish.wanted, wish.release, fleet))
    await delivery.commit_in_chunks()


def _settings(stack: str) -> StackSettings:
    config = pulumi.Config("schiff")
    given = {name: value for name in StackSettings.names() if (value := config.get(name)) is not None}
    return StackSettings.parse(given, f"Pulumi.{stack}.yaml")


def _chains(settings: StackSettings, name: StackName, workspace: Workspace, releases: Mapping[str, Release]) -> Chains:
    """Return the chains of the environment and of all before it; a preview goes on without a witness it cannot ask.

    Previews run where nobody may hold a key of the witness, as on a merge request; what delivers asks it.
    """
    places = {
        environment: ChainPlace(
            workspace.place(chosen.ledger),
            workspace.root / settings.fleet,
            chosen.witness_location,
            is_rehearsal(chosen),
        )
        for environment, chosen in _settings_up_to(settings, name, workspace)
    }
    try:
        return load_chains(places, workspace.cache, releases)
    except Failed as error:
        if not pulumi.runtime.is_dry_run() or not any(place.witness for place in places.values()):
            raise
        pulumi.warn(f"{error}; this preview takes time as the ledger asserts it")
    alone = {environment: replace(place, witness=None) for environment, place in places.items()}
    return load_chains(alone, workspace.cache, releases)


def _settings_up_to(
    settings: StackSettings, name: StackName, workspace: Workspace
) -> Iterator[tuple[Environment, StackSettings]]:
    """Yield the settings of the environments before this one, and this one's; where a file lacks, these hold too."""
    for environment in up_to(name.environment):
        others = () if environment == name.environment else stacks_of(workspace.root, environment)
        yield environment, read_settings(workspace.root, others[0]) if others else settings


def _ledger(chains: Chains, name: StackName, fleet: Fleet) -> Ledger:
    """Return the verified ledger; before there is one, a preview shows what its beginning would deliver."""
    environment = name.environment
    ledger = chains.ledgers[environment]
    if ledger.head is None:
        begin = f"{environment} has no ledger yet; begin it: schiff ledger init -e {environment}"
        if not pulumi.runtime.is_dry_run():
            raise Refused(begin, "no-ledger")
        pulumi.warn(begin)
    return with_genesis(ledger, fleet)


def _delivery(name: StackName, settings: StackSettings, workspace: Workspace, ledger: Ledger) -> Delivery:
    head = LedgerHead(*ledger.head) if ledger.head else LedgerHead()
    return Delivery(
        str(name),
        definitions=settings.definitions,
        components=settings.components,
        branch=settings.branch,
        proposal=settings.review == "proposal",
        origin=Origin(_fleet_commit(settings, workspace), program_version(), head),
        adopt=is_wished(ADOPT),
        kubeconfig=settings.kubeconfig if settings.delivery == "direct" else None,
        versions=settings.versions,
    )


def _fleet_commit(settings: StackSettings, workspace: Workspace) -> str:
    """Return the commit of the fleet; others read a served repository, so what it says must be in Git first."""
    folder = workspace.root / settings.fleet
    served = [url for url in (settings.definitions, settings.components) if not is_embedded(url)]
    if served and not pulumi.runtime.is_dry_run() and not is_committed(folder):
        raise Refused(
            f"the fleet in {settings.fleet} has changes that are not committed, and others read {redacted(served[0])};"
            " commit them first",
            "dirty-fleet",
        )
    return fleet_commit(folder)


def _require_sole(name: StackName, delivery: Delivery) -> None:
    """Refuse a whole environment beside a shard of it: they would own the same folders."""
    for snapshot in delivery.snapshots.values():
        for other in snapshot.manifests:
            if name.is_rival(other):
                raise Refused(
                    f"stack {other} has delivered already, and {name} would own the same clusters;"
                    f" an environment is one stack or its shards: destroy one, or move over with --adopt",
                    "rival-stack",
                )


def _tell_figures(delivery: Delivery, wish: Desired) -> None:
    """Report the numbers of the summary, if `schiff up` listens: counting objects reads every file."""
    if is_listening():
        heads = {repository: snapshot.head for repository, snapshot in delivery.snapshots.items()}
        tell("figures", stack=delivery.stack, heads=heads, **asdict(figures_of(wish.wanted)))
