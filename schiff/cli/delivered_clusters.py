"""The clusters that an environment delivered, and who looks after each: both commands on kubeconfigs begin here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from schiff.cli.delivered_before import stacks_of
from schiff.cli.project import Project
from schiff.delivery.delivered_files import delivered_lines
from schiff.delivery.workspace import is_embedded
from schiff.errors import InvalidInput, Place, Problem
from schiff.model.fleet import Fleet, ManagementCluster
from schiff.values.names import ClusterKey, Environment


@dataclass(frozen=True, slots=True)
class Subject:
    """A delivered cluster, and the management cluster that holds its secrets."""

    management: ManagementCluster
    key: ClusterKey
    is_leaving: bool = False


def subjects(project: Project, fleet: Fleet, environment: Environment) -> tuple[list[Subject], list[str]]:
    """Return the tenants that were delivered and the management clusters that the environment owns.

    With a sentence about each tenant that no management cluster of the fleet looks after.
    """
    found, lost = [], []
    for key, removal in _delivered(project, environment):
        management = fleet.management_cluster_of(key.site, environment)
        if management is None:
            lost.append(
                f"{key} was delivered, and no management cluster of the fleet serves {key.site} in {environment}"
            )
        else:
            found.append(Subject(management, key, bool(removal)))
    managers = {one.management.name: one.management for one in found}.values()
    owned = [one for one in managers if one.spec.owning_environment == environment]
    found += [Subject(one, ClusterKey(one.spec.site, one.name)) for one in owned]
    return sorted(found, key=lambda one: (one.management.name, one.key)), lost


def chosen(found: Sequence[Subject], cluster: str) -> list[Subject]:
    """Return the one that was asked for, else all; raises `InvalidInput` for a name that is none of theirs."""
    if not cluster:
        return list(found)
    wanted = [one for one in found if cluster in (str(one.key), one.key.name)]
    if len(wanted) != 1:
        known = ", ".join(str(one.key) for one in found)
        cure = f"name one of {known}" if known else "nothing was delivered to it yet: schiff up comes first"
        problem = Problem(Place("--cluster"), "", f"{cluster!r} is not one delivered cluster of the environment", cure)
        raise InvalidInput([problem])
    return wanted


def _delivered(project: Project, environment: Environment) -> Iterator[tuple[ClusterKey, str]]:
    """Yield the tenants of an environment with their states of removal; each has a folder in `components`."""
    for stack, settings in stacks_of(project, environment):
        url = project.workspace.place(settings.components)
        if is_embedded(settings.components) and not (Path(url) / "HEAD").is_file():
            continue
        for line in delivered_lines(url, settings.branch, str(stack), project.workspace.cache):
            if line.kind == "cluster":
                yield ClusterKey.parse(line.name), line.removal
