"""Ledgers as commands use them: read with everything that is known about them, appended to, witnessed."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schiff.cli import clock
from schiff.cli.compiled import settings_of
from schiff.cli.delivered_before import stacks_of
from schiff.cli.project import Project
from schiff.cli.witnessing import told_by
from schiff.delivery.anchors import head_in_state, heads_in
from schiff.delivery.ledger_branch import Propose, append_to_ledger
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.stack import StackName, StackSettings
from schiff.delivery.wishes import is_rehearsal
from schiff.delivery.workspace import is_embedded
from schiff.errors import Failed, Refused
from schiff.git.clone import CachedClone
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.proofs import Release
from schiff.sources.chains import ChainPlace, Chains, load_chains, releases_of, up_to
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import Environment


@dataclass(frozen=True, slots=True)
class Seen:
    """The heads of one environment that deliveries wrote down, and a sentence for each repository that was not read."""

    delivered: Collection[Head] = ()
    outputs: Collection[Head] = ()
    unread: Sequence[str] = ()

    @property
    def heads(self) -> frozenset[Head]:
        """All of them."""
        return frozenset((*self.delivered, *self.outputs))


def chain_place(environment: Environment, fleet: Path | None = None, ledger: str = "") -> tuple[ChainPlace, Path]:
    """Return where a ledger and what belongs to it are, and the cache they are read through; options win."""
    workspace, settings = settings_of(environment, ledger)
    folder = fleet or workspace.root / settings.fleet
    place = workspace.place(settings.ledger)
    return ChainPlace(place, folder, settings.witness_location, is_rehearsal(settings)), workspace.cache


def chains_up_to(
    environment: Environment, seen: Mapping[Environment, Seen], fleet: Path | None = None, ledger: str = ""
) -> Chains:
    """Return the chain of an environment and all before it, held against their witnesses and anchors."""
    places = {name: chain_place(name, fleet, ledger) for name in up_to(environment)}
    chains = load_chains(
        {name: place for name, (place, _) in places.items()},
        places[environment][1],
        _releases(places[environment][0].fleet),
    )
    chains.require_anchors({name: one.heads for name, one in seen.items()})
    return chains


def verified_chains(environment: Environment, fleet: Path | None = None, ledger: str = "") -> Chains:
    """Return the same, held against what deliveries saw, with every entry judged."""
    chains = chains_up_to(environment, seen_by_deliveries(up_to(environment)), fleet, ledger)
    chains.verify()
    return chains


def _releases(fleet: Path) -> Mapping[str, Release]:
    """Return the releases of a fleet; where there is no fleet, as beside a bare ledger, none is known."""
    return releases_of(load_fleet(fleet)) if fleet.is_dir() else {}


def seen_by_deliveries(environments: Collection[Environment]) -> Mapping[Environment, Seen]:
    """Return the heads that deliveries wrote down, as far as this machine can read them; nothing outside a project."""
    try:
        project = Project.here()
    except Refused:
        return {}
    return {environment: _seen(project, environment) for environment in environments}


def append(environment: Environment, propose: Propose, *, ledger: str = "", tell: Callable[[str], None]) -> Ledger:
    """Append to the ledger of an environment and tell its witness; `tell` hears of one that is away."""
    place, cache = chain_place(environment, ledger=ledger)
    return append_to_ledger(place.ledger, environment, propose, cache, witness=told_by(place, clock.now, tell))


def _seen(project: Project, environment: Environment) -> Seen:
    backend = project.engine_environment(os.environ)["PULUMI_BACKEND_URL"]
    delivered: set[Head] = set()
    outputs: set[Head] = set()
    unread: list[str] = []
    for stack, settings in stacks_of(project, environment):
        delivered |= heads_in(_snapshots(project, stack, settings, unread)).get(environment, frozenset())
        output = head_in_state(backend, stack)
        outputs |= set() if output is None else {output}
    return Seen(delivered, outputs, tuple(dict.fromkeys(unread)))


def _snapshots(project: Project, stack: StackName, settings: StackSettings, unread: list[str]) -> Iterator[Snapshot]:
    for setting in (settings.definitions, settings.components):
        url = project.workspace.place(setting)
        if is_embedded(setting) and not (Path(url) / "HEAD").is_file():
            continue
        clone = CachedClone(url, settings.branch, project.workspace.cache)
        try:
            clone.refresh()
        except Failed as error:
            unread.append(str(error))
            continue
        yield look(clone, str(stack))
