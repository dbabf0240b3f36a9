"""Setting the stage of a season: the fleet's copy, the clock, the witness, the faults of a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from schiff.cli.project import Project
from schiff.cli.rehearsal.bucket import witness_server
from schiff.cli.rehearsal.clock import Clock
from schiff.cli.rehearsal.clusters import Clusters
from schiff.cli.rehearsal.faults import Faults
from schiff.cli.rehearsal.invariants import Invariants
from schiff.cli.rehearsal.people import People
from schiff.cli.rehearsal.project import RehearsalProject, name_witness, rehearsal_project
from schiff.cli.rehearsal.season import Season
from schiff.cli.rehearsal.story import Story
from schiff.cli.rehearsal.world import RehearsalWorld
from schiff.errors import Refused
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.rollout.assignments import assignments
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.capacity import machines_of
from schiff.rollout.genesis import newest_release, orders_of, with_genesis
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.trains import next_train
from schiff.s3.location import Location
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ENVIRONMENTS

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see: how many weeks, of which seed."""

    weeks: int
    seed: int


@contextmanager
def season(asked: Asked, fleet: Path, origin: Project | None, show: Callable[[str], None]) -> Iterator[Season]:
    """Give a season that is ready to go by; its folder and its servers last as long as the block."""
    loaded = load_fleet(fleet)
    begin = beginning(loaded)
    clock = Clock(begin)
    with rehearsal_project(fleet, origin) as project, witness_server(clock) as setting:
        name_witness(project, setting)
        yield _season(asked, project, clock, Location.parse(setting), show)


def beginning(fleet: Fleet) -> datetime:
    """Return the midnight before the day before the first train: people need a day to change something."""
    newest = newest_release(fleet)
    if newest is None or newest.release.cut is None:
        raise Refused("the fleet has no release to start from; cut the first one: schiff release cut", "no-release")
    cut = parse_moment(newest.release.cut)
    first = max(next_train(fleet.policy.trains, cut) - _A_DAY, cut + _A_DAY)
    return first.replace(hour=0, minute=0, second=0)


def _season(
    asked: Asked, project: RehearsalProject, clock: Clock, witness: Location, show: Callable[[str], None]
) -> Season:
    begin = clock.now
    commit = project.commit("the fleet as it is", begin)
    fleet = load_fleet(project.fleet)
    random = Random(asked.seed)  # noqa: S311 -- a story, no secret
    pinned = [order.key for order in orders_of(fleet, "tst") if is_pinnable(fleet, order)]
    if not pinned:
        cure = "label one of its orders as policy.yaml selects candidates"
        raise Refused(
            f"no cluster of tst is a candidate, so no release could show anything; {cure}", "nothing-to-judge"
        )
    faults = Faults.drawn(random, begin, pinned, [order.key for order in orders_of(fleet, "ref")])
    world = RehearsalWorld(project, clock, witness, Clusters(_sizes(fleet), faults), fleet, commit)
    story = Story(begin.date(), show)
    people = People(world, story, random, begin)
    return Season(world, story, people, faults, Invariants(world), begin + timedelta(weeks=asked.weeks))


def _sizes(fleet: Fleet) -> dict[str, int]:
    """Return how many machines every cluster has, as the season begins."""
    found: dict[str, int] = {}
    for environment in ENVIRONMENTS:
        ledger = with_genesis(Ledger.empty(environment), fleet)
        resolved = resolve_environment(fleet, environment, assignments(ledger, fleet, environment))
        found |= {str(key): machines_of(cluster) for key, cluster in resolved.tenants.items()}
        found |= {name: machines_of(cluster) for name, cluster in resolved.management_clusters.items()}
    return found
