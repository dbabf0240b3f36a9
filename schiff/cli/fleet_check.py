"""Everything that can be said against a fleet without delivering it, in this order.

1. its files, layers and references; every cluster on what it runs, and on head, which the next release will freeze;
2. rules between clusters; what infrastructure and components object to;
3. when all of that holds: the compiled files of all environments, because they share management clusters;
4. what was delivered before, else the fleet at another commit, against what would be delivered now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from schiff.checks.compiled import change_problems, compiled_files, file_problems
from schiff.checks.fleet_rules import fleet_problems
from schiff.checks.fleet_secret_rules import RULES_FILE, secret_problems, sops_rule_problems
from schiff.checks.identifier_rules import identifier_problems
from schiff.checks.written import written
from schiff.compiler.compiled_cluster import problems as infrastructure_problems
from schiff.compiler.component_set import component_problems
from schiff.compiler.environment import CompiledEnvironment
from schiff.compiler.file_tree import Content
from schiff.compiler.parts import Parts
from schiff.errors import InvalidInput, Problem
from schiff.layers.resolve import Resolver, survey_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedEnvironment
from schiff.rollout.assignments import assignments
from schiff.rollout.genesis import newest_release, orders_of, with_genesis
from schiff.rollout.ledger import Ledger
from schiff.sources.approvals import approvers_problems
from schiff.sources.compiling import compile_by_version
from schiff.sources.fleet_files import survey_fleet
from schiff.sources.other_versions import OtherVersions
from schiff.sources.plugins import load_parts
from schiff.sources.schemas import load_schemas
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, Environment

_REFUSED = "-cannot"
"""How the rules end by which infrastructures object."""

Files = Mapping[str, Content]
Before = Callable[[Environment], Files | None]
"""Gives what was delivered in an environment, None when that cannot be said."""


@dataclass(slots=True)
class Checked:
    """What was looked at, and everything that is wrong with it."""

    problems: list[Problem] = field(default_factory=list)
    clusters: int = 0
    files: dict[str, Content] = field(default_factory=dict)
    compared: tuple[Environment, ...] = ()
    notes: list[str] = field(default_factory=list)


def check_fleet(
    folder: Path,
    chosen: Sequence[Environment],
    ledgers: Mapping[Environment, Ledger],
    before: Before,
    versions: OtherVersions,
) -> Checked:
    """Return everything that is wrong with the fleet in `folder`, as far as the chosen environments go."""
    fleet, problems = survey_fleet(folder)
    checked = Checked([*problems, *approvers_problems(folder)])
    if fleet is None:
        return checked
    parts = load_parts()
    resolved = {name: _surveyed(fleet, name, assigned(fleet, name, ledgers), parts) for name in ENVIRONMENTS}
    environments = {name: each.environment for name, each in resolved.items()}
    between = [*fleet_problems(*environments.values()), *identifier_problems(parts, *environments.values())]
    read = tuple(problems)
    for name in chosen:
        for survey in (resolved[name], _surveyed(fleet, name, on_head(fleet, name), parts)):
            own = [problem for problem in survey.problems if not _follows(problem, read)]
            checked.problems += _unsaid(own, [*checked.problems, *between], parts)
    checked.problems += between
    checked.clusters = sum(len(environments[name].tenants) for name in chosen)
    checked.notes += _waiting(fleet, [environments[name] for name in chosen])
    if not checked.problems:
        _check_compiled(environments, lambda each: compile_by_version(each, parts, versions), chosen, before, checked)
        # who may read what follows from orders and sites, so it is asked of right ones alone
        checked.problems += [*secret_problems(*environments.values()), *_sops_rule_problems(folder, fleet)]
    return checked


def _sops_rule_problems(folder: Path, fleet: Fleet) -> Iterator[Problem]:
    """Give what is wrong with the rules that people encrypt by; a fleet without them has no encrypted documents yet."""
    rules = folder / RULES_FILE
    if rules.is_file():
        yield from sops_rule_problems(rules.read_text(encoding="utf-8"), fleet)


def compiled(fleet: Fleet, name: Environment, ledgers: Mapping[Environment, Ledger], versions: OtherVersions) -> Files:
    """Return the files of one environment of a fleet; raises `InvalidInput` for one that cannot be compiled."""
    resolved, problems = survey_environment(fleet, name, assigned(fleet, name, ledgers))
    if problems:
        raise InvalidInput(problems)
    return compiled_files(compile_by_version(resolved, load_parts(), versions))


def assigned(fleet: Fleet, name: Environment, ledgers: Mapping[Environment, Ledger]) -> Assignments:
    """Return what clusters run by the ledger, else by the one that `ledger init` would begin, else head."""
    ledger = ledgers[name]
    if ledger.head is None and newest_release(fleet) is None:
        return on_head(fleet, name)
    return assignments(with_genesis(ledger, fleet), fleet, name)


def on_head(fleet: Fleet, name: Environment) -> Assignments:
    """Return every cluster of an environment as a follower of head."""
    head = Assignment(HEAD, fleet.head.release.kubernetes.version)
    served = {key: head for key, each in sorted(fleet.management_clusters.items()) if name in each.spec.environments}
    return Assignments({order.key: head for order in orders_of(fleet, name)}, served)


class _Surveyed(NamedTuple):
    """One environment with all that is wrong with its clusters one by one."""

    environment: ResolvedEnvironment
    problems: list[Problem]


def _surveyed(fleet: Fleet, name: Environment, assigned: Assignments, parts: Parts) -> _Surveyed:
    environment, problems = survey_environment(fleet, name, assigned)
    return _Surveyed(environment, [*problems, *_part_problems(environment, parts)])


def _unsaid(problems: Iterable[Problem], said: Iterable[Problem], parts: Parts) -> list[Problem]:
    """Return the problems of values that nothing was said about.

    On head most are the same as on a release, and what an infrastructure or a
    component refuses is often what a rule between clusters names more exactly.
    """
    known = {(problem.place, problem.path, problem.rule) for problem in said}
    lines = {(problem.place.file, problem.place.line, problem.path) for problem in said}
    objecting = {f"{name}-{rule}" for name, component in parts.components.items() for rule in component.rules}
    return [
        problem
        for problem in problems
        if (problem.place, problem.path, problem.rule) not in known
        and not (
            (problem.rule in objecting or problem.rule.endswith(_REFUSED))
            and any(_is_part(problem, *line) for line in lines)
        )
    ]


def _is_part(problem: Problem, file: str, line: int, path: str) -> bool:
    """Return whether a value is what a problem is about, or inside of it; components write names with dots."""
    about, inside = (text.replace("[", ".").replace("]", "") for text in (problem.path, path))
    return (file, line) == (problem.place.file, problem.place.line) and f"{inside}.".startswith(f"{about}.")


def _follows(problem: Problem, read: Iterable[Problem]) -> bool:
    """Return whether reading said it before, or what is behind it: a site or a management cluster that is not read."""
    if problem.rule == "served-by-none":
        return any(other.place.file.startswith("management-clusters/") for other in read)
    return problem.rule == "unknown-site"


def _part_problems(environment: ResolvedEnvironment, parts: Parts) -> Iterator[Problem]:
    resolver = Resolver(environment.fleet)
    for cluster in (*environment.tenants.values(), *environment.management_clusters.values()):
        locate = resolver.locate(cluster)
        yield from infrastructure_problems(cluster, parts, locate)
        yield from component_problems(cluster, parts, locate)


def _waiting(fleet: Fleet, environments: Iterable[ResolvedEnvironment]) -> list[str]:
    """Say which sites have values that no release of their clusters knows yet."""
    waiting: dict[tuple[str, str], int] = {}
    for environment in environments:
        for key, cluster in environment.tenants.items():
            layers, head = cluster.layers, fleet.head.sites.get(key.site)
            if not layers.is_head and head is not None and head.data and key.site not in layers.sites:
                pair = (key.site, layers.release.name)
                waiting[pair] = waiting.get(pair, 0) + 1
    return [
        f"the values of site {site} wait for the next release: {release} of {count} clusters does not know the site"
        for (site, release), count in sorted(waiting.items())
    ]


def _check_compiled(
    resolved: Mapping[Environment, ResolvedEnvironment],
    compile_: Callable[[ResolvedEnvironment], CompiledEnvironment],
    chosen: Sequence[Environment],
    before: Before,
    checked: Checked,
) -> None:
    files: dict[Environment, dict[str, Content]] = {}
    for name, environment in resolved.items():
        try:
            files[name] = compiled_files(compile_(environment))
        except InvalidInput as error:
            checked.problems += error.problems if name in chosen else []
    together = {path: content for each in files.values() for path, content in each.items()}
    named = {path for name in chosen for path in files.get(name, ())}
    found = file_problems(together, load_schemas(), whole=True)
    checked.problems += [problem for problem in found if problem.place.file in named]
    if files.keys() == resolved.keys():
        earlier = {name: delivered for name in chosen if (delivered := before(name)) is not None}
        checked.compared = tuple(earlier)
        checked.problems += written(change_problems(earlier, files, load_parts().never), *resolved.values())
    checked.files = {path: together[path] for path in sorted(named)}
