"""What a backup is made of: the delivered clusters of an environment, and their secrets as they are right now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from schiff.cli.delivered_before import stacks_of
from schiff.cli.project import Project
from schiff.delivery.api_server import read_context
from schiff.delivery.delivered_files import delivered_lines
from schiff.delivery.emergency_branch import Backup, backup_path
from schiff.delivery.workspace import is_embedded
from schiff.errors import Failed, InvalidInput, InvalidValue, Place, Problem, Refused
from schiff.manifests.emergency import backup_manifest, emergency_secrets
from schiff.manifests.sops import readers_of
from schiff.model.fleet import Fleet, ManagementCluster
from schiff.model.resolved import namespace_of
from schiff.sources.cluster_secrets import Answer, SecretName, read_secrets
from schiff.values.names import ClusterKey, Environment


@dataclass(frozen=True, slots=True)
class Subject:
    """A cluster whose secrets are saved, and the management cluster that holds them."""

    management: ManagementCluster
    key: ClusterKey
    is_leaving: bool = False

    @property
    def names(self) -> dict[str, SecretName]:
        """The secrets by name."""
        namespace = namespace_of(self.key, self.management.name)
        return {name: (namespace, name) for name in emergency_secrets(self.key.name)}


@dataclass(slots=True)
class Harvest:
    """The secrets that were there, and a sentence about each that was not or could not be read."""

    backups: list[Backup] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


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
        cure = f"name one of {', '.join(str(one.key) for one in found) or 'none'}"
        problem = Problem(Place("--cluster"), "", f"{cluster!r} is not one delivered cluster of the environment", cure)
        raise InvalidInput([problem])
    return wanted


def harvest(found: Sequence[Subject], kubeconfig: Path, label_domain: str) -> Harvest:
    """Read every secret; what is missing somewhere stops nothing elsewhere."""
    result = Harvest()
    for _, group in groupby(found, key=lambda one: one.management.name):
        members = list(group)
        try:
            answers = _answers(members, kubeconfig)
        except (Failed, Refused) as error:
            result.troubles.append(str(error))
        else:
            for one in members:
                for name, asked in one.names.items():
                    _take(one, name, answers[asked], label_domain, result)
    result.troubles = [*dict.fromkeys(result.troubles)]
    return result


def _answers(members: Sequence[Subject], kubeconfig: Path) -> dict[SecretName, Answer]:
    """Ask one management cluster for everything; raises `Refused` where nobody could read the backups."""
    management = members[0].management
    if not readers_of(management):
        cure = f"write them into facts.recipients of management-clusters/{management.name}.yaml"
        raise Refused(f"{management.name} has no recipients, so nobody could read its backups; {cure}", "no-recipients")
    asked = [name for one in members for name in one.names.values()]
    return read_secrets(read_context(kubeconfig, management.spec.facts.api_context), management.name, asked)


def _take(subject: Subject, name: str, answer: Answer, label_domain: str, result: Harvest) -> None:
    management = subject.management
    if answer is None:
        if not subject.is_leaving:
            result.missing.append(f"{subject.key}: {management.name} holds no secret {name}")
        return
    if isinstance(answer, Failed):
        result.troubles.append(str(answer))
        return
    try:
        manifest = backup_manifest(answer, subject.key.name, label_domain)
    except InvalidValue as error:
        result.troubles.append(f"{subject.key}: {name} on {management.name}: {error}")
    else:
        path = backup_path(management.name, subject.key, name)
        result.backups.append(Backup(path, manifest, tuple(readers_of(management))))


def _delivered(project: Project, environment: Environment) -> Iterator[tuple[ClusterKey, str]]:
    """Yield the tenants of an environment with their states of removal; each has a folder in `components`."""
    for stack, settings in stacks_of(project, environment):
        url = project.workspace.place(settings.components)
        if is_embedded(settings.components) and not (Path(url) / "HEAD").is_file():
            continue
        for line in delivered_lines(url, settings.branch, str(stack), project.workspace.cache):
            if line.kind == "cluster":
                yield ClusterKey.parse(line.name), line.removal
